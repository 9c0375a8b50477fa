/** Writes what comes from tables: of the methods, api/openrpc.json, docs/api.md and the stub for Python; of the languages, schemas and reference. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from './setup.mjs';

const CONTRACT = 'api/openrpc.ts';
const STUB = 'api/python-stub.ts';
const LANGUAGE = 'src/core/spec/publish/published.ts';

/**
 * @param {string} workshop an existing folder inside the checkout, so that packages resolve from it
 */
export async function generate(workshop) {
  const { openrpc, apiPage } = await load(CONTRACT, join(workshop, 'contract.mjs'));
  if (openrpc !== undefined) writeChanged('api/openrpc.json', `${JSON.stringify(openrpc(), null, 2)}\n`);
  if (apiPage !== undefined) writeChanged('docs/api.md', apiPage());
  const { pythonStub } = await load(STUB, join(workshop, 'stub.mjs'));
  if (pythonStub !== undefined) writeChanged('clients/python/plush_methods.pyi', pythonStub());
  const { publishedFiles } = await load(LANGUAGE, join(workshop, 'language.mjs'));
  if (publishedFiles === undefined) return;
  for (const [path, text] of Object.entries(publishedFiles())) writeChanged(path, text);
}

/** What the module at `entry` exports; nothing where it is missing. */
async function load(entry, outfile) {
  if (!existsSync(join(root, entry))) return {};
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

/** Leaves a file alone that is as it should be, so that its time of change means something. */
function writeChanged(path, text) {
  const absolute = join(root, path);
  if (existsSync(absolute) && readFileSync(absolute, 'utf8') === text) return;
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
}
