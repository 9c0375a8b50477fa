/** The password of the account at PlanetLab Central, from a file of its own. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf } from './agent-error.ts';

/** A longer file is surely another one. */
const MAX_FILE_BYTES = 4_096;

export interface PlcPassword {
  readonly password: string;
  /** Other users of the machine may read the file. */
  readonly isOpen: boolean;
}

/**
 * Reads the file anew, so that a changed password needs no restart. Line ends after the password are not part of it.
 * @throws Error with a sentence
 */
export function readPassword(file: string): PlcPassword {
  const name = `--plc-password-file ${file}`;
  let text: string;
  let isOpen: boolean;
  try {
    // What is no file at all, such as a pipe, must not hold up everything else.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.size > MAX_FILE_BYTES) throw new Error('it is not a file with one line');
      isOpen = (stat.mode & 0o077) !== 0;
      text = readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new Error(`${name} cannot be used: ${messageOf(error)}`, { cause: error });
  }
  const password = text.replace(/[\r\n]+$/, '');
  if (password === '') throw new Error(`${name} is empty: put the password of the PlanetLab account in it`);
  if (/\p{Cc}/u.test(password)) throw new Error(`${name} has to hold one line of text, the password`);
  return { password, isOpen };
}
