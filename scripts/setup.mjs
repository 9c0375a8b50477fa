/**
 * Makes a fresh checkout ready: checks Node, installs the locked packages, builds dist/. Does nothing, and needs no
 * network, when everything is there. Uses Node alone, since it runs before any package is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const NODE_MAJOR_MIN = 20;
const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_POLL_MS = 200;
const INSTALL_LIMIT_MS = 15 * 60_000;

const lockFile = join(root, '.setup.lock');
const installStamp = join(root, 'node_modules', '.plush-setup.json');
const buildStamp = join(root, 'dist', '.sources');

/** What dist/ is made from, apart from what the build itself writes there. */
const BUILD_SOURCES = ['api', 'src', 'clients', 'scripts/build.mjs', 'scripts/generate.mjs'];
const BUILD_PRODUCTS = new Set([
  'api/openrpc.json',
  'api/plush-application.xsd',
  'api/plush-directory.xsd',
  'clients/python/plush_methods.pyi',
]);

/** A set-up step that failed; the message is for the person at the terminal. */
export class SetUpError extends Error {}

/**
 * Installs and, with `build`, builds what is missing or out of date. On failure it says why on stderr and ends the
 * process with exit code 1.
 * @param {{ build?: boolean }} [options]
 */
export async function setUp(options = {}) {
  try {
    await prepare(options);
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/**
 * As `setUp`, for a caller that goes on after a failure.
 * @param {{ build?: boolean }} [options]
 * @throws {SetUpError}
 */
export async function prepare({ build = false } = {}) {
  checkNode();
  if (!isInstalled()) await withLock(async () => isInstalled() || install());
  if (build && !isBuilt()) await withLock(async () => isBuilt() || (await runBuild()));
}

/** Runs `work` while no other process installs or builds in this checkout. */
export async function withLock(work) {
  await takeLock();
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Records that dist/ was made from the sources as they were when `sourcesHash` was called. */
export function markBuilt(hash) {
  writeFileSync(buildStamp, hash);
}

/** Digest of every file that dist/ is made from. */
export function sourcesHash() {
  const hash = createHash('sha256');
  for (const path of BUILD_SOURCES.flatMap((source) => listFiles(source)).sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= NODE_MAJOR_MIN) return;
  throw new SetUpError(
    `Plush needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.versions.node}: install a newer one from https://nodejs.org and run the command again`,
  );
}

// --- packages ---------------------------------------------------------------------------------------------------

/** Native modules hold for one platform and one module ABI. */
function wantedInstall() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return { abi: `${process.platform}-${process.arch}-${process.versions.modules}`, lock };
}

function isInstalled() {
  const wanted = wantedInstall();
  const stamp = readJson(installStamp);
  if (stamp?.abi === wanted.abi && stamp.lock === wanted.lock) return true;
  if (stamp !== undefined && stamp.abi !== wanted.abi) return false;
  // Installed by hand, with `npm ci` or `npm install`: npm's own record of the tree tells whether it is the locked one.
  if (!matchesLock()) return false;
  writeFileSync(installStamp, JSON.stringify(wanted));
  return true;
}

function matchesLock() {
  const present = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  const locked = readJson(join(root, 'package-lock.json'))?.packages;
  if (present === undefined || locked === undefined) return false;
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && existsSync(join(root, path));
  });
}

function install() {
  process.stderr.write('Installing packages (once; takes a minute or two)\n');
  const wanted = wantedInstall();
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=warn'];
  const npm = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined;
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], spawnOptions())
    : spawnSync('npm', args, { ...spawnOptions(), shell: process.platform === 'win32' });
  if (result.error !== undefined || result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    const why = result.error?.message ?? `npm ended with ${result.status ?? result.signal}`;
    throw new SetUpError(
      `Packages could not be installed (${why}): see the lines above, check the network and \`npm config get registry\`, and run the command again`,
    );
  }
  writeFileSync(installStamp, JSON.stringify(wanted));
}

function spawnOptions() {
  return {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...nodeHeaders() },
    timeout: INSTALL_LIMIT_MS,
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  };
}

/** Native modules that have to be compiled use the headers installed with Node, where there are any, not a download. */
function nodeHeaders() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const known = process.env.npm_config_nodedir !== undefined;
  if (known || !existsSync(join(prefix, 'include/node/node_version.h'))) return {};
  return { npm_config_nodedir: prefix };
}

// --- dist -------------------------------------------------------------------------------------------------------

function isBuilt() {
  return existsSync(buildStamp) && readFileSync(buildStamp, 'utf8') === sourcesHash();
}

async function runBuild() {
  process.stderr.write('Building\n');
  const { build } = await import('./build.mjs');
  await build();
}

function listFiles(path) {
  const absolute = join(root, path);
  if (!existsSync(absolute)) return [];
  if (/\.[cm]?js$/.test(path)) return [path];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath ?? entry.path, entry.name)
        .slice(root.length)
        .split(sep)
        .join('/'),
    )
    .filter(
      (file) =>
        !BUILD_PRODUCTS.has(file) && !/(^|\/)(node_modules|__pycache__|dist)\/|\.test\.ts$/.test(file),
    );
}

// --- one at a time ----------------------------------------------------------------------------------------------

/** The lock is a file with its holder's pid, linked into place whole, so that a reader never sees it half written. */
async function takeLock() {
  const mine = `${lockFile}.${randomUUID()}`;
  const deadline = Date.now() + LOCK_WAIT_MS;
  writeFileSync(mine, String(process.pid));
  try {
    while (!tryLink(mine)) {
      if (breakStaleLock()) continue;
      if (Date.now() > deadline) {
        throw new SetUpError(
          `Another process has been setting up this checkout for too long: end it, or remove ${lockFile} when there is none`,
        );
      }
      await sleep(LOCK_POLL_MS);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function tryLink(mine) {
  try {
    linkSync(mine, lockFile);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetUpError(
      `The checkout cannot be written to (${error.message}): set it up as the user who owns it`,
    );
  }
}

/** Removes a lock whose holder died. True when it is worth trying again at once. */
function breakStaleLock() {
  const holder = readHolder(lockFile);
  if (holder === undefined) return true;
  if (isAlive(holder)) return false;
  const aside = `${lockFile}.${randomUUID()}`;
  try {
    renameSync(lockFile, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw error;
  }
  // Between reading and renaming, another process may have broken the old lock and taken a new one: give that back.
  if (readHolder(aside) !== holder) tryLink(aside);
  rmSync(aside, { force: true });
  return true;
}

function readHolder(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Parsed content, or undefined where the file is missing or cut off. */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
