import { createHash } from 'node:crypto';
import { AccessError } from '../access.ts';
import { type KnownKey, knownHostName, typeOfKey } from './known-hosts.ts';
import { KnownHostsFile } from './known-hosts-file.ts';
import type { SshTarget } from './target.ts';

export interface HostKeyOptions {
  /** `strict`: a machine must be known. `accept-new`: a machine never seen is believed the first time. */
  readonly hostKeys: 'strict' | 'accept-new';
  /** Files in OpenSSH's known_hosts format; missing ones are empty. */
  readonly knownHostsFiles: readonly string[];
  /** Read like the others; accept-new adds to it. Its folder must exist. */
  readonly acceptedHostsFile: string;
}

/** A known key and the file that has it. */
interface Found extends KnownKey {
  readonly file: string;
}

/** Which host keys are believed: the machines' identities against somebody in between. */
export class HostKeys {
  readonly #files: readonly KnownHostsFile[];
  readonly #accepted: KnownHostsFile;

  constructor(private readonly options: HostKeyOptions) {
    this.#accepted = new KnownHostsFile(options.acceptedHostsFile);
    const others = options.knownHostsFiles.filter((path) => path !== options.acceptedHostsFile);
    this.#files = [...new Set(others)].map((path) => new KnownHostsFile(path)).concat(this.#accepted);
  }

  /**
   * Types of the keys known for a machine, so that it is asked for one of these.
   *
   * @throws AccessError `failed` when a file cannot be read
   */
  knownTypes(target: SshTarget): ReadonlySet<string> {
    const keys = this.#find(knownHostName(target.host, target.port));
    return new Set(keys.filter((key) => !key.revoked).map((key) => key.type));
  }

  /**
   * Checks the key that a machine shows. The machine has not proved yet that the key is its own.
   *
   * @returns whether the key is known; false asks for `accept` once the machine has proved to have it
   * @throws AccessError `host_key_unknown`, `host_key_changed` (also for a revoked key), `failed`
   */
  check(target: SshTarget, blob: Buffer): boolean {
    const known = this.#find(knownHostName(target.host, target.port));
    const revoked = known.find((key) => key.revoked && key.blob.equals(blob));
    if (revoked !== undefined) throw revokedKey(target, blob, revoked);
    const trusted = known.filter((key) => !key.revoked);
    if (trusted.some((key) => key.blob.equals(blob))) return true;
    const [expected] = trusted.toSorted((a, b) => rank(b, blob) - rank(a, blob));
    if (expected !== undefined) throw changedKey(target, blob, expected);
    if (this.#isKnownWithoutPort(target, blob)) return true;
    if (this.options.hostKeys === 'strict') throw this.#unknownKey(target, blob);
    return false;
  }

  /**
   * Believes a new machine from now on.
   *
   * @throws AccessError `failed` when the key cannot be kept, `host_key_changed` when another key came first
   */
  accept(target: SshTarget, blob: Buffer): void {
    // Another connection may have brought the machine's key meanwhile, or another key.
    if (this.check(target, blob)) return;
    const name = knownHostName(target.host, target.port);
    this.#accepted.append(`${name} ${typeOfKey(blob)} ${blob.toString('base64')}`);
  }

  /** A key kept for the host's standard port vouches for its other ports, as with OpenSSH. */
  #isKnownWithoutPort(target: SshTarget, blob: Buffer): boolean {
    const keys = this.#find(target.host).filter((key) => key.blob.equals(blob));
    const revoked = keys.find((key) => key.revoked);
    if (revoked !== undefined) throw revokedKey(target, blob, revoked);
    return keys.length > 0;
  }

  #find(name: string): Found[] {
    return this.#files.flatMap((file) => file.find(name).map((key) => ({ ...key, file: file.path })));
  }

  #unknownKey(target: SshTarget, blob: Buffer): AccessError {
    const file = this.options.knownHostsFiles[0] ?? this.options.acceptedHostsFile;
    return new AccessError(
      'host_key_unknown',
      `The host key of ${target.place} is not known: ${describe(blob)}. Check it and add it to ${file} under the name ` +
        `${knownHostName(target.host, target.port)}, or let --ssh-host-keys accept-new believe new machines`,
    );
  }
}

/** A key of the same type says most about what has changed. */
function rank(key: KnownKey, blob: Buffer): number {
  return key.type === typeOfKey(blob) ? 1 : 0;
}

function changedKey(target: SshTarget, blob: Buffer, expected: Found): AccessError {
  return new AccessError(
    'host_key_changed',
    `The host key of ${target.place} has changed: it shows ${describe(blob)}, but ${expected.file}:${expected.line} has ` +
      `${describe(expected.blob)}. If the machine was set up anew, remove that line; if not, somebody may be in between`,
  );
}

function revokedKey(target: SshTarget, blob: Buffer, revoked: Found): AccessError {
  return new AccessError(
    'host_key_changed',
    `The host key of ${target.place}, ${describe(blob)}, is revoked by ${revoked.file}:${revoked.line}. ` +
      'Give the machine a new host key',
  );
}

/** "ssh-ed25519 SHA256:…", as ssh-keygen -l prints it. */
function describe(blob: Buffer): string {
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return `${typeOfKey(blob) ?? 'a key that cannot be read,'} SHA256:${digest}`;
}
