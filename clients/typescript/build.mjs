/**
 * Builds the package into dist/: one ES module with plushd's XML-RPC codec in it and one for barriers, and the types beside them, with those of the
 * table in api/ from which they follow. Needs the packages of the checkout (`npm run build` at its top does this too).
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @throws {Error} when it cannot be built; what is wrong has been printed by then */
export async function buildClient() {
  await build({
    absWorkingDir: here,
    entryPoints: ['index.ts', 'barrier.ts'],
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const args = [join(typescript, 'bin/tsc'), '-p', here];
  const { status, error } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw error ?? new Error('The types of clients/typescript could not be written');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildClient();
