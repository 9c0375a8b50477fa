/**
 * Cleanup between phases: blocks that no specification can name, behind all others of their component block, so that whoever
 * waits for the component block waits for them too.
 *
 *     … last blocks ──▶ NAME#cleanup (the command) ──▶ NAME#reinstall (an empty working folder, software as at the beginning)
 */
import type { ComponentBlockSpec, ProcessBlockSpec } from '../../../api/spec.ts';
import type { PlannedBlock } from './plan.ts';

/** What a block does about what is left of its component block; `install`: what it needs beside the software that is there. */
export type CleanupKind = 'command' | 'reinstall' | 'install';

/** The block before all others of a component block that needs more software than those before it on the same nodes. */
export function installBlock(
  { name, component }: ComponentBlockSpec,
  gates: readonly string[],
): PlannedBlock {
  const spec = shellBlock(`${name}#install`, ':', []);
  return { spec, component, component_block: name, before: [], gates, cleanup: 'install' };
}

/** The blocks that clean up behind a component block; none where it says nothing. */
export function cleanupBlocks({ name, component, blocks, cleanup }: ComponentBlockSpec): PlannedBlock[] {
  if (cleanup === undefined) return [];
  const waitedFor = new Set(blocks.flatMap((block) => block.predecessors));
  let before = blocks.map((block) => block.name).filter((block) => !waitedFor.has(block));
  const planned: PlannedBlock[] = [];
  const add = (kind: CleanupKind, command: string) => {
    const spec = shellBlock(`${name}#${kind === 'command' ? 'cleanup' : kind}`, command, before);
    planned.push({ spec, component, component_block: name, before, gates: [], cleanup: kind });
    before = [spec.name];
  };
  if (cleanup.command !== undefined) add('command', cleanup.command);
  if (cleanup.remove) add('reinstall', ':');
  return planned;
}

function shellBlock(name: string, command: string, predecessors: readonly string[]): ProcessBlockSpec {
  const process = { name, path: '/bin/sh', args: ['-c', command], env: {} };
  return { kind: 'process', name, predecessors, process };
}
