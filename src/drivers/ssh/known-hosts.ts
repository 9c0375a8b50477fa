/**
 * The known_hosts format of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): parsing a file, and finding the lines that
 * speak of a host.
 */
import { createHmac } from 'node:crypto';

/** Names whose search through hashed lines and patterns is remembered; beyond that the memory starts anew. */
const MAX_REMEMBERED_NAMES = 100_000;

/** A key that a file names for a host. */
export interface KnownKey {
  /** Whether the line is marked @revoked: the key must never be taken. */
  readonly revoked: boolean;
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** The key as SSH sends it. */
  readonly blob: Buffer;
  /** Line of the file, from 1. */
  readonly line: number;
}

interface Line {
  readonly revoked: boolean;
  readonly type: string;
  /** Base64; decoded when the line is asked for, since most lines never are. */
  readonly key: string;
  readonly line: number;
}

/** Lines that must be tried one by one: wildcards, negations, hashed names. */
interface Searched extends Line {
  readonly matches: (name: string) => boolean;
}

/**
 * One file's lines. Plain names are found in constant time however long the file is; lines with hashed names or patterns
 * are searched once a name.
 */
export class KnownHosts {
  readonly #named = new Map<string, Line[]>();
  readonly #searched: Searched[] = [];
  readonly #remembered = new Map<string, readonly Searched[]>();

  /** Lines that cannot be understood are passed over, as are @cert-authority lines: certificates are not supported. */
  constructor(text: string) {
    let number = 0;
    for (const line of text.split('\n')) {
      number += 1;
      this.add(line, number);
    }
  }

  /** Adds one line, as if it stood in the file. */
  add(text: string, number: number): void {
    const words = text.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [hosts, type, key] = words;
    if (hosts === undefined || type === undefined || key === undefined || hosts.startsWith('#')) return;
    if (marker !== undefined && marker !== '@revoked') return;
    const line = { revoked: marker === '@revoked', type, key, line: number };
    if (hosts.startsWith('|')) {
      const matches = hashedMatcher(hosts);
      if (matches !== undefined) this.#search({ ...line, matches });
    } else if (/[*?!]/.test(hosts)) {
      this.#search({ ...line, matches: patternMatcher(hosts) });
    } else {
      for (const name of hosts.toLowerCase().split(',')) this.#name(name, line);
    }
  }

  /** The keys of all lines about a host, in the order of the file. */
  find(host: string): KnownKey[] {
    const name = host.toLowerCase();
    const lines = [...(this.#named.get(name) ?? []), ...this.#searchFor(name)];
    return lines
      .sort((a, b) => a.line - b.line)
      .map(({ revoked, type, key, line }) => ({ revoked, type, blob: Buffer.from(key, 'base64'), line }))
      .filter(({ type, blob }) => typeOfKey(blob) === type);
  }

  #name(name: string, line: Line): void {
    const lines = this.#named.get(name);
    if (lines === undefined) this.#named.set(name, [line]);
    else lines.push(line);
  }

  #search(line: Searched): void {
    this.#searched.push(line);
    this.#remembered.clear();
  }

  #searchFor(name: string): readonly Searched[] {
    const known = this.#remembered.get(name);
    if (known !== undefined) return known;
    const found = this.#searched.filter((line) => line.matches(name));
    if (this.#remembered.size >= MAX_REMEMBERED_NAMES) this.#remembered.clear();
    this.#remembered.set(name, found);
    return found;
  }
}

/** Under which name known_hosts has a server: the host alone on SSH's own port, else "[host]:port". */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The type that a key's blob says it has (RFC 4253, 6.6); undefined when it is no key. */
export function typeOfKey(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const end = 4 + blob.readUInt32BE(0);
  return end < blob.length ? blob.toString('latin1', 4, end) : undefined;
}

/** "|1|salt|hash": the hash is HMAC-SHA1 of the name under the salt. */
function hashedMatcher(text: string): ((name: string) => boolean) | undefined {
  const [, version, salt, hash] = text.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return undefined;
  const key = Buffer.from(salt, 'base64');
  const wanted = Buffer.from(hash, 'base64');
  return (name) => createHmac('sha1', key).update(name).digest().equals(wanted);
}

/** A list of patterns: one must match, and none of those with a `!` before them may. */
function patternMatcher(text: string): (name: string) => boolean {
  const patterns = text.toLowerCase().split(',');
  const refused = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  return (name) =>
    wanted.some((pattern) => matchesPattern(name, pattern)) &&
    !refused.some((pattern) => matchesPattern(name, pattern));
}

/**
 * `*` stands for any characters, `?` for one, everything else for itself. Takes time in the product of both lengths at
 * most, unlike a regular expression, since a file may hold any pattern.
 */
function matchesPattern(name: string, pattern: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let afterStar = 0;
  while (at < name.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      star = inPattern;
      inPattern += 1;
      afterStar = at;
    } else if (wanted === '?' || wanted === name[at]) {
      inPattern += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one character more, and the rest is tried anew behind it.
      afterStar += 1;
      at = afterStar;
      inPattern = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(inPattern));
}
