/** A cleanup that empties the working folder must not do so under another component block of the same nodes. */
import type { ReadBlocks } from './blocks.ts';
import type { Problems } from './problems.ts';
import { quoted } from './values.ts';

/** Reports CONTRADICTION at component blocks that may run while the folder of their nodes is emptied. */
export function checkCleanups({ componentBlocks, blocks }: ReadBlocks, problems: Problems): void {
  const emptying = componentBlocks.filter(({ cleanup }) => cleanup?.remove);
  if (emptying.length === 0) return;
  const elements = new Map(blocks.map(({ name, element }) => [name, element]));
  const behind = new Map(componentBlocks.map(({ name, predecessors }) => [name, predecessors]));
  const followers = new Map<string, string[]>();
  for (const { name, predecessors } of componentBlocks) {
    for (const one of predecessors) followers.set(one, [...(followers.get(one) ?? []), name]);
  }
  for (const { name, component } of emptying) {
    const ordered = new Set([...reached(name, behind), ...reached(name, followers)]);
    for (const other of componentBlocks) {
      const element = elements.get(other.name);
      if (other.component !== component || ordered.has(other.name) || element === undefined) continue;
      const message = `component_block ${quoted(name)} empties the working folder of component ${quoted(component)}, where component_block ${quoted(other.name)} may still run: make one of the two a predecessor of the other`;
      problems.error('CONTRADICTION', element, message);
      break;
    }
  }
}

/** A block and all that it leads to. */
function reached(from: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set([from]);
  for (const name of found) for (const one of next.get(name) ?? []) found.add(one);
  return found;
}
