/**
 * The command `plush-barrier` of tasks: `enter NAME [--label L] [--own] [--wait] [--timeout S] [--json]`, `leave NAME [--fence N]`,
 * `status NAME [--fence N]`. An agent that is being started anew is waited for, and asked again.
 *
 * Exit codes: 0 it is so; 1 refused; 2 wrong usage; 3 late, go on at the barrier that is named; 4 late, the node is taken out;
 * 5 the lease ran out before it was left; 75 the time was up.
 */
import { connect } from 'node:net';
import { errorCode } from '../drivers/agent-error.ts';
import { monotonicMs } from '../drivers/clock.ts';

const USAGE = `plush-barrier enter NAME [--label TEXT] [--own] [--wait] [--timeout SECONDS] [--json]
plush-barrier leave NAME [--fence NUMBER] [--own] [--json]
plush-barrier status NAME [--fence NUMBER] [--own] [--json]

Enters a barrier of the run for this task's node (--own: for the task itself). --wait: until the barrier releases it.
--fence: the lease that is meant, by the number that enter printed.`;
const EXIT_USAGE = 2;
const EXIT_EXPIRED = 5;
const EXIT_TIMEOUT = 75;
const EXIT_OF: Readonly<Record<string, number>> = { catchup: 3, removed: 4 };
const EXPIRED = 'The lease ran out before it was left: another may have been inside since';
const RETRY_MS = 250;
/** How long an answer that nothing has to happen for may take. */
const ANSWER_S = 60;
const MAX_SECONDS = 31_536_000;

interface Order {
  readonly request: object;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
}

/** Runs the command and ends the process. */
export function barrierCommand(args: readonly string[], env: NodeJS.ProcessEnv): void {
  const order = readOrder(args, env);
  const { PLUSH_BARRIER_SOCKET: path } = env;
  if (typeof order === 'string') end(EXIT_USAGE, `${order}\n\n${USAGE}`);
  else if (path === undefined || path === '')
    end(EXIT_USAGE, 'PLUSH_BARRIER_SOCKET is not set: the command is for tasks that Plush has started');
  else
    ask(
      path,
      order,
      order.timeoutMs === undefined ? Number.POSITIVE_INFINITY : monotonicMs() + order.timeoutMs,
    );
}

function readOrder(args: readonly string[], env: NodeJS.ProcessEnv): Order | string {
  const [op, ...rest] = args;
  if (op !== 'enter' && op !== 'leave' && op !== 'status') return 'Say what to do: enter, leave or status';
  const given: { label?: string; own?: true; wait?: true; fence?: number } = {};
  let barrier: string | undefined;
  let seconds: number | undefined;
  let json = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--label' && op === 'enter') given.label = rest.shift() ?? '';
    else if (word === '--wait' && op === 'enter') given.wait = true;
    else if (word === '--fence' && op !== 'enter') given.fence = Number(rest.shift() || Number.NaN);
    else if (word === '--own') given.own = true;
    else if (word === '--json') json = true;
    else if (word === '--timeout') seconds = Number(rest.shift() || Number.NaN);
    else if (word.startsWith('--')) return `There is no option ${word} for ${op}`;
    else if (barrier === undefined) barrier = word;
    else return `One barrier at a time, and not ${word} too`;
  }
  if (barrier === undefined) return 'Name the barrier';
  if (seconds !== undefined && !(seconds >= 0 && seconds <= MAX_SECONDS)) return '--timeout takes seconds';
  const { fence } = given;
  if (fence !== undefined && !(Number.isSafeInteger(fence) && fence > 0))
    return '--fence takes the number that enter printed';
  const limit = seconds ?? (given.wait ? undefined : ANSWER_S);
  const request = { op, task: env.PLUSH_TASK ?? '', barrier, ...given };
  return { request, timeoutMs: limit === undefined ? undefined : limit * 1000, json };
}

function ask(path: string, order: Order, deadlineMs: number): void {
  const socket = connect(path);
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const leftMs = deadlineMs - monotonicMs();
  if (Number.isFinite(leftMs))
    timer = setTimeout(
      () => end(EXIT_TIMEOUT, 'The time was up before there was an answer'),
      Math.max(0, leftMs),
    );
  socket.once('connect', () => socket.write(`${JSON.stringify(order.request)}\n`));
  socket.on('data', (bytes) => {
    text += bytes;
    if (text.includes('\n')) answered(text.slice(0, text.indexOf('\n')), order.json);
  });
  // The agent dies, or is not there yet: its successor listens at the same place.
  socket.on('error', (error) => {
    if (errorCode(error) === 'EACCES') end(1, `Nobody but the agent's own account may use ${path}`);
  });
  socket.once('close', () => {
    clearTimeout(timer);
    setTimeout(() => ask(path, order, deadlineMs), RETRY_MS);
  });
}

function answered(line: string, json: boolean): void {
  const answer = JSON.parse(line) as Record<string, unknown> & { ok: boolean; state?: string };
  if (json) process.stdout.write(`${line}\n`);
  if (!answer.ok) {
    end(1, json ? '' : `${answer.code}: ${answer.message}`);
    return;
  }
  const { state = '', fence, cause, go_on_at } = answer;
  const more = [fence, cause, go_on_at].filter((value) => value !== undefined);
  if (!json) process.stdout.write(`${[state, ...more].join(' ')}\n`);
  if (cause === 'expired') end(EXIT_EXPIRED, json ? '' : EXPIRED);
  else end(EXIT_OF[state] ?? 0, '');
}

function end(code: number, message: string): void {
  if (message !== '') process.stderr.write(`${message}\n`);
  process.exit(code);
}
