/**
 * Packages of type scp. The controller, which has the keys, reads the source once for a run; every node gets the bytes over
 * its own link. So a node needs no key of its own, and a source serves one reader whatever the number of nodes.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { NodeSpec, PackageSpec } from '../../../api/spec.ts';
import { MAX_CHUNK_BYTES } from '../../wire/agent.ts';
import { AccessError, type NodeAccess } from '../access.ts';
import { messageOf } from '../agent-error.ts';
import type { AgentLink } from './agent-link.ts';

const FETCH_MS = 10 * 60_000;
/** A chunk that a node does not take within this time ends its transfer. */
const CHUNK_MS = 60_000;

interface Fetched {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

export interface PackageOptions {
  /** Folder for copies; emptied of a run's when the run is over. */
  readonly dir: string;
  /** The only folder of the controller's own files that may be handed out. */
  readonly appsDir: string;
  readonly ssh: NodeAccess;
  /** A node of the pool on that host, whose port and key are then used. */
  readonly nodeOnHost: (host: string) => NodeSpec | undefined;
}

/** `[user@]host:path`, `scp://[user@]host[:port]/path`, or a path on the controller itself. */
export type ScpSource =
  | { readonly host: string; readonly user?: string; readonly port?: number; readonly path: string }
  | { readonly host?: undefined; readonly path: string };

export function parseScpSource(text: string): ScpSource {
  const url = /^scp:\/\/(?:([^@/]+)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/(.*)$/.exec(text);
  const plain = url ?? /^(?:([^@/:]+)@)?(\[[^\]]+\]|[^:/@]+):()(.+)$/.exec(text);
  if (plain === null) return { path: text };
  const [, user, host = '', port, path = ''] = plain;
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined || port === '' ? {} : { port: Number(port) }),
    path: url === null ? path : `/${path}`,
  };
}

export class PackageStore {
  readonly #options: PackageOptions;
  readonly #fetched = new Map<string, Promise<Fetched>>();

  constructor(options: PackageOptions) {
    this.#options = options;
  }

  /** Hands a package's bytes to a node. @throws AgentError (package_unreadable as `failed`, or the node's own failure) */
  async deliver(link: AgentLink, run_id: string, spec: PackageSpec): Promise<void> {
    const { file, size, sha256 } = await this.#fetch(run_id, spec.path);
    const name = spec.dest_path;
    let offset = 0;
    let last = size === 0;
    if (last) await link.request('put', { run_id, name, offset, last, sha256 }, { timeoutMs: CHUNK_MS });
    for await (const piece of createReadStream(file, { highWaterMark: MAX_CHUNK_BYTES })) {
      const binary = piece as Buffer;
      last = offset + binary.length >= size;
      await link.request('put', { run_id, name, offset, last, sha256 }, { binary, timeoutMs: CHUNK_MS });
      offset += binary.length;
    }
  }

  /** The run is over: its copies go. */
  async forget(run_id: string): Promise<void> {
    const mine = [...this.#fetched.keys()].filter((key) => key.startsWith(`${run_id} `));
    for (const key of mine) this.#fetched.delete(key);
    await rm(join(this.#options.dir, run_id), { recursive: true, force: true });
  }

  #fetch(run_id: string, path: string): Promise<Fetched> {
    const key = `${run_id} ${path}`;
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const fetching = this.#read(run_id, path).catch((error) => {
      this.#fetched.delete(key);
      throw new PackageError(`Package ${path} cannot be read: ${messageOf(error)}`, { cause: error });
    });
    this.#fetched.set(key, fetching);
    return fetching;
  }

  async #read(run_id: string, path: string): Promise<Fetched> {
    const dir = join(this.#options.dir, run_id);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = join(dir, createHash('sha256').update(path).digest('hex').slice(0, 16));
    const digest = createHash('sha256');
    const source = await this.#open(parseScpSource(path));
    source.on('data', (bytes: Buffer) => digest.update(bytes));
    await pipeline(source, createWriteStream(file, { mode: 0o600 }));
    return { file, size: (await stat(file)).size, sha256: digest.digest('hex') };
  }

  async #open(source: ScpSource): Promise<Readable> {
    if (source.host === undefined) {
      const root = await realpath(this.#options.appsDir);
      const file = await realpath(resolve(root, source.path));
      if (file !== root && !file.startsWith(root + sep)) {
        throw new AccessError('failed', `${source.path} is not below the folder given by --apps`);
      }
      return createReadStream(file);
    }
    const { ssh, nodeOnHost } = this.#options;
    const known = nodeOnHost(source.host.replace(/^\[|\]$/g, ''));
    const port = source.port ?? known?.ssh_port;
    const user = source.user ?? known?.user;
    // The node's key is for the node's account.
    const identity = user === known?.user ? known?.ssh_identity : undefined;
    if (ssh.readFile === undefined) throw new AccessError('failed', 'Files cannot be read over SSH here');
    return ssh.readFile(
      {
        host: source.host,
        path: source.path,
        ...(user === undefined ? {} : { user }),
        ...(port === undefined ? {} : { port }),
        ...(identity === undefined ? {} : { identity }),
      },
      FETCH_MS,
    );
  }
}

/** The source of a package cannot be read; it is the same for every node. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}
