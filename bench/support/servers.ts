/** Servers that plushd is compared with, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { freePort } from '../../test/harness/callback-client.ts';
import type { Scratch } from '../../test/harness/scratch.ts';
import { waitFor } from '../../test/harness/wait.ts';

const PROBE_MS = 1_000;

export interface PeerServer {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

const BARE = `
const [answer] = process.argv.slice(1);
const head = ['Content-Type', 'text/xml', 'Content-Length', String(Buffer.byteLength(answer))];
require('node:http').createServer((request, response) => {
  response.writeHead(200, head);
  response.end(answer);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

/** node:http that answers a constant and looks at nothing. */
export async function startBareServer(answer: string): Promise<PeerServer> {
  const child = spawn(process.execPath, ['-e', BARE, answer], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url: `http://127.0.0.1:${port}/`, pid: child.pid ?? 0, close: () => end(child) };
}

/**
 * supervisord with its XML-RPC on a free port, no password, and no programs.
 *
 * @throws Error when it is missing or does not begin to serve
 */
export async function startSupervisord(scratch: Scratch): Promise<PeerServer> {
  const port = await freePort();
  const file = scratch.path('supervisord', 'conf');
  await writeFile(
    file,
    [
      '[supervisord]',
      'nodaemon=true',
      `logfile=${scratch.path('supervisord', 'log')}`,
      `pidfile=${scratch.path('supervisord', 'pid')}`,
      `childlogdir=${scratch.dir}`,
      '[inet_http_server]',
      `port=127.0.0.1:${port}`,
      '[rpcinterface:supervisor]',
      'supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface',
      '',
    ].join('\n'),
  );
  const child = spawn('supervisord', ['-c', file], { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(
      'This benchmark compares with supervisord; install it (Debian: apt-get install supervisor)',
      { cause: error },
    );
  });
  const url = `http://127.0.0.1:${port}/RPC2`;
  // Whatever it answers to a GET; a POST without a body would be waited for.
  const isServing = async () => (await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) })).status > 0;
  try {
    await Promise.race([failed, waitFor('supervisord to serve', isServing)]);
  } catch (error) {
    if (child.pid !== undefined) await end(child);
    throw error;
  }
  return { url, pid: child.pid ?? 0, close: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
