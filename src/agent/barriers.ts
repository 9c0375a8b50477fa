/**
 * The application's side of barriers on a node: a Unix socket for tasks, which carries one JSON object a line each way
 * (docs/barriers.md). What a task asks is passed on to the controller, which alone knows; a question stays until it is
 * answered, and is asked again on each new link, so that neither side's death loses it.
 */
import * as fs from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { BarrierAsk, BarrierNews, ReportFrame, Standing } from '../wire/agent.ts';
import { readQuestion } from './barrier-question.ts';
import { listenPrivately } from './listen.ts';

/** Bytes of one line; a longer one ends the connection. */
const MAX_LINE_BYTES = 8 << 10;
/** Connections at a time, questions of one connection, and of all. */
const MAX_CONNECTIONS = 256;
const MAX_PER_CONNECTION = 64;
const MAX_QUESTIONS = 2_000;
/** Bytes that a peer which does not read may leave behind. */
const MAX_QUEUED_BYTES = 256 << 10;

interface Question {
  readonly ask: BarrierAsk;
  readonly waits: boolean;
  /** What the answer repeats for the asker. */
  readonly tag: unknown;
  readonly socket: Socket;
  participant?: string;
}

export interface BarriersOptions {
  /** Whether a task of that identity is known here. */
  readonly knows: (taskId: string) => boolean;
  readonly report: (frame: ReportFrame) => void;
  readonly log: (message: string) => void;
}

export class Barriers {
  readonly #questions = new Map<number, Question>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #id = 0;

  constructor(private readonly options: BarriersOptions) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens; nobody but this account may connect. @throws the system's error */
  async listen(path: string): Promise<void> {
    fs.rmSync(path, { force: true });
    await listenPrivately(this.#server, path);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** A controller has greeted: it may not have heard what was asked before. */
  askAgain(): void {
    for (const { ask } of this.#questions.values()) this.options.report({ report: 'barrier', ask });
  }

  /** The controller answers, or tells of a participant that waits. */
  tell({ id, standing, error }: BarrierNews): void {
    if (id === undefined) {
      if (standing !== undefined) this.#tellWaiting(standing);
      return;
    }
    const question = this.#questions.get(id);
    if (question === undefined) return;
    if (error !== undefined) this.#answer(id, question, { ok: false, ...error });
    else if (standing !== undefined) this.#stands(id, question, standing);
  }

  /** The run is over here: nobody is answered any more. */
  forget(runId: string): void {
    const message = `Run "${runId}" is over, and its barriers with it`;
    for (const [id, question] of this.#questions) {
      if (question.ask.task_id.startsWith(`${runId}/`))
        this.#answer(id, question, { ok: false, code: 'RUN_ENDED', message });
    }
  }

  #tellWaiting(standing: Standing): void {
    for (const [id, question] of this.#questions) {
      const { ask, participant } = question;
      if (participant !== standing.participant || ask.barrier !== standing.barrier) continue;
      if (ask.task_id.startsWith(`${standing.run_id}/`)) this.#stands(id, question, standing);
    }
  }

  #stands(id: number, question: Question, standing: Standing): void {
    question.participant = standing.participant;
    if (question.waits && standing.state === 'waiting') return;
    this.#answer(id, question, { ok: true, ...standing });
  }

  #answer(id: number, { socket, tag }: Question, answer: object): void {
    this.#questions.delete(id);
    send(socket, tag, answer);
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= MAX_CONNECTIONS) {
      send(
        socket,
        undefined,
        refusal('TOO_MANY', `There are ${MAX_CONNECTIONS} connections already; close one`),
      );
      socket.destroySoon();
      return;
    }
    this.#sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      rest = this.#take(socket, Buffer.concat([rest, bytes]));
    });
    socket.on('error', (error) => this.options.log(`Barrier socket: ${error.message}`));
    socket.once('close', () => {
      this.#sockets.delete(socket);
      for (const [id, question] of this.#questions)
        if (question.socket === socket) this.#questions.delete(id);
    });
  }

  /** Takes the whole lines; answers what is left of the last one. */
  #take(socket: Socket, bytes: Buffer): Buffer {
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1 && socket.writable; end = bytes.indexOf(10, from)) {
      const line = bytes.subarray(from, end);
      from = end + 1;
      if (line.length <= MAX_LINE_BYTES) this.#ask(socket, line.toString('utf8').trim());
      else this.#tooLong(socket);
    }
    if (bytes.length - from > MAX_LINE_BYTES) this.#tooLong(socket);
    return socket.writable ? Buffer.from(bytes.subarray(from)) : Buffer.alloc(0);
  }

  #tooLong(socket: Socket): void {
    send(socket, undefined, refusal('BAD_REQUEST', `A line has at most ${MAX_LINE_BYTES} bytes`));
    socket.destroySoon();
  }

  #ask(socket: Socket, line: string): void {
    if (line === '') return;
    const question = readQuestion(line);
    if ('problem' in question) {
      send(socket, question.tag, refusal('BAD_REQUEST', question.problem));
      return;
    }
    const { tag, waits, ...rest } = question;
    if (!this.options.knows(rest.task_id)) {
      const message = `The task ${JSON.stringify(rest.task_id)} is not known on this node; PLUSH_TASK has a task's own name`;
      send(socket, tag, refusal('NOT_A_PARTICIPANT', message));
      return;
    }
    const own = [...this.#questions.values()].filter((one) => one.socket === socket).length;
    if (own >= MAX_PER_CONNECTION || this.#questions.size >= MAX_QUESTIONS) {
      send(
        socket,
        tag,
        refusal('TOO_MANY', 'Too many questions wait for their answers; wait for one of them'),
      );
      return;
    }
    this.#id += 1;
    const ask = { id: this.#id, ...rest };
    this.#questions.set(ask.id, { ask, waits, tag, socket });
    this.options.report({ report: 'barrier', ask });
  }
}

function refusal(code: string, message: string): object {
  return { ok: false, code, message };
}

function send(socket: Socket, tag: unknown, answer: object): void {
  if (!socket.writable) return;
  socket.write(`${JSON.stringify(tag === undefined ? answer : { id: tag, ...answer })}\n`);
  if (socket.writableLength > MAX_QUEUED_BYTES) socket.destroy();
}

/** The socket's path beside that of the agent, which is short enough for one more character. */
export function barrierSocketPath(agentSocket: string): string {
  return `${agentSocket}b`;
}

/** A word that a POSIX shell takes as it is. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Puts `plush-barrier` into a folder for the tasks' PATH: this very program, called otherwise. @returns the folder */
export function writeBarrierCommand(dir: string, program: readonly string[]): string {
  const bin = join(dir, 'bin');
  fs.mkdirSync(bin, { recursive: true, mode: 0o700 });
  const path = join(bin, 'plush-barrier');
  const next = `${path}.new`;
  fs.writeFileSync(next, `#!/bin/sh\nexec ${program.map(quote).join(' ')} barrier "$@"\n`, { mode: 0o700 });
  fs.renameSync(next, path);
  return bin;
}
