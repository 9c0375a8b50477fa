/** When a disk is told to be nearly full, so that the end of its room is no surprise (engine.md, "Start and watch"). */

const SHARE = 0.05;
/** Of a large disk a twentieth is much room. */
const ENOUGH_BYTES = 1024 ** 3;

/** Whether less than 5 % of a file system is free, and less than 1 GiB; false where the size is not known. */
export function isNearlyFull(freeBytes: number, totalBytes: number | undefined): boolean {
  if (totalBytes === undefined || totalBytes <= 0) return false;
  return freeBytes < Math.min(totalBytes * SHARE, ENOUGH_BYTES);
}
