/** `npm run --silent bench -- NAME [ARGUMENTS]`: sets up, bundles bench/NAME.ts and runs it. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from '../scripts/setup.mjs';

const [name, ...args] = process.argv.slice(2);
const known = listBenches();

if (known.some((bench) => bench.name === name)) {
  await runBench(name, args);
} else {
  const asked = name === undefined ? 'Name a benchmark' : `There is no benchmark "${name}"`;
  process.stderr.write(`${asked}: npm run --silent bench -- NAME, where NAME is one of\n`);
  for (const bench of known) process.stderr.write(`  ${bench.name.padEnd(20)} ${bench.title}\n`);
  process.exitCode = 2;
}

/** Each file directly in bench/ is a benchmark; what they share lives in folders. */
function listBenches() {
  return readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ name: file.slice(0, -'.ts'.length), title: titleOf(join(root, 'bench', file)) }));
}

/** First sentence of the comment that opens the file. */
function titleOf(path) {
  const comment = /^\s*\/\*\*([\s\S]*?)\*\//.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  const text = comment
    .replace(/^\s*\*/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}

async function runBench(bench, benchArgs) {
  await setUp({ build: true });
  const { build } = await import('esbuild');
  const outfile = join(root, 'dist/bench', `${bench}.js`);
  await build({
    absWorkingDir: root,
    entryPoints: [`bench/${bench}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const child = spawn(process.execPath, [outfile, ...benchArgs], { cwd: root, stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the benchmark ends its own processes first, so wait for it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
