/**
 * The state as rows of text and back: one row a node, an application, a run and a member of a run, so that no text grows
 * with the whole of them (a string has a largest length). Each specification is one row, however many runs share it, and
 * is one object again afterwards. In a row, Maps and Sets are written as tagged arrays; everything else is plain JSON.
 */
import type { AppSpec, NodeSpec } from '../../api/spec.ts';
import type { Entry } from './barrier/barrier.ts';
import { addEntry, decodeBarrier, encodeBarrier, type SavedBarrier } from './barrier/saved.ts';
import { noContact } from './pool/contact.ts';
import { countOwned } from './pool/owned.ts';
import type { LoadedApp, Member, PoolNode, Run, RunBarrier, State } from './state.ts';
import {
  addPart,
  decodeWorkflow,
  encodeWorkflow,
  partsOf,
  type SavedWorkflow,
  type WorkflowPart,
} from './workflow/saved.ts';
import type { Workflow } from './workflow/workflow.ts';

/**
 * Version of the fold: grows whenever evolve would make another state of the same facts, or rows are written otherwise.
 * Journals are compacted, and then their facts alone no longer tell the state: who makes it grow also makes decodeState
 * read the rows of the version before.
 */
export const FOLD_VERSION = 3;

const MAP = '$map';
const SET = '$set';

/** Members of the state that have rows of their own, or are counted anew from them. */
type InRows = 'nodes' | 'owned' | 'leaving' | 'apps' | 'runs';

/** What a row holds. Specifications are numbered from 0 as they come, and come before the rows that name them. */
type Row =
  | readonly ['state', Omit<State, InRows>]
  | readonly ['node', string, PoolNode]
  | readonly ['leaving', string, NodeSpec]
  | readonly ['spec', AppSpec]
  | readonly ['app', string, Omit<LoadedApp, 'spec'>, spec: number]
  | readonly ['run', Omit<Run, 'spec' | 'members' | 'past' | 'barriers' | 'workflows'>, spec: number]
  /** Of the run before it; its entries follow it. */
  | readonly ['barrier', SavedBarrier<RunBarrier>]
  | readonly ['entry', Entry]
  /** Of the run before it; its parts follow it. */
  | readonly ['workflow', SavedWorkflow]
  | readonly ['part', WorkflowPart]
  /** Of the run before it, in the order of its members and of its past ones. */
  | readonly ['member' | 'past', Member]
  | readonly ['end', rows: number];

/** The rows of a state, made one by one; the state must not change before the last one is taken. */
export function* encodeState(state: State): Generator<string> {
  let count = 0;
  for (const row of rowsOf(state)) {
    count += 1;
    yield encodeRow(row);
  }
  yield encodeRow(['end', count]);
}

function* rowsOf(state: State): Generator<Row> {
  const { nodes, owned: _counted, leaving, apps, runs, ...rest } = state;
  const specs = new Map<AppSpec, number>();
  yield ['state', rest];
  for (const [hostname, node] of nodes) yield ['node', hostname, node];
  for (const [hostname, node] of leaving) yield ['leaving', hostname, node];
  for (const [name, { spec, ...app }] of apps) {
    yield* newSpec(specs, spec);
    yield ['app', name, app, specs.get(spec) as number];
  }
  for (const { spec, members, past, barriers, workflows, ...run } of runs.values()) {
    yield* newSpec(specs, spec);
    yield ['run', run, specs.get(spec) as number];
    for (const barrier of barriers.values()) {
      yield ['barrier', encodeBarrier(barrier)];
      for (const entry of barrier.entries.values()) yield ['entry', entry];
    }
    for (const workflow of workflows?.values() ?? []) {
      yield ['workflow', encodeWorkflow(workflow)];
      for (const part of partsOf(workflow)) yield ['part', part];
    }
    for (const member of members.values()) yield ['member', member];
    for (const member of past) yield ['past', member];
  }
}

function* newSpec(specs: Map<AppSpec, number>, spec: AppSpec): Generator<Row> {
  if (specs.has(spec)) return;
  specs.set(spec, specs.size);
  yield ['spec', spec];
}

function encodeRow(row: Row): string {
  return JSON.stringify(plain(row));
}

