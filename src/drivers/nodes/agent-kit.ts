/** What the controller hands out to nodes: the agent's bundle, and its own Node for nodes that have none. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { errorCode } from '../agent-error.ts';

/** A Node that can run on nodes of one platform. */
export interface Runtime {
  /** Name of its folder in a node's cache: version, platform and content. */
  readonly key: string;
  /** Compressed with gzip. */
  readonly file: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
}

export interface AgentKit {
  /** Run on a node before its agent is started. @default nothing is */
  readonly maintenance?: string;
  readonly bundle: Buffer;
  /** First 16 hexadecimal digits of the bundle's SHA-256. */
  readonly hash: string;
  /** What `uname -s` and `uname -m` must say where the runtime can run. */
  readonly runtimeOs: string;
  readonly runtimeMachine: string;
  /** The controller's own Node, compressed once and kept in the state folder. */
  runtime(): Promise<Runtime>;
}

const OS_NAMES: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'Darwin', freebsd: 'FreeBSD' };
const MACHINE_NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export async function openAgentKit(
  bundleFile: string,
  cacheDir: string,
  maintenance?: string,
): Promise<AgentKit> {
  const bundle = await readFile(bundleFile);
  const hash = createHash('sha256').update(bundle).digest('hex').slice(0, 16);
  let made: Promise<Runtime> | undefined;
  return {
    ...(maintenance !== undefined && { maintenance }),
    bundle,
    hash,
    runtimeOs: OS_NAMES[process.platform] ?? process.platform,
    runtimeMachine:
      process.platform === 'darwin' ? process.arch : (MACHINE_NAMES[process.arch] ?? process.arch),
    runtime: () => {
      made ??= makeRuntime(process.execPath, cacheDir).catch((error) => {
        made = undefined;
        throw error;
      });
      return made;
    },
  };
}

async function makeRuntime(executable: string, cacheDir: string): Promise<Runtime> {
  const { size } = await stat(executable);
  const digest = createHash('sha256');
  for await (const piece of createReadStream(executable, { highWaterMark: 1 << 20 }))
    digest.update(piece as Buffer);
  const key = `node-${process.version}-${process.platform}-${process.arch}-${digest.digest('hex').slice(0, 16)}`;
  const file = join(cacheDir, `${key}.gz`);
  const known = await stat(file).catch(noFile);
  if (known !== undefined) return { key, file, bytes: known.size, unpackedBytes: size };
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const part = `${file}.${process.pid}.part`;
  await pipeline(
    createReadStream(executable),
    createGzip({ level: 1 }),
    createWriteStream(part, { mode: 0o600 }),
  );
  await rename(part, file);
  return { key, file, bytes: (await stat(file)).size, unpackedBytes: size };
}

function noFile(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}
