import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Scratch } from './scratch.ts';
import { waitFor } from './wait.ts';

/** How long a server may take to listen on a busy machine. */
const START_TIMEOUT_MS = 20_000;

/** Another program may take the free port between our look and sshd's bind: then we look for another one. */
const PORT_ATTEMPTS = 5;

/** An sshd listens on 16 sockets at most; for more addresses there are several of them. */
const MAX_LISTEN_ADDRESSES = 16;

const SET_ENV = 'SetEnv ';

export interface SshdOptions {
  /** First three bytes of the loopback addresses, so that test files keep out of each other's way. */
  readonly subnet: `127.${number}.${number}`;
  /** How many addresses to listen on, from `subnet`.1 up. @default 1 */
  readonly addresses?: number;
  /** Lines put before the harness's own; sshd takes the first value it sees. @default none */
  readonly config?: readonly string[];
  /** Type of the host key as ssh-keygen names it. @default 'ed25519' */
  readonly hostKeyType?: 'ed25519' | 'ecdsa' | 'rsa';
}

/** A real OpenSSH server on loopback addresses, with its own keys, that takes `identityFile` for `user`. */
export interface Sshd {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly hostKeyFile: string;
  readonly authorizedKeysFile: string;
  /** What the server wrote to its log so far. */
  log(): string;
  /** Type and base64 of the host key, as in known_hosts. */
  hostKey(): string;
  /** The line of known_hosts for an address. */
  knownHost(address: string): string;
  /** Ends the listener; connections already there go on. */
  stop(): Promise<void>;
  /** Ends the listener and every connection at once, without a goodbye. Commands that were started go on. */
  kill(): Promise<void>;
  /** Starts again on the same port, after `stop` or `kill`. */
  start(): Promise<void>;
  /** Gives the machine another host key, of which no client knows, and starts the server again. */
  restartWithNewHostKey(): Promise<void>;
}

/** Makes a key pair without passphrase (or with one), and returns the path of its private half. */
export function makeKey(path: string, type = 'ed25519', passphrase = ''): string {
  rmSync(path, { force: true });
  rmSync(`${path}.pub`, { force: true });
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'plush-test', '-f', path]);
  return path;
}

/**
 * Starts an sshd with its files in the scratch folder. Needs no privileges: the port is above 1024.
 *
 * @throws Error when OpenSSH's server is not installed or does not start.
 */
