/** What the agent does for each request. */
import type { Progress } from '../core/barrier/flow.ts';
import { AgentError } from '../drivers/agent-error.ts';
import { readPiece } from '../drivers/files/work-file.ts';
import { explainNoRoom } from '../drivers/install/room.ts';
import {
  AGENT_PROTOCOL,
  type AgentOp,
  type AgentRequests,
  type AgentState,
  MAX_CHUNK_BYTES,
} from '../wire/agent.ts';
import type { Agent } from './agent.ts';
import * as asks from './asks.ts';
import { fitGreeting } from './greeting.ts';
import type { Answer, Link, Request } from './link.ts';
import { taskOrder } from './task-order.ts';

type OkOf<O extends AgentOp> = AgentRequests[O]['ok'];
type AnswerOf<O extends AgentOp> = Omit<Answer, 'ok'> & { readonly ok: OkOf<O> };
type Operation<O extends AgentOp> = (
  agent: Agent,
  request: Request,
  link: Link,
) => AnswerOf<O> | Promise<AnswerOf<O>>;

/** One for each operation of the protocol: a forgotten one does not compile. */
const OPERATIONS: { readonly [O in AgentOp]: Operation<O> } = {
  hello(agent, { ask }, link) {
    asks.count(ask, 'protocol');
    const node = asks.text(ask, 'node');
    if (agent.settings.node !== undefined && node !== agent.settings.node) {
      throw new AgentError('BAD_REQUEST', `This is the agent of ${agent.settings.node}, not of ${node}`);
    }
    agent.links.greet(link, asks.count(ask, 'epoch'));
    const { state, rest } = fitGreeting(stateOf(agent), agent.supervisor.reports);
    const after = () => {
      for (const task of rest) link.report({ report: 'task', task });
      agent.monitor.sample();
      agent.barriers.askAgain();
    };
    return { ok: state, after };
  },

  ping() {
    return { ok: {} };
  },

  async install(agent, { ask }) {
    const runId = asks.identity(ask, 'run_id');
    const tell = (progress: Progress) =>
      agent.links.report({ report: 'transfer', run_id: runId, ...progress });
    const wanted = ask.tell === true ? tell : undefined;
    return { ok: { bytes: await agent.installer.install(runId, asks.softwareList(ask), wanted) } };
  },

  async empty(agent, { ask }) {
    const runId = asks.identity(ask, 'run_id');
    agent.cleaned.refuse(runId);
    const taskId = asks.identity(ask, 'task_id');
    if (agent.starts.has(taskId) || agent.supervisor.knows(taskId)) return { ok: { emptied: false } };
    await agent.installer.empty(runId);
    return { ok: { emptied: true } };
  },

  async take(agent, { ask }) {
    const runId = asks.identity(ask, 'run_id');
    agent.cleaned.refuse(runId);
    const { workFile } = await import('../drivers/install/work-file.ts');
    try {
      agent.folders.ensure(runId);
      const file = workFile(agent.folders.workPath(runId), asks.text(ask, 'name'));
      const size = await agent.cache.take(asks.digest(ask, 'sha256'), file);
      return { ok: { taken: size !== undefined } };
    } catch (error) {
      throw explainNoRoom(error, agent.folders.dir);
    }
  },

  async put(agent, { ask, binary }) {
    const runId = asks.identity(ask, 'run_id');
    agent.cleaned.refuse(runId);
    const { sha256 } = ask;
    const chunk = {
      name: asks.text(ask, 'name'),
      offset: asks.count(ask, 'offset'),
      bytes: binary,
      last: ask.last === true,
      ...(sha256 === undefined ? {} : { sha256: asks.text(ask, 'sha256') }),
    };
    // Loaded when it is needed: an agent that waits must be small.
    const { putChunk } = await import('../drivers/install/packages.ts');
    try {
      agent.folders.ensure(runId);
      const size = await putChunk(agent.folders.workPath(runId), chunk, agent.cache);
      return { ok: { size } };
    } catch (error) {
      throw explainNoRoom(error, agent.folders.dir);
    }
  },

  async start(agent, { ask }) {
    const order = taskOrder(ask);
    agent.cleaned.refuse(order.run_id);
    const task = await agent.starts.pass(order.task_id, order.run_id, () => agent.supervisor.start(order));
    return { ok: { task } };
  },

  async stop(agent, { ask }) {
    const taskId = asks.identity(ask, 'task_id');
    const how = {
      ...(ask.signal === undefined ? {} : { signal: asks.signalName(ask) }),
      ...(ask.grace_ms === undefined ? {} : { graceMs: asks.graceMs(ask) }),
    };
    await agent.starts.hurry(taskId);
    return { ok: { task: await agent.supervisor.stop(taskId, how) } };
  },

  read(agent, { ask }, link) {
    const taskId = asks.identity(ask, 'task_id');
    const stream = asks.streamName(ask);
    const from = asks.count(ask, 'offset');
    const limit = Math.min(asks.count(ask, 'limit'), MAX_CHUNK_BYTES);
    const waitMs = ask.wait_ms === undefined ? 0 : asks.count(ask, 'wait_ms');
    const read = () => {
      const { bytes, offset, end, eof, lost } = agent.supervisor.read(taskId, stream, from, limit);
      return { ok: { offset, end, eof, ...(lost > 0 ? { lost } : {}) }, binary: bytes };
    };
    const now = read();
    if (waitMs === 0 || now.ok.eof || now.binary.length > 0) return now;
    return agent.supervisor.grown(taskId, stream, { waitMs, gone: link.closed }).then(read);
  },

  fetch(agent, { ask }) {
    const work = agent.folders.workPath(asks.identity(ask, 'run_id'));
    const limit = Math.min(asks.count(ask, 'limit'), MAX_CHUNK_BYTES);
    const { size, bytes } = readPiece(work, asks.text(ask, 'path'), asks.count(ask, 'offset'), limit);
    return { ok: { size }, binary: bytes };
  },

  async forget(agent, { ask }) {
    await agent.supervisor.forget(asks.identity(ask, 'task_id'));
    return { ok: {} };
  },

  async tidy(agent, { ask }) {
    const runId = asks.identity(ask, 'run_id');
    const command = asks.text(ask, 'command');
    const timeoutMs = asks.count(ask, 'timeout_ms');
    if (!agent.folders.has(runId)) return { ok: {} };
    const { checkCommand } = await import('../drivers/tasks/check.ts');
    const { dir } = agent.folders;
    const env = { ...agent.settings.env, PLUSH_RUN: runId, PLUSH_AGENT: dir };
    const cwd = agent.folders.workPath(runId);
    const trouble = await checkCommand(command, timeoutMs, { cwd, env, prefix: [] });
    return { ok: trouble === undefined ? {} : { trouble } };
  },

  async clean(agent, { ask }) {
    const { generation } = ask;
    const upTo = generation === undefined ? {} : { generation: asks.count(ask, 'generation') };
    return { ok: { killed: await agent.clean(asks.identity(ask, 'run_id'), asks.graceMs(ask), upTo) } };
  },

  async rejoin(agent, { ask }) {
    try {
      const killed = await agent.rejoin(asks.identity(ask, 'run_id'), asks.count(ask, 'generation'));
      return { ok: { killed } };
    } catch (error) {
      throw explainNoRoom(error, agent.folders.dir);
    }
  },

  async shell(agent, { ask }, link) {
    const shells = await agent.shells();
    const { stdout, stderr, ...end } = await shells.run(asks.shellOrder(ask), link.closed);
    const ok = {
      ...end,
      stdout_bytes: stdout.bytes.length,
      stdout_cut: stdout.isCut,
      stderr_cut: stderr.isCut,
    };
    return { ok, binary: Buffer.concat([stdout.bytes, stderr.bytes]) };
  },

  barrier(agent, { ask }) {
    agent.barriers.tell(asks.barrierNews(ask));
    return { ok: {} };
  },

  async retire(agent) {
    await agent.retire();
    return { ok: {}, after: agent.exit };
  },

  async leave(agent, { ask }) {
    return { ok: { killed: await agent.leave(asks.graceMs(ask)) }, after: agent.exit };
  },
};

/** Serves one request. @throws AgentError, also through the promise */
export function serve(agent: Agent, link: Link, request: Request): Answer | Promise<Answer> {
  if (!Object.hasOwn(OPERATIONS, request.op)) {
    throw new AgentError('BAD_REQUEST', `There is no operation ${JSON.stringify(request.op.slice(0, 100))}`);
  }
  if (request.op !== 'hello') agent.links.check(link);
  if (agent.ending) throw new AgentError('INTERNAL', 'The agent is ending');
  return OPERATIONS[request.op as AgentOp](agent, request, link);
}

function hostOf(agent: Agent): Pick<AgentState, 'host'> {
  const host = agent.monitor.read();
  return host === undefined ? {} : { host };
}

function stateOf(agent: Agent) {
  return {
    protocol: AGENT_PROTOCOL,
    bundle: agent.settings.bundle,
    instance: `${agent.me.boot_id}/${agent.me.pid}/${agent.me.start}`,
    pid: process.pid,
    boot_id: agent.me.boot_id,
    node_version: process.version,
    platform: `${process.platform}-${process.arch}`,
    installed: agent.installer.installed(),
    ...hostOf(agent),
  };
}
