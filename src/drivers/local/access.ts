import { join } from 'node:path';
import type { NodeAccess } from '../access.ts';
import { LocalSession } from './session.ts';

export interface LocalAccessOptions {
  /** Absolute path of the folder below which each local node has its own; it need not exist yet. */
  readonly baseDir: string;
}

/**
 * Nodes that are child processes on the controller's own machine. Several of them may live side by side: each is given
 * a folder of its own below `baseDir`, named in PLUSH_BASE; bundle and runtime they share, in PLUSH_CACHE.
 */
export function createLocalAccess(options: LocalAccessOptions): NodeAccess {
  return {
    async open(node) {
      const base = join(options.baseDir, folderName(node.hostname));
      const cache = join(options.baseDir, 'cache');
      return new LocalSession({ PLUSH_BASE: base, PLUSH_CACHE: cache }, node.hostname);
    },
  };
}

/** One path segment for a node's name; what is neither letter nor digit nor one of `-_.~` becomes %XX. */
function folderName(name: string): string {
  return encodeURIComponent(name)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E');
}
