/**
 * Finds what waits for itself: a group of vertices that reach each other (Tarjan's strongly connected components, without
 * recursion) holds a cycle, and one of each group is reported, the shortest through its first vertex.
 */
import type { Problems } from './problems.ts';
import { quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Names shown at each end of a long cycle. */
const SHOWN_NAMES = 6;

export interface Edge {
  readonly to: number;
  /** The element that says so, where the file has one; absent for what containment implies. */
  readonly element?: XmlElement;
}

export interface Graph {
  readonly names: string[];
  readonly edges: Edge[][];
}

/** Reports CYCLE once for each group of vertices that wait for each other, after `start`. */
export function reportCycles(graph: Graph, start: string, problems: Problems): void {
  const groups = groupsOf(graph);
  const members = new Map<number, number>();
  for (const group of groups) members.set(group, (members.get(group) ?? 0) + 1);
  const reported = new Set<number>();
  for (const [vertex, edges] of graph.edges.entries()) {
    const group = groups[vertex] ?? -1;
    const cyclic = (members.get(group) ?? 0) > 1 || edges.some((edge) => edge.to === vertex);
    if (!cyclic || reported.has(group)) continue;
    reported.add(group);
    report(graph, cycleFrom(graph, vertex, groups), start, problems);
  }
}

/** Tarjan's algorithm with its own stack: the group of each vertex. */
function groupsOf(graph: Graph): Int32Array {
  const count = graph.edges.length;
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const group = new Int32Array(count).fill(-1);
  const pending: number[] = [];
  let visited = 0;
  for (let root = 0; root < count; root += 1) {
    if (index[root] !== -1) continue;
    const walk: { vertex: number; next: number }[] = [];
    const enter = (vertex: number): void => {
      index[vertex] = low[vertex] = visited;
      visited += 1;
      pending.push(vertex);
      walk.push({ vertex, next: 0 });
    };
    enter(root);
    for (let top = walk.at(-1); top; top = walk.at(-1)) {
      const { vertex } = top;
      const edge = graph.edges[vertex]?.[top.next];
      top.next += 1;
      if (edge) {
        if (index[edge.to] === -1) enter(edge.to);
        else if (group[edge.to] === -1) low[vertex] = Math.min(low[vertex] ?? 0, index[edge.to] ?? 0);
        continue;
      }
      walk.pop();
      const parent = walk.at(-1);
      if (parent) low[parent.vertex] = Math.min(low[parent.vertex] ?? 0, low[vertex] ?? 0);
      if (low[vertex] !== index[vertex]) continue;
      for (let member = pending.pop(); member !== undefined; member = pending.pop()) {
        group[member] = vertex;
        if (member === vertex) break;
      }
    }
  }
  return group;
}

/** The shortest way from a vertex back to itself within its group, by breadth first. */
function cycleFrom(graph: Graph, start: number, groups: Int32Array): { vertex: number; edge: Edge }[] {
  const cameBy = new Map<number, { vertex: number; edge: Edge }>();
  const queue = [start];
  for (let at = 0; at < queue.length && !cameBy.has(start); at += 1) {
    const vertex = queue[at] ?? start;
    for (const edge of graph.edges[vertex] ?? []) {
      if (groups[edge.to] !== groups[start] || cameBy.has(edge.to)) continue;
      cameBy.set(edge.to, { vertex, edge });
      queue.push(edge.to);
    }
  }
  const steps: { vertex: number; edge: Edge }[] = [];
  for (
    let step = cameBy.get(start);
    step;
    step = step.vertex === start ? undefined : cameBy.get(step.vertex)
  ) {
    steps.push(step);
  }
  return steps.reverse();
}

function report(
  graph: Graph,
  steps: readonly { vertex: number; edge: Edge }[],
  start: string,
  problems: Problems,
): void {
  const written = steps.find((step) => step.edge.element)?.edge.element;
  if (!written) return;
  const names: string[] = [];
  for (const vertex of [...steps.map((step) => step.vertex), steps[0]?.vertex ?? 0]) {
    const name = quoted(graph.names[vertex] ?? '');
    // Start and end of a component block are one block to the reader.
    if (names.at(-1) !== name || steps.length === 1) names.push(name);
  }
  const hidden = names.length - 2 * SHOWN_NAMES;
  if (hidden > 1) names.splice(SHOWN_NAMES, hidden, `${hidden} more`);
  problems.error('CYCLE', written, `${start}: ${names.join(' → ')}`);
}
