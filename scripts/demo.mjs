/**
 * `npm run demo`: what Plush does, shown on this machine in less than a minute. Five nodes, which are child processes;
 * an application on three of them; one of the three is killed in the middle of its work, and a spare takes over. Exit
 * code 0 means that everything happened as it was told.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, setUp } from './setup.mjs';

const START_LIMIT_MS = 20_000;
const STEP_LIMIT_MS = 40_000;
const QUIT_LIMIT_MS = 30_000;
const CALL_LIMIT_MS = 10_000;
const POLL_MS = 100;
const LOG_LINES = 15;
/** Where this is missing (macOS), processes cannot be told by their environment. */
const ENVIRONMENT_OF_SELF = '/proc/self/environ';

/** Options that are set in the environment are for the user's own plushd. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PLUSH_')));

/** Something did not happen as it should. */
class DemoError extends Error {}

await setUp({ build: true });
const startedAt = performance.now();
// The real path, since that is the one which processes have in their environment.
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'plush-demo-')));
const state = join(folder, 'state');
const logFile = join(folder, 'plushd.log');
let daemon;
let token;

process.on('SIGINT', () => {
  killLeftovers();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(130);
});
process.exitCode = await demo();

async function demo() {
  try {
    await startDaemon();
    const run = await startRun();
    await loseNode(run);
    await showResult(run);
    await quit();
    say(
      `That was Plush, in ${Math.round((performance.now() - startedAt) / 1000)} seconds. README.md goes on from here.`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`\nThe demo failed: ${error.message}\n`);
    if (!(error instanceof DemoError)) process.stderr.write(`${error.stack}\n`);
    showLog();
    return 1;
  } finally {
    killLeftovers();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function startDaemon() {
  say('Starting the controller, plushd. Its directory lists five nodes; they are processes on this machine,');
  say('where other directories name machines that are reached over SSH.');
  const log = openSync(logFile, 'a');
  const options = {
    '--listen': '127.0.0.1:0',
    '--state': state,
    '--apps': join(root, 'examples'),
    '--directory': join(root, 'examples/directory-local.xml'),
  };
  const args = [join(root, 'bin/plushd'), ...Object.entries(options).flat()];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const exited = once(child, 'exit');
  const ready = once(createInterface({ input: child.stdout }), 'line');
  daemon = { child, exited, url: '' };
  const line = await Promise.race([
    ready,
    exited.then(() => undefined),
    sleep(START_LIMIT_MS, undefined, { ref: false }),
  ]);
  if (line === undefined) throw new DemoError('plushd did not come up');
  const { url, token_file: tokenFile } = JSON.parse(line[0]);
  daemon.url = url;
  token = readFileSync(tokenFile, 'utf8').trim();
  await plush('nodes');
}

async function startRun() {
  say(
    'Starting the application of examples/two-phases.xml on three of them: first they prepare, then they work.',
  );
  const app = await call('plushLoadApp', 'two-phases.xml');
  const run = await call('plushStartRun', { app });
  await until(
    'work to begin on three nodes',
    async () => (await call('plushGetBlock', run, 'work')).running === 3,
  );
  const nodes = await nodesOf(run);
  say(`The run is called ${run}. It prepared ${nodes.join(', ')} and works on them now.`);
  return run;
}

async function loseNode(run) {
  const before = await nodesOf(run);
  const victim = before[1];
  const processes = processesOf(victim);
  for (const pid of processes) kill(pid);
  say(
    processes.length > 0
      ? `Pulling the plug of ${victim}: its agent and its task are killed, ${processes.length} processes with SIGKILL,`
      : `Pulling the plug of ${victim}:`,
  );
  say('and it is not to come back (plushFailHost).');
  await call('plushFailHost', victim);
  const after = await until('a spare node to take over', async () => {
    const nodes = await nodesOf(run);
    return nodes.length === 3 && !nodes.includes(victim) && nodes;
  });
  const spare = after.find((node) => !before.includes(node));
  if (spare === undefined) throw new DemoError(`Nobody took the place of ${victim}: ${after.join(', ')}`);
  say(
    `${spare} takes the place of ${victim}. It catches up: it prepares, then it works, while the others go on.`,
  );
}

async function showResult(run) {
  const ended = await until('the run to end', async () => {
    const { state: now, message } = await call('plushGetRun', run);
    return ['succeeded', 'failed', 'aborted'].includes(now) && { now, message };
  });
  if (ended.now !== 'succeeded') throw new DemoError(`The run ${ended.now}: ${ended.message}`);
  say('The run succeeded. The last lines that each of its nodes has printed:');
  for (const node of await nodesOf(run)) {
    const { data, eof } = await call('plushGetOutput', run, node, { task: 'work' });
    const last = data.trimEnd().split('\n').at(-1);
    if (!eof || !last.includes(`node ${node}`) || !last.endsWith('step 6 of 6')) {
      throw new DemoError(`The output of ${node} is not what it should be: ${JSON.stringify(data)}`);
    }
    process.stdout.write(`    ${last}\n`);
  }
  say('And what Plush says about it:');
  await plush('explain', run);
}

async function quit() {
  say('Ending it all (plushQuit): the nodes are cleaned, their agents leave, the controller ends.');
  await call('plushQuit');
  const end = await Promise.race([daemon.exited, sleep(QUIT_LIMIT_MS, undefined, { ref: false })]);
  if (end === undefined) throw new DemoError('plushd did not end');
  if (end[0] !== 0) throw new DemoError(`plushd ended with ${end[0] ?? end[1]} in place of 0`);
  if (!existsSync(ENVIRONMENT_OF_SELF)) return;
  await until('the agents to leave', () => leftovers().length === 0);
  say('No process is left of it.');
}

// --- pieces -----------------------------------------------------------------------------------------------------

function say(line) {
  process.stdout.write(`${line}\n`);
}

/** The nodes of the run, in the order of their places. */
async function nodesOf(run) {
  return (await call('plushGetMatching', run)).workers ?? [];
}

/** Runs bin/plush, with what it prints shown. */
async function plush(...args) {
  say(`    $ plush ${args.join(' ')}`);
  const words = [join(root, 'bin/plush'), '--state', state, ...args];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, words, {
    env,
    encoding: 'utf8',
    timeout: STEP_LIMIT_MS,
  });
  process.stdout.write(stdout.replace(/^(?=.)/gm, '    '));
  if (status !== 0) throw new DemoError(`plush ${args[0]} failed: ${error?.message ?? stderr}`);
}

/** One JSON-RPC call. */
async function call(method, ...params) {
  const response = await fetch(`${daemon.url}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(CALL_LIMIT_MS),
  });
  const { result, error } = await response.json();
  if (error !== undefined) throw new DemoError(`${method} was refused: ${error.message}`);
  return result;
}

async function until(what, look) {
  const deadline = performance.now() + STEP_LIMIT_MS;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (performance.now() > deadline)
      throw new DemoError(`Waited ${STEP_LIMIT_MS / 1000} s in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

/** Processes of this demo alone: others on this machine may have nodes of the same names. */
function processesOf(node) {
  return leftovers().filter((pid) => environment(pid).includes(`PLUSH_NODE=${node}`));
}

/** Agents and tasks; empty where there is no /proc to look in. */
function leftovers() {
  if (!existsSync(ENVIRONMENT_OF_SELF)) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environment(pid).some((word) => word.startsWith('PLUSH_') && word.includes(state)));
}

function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it has just ended, or is not ours
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function killLeftovers() {
  if (daemon?.child.exitCode === null && daemon.child.signalCode === null) daemon.child.kill('SIGKILL');
  for (const pid of leftovers()) kill(pid);
}

function showLog() {
  if (!existsSync(logFile)) return;
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
  process.stderr.write(`The end of plushd's log:\n${lines.join('\n')}\n`);
}
