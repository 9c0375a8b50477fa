/** What the client libraries of both languages do, driven in one way so that one suite tests both. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCallbackServer } from '../../clients/typescript/callbacks.ts';
import { type CallOptions, PlushClient } from '../../clients/typescript/client.ts';
import type { PlushEvent } from '../../clients/typescript/events.ts';
import { PlushFault, RefusedError, UnreachableError } from '../../clients/typescript/fault.ts';
import { Program } from './program.ts';
import { waitFor } from './wait.ts';

const DRIVER = join(__dirname, '..', 'contract', 'clients', 'library.py');

/** One thing that a library told; `failed` is the kind of error. */
export type Told = Readonly<Record<string, unknown>>;

export interface CallWish {
  readonly timeout_s?: number;
  readonly patience_s?: number;
  /** File with the certificate to be trusted, for a server with TLS. */
  readonly ca?: string;
  /** How many calls, one after the other. @default 1 */
  readonly times?: number;
}

export interface EventWish {
  readonly after?: number;
  readonly topics?: readonly 'node'[];
  readonly silence_s?: number;
  readonly patience_s?: number;
  /** The iteration is ended from elsewhere after this time, whatever it waits for. */
  readonly close_s?: number;
}

export interface Receiver {
  readonly url: string;
  /** Calls and events in the order in which they were handled. */
  told(): readonly Told[];
  close(): Promise<unknown>;
}

/** Each method answers all that was told, an error last. */
export interface ClientLibrary {
  call(url: string, wish: CallWish): Promise<Told[]>;
  batch(url: string, names: readonly string[]): Promise<Told[]>;
  /** Follows events until one of type "enough" comes, or an error. */
  events(url: string, wish: EventWish): Promise<Told[]>;
  /** Handles sendHostStatus and sendResourceMatching; the former fails so many times first. */
  serve(options: { readonly secret?: string; readonly fails?: number }): Promise<Receiver>;
}

function told(error: unknown): Told {
  const { message, symbol, hint, details } = error as PlushFault;
  if (error instanceof PlushFault) return { failed: 'fault', message, symbol, hint, details };
  if (error instanceof UnreachableError) return { failed: 'unreachable', message };
  if (error instanceof RefusedError) return { failed: 'refused', message };
  throw error;
}

async function withClient(
  url: string,
  work: (client: PlushClient, all: Told[]) => Promise<void>,
  ca?: string,
) {
  const client = new PlushClient({ url, token: 't', ...(ca !== undefined && { ca: readFileSync(ca) }) });
  const all: Told[] = [];
  try {
    await work(client, all);
  } catch (error) {
    all.push(told(error));
  } finally {
    client.close();
  }
  return all;
}

const seconds = (value: number | undefined) => (value === undefined ? undefined : value * 1000);

const typescript: ClientLibrary = {
  call: (url, { timeout_s = 5, patience_s = 0, times = 1, ca }) => {
    const options: CallOptions = { timeoutMs: timeout_s * 1000, patienceMs: patience_s * 1000 };
    const work = async (client: PlushClient, all: Told[]) => {
      for (let i = 0; i < times; i += 1)
        all.push({ result: await client.with(options).call('plushTestConnection') });
    };
    return withClient(url, work, ca);
  },
  batch: (url, names) =>
    withClient(url, async (client, all) => {
      const calls = names.map((name) => ({ method: 'plushGetNode' as const, params: [name] as [string] }));
      for (const answer of await client.batch(calls))
        all.push({ result: answer instanceof PlushFault ? answer.symbol : answer });
    }),
  events: (url, { after, topics, silence_s, patience_s, close_s }) =>
    withClient(url, async (client, all) => {
      const enough = new AbortController();
      if (close_s !== undefined) setTimeout(() => enough.abort(), close_s * 1000);
      const events = client.events({
        ...(after !== undefined && { after }),
        ...(topics !== undefined && { topics }),
        silenceMs: seconds(silence_s) ?? 5_000,
        patienceMs: seconds(patience_s) ?? Number.POSITIVE_INFINITY,
        backoff: { maxMs: 50 },
        signal: enough.signal,
      });
      for await (const event of events) {
        all.push({ event });
        if ((event.type as string) === 'enough') enough.abort();
      }
      all.push({ ended: true });
    }),
  async serve({ secret, fails = 0 }) {
    const all: Told[] = [];
    let left = fails;
    const server = await startCallbackServer({
      sendHostStatus: (...params) => {
        left -= 1;
        if (left >= 0) throw new Error('not now');
        all.push({ called: 'sendHostStatus', params });
      },
      sendResourceMatching: (...params) => {
        all.push({ called: 'sendResourceMatching', params });
      },
      onEvent: (event: PlushEvent) => {
        all.push({ event });
      },
      ...(secret !== undefined && { secret }),
    });
    return { url: server.url, told: () => all, close: () => server.close() };
  },
};

function startDriver(action: string, url: string, options: object): Program {
  const command = ['python3', DRIVER, action, url, JSON.stringify(options)];
  return new Program(command, { PYTHONDONTWRITEBYTECODE: '1' });
}

async function drive(action: string, url: string, options: object): Promise<Told[]> {
  const program = startDriver(action, url, options);
  if ((await program.ended) !== 0) throw new Error(program.err);
  return program.lines.map((line) => JSON.parse(line) as Told);
}

const python: ClientLibrary = {
  call: (url, wish) => drive('call', url, wish),
  batch: (url, names) => drive('batch', url, { names }),
  events: (url, wish) => drive('events', url, wish),
  async serve(options) {
    const program = startDriver('serve', '', options);
    const all = () => program.lines.map((line) => JSON.parse(line) as Told);
    const first = await waitFor('the callback server', () => all()[0]);
    return { url: String(first.url), told: () => all().slice(1), close: () => program.end('SIGKILL') };
  },
};

export const clientLibraries: readonly (readonly [string, ClientLibrary])[] = [
  ['TypeScript', typescript],
  ['Python', python],
];
