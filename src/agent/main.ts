/**
 * The node agent's program: `node agent.cjs --dir DIR --socket PATH --bundle HASH`, PLUSH_NODE in the environment.
 *
 * Prints one line of JSON: {"ready":true,"pid":…} when it listens, with "already":true when another agent answers there
 * (exit 0), {"unsuitable":"v16…"} when this Node is too old (exit 3). Other failures are one line on stderr, exit 1.
 *
 * `node agent.cjs --relay SOCKET` is no agent but the way to one: see relay.ts. `node agent.cjs barrier …` is the command of
 * tasks: see barrier-command.ts.
 */
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { errorCode, messageOf } from '../drivers/agent-error.ts';
import { readJson, writeAtomic } from '../drivers/files/atomic.ts';
import { identify, readBootId } from '../drivers/tasks/processes.ts';
import { Agent, RECORD } from './agent.ts';
import { claimFolder } from './claim.ts';
import { relay } from './relay.ts';
import { readSettings, type Settings } from './settings.ts';
import { Log, tell } from './standard-streams.ts';

const MIN_NODE_MAJOR = 18;
const ANSWER_MS = 2_000;

async function main(): Promise<void> {
  const [first, socketPath] = process.argv.slice(2);
  if (first === '--relay' && socketPath !== undefined) {
    relay(socketPath);
    return;
  }
  if (first === 'barrier') {
    const { barrierCommand } = await import('./barrier-command.ts');
    barrierCommand(process.argv.slice(3), process.env);
    return;
  }
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE_MAJOR) {
    tell({ unsuitable: process.version });
    process.exit(3);
  }
  const given = readSettings(process.argv[1] ?? '', process.argv.slice(2), process.env);
  const settings: Settings = { ...given, dir: fs.realpathSync.native(given.dir) };
  const { dir, socket, bundle } = settings;
  const bootId = readBootId();
  const me = identify(process.pid, bootId);
  if (me === undefined) throw new Error('Cannot tell when this process started; is ps installed?');
  const answers = () => somebodyAnswers(socket);
  const record = join(dir, RECORD);
  if ((await answers()) || !(await claimFolder(dir, me, answers))) {
    const other = readJson(record) as { pid?: number } | undefined;
    tell({ ready: true, already: true, ...(other?.pid === undefined ? {} : { pid: other.pid }) });
    process.exit(0);
  }
  const log = new Log(join(dir, 'agent.log'));
  process.chdir('/');
  // The session that started the agent ends long before it.
  process.on('SIGHUP', () => log.write('SIGHUP ignored'));
  process.on('uncaughtException', (error) => {
    log.write(`Ends: ${error.stack}`);
    process.exit(1);
  });
  removeStale(socket);
  const program = [process.execPath, fs.realpathSync.native(process.argv[1] ?? '')];
  const agent = new Agent(settings, me, program, log.write);
  await agent.begin();
  writeAtomic(record, JSON.stringify({ ...me, bundle, socket, node: settings.node }));
  tell({ ready: true, pid: process.pid });
  log.detach();
  agent.memory.settle();
}

/** Whether an agent accepts connections at a path. */
function somebodyAnswers(path: string): Promise<boolean> {
  // A first start, by far the most frequent: a look costs less than a failed connection.
  if (!fs.existsSync(path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answer: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), ANSWER_MS);
    socket.once('connect', () => end(true));
    // EAGAIN: its queue of connections is full, so there is somebody.
    socket.once('error', (error) => end(errorCode(error) === 'EAGAIN'));
  });
}

/** A socket that nobody answers at. Anything else at this path stays, and listening fails. */
function removeStale(path: string): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket()) fs.unlinkSync(path);
}

main().catch((error: unknown) => {
  fs.writeSync(2, `The agent cannot start: ${messageOf(error)}\n`);
  process.exit(1);
});
