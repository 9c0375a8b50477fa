/** Writes the pages that come from the table of methods in api/: api/openrpc.json and docs/api.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from './setup.mjs';

const CONTRACT = 'api/openrpc.ts';

/**
 * @param {string} workshop an existing folder inside the checkout, so that packages resolve from it
 */
export async function generate(workshop) {
  if (!existsSync(join(root, CONTRACT))) return;
  const outfile = join(workshop, 'contract.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [CONTRACT],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const { openrpc, apiPage } = await import(pathToFileURL(outfile).href);
  if (openrpc !== undefined) writeChanged('api/openrpc.json', `${JSON.stringify(openrpc(), null, 2)}\n`);
  if (apiPage !== undefined) writeChanged('docs/api.md', apiPage());
}

/** Leaves a file alone that is as it should be, so that its time of change means something. */
function writeChanged(path, text) {
  const absolute = join(root, path);
  if (existsSync(absolute) && readFileSync(absolute, 'utf8') === text) return;
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
}
