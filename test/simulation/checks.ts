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
  checkFree(state);
  const used = new Map<string, string>();
  let kept = 0;
  for (const run_id of state.ended) {
    const run = state.runs.get(run_id);
    if (run !== undefined) kept += run.members.size + run.past.length;
  }
  assert.equal(state.ended_members, kept, 'members of ended runs');
  for (const run of state.runs.values()) {
    if (isOver(run)) continue;
    checkComponents(run);
    checkBlocks(run);
    for (const { hostname, phase } of run.members.values()) {
      if (phase === 'done') continue;
      if (used.has(hostname)) assert.fail(`${hostname} is in ${used.get(hostname)} and ${run.run_id}`);
      if (state.nodes.get(hostname)?.run_id !== run.run_id)
        assert.fail(`${hostname} does not know its run ${run.run_id}`);
      used.set(hostname, run.run_id);
    }
  }
}

function checkFree({ nodes, free, leaving }: State): void {
  let count = 0;
  for (const [hostname, node] of nodes) {
    const isFree =
      node.failed === undefined &&
      node.lease_over === undefined &&
      node.run_id === undefined &&
      !leaving.has(hostname);
    if (isFree) count += 1;
    if (free.has(hostname) !== isFree) assert.fail(`${hostname} is ${isFree ? '' : 'not '}free`);
  }
  assert.equal(free.size, count, 'free nodes');
}

/** What a component's members add up to. */
interface Sum {
  members: number;
  prepared: number;
  finished: number;
  readonly places: Set<number>;
}

function checkComponents(run: Run): void {
  const sums = new Map<string, Sum>();
  for (const name of run.components.keys())
    sums.set(name, { members: 0, prepared: 0, finished: 0, places: new Set() });
  let uncleaned = 0;
  for (const { component, phase, index } of run.members.values()) {
    const sum = sums.get(component) as Sum;
    sum.members += 1;
    sum.places.add(index);
    if (phase !== 'done') uncleaned += 1;
    if (phase !== 'preparing') sum.prepared += 1;
    if (phase === 'finishing' || phase === 'done') sum.finished += 1;
  }
  assert.equal(run.uncleaned, uncleaned, `${run.run_id}: uncleaned`);
  for (const component of run.components.values()) {
    const { members, prepared, finished, places } = sums.get(component.name) as Sum;
    const label = `${run.run_id} ${component.name}`;
    assert.equal(component.members.size, members, `${label}: members`);
    if (members > component.max) assert.fail(`${label} has more nodes than its maximum`);
    assert.equal(places.size, members, `${label}: a place twice`);
    if (run.ending !== undefined) continue;
    if (run.service !== undefined)
      assert.equal(component.below !== undefined, members < component.min, `${label}: below`);
    assert.equal(component.prepared, prepared, `${label}: prepared`);
    assert.equal(component.finished, finished, `${label}: finished`);
  }
}

function checkBlocks(run: Run): void {
  const { run_id, restarting, ending, blocks } = run;
  const begun = new Map<string, number>();
  const completed = new Map<string, number>();
  const failed = new Map<string, number>();
  const skipped = new Map<string, number>();
  const live: string[] = [];
  for (const member of run.members.values()) {
    for (const [name, task] of member.tasks) {
      count(begun, name);
      if (task.state === 'failed') count(failed, name);
      else if (task.state === 'ordered' || task.state === 'running') live.push(task.task_id);
    }
    for (const name of member.at?.keys() ?? []) if (!member.tasks.has(name)) count(begun, name);
    for (const name of member.completed) {
      count(completed, name);
      if (!member.tasks.has(name) && !member.at?.has(name)) count(begun, name);
    }
    for (const name of member.skipped ?? []) count(skipped, name);
  }
  if (restarting !== undefined && ending === undefined)
    assert.deepEqual([...restarting.stopping].sort(), live.sort());
  for (const block of blocks.values()) {
    const { name } = block;
    assert.equal(block.begun, begun.get(name) ?? 0, `${run_id} ${name}: begun`);
    assert.equal(block.completed, completed.get(name) ?? 0, `${run_id} ${name}: completed`);
    assert.equal(block.failed, failed.get(name) ?? 0, `${run_id} ${name}: failed`);
    assert.equal(block.skipped ?? 0, skipped.get(name) ?? 0, `${run_id} ${name}: skipped`);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** No process runs where no run wants it, unless its cleaning is under way or owed. */
export function checkProcesses(state: State, machines: Iterable<Machine>): void {
  for (const { hostname, processes, isOrphan } of machines) {
    for (const { run_id, report } of processes.values()) {
      if (report.state !== 'running' || isOrphan) continue;
      const member = state.runs.get(run_id)?.members.get(hostname);
      const isWanted = member !== undefined && member.phase !== 'done';
      const isOwed = state.nodes.get(hostname)?.owed.has(run_id) || state.leaving.has(hostname);
      if (!isWanted && !isOwed) assert.fail(`${report.task_id} runs on, and nobody will stop it`);
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
