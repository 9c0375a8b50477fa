/** Writes what comes from the table of methods in api/: api/openrpc.json, docs/api.md and clients/python/plush_methods.pyi. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from './setup.mjs';

const CONTRACT = 'api/openrpc.ts';
const STUB = 'api/python-stub.ts';

/**
 * @param {string} workshop an existing folder inside the checkout, so that packages resolve from it
 */
export async function generate(workshop) {
  if (!existsSync(join(root, CONTRACT))) return;
  await build({
    absWorkingDir: root,
    entryPoints: { contract: CONTRACT, stub: STUB },
    outdir: workshop,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const load = (name) => import(pathToFileURL(join(workshop, `${name}.mjs`)).href);
  const { openrpc, apiPage } = await load('contract');
  const { pythonStub } = await load('stub');
  writeChanged('api/openrpc.json', `${JSON.stringify(openrpc(), null, 2)}\n`);
  writeChanged('docs/api.md', apiPage());
  writeChanged('clients/python/plush_methods.pyi', pythonStub());
}

/** Leaves a file alone that is as it should be, so that its time of change means something. */
function writeChanged(path, text) {
  const absolute = join(root, path);
  if (existsSync(absolute) && readFileSync(absolute, 'utf8') === text) return;
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
}
