import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { createFile } from './replace-file.ts';

/** 256 bits: beyond guessing, however many tries an attacker has. */
const TOKEN_BYTES = 32;

/** Longest token file that is read; a longer file is surely another one. */
const MAX_FILE_BYTES = 4096;

export interface TokenFile {
  readonly token: string;
  /** Whether this call made the file. */
  readonly created: boolean;
  /** A sentence for the log, where the file was open to other users and had to be closed. */
  readonly warning?: string;
}

/** Why there is no token to be had from the file. */
export class TokenFileError extends Error {
  constructor(
    readonly code: 'empty' | 'malformed' | 'not_private' | 'not_readable' | 'not_writable',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'TokenFileError';
  }
}

/**
 * The API's token from a file of mode 0600; makes one of 43 random characters (base64url) where there is no file. White
 * space around a token is not part of it. A file that others may read is closed to them, with a warning: its token may
 * be known already.
 *
 * @throws TokenFileError
 */
export function ensureToken(file: string): TokenFile {
  const found = readToken(file);
  if (found !== undefined) return found;
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  let created: boolean;
  try {
    created = createFile(file, `${token}\n`);
  } catch (error) {
    throw failure('not_writable', `The token file ${file} could not be made`, error);
  }
  if (created) return { token, created };
  // Another process was faster; its token counts.
  const theirs = readToken(file);
  if (theirs !== undefined) return theirs;
  throw new TokenFileError(
    'not_readable',
    `The token file ${file} is a link to nothing. Remove it to get a new token`,
  );
}

function readToken(file: string): TokenFile | undefined {
  let text: string;
  let mode: number;
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES) {
      throw new TokenFileError(
        'malformed',
        `The token file ${file} is not a file with one line. Give another one.`,
      );
    }
    mode = stat.mode;
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof TokenFileError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw failure('not_readable', `The token file ${file} could not be read`, error);
  }
  const token = text.trim();
  if (token === '') {
    throw new TokenFileError(
      'empty',
      `The token file ${file} is empty. Put a token in it, or remove it to get a new one.`,
    );
  }
  if (!isPrintable(token)) {
    throw new TokenFileError(
      'malformed',
      `The token file ${file} holds something else than one line of printable ASCII without spaces. Correct it, or remove it to get a new token.`,
    );
  }
  return { token, created: false, ...closeToOthers(file, mode) };
}

/** What an HTTP header can carry as it is. */
function isPrintable(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

function closeToOthers(file: string, mode: number): { warning?: string } {
  if ((mode & 0o077) === 0) return {};
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    throw failure(
      'not_private',
      `Other users may read the token file ${file}, and its mode could not be changed`,
      error,
    );
  }
  return {
    warning: `Other users could read the token file ${file}; its mode is 0600 now. Remove the file and start again to get a new token.`,
  };
}

function failure(code: TokenFileError['code'], sentence: string, cause: unknown): TokenFileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TokenFileError(code, `${sentence} (${reason})`, { cause });
}
