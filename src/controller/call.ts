/** A call from its coming to its outcome, and those who watch: the log, the metrics, the audit. */
import { randomBytes } from 'node:crypto';
import type { FaultSymbol } from '../../api/faults.ts';
import type { Caller } from '../drivers/http/auth.ts';
import { AnswerRoom } from './answer-room.ts';
import { Fault } from './fault.ts';
import { RequestWork } from './request-work.ts';
import type { SocketSession } from './socket-session.ts';

/** How a call came in. */
export type Protocol = 'xmlrpc' | 'jsonrpc';

/** What all calls of one request (a multicall, a batch) share. */
export class CallRequest {
  readonly room = new AnswerRoom();
  readonly work: RequestWork;
  #isPaid: boolean;

  /**
   * @param remote address of the client, when known
   * @param isPaid its first call was counted against the token's rate when its head was read
   * @param socket the WebSocket on which it came, if it came on one
   * @param signal aborted when its connection has ended
   */
  constructor(
    readonly protocol: Protocol,
    readonly caller: Caller,
    readonly remote?: string | undefined,
    isPaid = false,
    readonly socket?: SocketSession | undefined,
    signal?: AbortSignal | undefined,
  ) {
    this.work = new RequestWork(caller.name, signal);
    this.#isPaid = isPaid;
  }

  /** Counts one call against the token's rate. @throws Fault RATE_LIMITED */
  pay(): void {
    const waitS = this.#isPaid ? 0 : (this.caller.rate?.take() ?? 0);
    this.#isPaid = false;
    if (waitS === 0) return;
    // In the sentence too: XML-RPC has no details.
    const sentence = `The token "${this.caller.name}" makes more calls than its rate allows, and has to wait ${waitS} s`;
    throw new Fault('RATE_LIMITED', sentence, { retry_after_s: waitS });
  }

  /** What was just paid counts for the next call: a multicall costs as much as the calls in it. */
  passOn(): void {
    this.#isPaid = true;
  }
}

/** Tells calls of this process from those of another in one log; a counter follows. */
const PREFIX = randomBytes(4).toString('hex');
let count = 0;

/** One call. An item of a multicall or batch is a call of its own, and the multicall around it is one too. */
export class Call {
  readonly startedMs = performance.now();
  readonly #number = ++count;
  /** Sequence numbers of the facts that it led to; undefined where it led to none (yet). */
  facts: { readonly first: number; readonly last: number } | undefined;

  /**
   * @param method as the caller wrote it, known or not, of any length
   * @param params as they came, by position or by name, not checked yet; may hold secrets
   */
  constructor(
    readonly method: string,
    readonly params: unknown,
    readonly request: CallRequest,
  ) {}

  /** Names it in the logs; never the same twice, also over restarts. */
  get id(): string {
    return `${PREFIX}-${this.#number}`;
  }

  get caller(): Caller {
    return this.request.caller;
  }

  get work(): RequestWork {
    return this.request.work;
  }

  /** The WebSocket on which it came, if it came on one. */
  get socket(): SocketSession | undefined {
    return this.request.socket;
  }

  /** These facts, which it led to, are durable. */
  wrote(first: number, last: number): void {
    this.facts = { first: this.facts?.first ?? first, last };
  }
}

/** How a call ended: well, or with the fault of that symbol. */
export type Outcome = 'ok' | FaultSymbol;

/** Watches all calls. It must not throw, and delays every call by the time that it takes. */
export interface CallObserver {
  /** A call has come; neither method, scope nor parameters are checked yet. */
  started(call: Call): void;
  /** Its answer is known, and is sent next; facts that it led to are durable. */
  ended(call: Call, outcome: Outcome, durationMs: number): void;
  /** A request, or an item of a batch, that is no call. */
  unreadable(request: CallRequest, outcome: FaultSymbol): void;
}

/** Tells everybody in the order given. */
export function observeAll(observers: readonly CallObserver[]): CallObserver {
  return {
    started(call) {
      for (const observer of observers) observer.started(call);
    },
    ended(call, outcome, durationMs) {
      for (const observer of observers) observer.ended(call, outcome, durationMs);
    },
    unreadable(request, outcome) {
      for (const observer of observers) observer.unreadable(request, outcome);
    },
  };
}
