/** plushd as a process of its own, as a user has it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Scratch } from '../../test/harness/scratch.ts';

const READY_MS = 30_000;

export interface Daemon {
  readonly pid: number;
  /** @throws Error with the fault's sentence */
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Memory that is resident, in MB (10^6 bytes). */
  megabytes(): number;
  stop(): Promise<void>;
  /** Has its agents leave; resolves when it has ended. */
  quit(): Promise<void>;
}

export async function startDaemon(scratch: Scratch): Promise<Daemon> {
  const args = [
    'bin/plushd',
    '--listen',
    '127.0.0.1:0',
    '--state',
    scratch.path('state'),
    '--log-level',
    'error',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const { url, token_file, pid } = JSON.parse(await firstLine(child)) as Record<string, string> & {
    pid: number;
  };
  const token = readFileSync(String(token_file), 'utf8').trim();
  const daemon: Daemon = {
    pid,
    async call(method, params) {
      const response = await fetch(new URL('/rpc', url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
      const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
      if (error !== undefined) throw new Error(error.message);
      return result;
    },
    megabytes() {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return (Number(kilobytes) * 1024) / 1e6;
    },
    stop() {
      child.kill('SIGKILL');
      return ended;
    },
    async quit() {
      await daemon.call('plushQuit', []);
      await ended;
    },
  };
  return daemon;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('plushd has its output piped');
    const timer = setTimeout(() => reject(new Error('plushd did not get ready')), READY_MS);
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      resolve(line);
    });
    child.once('exit', () => reject(new Error('plushd ended before it was ready')));
  });
}
