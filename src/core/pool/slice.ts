/**
 * PlanetLab's slices (section 4.1 of plush-toit.2011): an account may log in to the nodes of its slices, on each as a user that
 * is called as the slice is.
 */
import type { NodeSpec } from '../../../api/spec.ts';
import { checkHostname } from './hostname.ts';

/** Most slices of a directory. */
export const MAX_SLICES = 1_000;
/** Most nodes of all its slices together; a host of two slices is two nodes. */
export const MAX_SLICE_NODES = 100_000;
/** What PlanetLab Central calls the state of a node that can be used. */
const USABLE = 'boot';

/** First delay before PlanetLab Central is asked again after it could not be reached. */
const FIRST_RETRY_MS = 5_000;

/** A slice of the directory's port map. */
export interface SlicePort {
  readonly slice: string;
  /**
   * Where the agents of the slice listened in the paper's system, so that those of two slices on one host did not meet. Ours need
   * none; the port stands in the node's name, which tells them apart in the same way.
   */
  readonly port: number;
}

/** A slice with all that PlanetLab Central tells of it. */
export interface SliceAnswer extends SlicePort {
  /** Whether the account may see it; it has no nodes otherwise. */
  readonly found: boolean;
  readonly nodes: readonly SliceNode[];
}

/** A node as PlanetLab Central describes it. */
export interface SliceNode {
  readonly hostname: string;
  readonly boot_state: string;
}

/** The directory's account at PlanetLab Central. */
export interface PlanetLabAccount {
  readonly user: string;
  readonly slices: readonly SlicePort[];
}

/** Descriptions of the nodes of a slice that can be used, without those whose names are none. */
export function nodesOfSlice({ slice, port, nodes }: SliceAnswer): NodeSpec[] {
  return nodes.flatMap(({ hostname, boot_state }) => {
    const name = `${hostname}:${port}`;
    if (boot_state !== USABLE || checkHostname(name) !== undefined) return [];
    return [{ hostname: name, type: 'ssh', user: slice, group: slice }];
  });
}

/**
 * When PlanetLab Central is to be asked again.
 * @param failures of one kind, in a row; 0 after an answer
 * @param refused it has answered, and will hardly say another thing soon
 * @param random from 0 to 1: not all controllers come back at once
 */
export function nextQueryMs(
  { failures, refused }: { readonly failures: number; readonly refused: boolean },
  intervalMs: number,
  random: number,
): number {
  if (failures === 0 || refused) return intervalMs;
  const delayMs = Math.min(intervalMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.round(delayMs * (1 - random / 2));
}
