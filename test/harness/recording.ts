/**
 * What programs of other languages say on the wire, kept in test/contract/clients/recorded. A recording stands in for a program
 * that is not installed, and is made anew by running the tests with PLUSH_RECORD=1.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const RECORDED = join(__dirname, '..', 'contract', 'clients', 'recorded');

/** Headers that belong to one connection, to one size, or to one daemon's token. */
const NOT_RECORDED = new Set(['host', 'authorization', 'content-length', 'connection', 'transfer-encoding']);

export const isRecording = process.env.PLUSH_RECORD === '1';

export interface Exchange {
  readonly headers: Readonly<Record<string, string>>;
  /** Characters stand for bytes (latin1), so that no encoding is lost. */
  readonly body: string;
}

export function readRecording<T>(name: string): T {
  const file = join(RECORDED, `${name}.json`);
  if (!existsSync(file)) throw new Error(`There is no recording of ${name}; make it with PLUSH_RECORD=1`);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export function writeRecording(name: string, recording: unknown): void {
  writeFileSync(join(RECORDED, `${name}.json`), `${JSON.stringify(recording, null, 2)}\n`);
}

export interface Recorder {
  /** Stands for `target`, with the same path and credentials. */
  readonly url: string;
  readonly requests: readonly Exchange[];
  readonly answers: readonly Exchange[];
  close(): Promise<void>;
}

/** Passes requests on to `target` and remembers what went through. */
export async function startRecorder(target: string): Promise<Recorder> {
  const requests: Exchange[] = [];
  const answers: Exchange[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer(async (incoming, outgoing) => {
    const body = await bodyOf(incoming);
    requests.push(exchangeOf(incoming, body));
    const { method, url = '/' } = incoming;
    // A server that serves one connection at a time must not be left waiting on this one.
    const headers = { ...incoming.headers, connection: 'close' };
    const passed = request(
      { host: hostname, port, method, path: url, headers, agent: false },
      async (answer) => {
        const answerBody = await bodyOf(answer);
        answers.push(exchangeOf(answer, answerBody));
        outgoing.writeHead(answer.statusCode ?? 502, {
          'Content-Type': answer.headers['content-type'] ?? 'text/xml',
          'Content-Length': answerBody.length,
        });
        outgoing.end(answerBody);
      },
    );
    passed.on('error', (error) => outgoing.destroy(error));
    passed.end(body);
  });
  const url = new URL(target);
  url.port = String(await listen(server));
  return { url: url.href, requests, answers, close: () => close(server) };
}

/** Answers every request with recorded bytes, whatever it says. */
export async function startReplay(
  answer: Exchange,
): Promise<{ readonly port: number; readonly bodies: readonly Buffer[]; close(): Promise<void> }> {
  const bodies: Buffer[] = [];
  const server = createServer(async (incoming, outgoing) => {
    bodies.push(await bodyOf(incoming));
    outgoing.writeHead(200, { ...answer.headers }).end(Buffer.from(answer.body, 'latin1'));
  });
  return { port: await listen(server), bodies, close: () => close(server) };
}

/** Sends a recorded request to a server. */
export async function replay(
  url: string,
  { headers, body }: Exchange,
): Promise<{ status: number; body: Buffer }> {
  const { hostname, port, pathname, username, password } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = {
      host: hostname,
      port,
      path: pathname,
      auth: `${username}:${password}`,
      headers,
      agent: false,
    };
    const sending = request({ ...options, method: 'POST' }, (answer) => {
      bodyOf(answer).then((bytes) => resolve({ status: answer.statusCode ?? 0, body: bytes }), reject);
    });
    sending.on('error', reject);
    sending.end(Buffer.from(body, 'latin1'));
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function exchangeOf(message: IncomingMessage, body: Buffer): Exchange {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const name = message.rawHeaders[at] ?? '';
    if (!NOT_RECORDED.has(name.toLowerCase())) headers[name] = message.rawHeaders[at + 1] ?? '';
  }
  return { headers, body: body.toString('latin1') };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
