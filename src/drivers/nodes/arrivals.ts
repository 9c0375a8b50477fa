/** Waiting for nodes to be connected, for those who do not decide about attempts. */
import type { AgentLink } from './agent-link.ts';

/** Where no attempt is under way, one must begin within this time: the core's longest delay between two, and some more. */
const NEXT_ATTEMPT_MS = 5_000;

/** A node that could not be reached. `code` is a symbol, the message a sentence. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiter {
  arrived(link: AgentLink): void;
  failed(error: ConnectError): void;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Whether an attempt is being made now. */
  readonly isUnderway: () => boolean;
}

export class Arrivals {
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** @throws ConnectError */
  wait(hostname: string, { timeoutMs, isUnderway }: WaitOptions): Promise<AgentLink> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#remove(hostname, waiter);
        end();
      };
      const waiter: Waiter = {
        arrived: (link) => settle(() => resolve(link)),
        failed: (error) => settle(() => reject(error)),
      };
      const giveUp = (code: string, message: string) => waiter.failed(new ConnectError(code, message));
      const late = () => giveUp('timeout', 'The node could not be connected in time');
      const look = () => {
        if (isUnderway()) timer = setTimeout(late, timeoutMs);
        else giveUp('not_connected', 'The node is not connected, and nobody connects it now');
      };
      let timer = isUnderway()
        ? setTimeout(late, timeoutMs)
        : setTimeout(look, Math.min(NEXT_ATTEMPT_MS, timeoutMs));
      this.#add(hostname, waiter);
    });
  }

  arrived(hostname: string, link: AgentLink): void {
    for (const waiter of this.#waitersOf(hostname)) waiter.arrived(link);
  }

  failed(hostname: string, { cause, message }: { readonly cause: string; readonly message: string }): void {
    for (const waiter of this.#waitersOf(hostname)) waiter.failed(new ConnectError(cause, message));
  }

  #waitersOf(hostname: string): Waiter[] {
    return [...(this.#waiters.get(hostname) ?? [])];
  }

  #add(hostname: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(hostname) ?? new Set();
    waiters.add(waiter);
    this.#waiters.set(hostname, waiters);
  }

  #remove(hostname: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(hostname);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(hostname);
  }
}
