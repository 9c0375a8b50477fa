import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import type { Scratch } from './scratch.ts';

const ROOT = join(__dirname, '..', '..');

/** What a script writes to standard error is kept for messages up to this length. */
const STDERR_KEPT_CHARACTERS = 4_000;

export interface Script {
  readonly process: ChildProcess;
  /** Lines written to standard output so far. */
  readonly lines: readonly string[];
  /** The nth line (from 0), once it is there. @throws Error when the script ends before. */
  line(index: number): Promise<string>;
  /** Exit code or signal, once all output was read. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** Command to run it with, put before node's; e.g. a shell that sets limits. @default none */
  readonly prefix?: readonly string[];
}

/**
 * Runs TypeScript in a Node process of its own: for what only a real process shows, such as its sudden death.
 *
 * @param source Its imports are relative to the project's root: `import { x } from './src/y.ts'`.
 */
export function startScript(scratch: Scratch, source: string, options: ScriptOptions = {}): Script {
  const built = buildSync({
    stdin: { contents: source, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    write: false,
  });
  const file = scratch.path('scripts', `${process.hrtime.bigint()}.cjs`);
  writeFileSync(file, built.outputFiles[0]?.contents ?? '');
  const [command = process.execPath, ...args] = [
    ...(options.prefix ?? []),
    process.execPath,
    file,
    ...(options.args ?? []),
  ];
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
  });
  return watch(child);
}

function watch(child: ChildProcess): Script {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let over = false;
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT_CHARACTERS);
  });
  if (child.stdout === null) throw new Error('A script has its output piped');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>(
    (resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        over = true;
        wake();
        resolve({ code, signal, stderr });
      });
    },
  );
  const line = (index: number) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines[index];
        if (found === undefined && !over) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`The script ended before line ${index}: ${stderr}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { process: child, lines, line, ended };
}