/** The value with its Maps and Sets tagged, at any depth; itself where there are none. A replacer would be called for every number. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return { [MAP]: [...value].map(plain) };
  if (value instanceof Set) return { [SET]: [...value].map(plain) };
  if (Array.isArray(value)) {
    const items = value.map(plain);
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  let changed: Record<string, unknown> | undefined;
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    const member = members[key];
    if (typeof member !== 'object' || member === null) continue;
    const tagged = plain(member);
    if (tagged === member) continue;
    changed ??= { ...members };
    changed[key] = tagged;
  }
  return changed ?? value;
}

/** @throws Error (SyntaxError among them) for rows that are not all those, in their order, that encodeState wrote */
export function decodeState(rows: Iterable<string>): State {
  const reader = new Reader();
  for (const text of rows) reader.take(decodeRow(text));
  return reader.result();
}

function decodeRow(text: string): Row {
  // Most of the text of a state is in rows without any.
  const isTagged = text.includes(`"${MAP}":[`) || text.includes(`"${SET}":[`);
  const row = JSON.parse(text) as Row;
  return isTagged ? (revived(row) as Row) : row;
}

/** The value, which may be changed, with its tagged Maps and Sets as such. A reviver would be called for every number. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) value[i] = revived(value[i]);
    return value;
  }
  const members = value as Record<string, unknown>;
  const keys = Object.keys(members);
  for (const key of keys) {
    const member = members[key];
    if (typeof member !== 'object' || member === null) continue;
    const untagged = revived(member);
    if (untagged !== member) members[key] = untagged;
  }
  if (keys.length !== 1) return value;
  const entries = members[keys[0] as string];
  // An environment variable of that name has a text for a value, never a list.
  if (!Array.isArray(entries)) return value;
  if (keys[0] === MAP) return new Map(entries as [unknown, unknown][]);
  return keys[0] === SET ? new Set(entries) : value;
}

class Reader {
  #state: State | undefined;
  readonly #specs: AppSpec[] = [];
  #run: Run | undefined;
  #barrier: RunBarrier | undefined;
  #workflow: Workflow | undefined;
  #count = 0;
  #isWhole = false;

  take(row: Row): void {
    if (row[0] === 'end') {
      this.#isWhole = row[1] === this.#count;
      return;
    }
    this.#count += 1;
    if (row[0] === 'state') {
      const empty = {
        nodes: new Map(),
        owned: new Map(),
        leaving: new Map(),
        apps: new Map(),
        runs: new Map(),
      };
      this.#state = { ...row[1], ...empty };
      // Rows of earlier versions lack what those did not know.
      this.#state.subscriptions ??= new Map();
      this.#state.contact ??= noContact();
      return;
    }
    this.#add(present(this.#state), row);
  }

  result(): State {
    if (!this.#isWhole) throw new Error('The snapshot is not whole');
    return present(this.#state);
  }

  #add(state: State, row: Exclude<Row, readonly ['state' | 'end', ...unknown[]]>): void {
    switch (row[0]) {
      case 'node':
        state.nodes.set(row[1], row[2]);
        countOwned(state, row[2].owner, row[2].spec, 1);
        return;
      case 'leaving':
        state.leaving.set(row[1], row[2]);
        return;
      case 'spec':
        this.#specs.push(row[1]);
        return;
      case 'app':
        state.apps.set(row[1], { ...row[2], spec: present(this.#specs[row[3]]) });
        return;
      case 'run':
        this.#run = {
          ...row[1],
          spec: present(this.#specs[row[2]]),
          barriers: new Map(),
          members: new Map(),
          past: [],
        };
        state.runs.set(this.#run.run_id, this.#run);
        return;
      case 'barrier':
        this.#barrier = decodeBarrier(row[1]);
        present(this.#run).barriers.set(this.#barrier.name, this.#barrier);
        return;
      case 'entry':
        addEntry(present(this.#barrier), row[1]);
        return;
      case 'workflow': {
        const run = present(this.#run);
        run.workflows ??= new Map();
        this.#workflow = decodeWorkflow(row[1]);
        run.workflows.set(this.#workflow.block, this.#workflow);
        return;
      }
      case 'part':
        addPart(present(this.#workflow), row[1]);
        return;
      case 'member':
        present(this.#run).members.set(row[1].hostname, row[1]);
        return;
      case 'past':
        present(this.#run).past.push(row[1]);
    }
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The snapshot lacks a row that a later one needs');
  return value;
}
