/** A subscriber over JSON-RPC that answers as a test tells it to, and one over XML-RPC in Python that checks signatures. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './callback-client.ts';
import { waitFor } from './wait.ts';

export interface SubscriberCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What a call is answered with: a result, an error of JSON-RPC, that there is no such method, status 500, half an answer, or nothing ever. */
export type Answering = 'result' | 'error' | 'missing' | 'status' | 'cut' | 'never';

export interface Subscriber {
  readonly url: string;
  /** Calls that came whole, whatever they were answered, in order. */
  readonly calls: readonly SubscriberCall[];
  /** Numbers of the events of those calls that had details. */
  seqs(): number[];
  /** Decides about the n-th call, from 0. */
  answering: (n: number) => Answering;
  /** Stops listening and drops its connections; calls are refused until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startSubscriber(answering: (n: number) => Answering = () => 'result') {
  const port = await freePort();
  const calls: SubscriberCall[] = [];
  let server: Server | undefined;
  const subscriber: Subscriber = {
    url: `http://127.0.0.1:${port}/events`,
    calls,
    seqs: () => calls.map(({ params }) => (params.at(-1) as { seq: number }).seq),
    answering,
    async stop() {
      const ending = server;
      server = undefined;
      ending?.closeAllConnections();
      if (ending !== undefined) await new Promise((resolve) => ending.close(resolve));
    },
    async start() {
      server = createServer((request, response) => {
        bodyOf(request).then(
          (body) => {
            const { id, ...call } = JSON.parse(body) as SubscriberCall & { id: unknown };
            calls.push(call);
            reply(response, id, subscriber.answering(calls.length - 1));
          },
          () => response.destroy(),
        );
      });
      const starting = server;
      await new Promise<void>((resolve) => starting.listen(port, '127.0.0.1', resolve));
    },
  };
  await subscriber.start();
  return subscriber;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text;
}

const ANSWERS: Readonly<Record<Exclude<Answering, 'never' | 'status'>, object>> = {
  result: { result: true },
  cut: { result: true },
  error: { error: { code: 1, message: 'Not now' } },
  missing: { error: { code: -32601, message: 'Method not found' } },
};

function reply(response: ServerResponse, id: unknown, answering: Answering): void {
  if (answering === 'never') return;
  if (answering === 'status') {
    response.writeHead(500).end();
    return;
  }
  const text = JSON.stringify({ jsonrpc: '2.0', id, ...ANSWERS[answering] });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
  if (answering === 'cut') response.write(text.slice(0, 10), () => response.destroy());
  else response.end(text);
}

export interface PythonSubscriber {
  readonly url: string;
  /** `signed`: whether the signature is that of the body, computed by Python. */
  readonly calls: readonly (SubscriberCall & {
    readonly signed: boolean;
    readonly authorization: string | null;
  })[];
  close(): Promise<void>;
}

/** @param secret the key it checks signatures with */
export async function startPythonSubscriber(secret: string): Promise<PythonSubscriber> {
  const child: ChildProcess = spawn('python3', [join(__dirname, 'subscriber.py'), secret], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const calls: PythonSubscriber['calls'][number][] = [];
  let port: number | undefined;
  if (child.stdout === null) throw new Error('Python has its output piped');
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (port === undefined) port = Number(line);
    else calls.push(JSON.parse(line));
  });
  await waitFor("Python's server to listen", () => port);
  return {
    url: `http://127.0.0.1:${port}/RPC2`,
    calls,
    close() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
