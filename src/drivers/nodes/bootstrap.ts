/**
 * Bootstrap (engine.md): over one connection, see what a node has, hand out what it lacks by content hash, start the
 * agent, and reach its socket. A node that has everything gets a single command and no file.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { NodeSpec } from '../../../api/spec.ts';
import { AccessError, type ExecResult, type NodeSession } from '../access.ts';
import type { AgentKit } from './agent-kit.ts';
import { BootstrapError } from './bootstrap-error.ts';
import { bootstrapScript, logCommand, relayCommand, storeCommand } from './bootstrap-script.ts';
import { maintain } from './maintenance.ts';

/** Deadlines of the steps. */
const SCRIPT_MS = 20_000;
const UPLOAD_MS = 60_000;
const RUNTIME_UPLOAD_MS = 10 * 60_000;
/** Each thing a node can lack is handed out at most once. */
const MAX_ROUNDS = 3;
/** A node's disk must have this much room beside what is handed out. */
const SPARE_KB = 1024;
/** With less an agent that is there already cannot begin: it has some small files to write. */
const LEAST_KB = 64;

/** The same on every node, so that failures fold; how full it is stands in the details. */
const DISK_FULL = "The node's disk is full";

export interface Prepared {
  /** Absolute path of the agent's socket on the node. */
  readonly socket: string;
  /** Command whose standard input and output lead to the socket, where sshd forwards to none. */
  readonly relay: string;
  /** Bytes that were handed out. */
  readonly uploaded: number;
}

/** The name of a node's folder: short, since a socket's path is, and free of whatever the node's name holds. */
function nodeFolder(hostname: string): string {
  return createHash('sha256').update(hostname).digest('hex').slice(0, 12);
}

/**
 * Sees to it that the node's agent runs.
 * @param controller identity of this controller, so that two of them on one machine keep apart
 * @throws BootstrapError, AccessError
 */
export async function bootstrap(
  session: NodeSession,
  node: NodeSpec,
  controller: string,
  kit: AgentKit,
): Promise<Prepared> {
  if (kit.maintenance !== undefined) await maintain(session, node, kit.maintenance);
  const folder = nodeFolder(node.hostname);
  const env = agentEnvironment(node);
  let uploaded = 0;
  let runtimeKey: string | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const script = bootstrapScript({
      controller,
      nodeFolder: folder,
      bundle: kit.hash,
      env,
      ...(runtimeKey === undefined ? {} : { runtimeKey }),
    });
    const result = await session.exec('/bin/sh -s', {
      stdin: script,
      timeoutMs: SCRIPT_MS,
      until: isSettled,
    });
    const said = readScript(result);
    if (said.need === undefined && said.unsuitable === undefined) {
      const { socket, node: program, bundle: file } = said;
      if (!said.ready || socket === undefined || program === undefined || file === undefined)
        throw await startError(session, controller, folder, result, said);
      return { socket, relay: relayCommand({ node: program, bundle: file, socket }), uploaded };
    }
    if (said.need === 'bundle') {
      checkRoom(said, kit.bundle.length);
      await store(
        session,
        `agent-${kit.hash}.cjs`,
        kit.bundle.length,
        Readable.from([kit.bundle]),
        false,
        UPLOAD_MS,
      );
      uploaded += kit.bundle.length;
      continue;
    }
    if (runtimeKey !== undefined && said.unsuitable === undefined) break;
    const runtime = await runtimeFor(session, said, kit);
    runtimeKey = runtime.key;
    uploaded += runtime.uploaded;
  }
  throw new BootstrapError('bootstrap_failed', 'The node still lacks what was handed out to it');
}

function agentEnvironment(node: NodeSpec): Record<string, string> {
  return {
    PLUSH_NODE: node.hostname,
    ...(node.vip === undefined ? {} : { PLUSH_VIP: node.vip, SRCIP: node.vip }),
    ...(node.vn === undefined ? {} : { PLUSH_VN: node.vn }),
  };
}

interface Said {
  ready: boolean;
  need?: string;
  fail?: string;
  unsuitable?: string;
  socket?: string;
  node?: string;
  bundle?: string;
  os?: string;
  machine?: string;
  freeKb?: number;
}

