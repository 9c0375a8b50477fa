/**
 * Barriers for programs that Plush starts: through the Unix socket that PLUSH_BARRIER_SOCKET names, one JSON object a line
 * (docs/barriers.md). An agent that is started anew meanwhile is asked again; entering twice is entering once, but
 * for a semaphore that was left in between.
 */
import { connect } from 'node:net';

/** How a participant stands at a barrier. */
export interface BarrierStanding {
  readonly barrier: string;
  /** COMPONENT/INDEX for the node, with /BLOCK for a task of its own. */
  readonly participant: string;
  readonly state: 'outside' | 'waiting' | 'inside' | 'released' | 'left' | 'catchup' | 'removed';
  readonly label?: string;
  /** Of a semaphore: grows with each lease, so that what it protects can refuse older holders. */
  readonly fence?: number;
  /** With `left`, where it did not leave by itself: `expired` when its lease ran out, so that another may have been inside since. */
  readonly cause?: 'expired' | 'ended' | 'lost' | 'unused';
  /** With `catchup`: the barrier at which to go on. */
  readonly go_on_at?: string;
  readonly entered: number;
  readonly expected: number;
}

export interface BarrierOptions {
  /** The task enters for itself, and not for its node. @default false */
  readonly own?: boolean;
  /** Gives up waiting, and with it nothing: what was entered stays entered. */
  readonly signal?: AbortSignal;
}

export interface LeaseOptions extends BarrierOptions {
  /** The lease that is meant; a newer one is left alone. @default the newest */
  readonly fence?: number;
}

export interface EnterOptions extends BarrierOptions {
  /** Kept from the first entry. */
  readonly label?: string;
  /** Answer only when the barrier has released it. @default true */
  readonly wait?: boolean;
}

/** The barrier refuses: `code` is a symbol such as NOT_A_PARTICIPANT or BARRIER_NOT_FOUND. */
export class BarrierRefusal extends Error {
  override readonly name = 'BarrierRefusal';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const RETRY_MS = 250;

/** Enters a barrier and waits for its release. @throws BarrierRefusal; the signal's reason */
export function enterBarrier(barrier: string, options: EnterOptions = {}): Promise<BarrierStanding> {
  const { label, wait = true, ...rest } = options;
  return ask({ op: 'enter', barrier, wait, ...(label === undefined ? {} : { label }) }, rest);
}

/**
 * Leaves a semaphore, or the line before it. It may be entered again, for a new place and number. Where the lease ran out before,
 * the answer has the cause `expired`.
 * @throws BarrierRefusal; the signal's reason
 */
export function leaveBarrier(barrier: string, options: LeaseOptions = {}): Promise<BarrierStanding> {
  return ask({ op: 'leave', barrier, ...fenceOf(options) }, options);
}

function fenceOf({ fence }: LeaseOptions): { fence?: number } {
  return fence === undefined ? {} : { fence };
}

/** How this task's node, or the task, stands there. @throws BarrierRefusal; the signal's reason */
export function barrierStatus(barrier: string, options: LeaseOptions = {}): Promise<BarrierStanding> {
  return ask({ op: 'status', barrier, ...fenceOf(options) }, options);
}

async function ask(question: object, { own = false, signal }: BarrierOptions): Promise<BarrierStanding> {
  const { PLUSH_BARRIER_SOCKET: path, PLUSH_TASK: task } = process.env;
  if (!path || !task)
    throw new Error(
      'PLUSH_BARRIER_SOCKET and PLUSH_TASK are not set: only tasks that Plush has started reach barriers',
    );
  const line = `${JSON.stringify({ ...question, task, own })}\n`;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await once(path, line, signal);
    if (answer === undefined) {
      await pause(signal);
      continue;
    }
    const { ok, code, message, ...standing } = JSON.parse(answer) as BarrierStanding & {
      ok: boolean;
      code?: string;
      message?: string;
    };
    if (!ok) throw new BarrierRefusal(code ?? 'UNKNOWN', message ?? 'The agent refused');
    return standing;
  }
}

/** One question on a connection of its own; undefined when the agent is not there, or goes before it answers. */
function once(path: string, line: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(line));
    let text = '';
    let failure: Error | undefined;
    const abort = () => socket.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('\n')) socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') failure = error;
    });
    socket.once('close', () => {
      signal?.removeEventListener('abort', abort);
      if (failure !== undefined) reject(failure);
      else resolve(text.includes('\n') ? text.slice(0, text.indexOf('\n')) : undefined);
    });
  });
}

function pause(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, RETRY_MS);
    signal?.addEventListener('abort', done, { once: true });
  });
}
