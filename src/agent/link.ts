/** One connection of a controller: requests in, replies and reports out, both bounded. */
import type { Socket } from 'node:net';
import { AgentError, messageOf } from '../drivers/agent-error.ts';
import type { AgentFailure, AgentRequests, ReportFrame } from '../wire/agent.ts';
import { encodeFrame, type Frame, FrameError, FrameReader } from '../wire/frames.ts';

/** Bytes on their way out from which no further request is taken on. */
const BUSY_BYTES = 1 << 20;
/** A link with more is ended: its peer does not read, and learns the state when it dials again. */
const MAX_QUEUED_BYTES = 8 << 20;
/** Requests worked on at a time, starts apart: these wait in a line of their own, and must not keep a stop from being heard. */
const MAX_OUTSTANDING = 256;

/** What a request is answered with. */
export interface Answer {
  readonly ok: AgentRequests[keyof AgentRequests]['ok'];
  readonly binary?: Buffer;
  /** Called when the reply is on its way, or cannot be any more. */
  readonly after?: () => void;
}

export interface Request {
  readonly id: number;
  readonly op: string;
  readonly ask: Readonly<Record<string, unknown>>;
  readonly binary: Buffer;
}

export interface LinkOptions {
  readonly serve: (link: Link, request: Request) => Answer | Promise<Answer>;
  readonly log: (message: string) => void;
}

export class Link {
  /** Epoch of the controller that greeted; undefined before. */
  epoch: number | undefined;
  readonly #reader = new FrameReader();
  readonly #waiting: Frame[] = [];
  readonly #closing = new AbortController();
  #outstanding = 0;

  constructor(
    private readonly socket: Socket,
    private readonly options: LinkOptions,
  ) {
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#pump());
    socket.on('error', (error) => options.log(`Link: ${error.message}`));
    socket.once('close', () => this.#closing.abort());
  }

  /** Aborted when the link has ended. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Sends news; a link that is full is ended. */
  report(frame: ReportFrame): void {
    this.#send(frame);
  }

  end(): void {
    this.socket.destroy();
  }

  #receive(bytes: Buffer): void {
    try {
      this.#waiting.push(...this.#reader.push(bytes));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.options.log(`Link ended: ${error.message}`);
      this.end();
      return;
    }
    this.#pump();
  }

  /** Takes on requests while there is room for them and their replies; otherwise the peer has to wait. */
  #pump(): void {
    while (this.#outstanding < MAX_OUTSTANDING && this.socket.writableLength < BUSY_BYTES) {
      const frame = this.#waiting.shift();
      if (frame === undefined) {
        this.socket.resume();
        return;
      }
      this.#take(frame);
    }
    this.socket.pause();
  }

  #take({ message, binary }: Frame): void {
    if (!isRequest(message)) {
      this.options.log('Link ended: a message that is no request');
      this.end();
      return;
    }
    const { id, op } = message;
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.options.serve(this, { id, op, ask: message, binary });
    } catch (error) {
      this.#fail(id, op, error);
      return;
    }
    if (!(answer instanceof Promise)) {
      this.#reply(id, op, answer);
      return;
    }
    const counts = op === 'start' ? 0 : 1;
    this.#outstanding += counts;
    answer
      .then(
        (ready) => this.#reply(id, op, ready),
        (error: unknown) => this.#fail(id, op, error),
      )
      .finally(() => {
        this.#outstanding -= counts;
        this.#pump();
      });
  }

  #reply(id: number, op: string, { ok, binary, after }: Answer): void {
    try {
      this.#send({ re: id, ok }, binary, after);
    } catch (error) {
      this.#fail(id, op, error);
      after?.();
    }
  }

  #fail(id: number, op: string, error: unknown): void {
    let failure: AgentFailure;
    if (error instanceof AgentError) {
      failure = error.failure;
    } else {
      this.options.log(`${op}: ${error instanceof Error ? error.stack : error}`);
      failure = { code: 'INTERNAL', message: `${op} failed: ${messageOf(error)}` };
    }
    this.#send({ re: id, error: failure });
  }

  #send(message: unknown, binary?: Buffer, after?: () => void): void {
    if (!this.socket.writable) {
      after?.();
      return;
    }
    // Whether written or not: what follows a reply does not depend on the peer's being there.
    this.socket.write(encodeFrame(message, binary), () => after?.());
    if (this.socket.writableLength > MAX_QUEUED_BYTES) {
      this.options.log('Link ended: its peer does not read');
      this.end();
    }
  }
}

function isRequest(message: unknown): message is { id: number; op: string } & Record<string, unknown> {
  if (typeof message !== 'object' || message === null) return false;
  const { id, op } = message as { id?: unknown; op?: unknown };
  return Number.isSafeInteger(id) && typeof op === 'string';
}