/** Everything the script and the agent say is in whole lines; the last one settles it. */
function isSettled(stdout: string): boolean {
  return /^(\{"(ready|unsuitable)".*|PLUSH (need|fail)=.*)\n/m.test(stdout);
}

function readScript({ stdout }: ExecResult): Said {
  const said: Said = { ready: false };
  for (const line of stdout.split('\n')) {
    if (line.startsWith('PLUSH need=')) {
      const [need, os, machine, freeKb] = line.slice('PLUSH need='.length).split(' ');
      Object.assign(said, { need, os, machine, freeKb: Number(freeKb) });
    } else if (line.startsWith('PLUSH fail=')) {
      const [fail, freeKb] = line.slice('PLUSH fail='.length).split(' ');
      Object.assign(said, { fail, freeKb: Number(freeKb) });
    } else if (line.startsWith('PLUSH socket=')) said.socket = line.slice('PLUSH socket='.length);
    else if (line.startsWith('PLUSH node=')) said.node = line.slice('PLUSH node='.length);
    else if (line.startsWith('PLUSH bundle=')) said.bundle = line.slice('PLUSH bundle='.length);
    else if (line.startsWith('{"ready"')) said.ready = true;
    else if (line.startsWith('{"unsuitable"'))
      said.unsuitable = (JSON.parse(line) as { unsuitable: string }).unsuitable;
  }
  return said;
}

function checkRoom({ freeKb }: Said, bytes: number): void {
  if (freeKb === undefined || Number.isNaN(freeKb)) return;
  const neededKb = Math.ceil(bytes / 1024) + SPARE_KB;
  if (freeKb >= neededKb) return;
  const seen = `The file system of Plush's folder has ${freeKb} KB free where ${neededKb} KB are needed`;
  throw new BootstrapError('disk_full', DISK_FULL, { stderr_tail: [seen] });
}

async function runtimeFor(
  session: NodeSession,
  said: Said,
  kit: AgentKit,
): Promise<{ key: string; uploaded: number }> {
  const has =
    said.unsuitable === undefined
      ? 'The node has no Node.js'
      : `The node's Node.js is ${said.unsuitable}, too old`;
  const where = said.need === undefined ? await probe(session) : said;
  if (where.os !== kit.runtimeOs || where.machine !== kit.runtimeMachine) {
    throw new BootstrapError(
      'unsupported_platform',
      `${has}, and this controller can only hand out one for ${kit.runtimeOs} ${kit.runtimeMachine}, not ${where.os} ${where.machine}. Install Node.js 18 or later on the node`,
    );
  }
  const runtime = await kit.runtime();
  const have = `test -x "\${PLUSH_CACHE:-\${PLUSH_BASE:-$HOME/.plush}/cache}/${runtime.key}/node" && echo PLUSH stored`;
  const seen = await session.exec(`/bin/sh -c '${have}'`, { timeoutMs: SCRIPT_MS });
  if (seen.stdout.includes('PLUSH stored')) return { key: runtime.key, uploaded: 0 };
  checkRoom(where, runtime.unpackedBytes);
  const stream = createReadStream(runtime.file);
  await store(session, `${runtime.key}/node`, runtime.unpackedBytes, stream, true, RUNTIME_UPLOAD_MS);
  return { key: runtime.key, uploaded: runtime.bytes };
}

async function probe(session: NodeSession): Promise<Said> {
  const { stdout } = await session.exec('uname -sm', { timeoutMs: SCRIPT_MS });
  const [os = '', machine = ''] = stdout.trim().split(' ');
  return { ready: false, os, machine };
}

async function store(
  session: NodeSession,
  name: string,
  bytes: number,
  stdin: Readable,
  unpack: boolean,
  timeoutMs: number,
): Promise<void> {
  const result = await session.exec(storeCommand(name, bytes, unpack), { stdin, timeoutMs });
  if (result.stdout.includes('PLUSH stored')) return;
  const tail = lines(result.stderr);
  const details = {
    command: `store ${name}`,
    stderr_tail: tail,
    ...(result.code === undefined ? {} : { exit_code: result.code }),
  };
  if (/no space left|quota exceeded|file too large|file size limit/i.test(result.stderr)) {
    throw new BootstrapError('disk_full', DISK_FULL, details);
  }
  throw new BootstrapError(
    'upload_failed',
    `Storing ${name} on the node failed: ${tail.at(-1) ?? 'it arrived incomplete'}`,
    details,
  );
}

async function startError(
  session: NodeSession,
  controller: string,
  folder: string,
  result: ExecResult,
  { fail, freeKb: freeBefore }: Said,
): Promise<BootstrapError> {
  const said = lines(result.stderr);
  if (fail !== undefined || /no space left/i.test(result.stderr)) {
    const full = freeBefore === 0 || /no space left|quota exceeded/i.test(result.stderr);
    const text = full ? DISK_FULL : "The account cannot write to Plush's folder on the node";
    return new BootstrapError(full ? 'disk_full' : 'folder_unwritable', text, { stderr_tail: said });
  }
  if (!result.stdout.includes('PLUSH ')) {
    const tail = [...said, ...lines(result.stdout)].slice(-20);
    const text = `The account's login shell does not run commands: ${tail.at(-1) ?? 'it said nothing'}`;
    return new BootstrapError('no_shell', text, { stderr_tail: tail });
  }
  const log = await session
    .exec(logCommand(controller, folder), { timeoutMs: SCRIPT_MS })
    .catch((error: unknown) => {
      if (error instanceof AccessError) return undefined;
      throw error;
    });
  const [words = '', free = ''] = (log?.stdout ?? '').split('\nPLUSH\n');
  const tail = [...said, ...lines(words)].slice(-20);
  const freeKb = Number.parseInt(free, 10);
  const full =
    freeKb < LEAST_KB ||
    /ENOSPC|no space left|EDQUOT|quota exceeded|EFBIG|file too large/i.test(tail.join('\n'));
  if (freeKb < LEAST_KB) tail.push(`The file system of Plush's folder has ${freeKb} KB free`);
  return new BootstrapError(
    full ? 'disk_full' : 'agent_start_failed',
    full ? DISK_FULL : `The agent did not start: ${tail.at(-1) ?? 'it said nothing'}`,
    { stderr_tail: tail },
  );
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('nohup:'))
    .slice(-20);
}