export async function startSshd(scratch: Scratch, options: SshdOptions): Promise<Sshd> {
  const binary = findSshd();
  const dir = scratch.path('sshd', options.subnet);
  mkdirSync(dir, { recursive: true });
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const addresses = Array.from({ length: options.addresses ?? 1 }, (_, i) => `${options.subnet}.${i + 1}`);
  const hostKeyFile = makeKey(join(dir, 'host_key'), options.hostKeyType);
  const identityFile = makeKey(join(dir, 'user_key'));
  const authorizedKeysFile = join(dir, 'authorized_keys');
  copyFileSync(`${identityFile}.pub`, authorizedKeysFile);

  let listeners: ChildProcess[] = [];
  let port = 0;

  const start = async (): Promise<void> => {
    for (let from = 0; from < addresses.length; from += MAX_LISTEN_ADDRESSES) {
      const some = addresses.slice(from, from + MAX_LISTEN_ADDRESSES);
      const config = configure(dir, `pid.${from}`, some, port, options.config ?? []);
      listeners.push(await startListener(binary, dir, `pid.${from}`, config));
    }
  };

  const end = async (signal: 'SIGTERM' | 'SIGKILL', withConnections: boolean): Promise<void> => {
    const ending = listeners;
    listeners = [];
    const doomed = withConnections ? ending.flatMap(({ pid }) => connectionProcesses(pid)) : [];
    await Promise.all(ending.map((listener) => endListener(listener, signal)));
    for (const pid of doomed) killQuietly(pid);
  };

  for (let attempt = 1; port === 0; attempt += 1) {
    port = await freePort(addresses[0] ?? '127.0.0.1');
    try {
      await start();
    } catch (error) {
      await end('SIGKILL', true);
      if (attempt === PORT_ATTEMPTS) throw error;
      port = 0;
    }
  }

  const hostKey = () => readFileSync(`${hostKeyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  return {
    addresses,
    port,
    user: userInfo().username,
    identityFile,
    hostKeyFile,
    authorizedKeysFile,
    log: () => readLog(dir),
    hostKey,
    knownHost: (address) => `[${address}]:${port} ${hostKey()}\n`,
    stop: () => end('SIGTERM', false),
    kill: () => end('SIGKILL', true),
    start,
    async restartWithNewHostKey() {
      await end('SIGKILL', true);
      makeKey(hostKeyFile, options.hostKeyType);
      await start();
    },
  };
}

async function startListener(
  binary: string,
  dir: string,
  pidFile: string,
  config: string,
): Promise<ChildProcess> {
  const configFile = join(dir, `config.${pidFile}`);
  writeFileSync(configFile, config);
  rmSync(join(dir, pidFile), { force: true });
  const child = spawn(binary, ['-D', '-f', configFile, '-E', join(dir, 'log')], { stdio: 'ignore' });
  await waitFor(
    'sshd to listen or to give up',
    () => existsSync(join(dir, pidFile)) || child.exitCode !== null,
    START_TIMEOUT_MS,
  );
  if (child.exitCode !== null) throw new Error(`The sshd did not start: ${readLog(dir).slice(-500)}`);
  return child;
}

async function endListener(listener: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (listener.exitCode !== null || listener.signalCode !== null) return;
  const exited = new Promise((resolve) => listener.once('exit', resolve));
  listener.kill(signal);
  await exited;
}

function configure(
  dir: string,
  pidFile: string,
  addresses: readonly string[],
  port: number,
  extra: readonly string[],
): string {
  const variables = extra
    .filter((line) => line.startsWith(SET_ENV))
    .map((line) => line.slice(SET_ENV.length));
  return [
    ...extra.filter((line) => !line.startsWith(SET_ENV)),
    // SHLVL keeps bash from running the account's ~/.bashrc for every command, which may be slow and talk. sshd takes the
    // first SetEnv alone, so all variables are in one.
    [`${SET_ENV}SHLVL=2`, ...variables].join(' '),
    ...addresses.map((address) => `ListenAddress ${address}:${port}`),
    `HostKey ${join(dir, 'host_key')}`,
    `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
    `PidFile ${join(dir, pidFile)}`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'UseDNS no',
    'MaxStartups 500:30:1000',
    'MaxSessions 100',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
}

/** sshd wants to be called by its absolute path, and lives where an ordinary user's PATH does not look. */
function findSshd(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  const found = folders
    .map((folder) => join(folder, 'sshd'))
    .find((path) => path.startsWith('/') && existsSync(path));
  if (found === undefined) {
    throw new Error("These tests need OpenSSH's sshd; install it (Debian: apt-get install openssh-server)");
  }
  return found;
}

function readLog(dir: string): string {
  const path = join(dir, 'log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error(`No port of ${address} could be bound`);
  return bound.port;
}

/** The server's own processes, one or two a connection; never the commands that they started. */
function connectionProcesses(root: number | undefined): number[] {
  if (root === undefined) return [];
  const children = new Map<number, { pid: number; name: string }[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    if (stat === undefined) continue;
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [stat]);
    else siblings.push(stat);
  }
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      if (!child.name.startsWith('sshd')) continue;
      found.push(child.pid);
      visit(child.pid);
    }
  };
  visit(root);
  return found;
}

function readStat(pid: string): { pid: number; parent: number; name: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const parent = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
    return { pid: Number(pid), parent, name };
  } catch {
    // The process ended between the two looks.
    return undefined;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
