/** wrk (https://github.com/wg/wrk), which loads an HTTP server and tells what it took. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Scratch } from '../../test/harness/scratch.ts';
import { cpuMsOf } from './rounds.ts';

const CONNECTIONS = 16;
const SECONDS = 3;
const LIMIT_MS = 60_000;

/** What is asked again and again. */
export interface Load {
  readonly url: string;
  /** The server's process. */
  readonly pid: number;
  readonly body: string;
  readonly contentType: string;
  /** Value of Authorization. @default none is sent */
  readonly authorization?: string;
  /** Every answer has it; the first one is looked at. */
  readonly answer: string;
}

export interface LoadOutcome {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Processor time of the server for one answer. */
  readonly cpuUs: number;
}

/**
 * Loads a server for some seconds.
 *
 * @throws Error when wrk is missing, an answer is wrong or a request failed
 */
export async function load(scratch: Scratch, what: Load): Promise<LoadOutcome> {
  await checkAnswer(what);
  const script = scratch.path('load.lua');
  await writeFile(script, scriptOf(what));
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', script, what.url];
  const cpuFrom = cpuMsOf(what.pid);
  const stdout = await run(args);
  const cpuUs = (cpuMsOf(what.pid) - cpuFrom) * 1000;
  const line = stdout.split('\n').find((text) => text.startsWith('{')) ?? '{}';
  const { requests, us, p99, errors } = JSON.parse(line) as Record<string, number>;
  if (requests === undefined || us === undefined || p99 === undefined || errors !== 0)
    throw new Error(`Requests to ${what.url} failed: ${stdout}`);
  return { perSecond: requests / (us / 1e6), p99Ms: p99 / 1000, cpuUs: cpuUs / requests };
}

async function checkAnswer({ url, body, contentType, authorization, answer }: Load): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': contentType, ...(authorization === undefined ? {} : { authorization }) },
    body,
  });
  const text = await response.text();
  if (!response.ok || !text.includes(answer))
    throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`);
}

function scriptOf({ body, contentType, authorization }: Load): string {
  return [
    'wrk.method = "POST"',
    `wrk.body = [==[${body}]==]`,
    `wrk.headers["Content-Type"] = "${contentType}"`,
    ...(authorization === undefined ? [] : [`wrk.headers["Authorization"] = "${authorization}"`]),
    'done = function(summary, latency)',
    '  local e = summary.errors',
    '  local errors = e.connect + e.read + e.write + e.status + e.timeout',
    `  io.write(string.format('{"requests":%d,"us":%d,"p99":%d,"errors":%d}\\n',`,
    '    summary.requests, summary.duration, latency:percentile(99), errors))',
    'end',
    '',
  ].join('\n');
}

async function run(args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)('wrk', args, { timeout: LIMIT_MS })).stdout;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('This benchmark loads servers with wrk; install it (Debian: apt-get install wrk)', {
        cause: error,
      });
    }
    throw error;
  }
}
