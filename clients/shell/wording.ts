/** Small pieces of what is shown: times, counts, lists of names, text from elsewhere. */

/** Names of a list that are shown before the rest becomes a number. */
const SHOWN_NAMES = 5;

/** `3 nodes`, `1 node`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `n1, n2 and 7 more`. */
export function listNames(names: readonly string[], shown: number = SHOWN_NAMES): string {
  if (names.length <= shown) return names.join(', ');
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
}

/** `03:07`, or `1:03:07` from an hour on. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${two(minutes)}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** A moment in local time, to the second; what is no time is shown as it is. */
export function moment(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return plain(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Text from elsewhere on one line, and without anything that a terminal would act on. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{Cc}/gu, '�');
}

/** A line of output as it may go to a terminal: tabs stay, other control characters do not. */
export function printable(line: string): string {
  return line.replace(/[^\P{Cc}\t]/gu, '�');
}

/** Cuts to so many characters, with an ellipsis where something is missing. */
export function clip(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width < 1 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}
