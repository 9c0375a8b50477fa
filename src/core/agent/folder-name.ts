/** Longest folder name made from an identity, in bytes; the common file systems stop at 255. */
export const MAX_FOLDER_NAME_BYTES = 200;

const PLAIN = /^[A-Za-z0-9_.-]$/;

/**
 * Folder name for an identity: letters, digits, `_`, `-` and `.` stay, every other byte becomes %XX, a leading dot too, so
 * that the name is one path segment on any file system. An identity too long for a segment keeps its beginning and ends
 * in its digest.
 *
 * @param digest hexadecimal digest of a text, used for long identities alone
 */
export function folderName(identity: string, digest: (text: string) => string): string {
  let name = '';
  for (const byte of new TextEncoder().encode(identity)) {
    const char = String.fromCharCode(byte);
    const keep = PLAIN.test(char) && !(char === '.' && name === '');
    name += keep ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (name.length <= MAX_FOLDER_NAME_BYTES) return name === '' ? '%' : name;
  // '%-' cannot come out of the encoding, so a shortened name never equals a whole one.
  const end = `%-${digest(identity)}`;
  return name.slice(0, Math.max(0, MAX_FOLDER_NAME_BYTES - end.length)) + end;
}
