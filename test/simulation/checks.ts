/** What must hold at every moment, and what must hold when all is over. */
import { strict as assert } from 'node:assert';
import { planOf } from '../../src/core/run/plan.ts';
import { encodeState } from '../../src/core/snapshot.ts';
import { isOver, type Run, type State } from '../../src/core/state.ts';
import { explain } from '../../src/core/views/explain.ts';
import { listNodes } from '../../src/core/views/nodes.ts';
import { runDetail } from '../../src/core/views/runs.ts';
import { foldFacts } from '../scenario/world.ts';
import type { Controller } from './controller.ts';
import type { Machine } from './machine.ts';

export function checkState(state: State): void {
  const free = [...state.nodes.values()].filter(
    (node) =>
      node.failed === undefined &&
      node.lease_over === undefined &&
      node.run_id === undefined &&
      !state.leaving.has(node.spec.hostname),
  );
  assert.deepEqual([...state.free].sort(), free.map((node) => node.spec.hostname).sort(), 'free nodes');
  const ended = state.ended.flatMap((run_id) => state.runs.get(run_id) ?? []);
  const kept = ended.reduce((sum, run) => sum + run.members.size + run.past.length, 0);
  assert.equal(state.ended_members, kept, 'members of ended runs');
  const used = new Map<string, string>();
  for (const run of state.runs.values()) {
    if (isOver(run)) continue;
    checkCounters(run);
    for (const { hostname, phase } of run.members.values()) {
      if (phase === 'done') continue;
      assert(!used.has(hostname), `${hostname} is in ${used.get(hostname)} and ${run.run_id}`);
      assert.equal(state.nodes.get(hostname)?.run_id, run.run_id, `${hostname} does not know its run`);
      used.set(hostname, run.run_id);
    }
  }
}

function checkCounters(run: Run): void {
  const members = [...run.members.values()];
  const uncleaned = members.filter((member) => member.phase !== 'done').length;
  assert.equal(run.uncleaned, uncleaned, `${run.run_id}: uncleaned`);
  for (const component of run.components.values()) {
    const own = members.filter((member) => member.component === component.name);
    assert.equal(component.members.size, own.length, `${run.run_id}: members of ${component.name}`);
    if (run.service !== undefined && run.ending === undefined)
      assert.equal(component.below !== undefined, own.length < component.min, `${run.run_id}: below`);
    assert(own.length <= component.max, `${run.run_id}: ${component.name} has more nodes than its maximum`);
    assert.equal(new Set(own.map((member) => member.index)).size, own.length, `${run.run_id}: a place twice`);
    if (run.ending !== undefined) continue;
    assert.equal(
      component.prepared,
      own.filter((m) => m.phase !== 'preparing').length,
      `${run.run_id}: prepared`,
    );
    const finished = own.filter((m) => m.phase === 'finishing' || m.phase === 'done').length;
    assert.equal(component.finished, finished, `${run.run_id}: finished`);
  }
  if (run.restarting !== undefined && run.ending === undefined) {
    const live = members
      .flatMap((member) => [...member.tasks.values()])
      .filter((task) => task.state === 'ordered' || task.state === 'running');
    assert.deepEqual([...run.restarting.stopping].sort(), live.map((task) => task.task_id).sort());
  }
  for (const block of run.blocks.values()) {
    const begun = members.filter(
      ({ tasks, at, completed }) => tasks.has(block.name) || at?.has(block.name) || completed.has(block.name),
    );
    assert.equal(block.begun, begun.length, `${run.run_id}: begun of ${block.name}`);
    const completed = members.filter((member) => member.completed.has(block.name)).length;
    assert.equal(block.completed, completed, `${run.run_id}: completed of ${block.name}`);
    const failed = members.filter((member) => member.tasks.get(block.name)?.state === 'failed').length;
    assert.equal(block.failed, failed, `${run.run_id}: failed of ${block.name}`);
    const skipped = members.filter((member) => member.skipped?.has(block.name)).length;
    assert.equal(block.skipped ?? 0, skipped, `${run.run_id}: skipped of ${block.name}`);
  }
}

