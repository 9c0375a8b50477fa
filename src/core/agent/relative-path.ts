/** Longest relative path accepted, in characters. */
const MAX_PATH_CHARS = 4096;

/**
 * The segments of a path that must stay inside the folder it is relative to, `.` and empty ones dropped; undefined when it
 * is absolute, has a `..` or a NUL, or is too long. `..` is refused even where it would stay inside: through a symbolic
 * link it may not.
 */
export function insideSegments(path: string): string[] | undefined {
  if (path.startsWith('/') || path.includes('\0') || path.length > MAX_PATH_CHARS) return undefined;
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  return segments.includes('..') ? undefined : segments;
}
