/** Nodes with little room: a small file system where the tests may mount one, and a limit on file sizes everywhere. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Scratch } from './scratch.ts';

export interface SmallDisk {
  /** Lines for sshd's configuration: what Plush puts on its machines has no more room than that. */
  readonly config: readonly string[];
  remove(): void;
}

export type DiskKind = 'file system' | 'limit on file sizes';

/** What can be had here; the limit always. */
export function diskKinds(): DiskKind[] {
  const mayMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;
  return mayMount ? ['file system', 'limit on file sizes'] : ['limit on file sizes'];
}

/** @param bytes of the whole disk, or of the largest file */
export function makeSmallDisk(scratch: Scratch, kind: DiskKind, bytes: number): SmallDisk {
  const base = scratch.path('small');
  mkdirSync(base);
  const setBase = `SetEnv PLUSH_BASE=${base}`;
  if (kind === 'file system') {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', base]);
    return { config: [setBase], remove: () => execFileSync('umount', ['-l', base]) };
  }
  const shell = scratch.path('limited-shell');
  // A shell counts in blocks of 512 bytes.
  const limit = `ulimit -f ${Math.floor(bytes / 512)}`;
  writeFileSync(shell, `#!/bin/sh\n${limit}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n`);
  chmodSync(shell, 0o755);
  return { config: [setBase, `ForceCommand ${shell}`], remove: () => undefined };
}
