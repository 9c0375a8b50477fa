/**
 * Removes a folder with everything in it, also folders without write or search permission and trees deeper than a path may
 * be long. The system's own tools do it: they neither follow links nor load a big tree into memory.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';

/** Attempts: a program that is just ending may still add a file. */
const ROUNDS = 4;
const ERROR_BYTES = 2048;

/** @throws Error with the tool's words when something remains */
export async function removeTree(path: string): Promise<void> {
  let problem = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    problem = await run('rm', ['-rf', '--', path]);
    if (!isThere(path)) return;
    await run('chmod', ['-R', 'u+rwx', '--', path]);
  }
  throw new Error(`Cannot remove ${path}: ${problem === '' ? 'it is still there' : problem}`);
}

function isThere(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** What the tool said on stderr; a tool that is missing counts as having said so. */
function run(tool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(tool, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      if (said.length < ERROR_BYTES) said += text.slice(0, ERROR_BYTES - said.length);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(said.trim()));
  });
}
