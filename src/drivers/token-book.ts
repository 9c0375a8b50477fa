/**
 * Tokens beside the owner's: made, listed and revoked while the daemon runs, kept in one file of the state folder.
 *
 * The file has the SHA-256 of each token, not the token. A slow hash (bcrypt and its like) protects passwords that people
 * choose, of which a thief of the file can try the likely ones; a token is 256 random bits, of which none is likelier than
 * another, and each call has to be checked in microseconds.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import type { Scope } from '../../api/methods.ts';
import { messageOf } from './agent-error.ts';
import { readIfThere } from './files/atomic.ts';
import type { Caller } from './http/auth.ts';
import { RateLimit } from './http/rate.ts';
import { replaceFile } from './replace-file.ts';

/** Tokens at a time. */
const MAX_TOKENS = 1_000;
const TOKEN_BYTES = 32;
/** Lets scanners of published source recognise a token that got there by mistake. */
const PREFIX = 'plush_';
/** Longer ones are not ours, and are not worth hashing. */
const MAX_TOKEN_CHARACTERS = 256;
const FORMAT = 1;
/** Longest time that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What may be told about a token. */
export interface TokenInfo {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly expires?: string;
  /** Calls a second; 0 is without limit. */
  readonly rate?: number;
}

interface StoredToken extends TokenInfo {
  /** In hexadecimal. */
  readonly sha256: string;
}

interface Entry {
  readonly stored: StoredToken;
  readonly digest: Buffer;
  readonly caller: Caller;
  readonly cut: AbortController;
}

export class TokenBookError extends Error {
  constructor(
    readonly code: 'exists' | 'not_found' | 'full' | 'not_writable' | 'damaged',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'TokenBookError';
  }
}

export interface TokenBookOptions {
  /** Absolute path. */
  readonly file: string;
  /** Calls a second of tokens that have no rate of their own; 0 is without limit. */
  readonly defaultRate: number;
}

export class TokenBook {
  /** Sentences for the log about a file that was less private than it should be. */
  readonly warnings: readonly string[];
  readonly #file: string;
  readonly #defaultRate: number;
  readonly #byName = new Map<string, Entry>();
  readonly #byDigest = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;

  /** @throws TokenBookError (`damaged`) when the file is there and cannot be used */
  constructor({ file, defaultRate }: TokenBookOptions) {
    this.#file = file;
    this.#defaultRate = defaultRate;
    for (const stored of readTokens(file)) this.#put(stored);
    this.warnings = closeToOthers(file);
    this.#cutExpired();
  }

