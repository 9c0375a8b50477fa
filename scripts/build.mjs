/**
 * Builds dist/ from the sources. `--all` fails when an entry of the table is missing; without it, what is there is
 * built. Files are put in place whole, so that a running program never reads half of one.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { markBuilt, root, SetUpError, setUp, sourcesHash, withLock } from './setup.mjs';

const program = { format: 'esm', target: 'node20', packages: 'external' };

/** Every program of the project, and the thread of plushd's. The agent travels to machines that have nothing but Node, hence in one piece. */
const ENTRIES = [
  { from: 'src/controller/main.ts', to: 'plushd.js', options: program },
  { from: 'src/drivers/specs/thread.ts', to: 'spec-thread.js', options: program },
  { from: 'clients/shell/main.ts', to: 'plush.js', options: program },
  { from: 'src/agent/main.ts', to: 'agent.cjs', options: { format: 'cjs', target: 'node18', minify: true } },
];

/**
 * Builds every entry, the generated pages, and the client library.
 * @param {{ all?: boolean }} [options] `all`: fail when an entry is missing
 * @throws {SetUpError}
 */
export async function build({ all = false } = {}) {
  const hash = sourcesHash();
  const missing = ENTRIES.filter((entry) => !existsSync(join(root, entry.from)));
  if (all && missing.length > 0) {
    throw new SetUpError(
      `Sources are missing: ${missing.map((entry) => entry.from).join(', ')}. Check them out again`,
    );
  }
  const { build: bundle } = await import('esbuild');
  const { generate } = await import('./generate.mjs');
  const dist = join(root, 'dist');
  mkdirSync(dist, { recursive: true });
  const workshop = mkdtempSync(join(dist, '.build-'));
  try {
    for (const entry of ENTRIES.filter((one) => !missing.includes(one))) {
      await bundleEntry(bundle, entry, join(workshop, entry.to));
      renameSync(join(workshop, entry.to), join(dist, entry.to));
    }
    await generate(workshop);
    await buildLibrary();
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  markBuilt(hash);
}

async function bundleEntry(bundle, { from, options }, outfile) {
  try {
    await bundle({
      absWorkingDir: root,
      entryPoints: [from],
      outfile,
      bundle: true,
      platform: 'node',
      logLevel: 'warning',
      ...options,
    });
  } catch (error) {
    // esbuild has printed its diagnostics already.
    throw new SetUpError(`${from} could not be built: see the lines above`, { cause: error });
  }
}

async function buildLibrary() {
  const { buildClient } = await import('../clients/typescript/build.mjs');
  try {
    await buildClient();
  } catch (error) {
    throw new SetUpError(`clients/typescript could not be built (${error.message}): see the lines above`, {
      cause: error,
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await setUp();
  try {
    await withLock(() => build({ all: process.argv.includes('--all') }));
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
