/**
 * Classic callbacks: each client is one reader of the journal with a durable cursor. It gets its calls in order and at least
 * once; a dead or slow one delays nobody else, and costs no memory, since what it has not had yet stays in the journal.
 * Compaction does not wait for a suspended one: when it registers again, it goes on at the oldest fact that is still there.
 */
import { type CallbackName, callbacks } from '../../api/callbacks.ts';
import type { EventType, Fact } from '../../api/events.ts';
import type { Input } from '../core/input.ts';
import type { State } from '../core/state.ts';
import { matching } from '../core/views/runs.ts';
import { messageOf } from '../drivers/agent-error.ts';
import { readBody } from '../drivers/bounded-body.ts';
import type { Journal } from '../drivers/journal.ts';
import type { Log } from '../drivers/log.ts';
import { encodeCall } from '../wire/xmlrpc/encode.ts';
import { factOf } from './loop.ts';

const CALL_MS = 10_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 5 * 60_000;
/** A client that could not be reached for this long is suspended until it registers again. */
const SUSPEND_MS = 24 * 60 * 60_000;
/** A client that answers more than this is as good as unreachable. */
const MAX_ANSWER_BYTES = 64 << 10;
/** Facts read from the journal at a time. */
const PAGE = 500;

export interface CallbacksOptions {
  readonly journal: Journal;
  readonly state: State;
  readonly submit: (input: Input) => Promise<unknown>;
  readonly random: () => number;
  readonly log: Log;
}

interface Client {
  readonly url: string;
  cursor: number;
  busy: boolean;
  failures: number;
  failingSinceMs: number | undefined;
  retry: NodeJS.Timeout | undefined;
}

/** Type of fact → the calls it leads to. */
const calls = new Map<EventType, CallbackName[]>();
for (const [name, { when }] of Object.entries(callbacks)) {
  for (const type of when as readonly EventType[])
    calls.set(type, [...(calls.get(type) ?? []), name as CallbackName]);
}

export class Callbacks {
  readonly #options: CallbacksOptions;
  readonly #clients = new Map<string, Client>();
  readonly #abort = new AbortController();

  constructor(options: CallbacksOptions) {
    this.#options = options;
  }

