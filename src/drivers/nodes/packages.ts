/**
 * Packages that the controller hands over. Of type scp: it has the keys, and reads the source once for a run; of type file: it reads
 * its own folder of applications. Every node gets the bytes over its own link, unless it has them from before. So a node needs no
 * key of its own, and a source serves one reader whatever the number of nodes.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { NodeSpec, PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import type { Progress } from '../../core/barrier/flow.ts';
import { MAX_CHUNK_BYTES } from '../../wire/agent.ts';
import { AccessError, type NodeAccess } from '../access.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import { TransferProgress } from '../install/progress.ts';
import type { AgentLink } from './agent-link.ts';

const FETCH_MS = 10 * 60_000;
const INSTALL_MS = 60 * 60_000;
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
  readonly ssh: NodeAccess;
  /** The folder that packages of type file lie in. */
  readonly appsDir: string;
  /** A node of the pool on that host, whose port and key are then used. */
  readonly nodeOnHost: (host: string) => NodeSpec | undefined;
}

interface ScpSource {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  readonly path: string;
}

/** Reads `[user@]host:path` and `scp://[user@]host[:port]/path`; undefined for anything else. */
export function parseScpSource(text: string): ScpSource | undefined {
  const url = /^scp:\/\/(?:([^@/]+)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/(.*)$/.exec(text);
  const plain = url ?? /^(?:([^@/:]+)@)?(\[[^\]]+\]|[^:/@]+):()(.+)$/.exec(text);
  if (plain === null) return undefined;
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

  /**
   * Has a node install software, with the packages that it cannot fetch itself.
   * @param tell learns how far the packages that are handed over have come; of the others the agent tells
   * @returns bytes of all packages. @throws PackageError, LinkError, AgentError
   */
  async install(
    link: AgentLink,
    run_id: string,
    software: readonly SoftwareSpec[],
    tell?: (progress: Progress) => void,
  ): Promise<number> {
    const handed = software.flatMap(({ package: spec }) => (spec && isHandedOver(spec) ? [spec] : []));
    if (handed.length > 0) {
      const progress = new TransferProgress(tell ?? (() => {}));
      try {
        for (const spec of handed) await this.#deliver(link, run_id, spec, progress);
      } finally {
        progress.end();
      }
    }
    const order = { run_id, software, tell: tell !== undefined };
    const { ok } = await link.request('install', order, { timeoutMs: INSTALL_MS });
    return ok.bytes;
  }

  /** Hands a package's bytes to a node. @throws AgentError (package_unreadable as `failed`, or the node's own failure) */
  async #deliver(
    link: AgentLink,
    run_id: string,
    spec: PackageSpec,
    progress: TransferProgress,
  ): Promise<void> {
    const { file, size, sha256 } = await this.#fetch(run_id, spec);
    const name = spec.dest_path;
    const { ok } = await link.request('take', { run_id, name, sha256 }, { timeoutMs: CHUNK_MS });
    if (ok.taken) return;
    progress.expect(size);
    let offset = 0;
    let last = size === 0;
    if (last) await link.request('put', { run_id, name, offset, last, sha256 }, { timeoutMs: CHUNK_MS });
    for await (const piece of createReadStream(file, { highWaterMark: MAX_CHUNK_BYTES })) {
      const binary = piece as Buffer;
      last = offset + binary.length >= size;
      await link.request('put', { run_id, name, offset, last, sha256 }, { binary, timeoutMs: CHUNK_MS });
      offset += binary.length;
      progress.add(binary.length);
    }
  }

  /** Removes the copies of all runs but these, earlier daemons' too. */
  async keepOnly(run_ids: ReadonlySet<string>): Promise<void> {
    for (const key of this.#fetched.keys()) {
      if (!run_ids.has(key.slice(0, key.indexOf(' ')))) this.#fetched.delete(key);
    }
    for (const name of await readdir(this.#options.dir).catch(noFolder)) {
      if (!run_ids.has(name)) await rm(join(this.#options.dir, name), { recursive: true, force: true });
    }
  }

  #fetch(run_id: string, { type, path }: PackageSpec): Promise<Fetched> {
    const key = `${run_id} ${type} ${path}`;
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const fetching = this.#read(run_id, key, () => this.#openSource(type, path)).catch((error) => {
      this.#fetched.delete(key);
      throw new PackageError(`Package ${path} cannot be read: ${whyUnread(error)}`, { cause: error });
    });
    this.#fetched.set(key, fetching);
    return fetching;
  }

  async #read(run_id: string, key: string, open: () => Promise<Readable>): Promise<Fetched> {
    const dir = join(this.#options.dir, run_id);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = join(dir, createHash('sha256').update(key).digest('hex').slice(0, 16));
    const digest = createHash('sha256');
    const source = await open();
    source.on('data', (bytes: Buffer) => digest.update(bytes));
    await pipeline(source, createWriteStream(file, { mode: 0o600 }));
    return { file, size: (await stat(file)).size, sha256: digest.digest('hex') };
  }

  async #openSource(type: PackageSpec['type'], path: string): Promise<Readable> {
    if (type === 'file') return this.#openFile(path);
    const place = parseScpSource(path);
    if (place === undefined) throw new AccessError('failed', 'it is not written [user@]host:path');
    return this.#open(place);
  }

  /** A file below the folder of applications, which is all that a specification may read of this machine. */
  async #openFile(path: string): Promise<Readable> {
    const folder = await realpath(this.#options.appsDir);
    const file = await realpath(resolve(folder, path));
    if (!file.startsWith(`${folder}${sep}`))
      throw new AccessError('failed', 'it lies outside the folder of applications (--apps)');
    if (!(await stat(file)).isFile()) throw new AccessError('failed', 'it is no file');
    return createReadStream(file);
  }

  async #open(source: ScpSource): Promise<Readable> {
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

function noFolder(error: unknown): string[] {
  if (errorCode(error) === 'ENOENT') return [];
  throw error;
}

function whyUnread(error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `there is no file ${path}`;
  return code === 'EACCES' ? `plushd's user may not read ${path}` : messageOf(error);
}

/** The source of a package cannot be read; it is the same for every node. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}

/** Whether the node has no way to it of its own. */
function isHandedOver({ type }: PackageSpec): boolean {
  return type === 'scp' || type === 'file';
}
