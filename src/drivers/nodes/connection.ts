/**
 * One node as the controller reaches it: at most one session, on it at most one link to the agent, and the work of a run
 * on that link, one step after another.
 */
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
import { AGENT_PROTOCOL, type AgentState, MAX_CHUNK_BYTES, type ReportFrame } from '../../wire/agent.ts';
import { AccessError, type NodeAccess, type NodeSession } from '../access.ts';
import { messageOf } from '../agent-error.ts';
import type { OutputStore } from '../outputs.ts';
import type { AgentKit } from './agent-kit.ts';
import { AgentLink } from './agent-link.ts';
import { BootstrapError, bootstrap } from './bootstrap.ts';

const OPEN_MS = 10_000;
const DIAL_MS = 5_000;
const HELLO_MS = 10_000;
const READ_MS = 30_000;

export interface ConnectionOptions {
  readonly access: NodeAccess;
  readonly kit: AgentKit;
  readonly controller: string;
  readonly epoch: () => number;
  readonly onReport: (report: ReportFrame) => void;
}

export class Connection {
  readonly node: NodeSpec;
  readonly #options: ConnectionOptions;
  #session: NodeSession | undefined;
  #socket: string | undefined;
  #link: AgentLink | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(node: NodeSpec, options: ConnectionOptions) {
    this.node = node;
    this.#options = options;
  }

  /** The link, while it lives. */
  get link(): AgentLink | undefined {
    return this.#link;
  }

  /** Reaches the agent, starting it where needed, and greets it. @throws AccessError, BootstrapError, LinkError */
  async open(): Promise<AgentState> {
    const session = await this.#reach();
    const known = await this.#dialKnown(session);
    const state = known ?? (await this.#start(session));
    if (state.bundle === this.#options.kit.hash) return state;
    // Another version runs there: it leaves its tasks to its successor, which adopts them.
    await this.#link?.request('retire', {}, { timeoutMs: HELLO_MS }).catch(tolerateLinkEnd);
    this.#link?.close('The agent is being replaced by another version');
    return this.#start(session);
  }

  close(why: string): void {
    this.#link?.close(why);
    this.#link = undefined;
    this.#session?.close();
    this.#session = undefined;
  }

  /** Cleanings of one node go one after another; nothing else waits in their line. */
  inOrder(step: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(step);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the cleanings asked for so far are over, so that what a new run brings is not cleaned away. */
  settled(): Promise<void> {
    return this.#tail;
  }

  async #reach(): Promise<NodeSession> {
    if (this.#session !== undefined) return this.#session;
    const session = await this.#options.access.open(this.node, OPEN_MS);
    this.#session = session;
    void session.closed.then((error) => {
      if (this.#session !== session) return;
      this.#session = undefined;
      this.#link?.close(error.message);
    });
    return session;
  }

  async #dialKnown(session: NodeSession): Promise<AgentState | undefined> {
    if (this.#link !== undefined) return this.#greet(this.#link);
    if (this.#socket === undefined) return undefined;
    try {
      return await this.#dial(session, this.#socket);
    } catch (error) {
      if (error instanceof AccessError && error.code === 'not_listening') return undefined;
      throw error;
    }
  }

  async #start(session: NodeSession): Promise<AgentState> {
    const { controller, kit } = this.#options;
    const { socket } = await bootstrap(session, this.node, controller, kit);
    this.#socket = socket;
    return this.#dial(session, socket);
  }

  async #dial(session: NodeSession, socket: string): Promise<AgentState> {
    const stream = await session.dial(socket, DIAL_MS);
    const link = new AgentLink(stream, { onReport: this.#options.onReport });
    this.#link = link;
    void link.closed.then(() => {
      if (this.#link === link) this.#link = undefined;
    });
    return this.#greet(link);
  }

  async #greet(link: AgentLink): Promise<AgentState> {
    const { controller, epoch } = this.#options;
    const ask = { protocol: AGENT_PROTOCOL, epoch: epoch(), controller, node: this.node.hostname };
    return (await link.request('hello', ask, { timeoutMs: HELLO_MS })).ok;
  }
}

function tolerateLinkEnd(error: unknown): void {
  if (error instanceof Error && error.name === 'LinkError') return;
  throw error;
}

/** Brings one stream of a task's output back, from the first byte the node still has. */
export async function* outputPieces(
  link: AgentLink,
  task_id: string,
  stream: 'stdout' | 'stderr',
): AsyncGenerator<{ offset: number; bytes: Buffer }> {
  let offset = 0;
  for (;;) {
    const ask = { task_id, stream, offset, limit: MAX_CHUNK_BYTES };
    const { ok, binary } = await link.request('read', ask, { timeoutMs: READ_MS });
    if (binary.length > 0) yield { offset: ok.offset, bytes: binary };
    offset = ok.offset + binary.length;
    if (binary.length === 0 || ok.eof) return;
  }
}

/** Collects both streams of a task that is over. */
export async function collectOutput(link: AgentLink, outputs: OutputStore, task_id: string): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    await outputs.save(task_id, stream, outputPieces(link, task_id, stream));
  }
}

/** What went wrong on the way to an agent, as facts carry it. */
export function connectFailure(error: unknown): Failure {
  if (error instanceof BootstrapError) {
    return { phase: 'bootstrap', cause: error.code, message: error.message, attempt: 1, ...error.details };
  }
  const cause = error instanceof AccessError ? error.code : 'agent_unreachable';
  return { phase: 'bootstrap', cause, message: messageOf(error), attempt: 1 };
}
