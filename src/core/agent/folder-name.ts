/** Longest folder name made from an identity, in bytes; the common file systems stop at 255. */
export const MAX_FOLDER_NAME_BYTES = 200;

const PLAIN = /^[A-Za-z0-9_.-]$/;

/**
 * Folder name for an identity: letters, digits, `_`, `-` and `.` stay, every other byte becomes %XX, a leading dot too, so
 * that the name is one path segment on any file system. An identity too long for a segment keeps its beginning and ends
 * in a hash; whoever makes folders still checks whose they are.
 */
export function folderName(identity: string): string {
  let name = '';
  const bytes = new TextEncoder().encode(identity);
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    const keep = PLAIN.test(char) && !(char === '.' && name === '');
    name += keep ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (name.length <= MAX_FOLDER_NAME_BYTES) return name === '' ? '%' : name;
  // '%-' cannot come out of the encoding, so a shortened name never equals a whole one.
  const end = `%-${fnv1a64(bytes)}`;
  return name.slice(0, Math.max(0, MAX_FOLDER_NAME_BYTES - end.length)) + end;
}

/** FNV-1a with 64 bits, in hexadecimal (draft-eastlake-fnv). */
function fnv1a64(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}