  /** In the order of their names. */
  list(): TokenInfo[] {
    const infos = [...this.#byName.values()].map(({ stored: { sha256: _secret, ...info } }) => info);
    return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Makes a token. One of the same name that has expired is replaced.
   * @returns the token, which is known nowhere else from now on
   * @throws TokenBookError (`exists`, `full`, `not_writable`)
   */
  create(info: TokenInfo): string {
    const known = this.#byName.get(info.name);
    if (known !== undefined && !isExpired(known.stored))
      throw new TokenBookError(
        'exists',
        `There is a token "${info.name}" already. Revoking it first makes the name free`,
      );
    if (known === undefined && this.#byName.size >= MAX_TOKENS)
      throw new TokenBookError('full', `There are ${MAX_TOKENS} tokens already`);
    const token = `${PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const stored = { ...info, sha256: digestOf(Buffer.from(token)).toString('hex') };
    this.#write([...this.#stored(info.name), stored]);
    if (known !== undefined) this.#drop(known);
    this.#put(stored);
    this.#cutExpired();
    return token;
  }

  /**
   * The token is refused from now on, and what it has open (event streams, sockets) is cut.
   * @throws TokenBookError (`not_found`, `not_writable`)
   */
  revoke(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) throw new TokenBookError('not_found', `There is no token "${name}"`);
    this.#write(this.#stored(name));
    this.#drop(entry);
  }

  /**
   * Who has this token. It is looked up by its digest: how long that takes can tell something about digests, and nobody
   * can make a token of a wanted digest.
   */
  find(presented: Buffer): Caller | undefined {
    if (this.#byDigest.size === 0 || presented.length > MAX_TOKEN_CHARACTERS) return undefined;
    const digest = digestOf(presented);
    const entry = this.#byDigest.get(digest.toString('hex'));
    if (entry === undefined || !timingSafeEqual(digest, entry.digest)) return undefined;
    return isExpired(entry.stored) ? undefined : entry.caller;
  }

  /** Whether there is a token of that name that has not expired. */
  isGood(name: string): boolean {
    const entry = this.#byName.get(name);
    return entry !== undefined && !isExpired(entry.stored);
  }

  /** Stops waiting for tokens to expire. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /** All but the one of that name. */
  #stored(without: string): StoredToken[] {
    return [...this.#byName.values()].map(({ stored }) => stored).filter(({ name }) => name !== without);
  }

  #put(stored: StoredToken): void {
    const { name, scopes, sha256, rate = this.#defaultRate } = stored;
    const cut = new AbortController();
    // Each stream and socket of the token listens.
    setMaxListeners(0, cut.signal);
    const caller: Caller = {
      name,
      scopes: new Set(scopes),
      revoked: cut.signal,
      ...(rate === 0 ? {} : { rate: new RateLimit(rate) }),
    };
    const entry = { stored, digest: Buffer.from(sha256, 'hex'), caller, cut };
    this.#byName.set(name, entry);
    this.#byDigest.set(sha256, entry);
  }

  #drop({ stored, cut }: Entry): void {
    this.#byName.delete(stored.name);
    this.#byDigest.delete(stored.sha256);
    cut.abort();
  }

  /** An expired token stays in the list; what it has open is cut when its time comes. */
  #cutExpired(): void {
    clearTimeout(this.#timer);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { stored, cut } of this.#byName.values()) {
      if (isExpired(stored)) cut.abort();
      else if (stored.expires !== undefined) nextMs = Math.min(nextMs, Date.parse(stored.expires));
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(MAX_TIMER_MS, Math.max(1, nextMs - Date.now()));
    this.#timer = setTimeout(() => this.#cutExpired(), delayMs).unref();
  }

  #write(tokens: readonly StoredToken[]): void {
    try {
      replaceFile(this.#file, `${JSON.stringify({ format: FORMAT, tokens }, null, 1)}\n`);
    } catch (error) {
      const sentence = `The file of the tokens ${this.#file} could not be written (${messageOf(error)})`;
      throw new TokenBookError('not_writable', sentence, { cause: error });
    }
  }
}

function digestOf(token: Buffer): Buffer {
  return createHash('sha256').update(token).digest();
}

function isExpired({ expires }: TokenInfo): boolean {
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

function readTokens(file: string): StoredToken[] {
  try {
    const text = readIfThere(file);
    if (text === undefined) return [];
    const { format, tokens } = JSON.parse(text) as { format?: unknown; tokens?: unknown };
    if (format === FORMAT && Array.isArray(tokens) && tokens.every(isStored)) return tokens;
  } catch (error) {
    throw damaged(file, messageOf(error));
  }
  throw damaged(file, 'it does not have the expected form');
}

function damaged(file: string, why: string): TokenBookError {
  return new TokenBookError(
    'damaged',
    `The file of the tokens ${file} cannot be used: ${why}. Bring it back from a backup, or remove it and make the tokens again`,
  );
}

function isStored(value: unknown): value is StoredToken {
  const { name, scopes, created, expires, rate, sha256 } = (value ?? {}) as Record<string, unknown>;
  const isTime = (time: unknown) => typeof time === 'string' && !Number.isNaN(Date.parse(time));
  return (
    typeof name === 'string' &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === 'string') &&
    isTime(created) &&
    (expires === undefined || isTime(expires)) &&
    (rate === undefined || (typeof rate === 'number' && rate >= 0)) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

function closeToOthers(file: string): string[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o077) === 0) return [];
  chmodSync(file, 0o600);
  return [`Other users could read the file of the tokens ${file}; its mode is 0600 now`];
}
