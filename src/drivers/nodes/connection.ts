/**
 * One node as the controller reaches it: at most one session, on it at most one link to the agent, and the work of a run
 * on that link, one step after another.
 */
import type { Duplex } from 'node:stream';
import type { NodeSpec } from '../../../api/spec.ts';
import { AGENT_PROTOCOL, type AgentState, MAX_CHUNK_BYTES, type ReportFrame } from '../../wire/agent.ts';
import { AccessError, type NodeAccess, type NodeSession } from '../access.ts';
import type { OutputBytes, OutputStore } from '../outputs.ts';
import type { AgentKit } from './agent-kit.ts';
import { AgentLink } from './agent-link.ts';
import { bootstrap, type Prepared } from './bootstrap.ts';
import { dialThroughRelay } from './relay.ts';

const OPEN_MS = 10_000;
const DIAL_MS = 5_000;
/** A relay is a program that has to start first. */
const RELAY_MS = 15_000;
const HELLO_MS = 10_000;
const READ_MS = 30_000;

/** Failures to reach a socket that was there before which mean that the agent must be started anew. */
const MAY_BE_GONE: ReadonlySet<string> = new Set(['not_listening', 'failed']);

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
  #way: Prepared | undefined;
  /** The machine's sshd forwards to no socket: see relay.ts. */
  #isRelayed = false;
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

  /** Cleanings of one node, and the collecting of outputs, go one after another; nothing else waits in their line. */
  inOrder<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(step);
    this.#tail = done.then(
      () => undefined,
      () => undefined,
    );
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
      this.#link?.close(lossSentence(error));
    });
    return session;
  }

  async #dialKnown(session: NodeSession): Promise<AgentState | undefined> {
    if (this.#link !== undefined) return this.#greet(this.#link);
    if (this.#way === undefined) return undefined;
    try {
      return await this.#dial(session, this.#way);
    } catch (error) {
      if (error instanceof AccessError && MAY_BE_GONE.has(error.code)) return undefined;
      throw error;
    }
  }

  async #start(session: NodeSession): Promise<AgentState> {
    const { controller, kit } = this.#options;
    const way = await bootstrap(session, this.node, controller, kit);
    this.#way = way;
    return this.#dial(session, way);
  }

  async #dial(session: NodeSession, way: Prepared): Promise<AgentState> {
    const stream = await this.#openStream(session, way);
    const link = new AgentLink(stream, { onReport: this.#options.onReport });
    this.#link = link;
    void link.closed.then(() => {
      if (this.#link === link) this.#link = undefined;
    });
    return this.#greet(link);
  }

  async #openStream(session: NodeSession, { socket, relay }: Prepared): Promise<Duplex> {
    if (this.#isRelayed) return dialThroughRelay(session, relay, RELAY_MS);
    try {
      return await session.dial(socket, DIAL_MS);
    } catch (error) {
      if (!(error instanceof AccessError && error.code === 'forwarding_refused')) throw error;
      const stream = await dialThroughRelay(session, relay, RELAY_MS);
      this.#isRelayed = true;
      return stream;
    }
  }

  async #greet(link: AgentLink): Promise<AgentState> {
    const { controller, epoch } = this.#options;
    const ask = { protocol: AGENT_PROTOCOL, epoch: epoch(), controller, node: this.node.hostname };
    return (await link.request('hello', ask, { timeoutMs: HELLO_MS })).ok;
  }
}

/** Without the node's name, so that equal losses fold. */
function lossSentence({ cause }: AccessError): string {
  return `The connection to the node broke${cause instanceof Error ? `: ${cause.message}` : ''}`;
}

function tolerateLinkEnd(error: unknown): void {
  if (error instanceof Error && error.name === 'LinkError') return;
  throw error;
}

/** Brings one stream of a task's output back, from the first byte the node still has. */
async function* outputPieces(
  link: AgentLink,
  task_id: string,
  stream: 'stdout' | 'stderr',
): AsyncGenerator<OutputBytes> {
  let offset = 0;
  for (;;) {
    const ask = { task_id, stream, offset, limit: MAX_CHUNK_BYTES };
    const { ok, binary } = await link.request('read', ask, { timeoutMs: READ_MS });
    if (binary.length > 0 || ok.offset > offset)
      yield { offset: ok.offset, bytes: binary, ...(ok.lost === undefined ? {} : { lost: ok.lost }) };
    offset = ok.offset + binary.length;
    if (binary.length === 0 || ok.eof) return;
  }
}

/** Collects the streams of a task that is over, but for those that are `done`. */
export async function collectOutput(
  link: AgentLink,
  outputs: OutputStore,
  task_id: string,
  done: ReadonlySet<string>,
): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    if (done.has(stream)) continue;
    await outputs.save(task_id, stream, outputPieces(link, task_id, stream));
  }
}
