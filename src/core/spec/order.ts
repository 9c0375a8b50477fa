/**
 * Finds blocks that wait for each other.
 *
 * A block with blocks in it and a barrier block are two vertices, start and end; a process block is one. An edge leads
 * from what waits to what it waits for: a block to its predecessor's end, a block to the start of what it is in, the end
 * of that to the end of each of its blocks. A barrier is a vertex too: the end of a barrier block waits for it, and it
 * waits for the start of each block that it cannot be released without.
 */
import type { Block } from './blocks.ts';
import { type Graph, reportCycles } from './cycles.ts';
import type { Meeting } from './participants.ts';
import type { Problems } from './problems.ts';
import type { XmlElement } from './xml-tree.ts';

/** Reports CYCLE once for each group of blocks that wait for each other. Predecessors without a block are skipped. */
export function checkOrder(blocks: readonly Block[], meetings: readonly Meeting[], problems: Problems): void {
  reportCycles(graphOf(blocks, meetings), 'Blocks wait for each other and could never start', problems);
}

function graphOf(blocks: readonly Block[], meetings: readonly Meeting[]): Graph {
  const graph: Graph = { names: [], edges: [] };
  const starts = new Map<string, number>();
  const ends = new Map<string, number>();
  const barriers = new Map<string, number>();
  const add = (name: string): number => {
    graph.edges.push([]);
    return graph.names.push(name) - 1;
  };
  const connect = (from: number | undefined, to: number | undefined, element?: XmlElement): void => {
    if (from === undefined || to === undefined) return;
    graph.edges[from]?.push({ to, ...(element && { element }) });
  };
  for (const { name, container, barrier, workflow } of blocks) {
    const start = add(name);
    const simple = container && barrier === undefined && !workflow;
    const end = simple ? start : add(name);
    starts.set(name, start);
    ends.set(name, end);
    if (!simple) connect(end, start);
  }
  for (const { name } of meetings) barriers.set(name, add(`barrier ${name}`));
  for (const { name, container, predecessors, barrier } of blocks) {
    for (const predecessor of predecessors) {
      connect(starts.get(name), ends.get(predecessor.name), predecessor.element);
    }
    if (barrier !== undefined) connect(ends.get(name), barriers.get(barrier));
    if (!container) continue;
    connect(starts.get(name), starts.get(container.name));
    connect(ends.get(container.name), ends.get(name));
  }
  for (const { name, needed } of meetings) {
    for (const block of needed) connect(barriers.get(name), starts.get(block.name));
  }
  return graph;
}
