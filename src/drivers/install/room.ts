/** What to say, and do, when a file system is full. */
import * as fs from 'node:fs';
import { AgentError, isNoRoom } from '../agent-error.ts';

/** Free bytes of the file system that a path lies on, for this account; undefined where the system does not tell. */
export function freeBytes(path: string): number | undefined {
  return diskRoom(path)?.freeBytes;
}

/** The same beside the size of the file system. */
export function diskRoom(path: string): { freeBytes: number; totalBytes: number } | undefined {
  // Node before 18.15 has no statfs.
  if (typeof fs.statfsSync !== 'function') return undefined;
  const { bavail, blocks, bsize } = fs.statfsSync(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** The same sentence on every node, so that failures fold; how full the disk is stands in the details. */
export const DISK_FULL = "The node's disk is full";

/** An error without room becomes disk_full with the place and how much is free; any other stays as it is. */
export function explainNoRoom(error: unknown, path: string, neededBytes?: number): unknown {
  if (!isNoRoom(error)) return error;
  return new AgentError(
    'disk_full',
    DISK_FULL,
    { stderr_tail: [noRoomSentence(path, neededBytes)] },
    { cause: error },
  );
}

/** How full a file system is. */
export function noRoomSentence(path: string, neededBytes?: number): string {
  const free = freeBytes(path);
  const facts = [
    ...(neededBytes === undefined ? [] : [`${neededBytes} bytes needed`]),
    ...(free === undefined ? [] : [`${free} bytes free`]),
  ];
  return `No room on the file system of ${path}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
}
