/**
 * Who changed what, and how it went: one line of JSON for each call of a method that changes something, in a file of the
 * state folder and (some of them) in the log.
 */
import { type MethodName, methodTable } from '../../api/methods.ts';
import { messageOf } from '../drivers/agent-error.ts';
import { RateLimit } from '../drivers/http/rate.ts';
import { LineFile } from '../drivers/line-file.ts';
import type { Log } from '../drivers/log.ts';
import type { Call, CallObserver, Outcome } from './call.ts';
import { isRead, mayChange } from './dispatcher.ts';
import { redacted } from './redact.ts';

/** The audit takes at most six times this on the disk. */
const MAX_FILE_BYTES = 32 << 20;
const KEPT_FILES = 5;
/** Lines a second that a multicall or many callers may put into the log; the file has them all. */
const LOGGED_PER_S = 10;
/** Lines a second about wrong tokens, in file and log: whoever has none must not be able to fill the disk. */
const STRANGERS_PER_S = 1;
/** Longest path of a stranger's request that is noted. */
const MAX_PATH_CHARACTERS = 100;

export class Audit implements CallObserver {
  readonly #lines: LineFile;
  readonly #log: Log;
  readonly #logged = new RateLimit(LOGGED_PER_S);
  readonly #strangers = new RateLimit(STRANGERS_PER_S);
  #unlogged = 0;
  #unnoted = 0;
  #lastMs = 0;
  #lastTime = '';

  /** @throws the system's error when the file cannot be opened */
  constructor(file: string, log: Log) {
    this.#log = log;
    this.#lines = new LineFile(file, {
      maxBytes: MAX_FILE_BYTES,
      keep: KEPT_FILES,
      onLost: (error, lines) =>
        log.error({ file, lines, err: messageOf(error) }, 'The audit cannot be written; its lines are lost'),
    });
  }

  started(): void {}

  ended(call: Call, outcome: Outcome): void {
    const { method, params, facts, request } = call;
    // A call beyond the rate did nothing, and there may be any number of them.
    if (outcome === 'RATE_LIMITED' || !Object.hasOwn(methodTable, method)) return;
    // A method that mostly tells may have changed something too, or was refused to.
    const isRefusal = outcome !== 'ok' && mayChange(method as MethodName);
    if (isRead(method) && facts === undefined && !isRefusal) return;
    const entry = {
      time: this.#time(),
      call: call.id,
      caller: request.caller.name,
      remote: request.remote,
      method,
      params: redacted(params),
      result: outcome,
      facts: facts === undefined ? undefined : [facts.first, facts.last],
    };
    this.#lines.add(JSON.stringify(entry));
    if (this.#logged.take() > 0) {
      this.#unlogged += 1;
      return;
    }
    const { time: _time, params: _params, ...short } = entry;
    const skipped = this.#unlogged === 0 ? {} : { skipped: this.#unlogged };
    this.#unlogged = 0;
    this.#log.info({ ...short, ...skipped }, 'Audit');
  }

  unreadable(): void {}

  /** Somebody came with a token that is not good. */
  stranger(remote: string | undefined, path: string): void {
    if (this.#strangers.take() > 0) {
      this.#unnoted += 1;
      return;
    }
    const skipped = this.#unnoted === 0 ? {} : { skipped: this.#unnoted };
    this.#unnoted = 0;
    const entry = { remote, path: path.slice(0, MAX_PATH_CHARACTERS), result: 'UNAUTHORIZED', ...skipped };
    this.#lines.add(JSON.stringify({ time: this.#time(), ...entry }));
    this.#log.warn(entry, 'A request with a wrong token');
  }

  /** Now, in ISO 8601; written out once a millisecond, since the calls of a multicall come thousands at a time. */
  #time(): string {
    const ms = Date.now();
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      this.#lastTime = new Date(ms).toISOString();
    }
    return this.#lastTime;
  }

  close(): void {
    this.#lines.close();
  }
}
