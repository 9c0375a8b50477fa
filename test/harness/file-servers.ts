/** Real FTP and rsync servers on loopback, each over a folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from './wait.ts';

export interface FileServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Error that says what to install */
export async function startFtpServer(folder: string): Promise<FileServer> {
  const python = ['python3', '/usr/bin/python3'].find(
    (program) => spawnSync(program, ['-c', 'import pyftpdlib']).status === 0,
  );
  if (python === undefined) throw new Error('No Python has pyftpdlib: install python3-pyftpdlib');
  const child = spawn(python, [join(__dirname, 'ftp_server.py'), folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)));
    child.once('exit', (code) => reject(new Error(`The FTP server ended with ${code}`)));
  });
  return { port, close: () => end(child) };
}

/** Serves the folder as module `files`. */
export async function startRsyncServer(folder: string, scratch: string): Promise<FileServer> {
  const port = await freePort();
  const config = join(scratch, 'rsyncd.conf');
  writeFileSync(config, `use chroot = no\nlog file = /dev/null\n[files]\npath = ${folder}\n`);
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${config}`];
  const child = spawn('rsync', args, { stdio: 'ignore' });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  await Promise.race([failed, waitFor('rsync to listen', () => answers(port))]);
  return { port, close: () => end(child) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
