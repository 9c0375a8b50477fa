/** The handshake of a WebSocket (RFC 6455, 4): which request is one, what it brings, and how it is refused. */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Refusal, refuse } from './refusal.ts';
import { pathOf } from './target.ts';

const SOCKET_PATH = '/rpc';

/** The only subprotocol that is ever answered. */
export const SUBPROTOCOL = 'plush.v1';

/** A subprotocol that stands for an Authorization header; the token follows. */
const TOKEN_PREFIX = 'plush.token.';

/** The version of RFC 6455. Older ones name the page that calls in another header than Origin. */
const VERSION = '13';

/** How long a client may go on sending after its handshake was refused. */
const LINGER_MS = 2_000;

/**
 * A request that is an upgrade only when it is the handshake of a WebSocket. Node takes every request with an Upgrade header
 * for one once somebody listens for them, also the `h2c` that Java's client puts on each ordinary POST. Here such a header is
 * ignored, as RFC 9110, 7.8 allows, and the request is served.
 */
export class UpgradableMessage extends IncomingMessage {
  private asked: unknown = false;

  /** Read by Node's server when the head of the request is known. CONNECT stays what it is. */
  get upgrade(): boolean {
    return this.asked === true && (this.method === 'CONNECT' || isHandshake(this));
  }

  set upgrade(asked: unknown) {
    this.asked = asked;
  }
}

function isHandshake({ method, headers, url }: IncomingMessage): boolean {
  return (
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && pathOf(url ?? '') === SOCKET_PATH
  );
}

/** Why the handshake is not one of ours; the rest of it is checked by the library. */
export function refuseHandshake({ headers }: IncomingMessage): Refusal | undefined {
  if (headers['sec-websocket-version'] !== VERSION) {
    return {
      status: 426,
      sentence: `WebSockets of version ${VERSION} are served here`,
      headers: { 'Sec-WebSocket-Version': VERSION },
    };
  }
  const offered = subprotocols(headers['sec-websocket-protocol']);
  if (offered.some((name) => name.startsWith(TOKEN_PREFIX)) && !offered.includes(SUBPROTOCOL)) {
    return { status: 400, sentence: `Offer the subprotocol ${SUBPROTOCOL} beside the one with the token` };
  }
  return undefined;
}

/**
 * The Authorization header, or what a page in a browser, which cannot set one, offers instead: the subprotocol
 * `plush.token.TOKEN`. It is never answered, and unlike the URL it is not in histories and the logs of proxies.
 */
export function authorizationOf({ headers }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  const offered = subprotocols(headers['sec-websocket-protocol']);
  const token = offered.find((name) => name.startsWith(TOKEN_PREFIX));
  return token === undefined ? undefined : `Bearer ${token.slice(TOKEN_PREFIX.length)}`;
}

function subprotocols(header: string | undefined): string[] {
  return header === undefined ? [] : header.split(',').map((name) => name.trim());
}

/** Answers a handshake by HTTP, and ends the connection. */
export function refuseUpgrade(request: IncomingMessage, socket: Socket, refusal: Refusal): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    // What the client sends behind its handshake is thrown away: unread, it would make the kernel take our answer back.
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
  });
  refuse(request, response, refusal);
}
