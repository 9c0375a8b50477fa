/** Decisions about nodes that come as whole lists: from the directory, and from PlanetLab Central. */
import type { InputOf } from '../input.ts';
import type { PoolNode, State } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { drop, put } from './decide.ts';
import { nodesOfSlice, type SlicePort } from './slice.ts';

/**
 * The directory's nodes as the file has them now: new ones come, changed ones change, those no longer listed go. The file is
 * read at each start too, so a node that is listed as before keeps its failed flag. Of PlanetLab's nodes, those go at once whose
 * slice is no longer named, or has another port; all others stay until PlanetLab Central says otherwise.
 */
export function loadDirectory(tx: Transaction, { nodes, slices = [] }: InputOf<'load_directory'>): void {
  const listed = new Set(nodes.map((node) => node.hostname));
  const gone = [...tx.state.nodes.values()].filter(
    (n) => n.source === 'directory' && !listed.has(n.spec.hostname),
  );
  // What comes may replace what goes, and a node of a slice that the file now lists by its name stays.
  for (const node of nodes) put(tx, node, { source: 'directory' }, false);
  for (const node of unusedFirst(gone)) drop(tx, node);
  keepSlices(tx, slices);
}

/** In an order in which no node that goes is put in the place of another that goes. */
function unusedFirst(nodes: readonly PoolNode[]): PoolNode[] {
  return [
    ...nodes.filter(({ run_id }) => run_id === undefined),
    ...nodes.filter(({ run_id }) => run_id !== undefined),
  ];
}

function keepSlices(tx: Transaction, named: readonly SlicePort[]): void {
  const known = tx.state.slices;
  if (known === undefined || known.size === 0) return;
  const kept = named.filter(({ slice, port }) => known.get(slice) === port);
  if (kept.length === known.size) return;
  tellSlices(tx, kept);
  const stay = new Set(kept.map(({ slice }) => slice));
  const changes = new Changes(tx);
  const gone = planetLabNodes(tx.state).filter((node) => !stay.has(sliceOf(node)));
  for (const node of unusedFirst(gone)) changes.drop(node);
  changes.tell();
}

/**
 * The nodes of all slices as PlanetLab Central has them now. A node of the same name that the directory lists, or that somebody
 * has added or described anew through the API, is theirs and stays as it is.
 */
export function planetLabAnswered(tx: Transaction, { slices }: InputOf<'planetlab_answered'>): void {
  if (tx.state.quitting) return;
  tellSlices(
    tx,
    slices.filter(({ found }) => found),
  );
  const wanted = new Map(slices.flatMap(nodesOfSlice).map((node) => [node.hostname, node]));
  const changes = new Changes(tx);
  // What comes may replace what goes.
  for (const node of wanted.values()) {
    const known = tx.state.nodes.get(node.hostname);
    // A node that is ours is described as before, since its name and its slice tell all of it.
    if (known !== undefined) continue;
    changes.of(node.group ?? '').added += 1;
    put(tx, node, { source: 'planetlab' }, false);
  }
  const gone = planetLabNodes(tx.state).filter(({ spec }) => !wanted.has(spec.hostname));
  for (const node of unusedFirst(gone)) changes.drop(node);
  changes.tell();
}

function tellSlices(tx: Transaction, slices: readonly SlicePort[]): void {
  const known = tx.state.slices ?? new Map<string, number>();
  if (slices.length === known.size && slices.every(({ slice, port }) => known.get(slice) === port)) return;
  tx.emit('planetlab_slices_changed', { slices: slices.map(({ slice, port }) => ({ slice, port })) });
}

function planetLabNodes(state: State): PoolNode[] {
  return [...state.nodes.values()].filter((node) => node.source === 'planetlab');
}

function sliceOf({ spec }: PoolNode): string {
  return spec.group ?? '';
}

/** How many nodes of each slice are in the pool. */
export function countSliceNodes(state: State): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of planetLabNodes(state)) counts.set(sliceOf(node), (counts.get(sliceOf(node)) ?? 0) + 1);
  return counts;
}

/** What came and went of each slice. */
class Changes {
  readonly #tx: Transaction;
  readonly #slices = new Map<string, { added: number; removed: number }>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  of(slice: string): { added: number; removed: number } {
    const known = this.#slices.get(slice) ?? { added: 0, removed: 0 };
    this.#slices.set(slice, known);
    return known;
  }

  drop(node: PoolNode): void {
    this.of(sliceOf(node)).removed += 1;
    drop(this.#tx, node);
  }

  tell(): void {
    if (this.#slices.size === 0) return;
    const counts = countSliceNodes(this.#tx.state);
    for (const [slice, { added, removed }] of this.#slices)
      this.#tx.emit('slice_nodes_changed', { slice, nodes: counts.get(slice) ?? 0, added, removed });
  }
}
