/** Who can reach a barrier, and how many it waits for: finds barriers that nobody can satisfy. */
import type { ComponentSpec } from '../../../api/spec.ts';
import { kneeOf, type ReadBarrier } from './barrier.ts';
import type { Block } from './blocks.ts';
import type { Problems } from './problems.ts';
import { fail, label, quoted } from './values.ts';

/** A barrier block and how many participants come through it at the same time. */
interface Entrance {
  readonly block: Block;
  readonly count: number;
}

/** A barrier and those of its entrances that it cannot be released without. */
export interface Meeting {
  readonly name: string;
  readonly needed: readonly Block[];
}

/**
 * The barriers as the order of blocks sees them. Reports UNSATISFIABLE for a barrier that waits for more than can come, and
 * CONTRADICTION where a component block goes through the same barrier twice.
 */
export function checkParticipants(
  barriers: readonly ReadBarrier[],
  blocks: readonly Block[],
  components: ReadonlyMap<string, ComponentSpec>,
  problems: Problems,
): Meeting[] {
  const entrances = entrancesOf(blocks, components, problems);
  return barriers.map((barrier) => {
    const found = entrances.get(barrier.name) ?? [];
    const total = found.reduce((sum, { count }) => sum + count, 0);
    const least = leastOf(barrier, total);
    if (least > total) {
      reportUnsatisfiable(barrier, least, total, problems);
      return { name: barrier.name, needed: [] };
    }
    checkLate(barrier, found, problems);
    const needed = found.filter(({ count }) => total - count < least).map(({ block }) => block);
    return { name: barrier.name, needed };
  });
}

/** A task of a workflow that comes late is no node that could be taken out, and has no blocks beside its own to skip. */
function checkLate(
  { name, values, places }: ReadBarrier,
  found: readonly Entrance[],
  problems: Problems,
): void {
  const inside = found.find(({ block }) => block.container?.workflow !== undefined);
  const setting = places.get('late');
  if (inside === undefined || setting === undefined || values.late === undefined || values.late === 'pass')
    return;
  const message = `Barrier ${quoted(name)} has late=${quoted(values.late)}, which is for nodes, but tasks of a workflow come through ${label(inside.block.element)}: they can only pass`;
  fail(problems, 'CONTRADICTION', setting, message);
}

function entrancesOf(
  blocks: readonly Block[],
  components: ReadonlyMap<string, ComponentSpec>,
  problems: Problems,
): ReadonlyMap<string, readonly Entrance[]> {
  const entrances = new Map<string, Entrance[]>();
  const taken = new Map<Block, Map<string, Block>>();
  for (const block of blocks) {
    const { barrier, container } = block;
    if (barrier === undefined || !container) continue;
    const passed = taken.get(container) ?? new Map<string, Block>();
    taken.set(container, passed);
    const first = passed.get(barrier);
    if (first) {
      const line = problems.lineOf(first.element);
      const message = `${label(block.element)} names barrier ${quoted(barrier)}, which ${label(container.element)} has passed already (line ${line}): a ${container.workflow ? 'task' : 'node'} enters a barrier once`;
      problems.error('CONTRADICTION', block.element, message);
      continue;
    }
    passed.set(barrier, block);
    const list = entrances.get(barrier) ?? [];
    list.push({ block, count: countOf(container, components) });
    entrances.set(barrier, list);
  }
  return entrances;
}

/** The nodes of a component block, the tasks of a workflow: those that wait leave their nodes to others. */
function countOf({ component, workflow }: Block, components: ReadonlyMap<string, ComponentSpec>): number {
  if (workflow !== undefined) return workflow.tasks;
  return components.get(component ?? '')?.max ?? Number.POSITIVE_INFINITY;
}

/** How many must have entered before the barrier can be released at all. */
function leastOf({ values }: ReadBarrier, total: number): number {
  const { type = 'traditional', max = total, percent, timeout, min_percent, release } = values;
  if (type === 'semaphore' || release === 'manual') return 0;
  if (type === 'traditional') return max;
  const share = (percentage: number) => Math.ceil((max * percentage) / 100);
  const least = min_percent === undefined ? 0 : share(min_percent);
  if (timeout !== undefined || kneeOf(values)) return Math.max(least, 1);
  return percent === undefined ? least : Math.max(least, share(percent));
}

function reportUnsatisfiable(
  { name, element, places }: ReadBarrier,
  least: number,
  total: number,
  problems: Problems,
): void {
  const what = `Barrier ${quoted(name)} waits for ${least} participants, but at most ${total} can be in it at the same time`;
  const message = `${what}: give it a smaller max, or its components more nodes`;
  const setting = places.get('max');
  if (setting) fail(problems, 'UNSATISFIABLE', setting, message);
  else problems.error('UNSATISFIABLE', element, message);
}
