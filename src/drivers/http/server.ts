import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Connections } from './connections.ts';
import { Dispatcher } from './dispatch.ts';
import { type Certificate, type HttpFace, HttpFaceError, type HttpFaceOptions } from './face.ts';
import { UpgradableMessage } from './handshake.ts';
import { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';
import { AddressLimit } from './per-address.ts';
import { Sockets } from './sockets.ts';
import { Unread } from './unread.ts';

/** Header lines of one request; beyond, Node drops them silently, so it is far more than any client sends. */
const MAX_HEADER_LINES = 200;

/** How often slow requests are looked for: a quarter of the timeout, but not more rarely than this. */
const MAX_CHECK_INTERVAL_MS = 5_000;

const WILDCARDS = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/**
 * The HTTP face of the controller: XML-RPC on POST /RPC2 and /, JSON-RPC on POST /rpc and on WebSockets at GET /rpc, the event stream on GET /events
 * by bare node:http; every other path by `options.web`. Nothing but `publicPaths` is served without a token, and no
 * body is read before the token is checked.
 *
 * @throws HttpFaceError (`bad_certificate`)
 */
export function createHttpFace(options: HttpFaceOptions): HttpFace {
  const limits: HttpLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const server = createNodeServer(options, limits);
  configure(server, options, limits);
  const addresses = new AddressLimit(server, limits.maxConnectionsPerAddress, options.log);
  const unread = new Unread(limits.maxTotalUnsentBytes);
  const connections = new Connections(server, options.tls !== undefined, limits, unread, addresses);
  const dispatcher = new Dispatcher(options, limits, connections);
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    dispatcher.serve(request, response, false),
  );
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    dispatcher.serve(request, response, true),
  );
  const { openSocket } = options;
  const sockets =
    openSocket === undefined
      ? undefined
      : new Sockets({ ...options, openSocket }, limits, connections, unread);
  if (sockets !== undefined) {
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      sockets.upgrade(request, socket, head),
    );
  }

  let address = '';
  let closed: Promise<void> | undefined;
  return {
    get address() {
      return address;
    },
    async listen() {
      await startListening(server, options.listen);
      // Such as no file descriptor left for a new connection: those that are there go on.
      server.on('error', (error) => options.log.error({ err: error }, 'The HTTP server met an error'));
      address = urlOf(server.address() as AddressInfo, options);
      return address;
    },
    renewCertificate(certificate) {
      try {
        (server as TlsServer).setSecureContext(secure(certificate));
      } catch (error) {
        throw badCertificate(error);
      }
    },
    close({ graceMs }) {
      dispatcher.stop();
      sockets?.stop();
      closed ??= connections.close(graceMs);
      return closed;
    },
    usage: () => ({
      connections: connections.count,
      eventStreams: dispatcher.eventStreams,
      sockets: sockets?.count ?? 0,
    }),
  };
}

function createNodeServer(options: HttpFaceOptions, limits: HttpLimits): Server {
  const settings = {
    IncomingMessage: UpgradableMessage,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(
      MAX_CHECK_INTERVAL_MS,
      Math.ceil(Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4),
    ),
  };
  if (options.tls === undefined) return createServer(settings);
  try {
    return createTlsServer({
      ...settings,
      ...secure(options.tls),
      handshakeTimeout: limits.headersTimeoutMs,
    });
  } catch (error) {
    throw badCertificate(error);
  }
}

function secure({ cert, key }: Certificate) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

function badCertificate(error: unknown): HttpFaceError {
  const reason = error instanceof Error ? error.message : String(error);
  return new HttpFaceError(
    'bad_certificate',
    `The TLS certificate and key cannot be used (${reason}). Give both as PEM files that belong together.`,
    { cause: error },
  );
}

/** A switch of Node's server that its types leave out. */
interface HalfOpenServer {
  /** Whether a client that ends its sending side still gets the answers that are due. */
  httpAllowHalfOpen: boolean;
}

function configure(server: Server, { log }: HttpFaceOptions, limits: HttpLimits): void {
  server.timeout = limits.idleTimeoutMs;
  server.maxHeadersCount = MAX_HEADER_LINES;
  server.maxConnections = limits.maxConnections;
  (server as Server & HalfOpenServer).httpAllowHalfOpen = true;
  let told = false;
  server.on('connection', () => {
    told = false;
  });
  server.on('drop', () => {
    // Once for each time that the limit is reached; a flood of connections must not become a flood of log lines.
    if (!told)
      log.warn({ maxConnections: limits.maxConnections }, 'Too many connections: new ones are dropped');
    told = true;
  });
  server.on('tlsClientError', (error: Error) => log.debug({ err: error }, 'A TLS handshake failed'));
}

function startListening(server: Server, { host, port }: HttpFaceOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
    server.once('error', refused);
    server.listen({ host, port }, () => {
      server.off('error', refused);
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): HttpFaceError {
  const where = `${host}:${port}`;
  const cause = { cause: error };
  if (error.code === 'EADDRINUSE') {
    return new HttpFaceError(
      'address_in_use',
      `Another program listens on ${where}. Stop it, or choose another port.`,
      cause,
    );
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new HttpFaceError(
      'address_forbidden',
      `This user may not listen on ${where}. Choose a port from 1024 on.`,
      cause,
    );
  }
  return new HttpFaceError(
    'address_unavailable',
    `Listening on ${where} is not possible (${error.message}). Give an address of this machine.`,
    cause,
  );
}

function urlOf({ port }: AddressInfo, { listen, tls }: HttpFaceOptions): string {
  const host = WILDCARDS.get(listen.host) ?? listen.host;
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
