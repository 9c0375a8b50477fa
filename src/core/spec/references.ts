/** Checks that what elements name is defined, and can be named from there. */
import { didYouMean } from '../suggest.ts';
import type { Block, ReadBlocks } from './blocks.ts';
import type { ReadComponent, Reference } from './component.ts';
import { type Graph, reportCycles } from './cycles.ts';
import type { Names } from './names.ts';
import type { ProblemCode, Problems } from './problems.ts';
import type { ReadSoftware } from './software.ts';
import { MAX_MEETING_TASKS, MAX_TASKS } from './value-rule.ts';
import { fail, label, quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** All names of one kind that a file defines, even where the definition has errors of its own. */
export type Known = Names | ReadonlySet<string>;

/** Reports the code where a name is not known, with the nearest that is. */
export function checkKnown(
  code: ProblemCode,
  known: Known,
  { name, element }: Reference,
  start: () => string,
  problems: Problems,
  attribute?: string,
): boolean {
  if (known.has(name)) return true;
  const all = () => ('all' in known ? known.all() : known);
  problems.error(
    code,
    element,
    () => `${start()} ${quoted(name)}, which is not defined${didYouMean(name, all())}`,
    attribute,
  );
  return false;
}

/** Software that software and components name, and circles of requirements. */
export function checkSoftware(
  software: readonly ReadSoftware[],
  components: readonly ReadComponent[],
  known: Names,
  problems: Problems,
): void {
  for (const { element: user, software: references } of components) {
    for (const reference of references) {
      checkKnown('UNKNOWN_SOFTWARE', known, reference, () => `${label(user)} uses software`, problems);
    }
  }
  const vertices = new Map(software.map(({ spec }, vertex) => [spec.name, vertex]));
  const graph: Graph = { names: software.map(({ spec }) => spec.name), edges: [] };
  for (const { element: user, requires } of software) {
    const edges: { to: number; element: XmlElement }[] = [];
    for (const reference of requires) {
      checkKnown('UNKNOWN_SOFTWARE', known, reference, () => `${label(user)} requires software`, problems);
      const to = vertices.get(reference.name);
      if (to !== undefined) edges.push({ to, element: reference.element });
    }
    graph.edges.push(edges);
  }
  reportCycles(graph, 'Software requires itself and could never be installed', problems);
}

/** Components, predecessors, barriers and workflows that blocks name. */
export function checkBlocks(
  { components, blocks, barriers, substitutions }: ReadBlocks,
  componentNames: Known,
  problems: Problems,
): void {
  for (const { user, reference } of components) {
    const start = () => `${label(user)} uses component`;
    checkKnown('UNKNOWN_COMPONENT', componentNames, reference, start, problems);
  }
  const byName = new Map(blocks.map((block) => [block.name, block]));
  const names = new Set(byName.keys());
  for (const block of blocks) {
    for (const reference of block.predecessors) {
      const start = () => `${label(block.element)} has the predecessor`;
      if (!checkKnown('UNKNOWN_BLOCK', names, reference, start, problems)) continue;
      checkReach(block, byName.get(reference.name), reference.element, problems);
    }
  }
  const barrierNames = new Set(barriers.all().map(({ name }) => name));
  for (const { name, places } of barriers.all()) {
    const catchup = places.get('catchup');
    if (!catchup) continue;
    const reference = { name: catchup.value, element: catchup.element };
    const start = () => `Barrier ${quoted(name)} lets late nodes go on at barrier`;
    checkKnown('UNKNOWN_BARRIER', barrierNames, reference, start, problems, 'catchup');
  }
  checkSubstitutions(substitutions, blocks, barrierNames, problems);
  checkTasks(blocks, problems);
}

/** A file of a few lines must not come to billions of tasks, nor to more than can be decided at one moment. */
function checkTasks(blocks: readonly Block[], problems: Problems): void {
  for (const { barrier, container, element } of blocks) {
    const { tasks = 0 } = container?.workflow ?? {};
    if (barrier === undefined || tasks <= MAX_MEETING_TASKS) continue;
    const message = `${label(element)} is in a workflow of ${tasks} tasks; with a barrier inside it may have ${MAX_MEETING_TASKS}, since they go on all at once`;
    problems.error('TOO_LARGE', element, message);
  }
  let tasks = 0;
  for (const { workflow, element } of blocks) {
    tasks += workflow?.tasks ?? 0;
    if (tasks <= MAX_TASKS) continue;
    const message = `The workflows up to here come to ${tasks} tasks; all together may have ${MAX_TASKS}`;
    problems.error('TOO_LARGE', element, message);
    return;
  }
}

/** The blocks of a workflow are done for each task, so only they can wait for each other. */
function checkReach(
  block: Block,
  predecessor: Block | undefined,
  element: XmlElement,
  problems: Problems,
): void {
  if (!predecessor) return;
  const own = block.container?.workflow ? block.container : undefined;
  const other = predecessor.container?.workflow ? predecessor.container : undefined;
  if (own === other || predecessor === own) return;
  const message = other
    ? `${label(block.element)} cannot wait for ${label(predecessor.element)}, which is done for each task: name ${label(other.element)}`
    : `${label(block.element)} is done for each task and can wait only for blocks of its workflow: put the predecessor into ${label((own ?? block).element)}`;
  problems.error('CONTRADICTION', element, message);
}

function checkSubstitutions(
  substitutions: ReadBlocks['substitutions'],
  blocks: readonly Block[],
  barriers: ReadonlySet<string>,
  problems: Problems,
): void {
  const workflows = new Set(blocks.flatMap(({ workflow }) => (workflow ? [workflow.id] : [])));
  for (const { spec, element, block } of substitutions) {
    if (spec.id === undefined) continue;
    const reference = { name: spec.id, element };
    if (spec.type === 'barrier') {
      const start = () => `${label(element)} names barrier`;
      checkKnown('UNKNOWN_BARRIER', barriers, reference, start, problems, 'id');
    }
    if (spec.type !== 'workflow') continue;
    const start = () => `${label(element)} names workflow`;
    if (!checkKnown('UNKNOWN_WORKFLOW', workflows, reference, start, problems, 'id')) continue;
    if (block.container?.workflow?.id === spec.id) continue;
    const message = `${label(element)} names workflow ${quoted(spec.id)}, but its process is not in that workflow_block`;
    fail(problems, 'CONTRADICTION', { value: spec.id, element, attribute: 'id' }, message);
  }
}