  /** How the deliveries to each client stand; `failures` are those in a row. */
  list(): { url: string; delivered: number; failures: number; suspended: boolean }[] {
    return [...this.#options.state.clients.values()].map(({ url, suspended }) => ({
      url,
      delivered: this.#clients.get(url)?.cursor ?? this.#options.journal.cursor(cursorName(url)) ?? 0,
      failures: this.#clients.get(url)?.failures ?? 0,
      suspended,
    }));
  }

  /** Facts up to here no client waits for; suspended ones are not counted. */
  needed(): number {
    const waiting = this.list().filter(({ suspended }) => !suspended);
    return Math.min(this.#options.journal.last, ...waiting.map(({ delivered }) => delivered));
  }

  /** New facts are durable, or a client came: whoever is idle goes on. */
  wake(): void {
    const { journal, state } = this.#options;
    for (const { url, suspended } of state.clients.values()) {
      if (suspended) continue;
      let client = this.#clients.get(url);
      if (client === undefined) {
        const cursor = journal.cursor(cursorName(url)) ?? registeredAt(journal, url);
        client = { url, cursor, busy: false, failures: 0, failingSinceMs: undefined, retry: undefined };
        this.#clients.set(url, client);
      }
      if (!client.busy && client.retry === undefined) void this.#pump(client);
    }
  }

  /** A client registered (again): it is tried at once, and what it missed while suspended follows. */
  registered(url: string): void {
    const client = this.#clients.get(url);
    if (client !== undefined) {
      clearTimeout(client.retry);
      client.retry = undefined;
      client.failingSinceMs = undefined;
      client.failures = 0;
    }
    this.wake();
  }

  /** Waits until every reachable client has had everything, at most so long. */
  async drain(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    const behind = () =>
      [...this.#clients.values()].some((c) => c.retry === undefined && c.cursor < this.#options.journal.last);
    this.wake();
    while (behind() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  close(): void {
    this.#abort.abort();
    for (const client of this.#clients.values()) clearTimeout(client.retry);
  }

  async #pump(client: Client): Promise<void> {
    const { journal } = this.#options;
    client.busy = true;
    try {
      while (!this.#abort.signal.aborted && client.cursor < journal.last) {
        for (const record of journal.read(client.cursor, PAGE)) {
          await this.#deliver(client, factOf(record));
          client.cursor = record.seq;
          client.failures = 0;
          client.failingSinceMs = undefined;
        }
        journal.setCursor(cursorName(client.url), client.cursor);
      }
    } catch (error) {
      this.#failed(client, error);
    } finally {
      client.busy = false;
    }
  }

  #failed(client: Client, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { journal, log, submit, random } = this.#options;
    journal.setCursor(cursorName(client.url), client.cursor);
    const nowMs = Date.now();
    client.failingSinceMs ??= nowMs;
    client.failures += 1;
    const message = messageOf(error);
    log.warn(
      { client: client.url, failures: client.failures, err: message },
      'A callback client could not be reached',
    );
    if (nowMs - client.failingSinceMs >= SUSPEND_MS) {
      this.#clients.delete(client.url);
      submit({ type: 'suspend_client', url: client.url, message }).catch((cause: unknown) =>
        log.error({ err: messageOf(cause) }, 'A callback client could not be suspended'),
      );
      return;
    }
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(client.failures - 1, 20));
    client.retry = setTimeout(
      () => {
        client.retry = undefined;
        this.wake();
      },
      backoffMs * (0.5 + random() / 2),
    );
    client.retry.unref();
  }

  async #deliver(client: Client, fact: Fact): Promise<void> {
    for (const name of calls.get(fact.type) ?? []) {
      const params = paramsOf(name, fact, this.#options.state);
      if (params !== undefined) await this.#call(client.url, encodeCall(name, params));
    }
  }

  /** Any answer with status 200 is a delivery: a fault is the client's own affair. */
  async #call(url: string, body: string): Promise<void> {
    const target = new URL(url);
    // Some servers (Perl's RPC::XML) serve one connection at a time: one kept open would block the next call, and others'.
    const headers: Record<string, string> = {
      'Content-Type': 'text/xml; charset=utf-8',
      Connection: 'close',
    };
    if (target.username !== '' || target.password !== '') {
      const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
      headers.Authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      target.username = '';
      target.password = '';
    }
    const signal = AbortSignal.any([AbortSignal.timeout(CALL_MS), this.#abort.signal]);
    const response = await fetch(target, { method: 'POST', headers, body, redirect: 'error', signal });
    await readBody(response, MAX_ANSWER_BYTES);
    if (!response.ok) throw new Error(`The client answered with status ${response.status}`);
  }
}

/**
 * Where a client without a cursor begins: at its registration. It may have none because it has just come, with other facts
 * in the same write, or because the daemon was killed before its first cursor was written.
 */
function registeredAt(journal: Journal, url: string): number {
  for (let end = journal.last; end >= journal.first; end -= PAGE) {
    const page = [...journal.read(end - PAGE, PAGE)];
    const found = page.findLast(({ type, body }) => type === 'client_registered' && body.url === url);
    if (found !== undefined) return found.seq;
  }
  return journal.last;
}

function cursorName(url: string): string {
  return `client:${url}`;
}

/** The parameters of a call; undefined where there is nothing to say any more. */
function paramsOf(name: CallbackName, fact: Fact, state: State): unknown[] | undefined {
  const body = fact.body as Record<string, unknown>;
  switch (name) {
    case 'sendHostStatus':
      return [body.hostname ?? (body.node as { hostname: string }).hostname];
    case 'sendBlockStatus':
      return [body.block];
    case 'sendResourceMatching': {
      const run = state.runs.get(String(body.run_id));
      return run === undefined ? undefined : [matching(run)];
    }
    case 'sendSliceNodes':
      return [body.slice];
    default:
      return [];
  }
}
