/** Bounds on what an archive may make. */

export const MAX_MEMBERS = 1_000_000;
export const MAX_UNPACKED_BYTES = 100 * 2 ** 30;