/** No process runs where no run wants it, unless its cleaning is under way or owed. */
export function checkProcesses(state: State, machines: Iterable<Machine>): void {
  for (const { hostname, processes, isOrphan } of machines) {
    for (const { run_id, report } of processes.values()) {
      if (report.state !== 'running' || isOrphan) continue;
      const member = state.runs.get(run_id)?.members.get(hostname);
      const isWanted = member !== undefined && member.phase !== 'done';
      const isOwed = state.nodes.get(hostname)?.owed.has(run_id) || state.leaving.has(hostname);
      assert(isWanted || isOwed, `${report.task_id} runs on, and nobody will stop it`);
    }
  }
}

/** A person who asks gets an answer, at any time, and each node of a run has one state in it. */
export function checkAnswers(state: State): void {
  for (const run of state.runs.values()) {
    const { nodes, summary } = explain(state, run.run_id);
    const names = nodes.map((node) => node.hostname);
    assert.equal(new Set(names).size, names.length, `${run.run_id}: a node has two states`);
    const lost = run.past.filter((past) => !run.members.has(past.hostname));
    assert.equal(names.length, run.members.size + lost.length);
    assert(/^[A-Z].*\.$/s.test(summary), summary);
    const { waiting } = runDetail(run, state);
    const waits = waiting.reduce((sum, group) => sum + group.nodes, 0);
    const idle = [...run.members.values()].filter((member) => member.phase === 'done').length;
    if (!isOver(run)) assert(waits >= run.members.size - idle, `${run.run_id}: a node is silent`);
    if (isOver(run)) {
      for (const node of nodes)
        assert(['done', 'failed', 'stopped'].includes(node.state), `${node.hostname} is ${node.state}`);
    }
  }
  for (const hostname of state.nodes.keys()) explain(state, hostname);
  let cursor: string | undefined;
  const listed: string[] = [];
  do {
    const page = listNodes(state, { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    listed.push(...page.nodes.map((node) => node.hostname));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(listed, [...state.nodes.keys()].sort());
}

/** When nothing happens any more. @param isThorough also folds the whole journal once more, which takes longer than all else here */
export function checkEnd(
  controller: Controller,
  machines: Iterable<Machine>,
  succeeded: Set<string>,
  isThorough: boolean,
): void {
  const { state, durable } = controller;
  for (const { type, body } of durable) {
    if (type !== 'blocks_completed') continue;
    for (const block of body.blocks) succeeded.add(`${body.run_id}/${block}/${body.hostname}`);
  }
  assert.deepEqual([...state.active], [], 'a run does not end');
  if (isThorough) {
    assert.deepEqual(
      [...encodeState(foldFacts(durable))],
      [...encodeState(state)],
      'the fold is another state',
    );
  }
  for (const machine of machines) {
    if (machine.isOrphan) continue;
    assert.deepEqual([...machine.runs()], [], `something is left on ${machine.hostname}`);
  }
  for (const run of state.runs.values()) {
    for (const { hostname, component, completed } of run.past) {
      const blocks = planOf(run.spec).ofComponent.get(component)?.length ?? 0;
      assert(completed.size < blocks, `${run.run_id} gave up ${hostname}, which had done its work`);
    }
    if (run.state !== 'succeeded' || run.ending?.cause === 'end_application') continue;
    for (const { hostname, component, skipped } of run.members.values()) {
      const blocks = run.spec.component_blocks
        .filter((b) => b.component === component)
        .flatMap((b) => b.blocks);
      for (const { name } of blocks) {
        assert(
          succeeded.has(`${run.run_id}/${name}/${hostname}`) || skipped?.has(name),
          `${run.run_id} succeeded without ${name} on ${hostname}`,
        );
      }
    }
  }
}
