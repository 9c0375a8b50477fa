import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type AuthenticationType, type ParsedKey } from 'ssh2';
import { AccessError } from '../access.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import type { SshTarget } from './target.ts';

export interface IdentityOptions {
  /** Private key file for all machines that have none of their own. */
  readonly identityFile?: string;
  /** Socket of ssh-agent, used when no file is named. */
  readonly agentSocket?: string;
  /** Private key files tried after ssh-agent, when no file is named; those that are not there are passed over. */
  readonly defaultIdentityFiles?: readonly string[];
}

/** One thing to try, in the shape that ssh2 takes. */
export type SshAuth =
  | { readonly type: 'publickey' & AuthenticationType; readonly username: string; readonly key: ParsedKey }
  | { readonly type: 'agent' & AuthenticationType; readonly username: string; readonly agent: string };

/** What is tried at a machine, in this order; never empty. */
export interface AuthPlan {
  readonly methods: readonly SshAuth[];
  /** For messages: "the key /home/eve/.ssh/id_ed25519". */
  readonly tried: readonly string[];
}

interface CachedKey {
  readonly stamp: string;
  readonly key: ParsedKey;
}

/** The keys that we show to machines. A file is read and parsed once, and again when it has changed. */
export class Identities {
  readonly #keys = new Map<string, CachedKey>();

  constructor(private readonly options: IdentityOptions) {}

  /** @throws AccessError `no_identity` when there is nothing to try, `auth_failed` when a key cannot be used */
  planFor(target: SshTarget): AuthPlan {
    const named = target.identityFile ?? this.options.identityFile;
    if (named !== undefined) return planOf([this.#fromFile(target.user, named)]);
    const { agentSocket } = this.options;
    const sources = [
      ...(agentSocket === undefined ? [] : [fromAgent(target.user, agentSocket)]),
      ...this.#defaults(target.user),
    ];
    if (sources.length > 0) return planOf(sources);
    throw new AccessError(
      'no_identity',
      `There is no key to show to ${target.place}: name one with --ssh-identity, or start ssh-agent and add one with ssh-add`,
    );
  }

  /** One of the default files may be encrypted or odd without getting in the way of the others. */
  #defaults(user: string): Source[] {
    const failures: unknown[] = [];
    const sources = (this.options.defaultIdentityFiles ?? []).flatMap((path) => {
      try {
        return [this.#fromFile(user, path)];
      } catch (error) {
        if (!(error instanceof AccessError && error.code === 'no_identity')) failures.push(error);
        return [];
      }
    });
    if (sources.length === 0 && this.options.agentSocket === undefined && failures.length > 0)
      throw failures[0];
    return sources;
  }

  #fromFile(username: string, named: string): Source {
    const path = named.startsWith('~/') ? join(homedir(), named.slice(2)) : named;
    return { method: { type: 'publickey', username, key: this.#load(path) }, name: `the key ${path}` };
  }

  #load(path: string): ParsedKey {
    const { stamp, text } = this.#read(path);
    const cached = this.#keys.get(path);
    if (cached?.stamp === stamp) return cached.key;
    const key = parseIdentity(path, text());
    this.#keys.set(path, { stamp, key });
    return key;
  }

  #read(path: string): { stamp: string; text: () => string } {
    const attempt = <T>(read: () => T): T => {
      try {
        return read();
      } catch (error) {
        const why = errorCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(error)}`;
        throw new AccessError('no_identity', `The private key file ${path} ${why}`, { cause: error });
      }
    };
    const stats = attempt(() => statSync(path));
    const stamp = `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
    return { stamp, text: () => attempt(() => readFileSync(path, 'latin1')) };
  }
}

interface Source {
  readonly method: SshAuth;
  readonly name: string;
}

function planOf(sources: readonly Source[]): AuthPlan {
  return { methods: sources.map(({ method }) => method), tried: sources.map(({ name }) => name) };
}

function fromAgent(username: string, socket: string): Source {
  return { method: { type: 'agent', username, agent: socket }, name: `the keys of ssh-agent at ${socket}` };
}

function parseIdentity(path: string, text: string): ParsedKey {
  if (isEncrypted(text)) {
    const advice = 'add it to ssh-agent with ssh-add and name no file, or use a key without passphrase';
    throw new AccessError('auth_failed', `The private key file ${path} is encrypted; ${advice}`);
  }
  const parsed: unknown = ssh2.utils.parseKey(text);
  // ssh2's types promise one key; from some formats it makes a list.
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  if (key === undefined || !('isPrivateKey' in key)) {
    const message = `The file ${path} holds no private key in a format that can be read`;
    throw new AccessError('auth_failed', message, { cause: key });
  }
  if (!key.isPrivateKey()) {
    throw new AccessError('auth_failed', `The file ${path} holds a public key; name the private one`);
  }
  return key;
}

/** OpenSSH's own format (PROTOCOL.key): the magic, then the cipher's name, "none" when the key is in the clear. */
const OPENSSH_MAGIC = 'openssh-key-v1\0';

function isEncrypted(text: string): boolean {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED|^Encryption: (?!none)/m.test(text))
    return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  const at = OPENSSH_MAGIC.length;
  if (bytes.toString('latin1', 0, at) !== OPENSSH_MAGIC || bytes.length < at + 4) return false;
  return bytes.toString('latin1', at + 4, at + 4 + bytes.readUInt32BE(at)) !== 'none';
}
