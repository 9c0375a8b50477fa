/**
 * "Did you mean …": the candidate closest to a misspelled name.
 *
 * Closeness is the Levenshtein distance over UTF-16 units with two swapped neighbours counted as one edit (optimal string
 * alignment), compared case-insensitively so that a wrong case is always found.
 */

/** Longer names are not compared: nobody mistypes them, and the distance costs the product of the lengths. */
const MAX_COMPARED_LENGTH = 64;

/** At most this many candidates are looked at. */
const MAX_CANDIDATES = 20_000;

/**
 * The candidate nearest to `name`, or undefined when none is near enough to be what the writer meant: at most one
 * edit for names of two to five characters, one third of the length beyond. Among equals the first wins.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length === 0 || name.length > MAX_COMPARED_LENGTH) return undefined;
  const wanted = name.toLowerCase();
  let nearest: string | undefined;
  // A name of one character would be near to every other.
  let limit = name.length === 1 ? 0 : Math.max(1, Math.floor(name.length / 3));
  let seen = 0;
  for (const candidate of candidates) {
    if ((seen += 1) > MAX_CANDIDATES) break;
    if (candidate === name || candidate.length > MAX_COMPARED_LENGTH) continue;
    const distance = distanceUpTo(wanted, candidate.toLowerCase(), limit);
    if (distance === undefined) continue;
    nearest = candidate;
    if (distance === 0) break;
    limit = distance - 1;
  }
  return nearest;
}

/** The sentence ` Did you mean "x"?` to append to a message that ends a sentence, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? '' : `. Did you mean "${nearest}"?`;
}

/** Distance of the two, or undefined when it is more than `limit`. */
function distanceUpTo(left: string, right: string, limit: number): number | undefined {
  if (Math.abs(left.length - right.length) > limit) return undefined;
  const [a, b] = withoutCommonEnds(left, right);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= b.length; column += 1) {
      const change = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let value = Math.min(change, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        value = Math.min(value, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(value);
      best = Math.min(best, value);
    }
    // A swap reaches back two rows, so one row above the limit is not yet the end.
    if (best > limit + 1) return undefined;
    beforeLast = last;
    last = current;
  }
  const distance = last[b.length] ?? 0;
  return distance > limit ? undefined : distance;
}

/** Most candidates share most of their characters (block-1, block-2, …): only what differs needs the table. */
function withoutCommonEnds(left: string, right: string): [string, string] {
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < shorter - start && left[left.length - 1 - end] === right[right.length - 1 - end]) end += 1;
  return [left.slice(start, left.length - end), right.slice(start, right.length - end)];
}
