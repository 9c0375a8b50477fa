/**
 * Decides which of several agents has a node's folder. Each puts down a claim with its identity under the next free number;
 * the lowest number whose holder lives has the folder. Nothing needs to be taken away from a dead holder first, which is
 * where lock files go wrong: numbers only grow, so a removed claim is never somebody else's.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../drivers/agent-error.ts';
import { monotonicMs } from '../drivers/clock.ts';
import { readJson } from '../drivers/files/atomic.ts';
import { isAlive, type ProcessIdentity } from '../drivers/tasks/processes.ts';

/** How long a holder may take to answer, or to end after it retired. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 25;

/**
 * Claims the folder. Settles with true when it is ours, with false when another agent answers.
 *
 * @throws Error when the holder neither answers nor ends
 */
export async function claimFolder(
  dir: string,
  me: ProcessIdentity,
  answers: () => Promise<boolean>,
): Promise<boolean> {
  const claims = join(dir, 'claims');
  fs.mkdirSync(claims, { recursive: true, mode: 0o700 });
  const mine = putDown(claims, me);
  const deadline = monotonicMs() + PATIENCE_MS;
  for (;;) {
    const holder = lowestAlive(claims, mine, me.boot_id);
    if (holder === undefined) break;
    if (await answers()) {
      fs.rmSync(join(claims, String(mine)), { force: true });
      return false;
    }
    if (monotonicMs() > deadline) {
      fs.rmSync(join(claims, String(mine)), { force: true });
      throw new Error(`Process ${holder.pid} has the folder ${dir} and does not answer; end it`);
    }
    await pause(PAUSE_MS);
  }
  for (const number of numbers(claims)) {
    if (number < mine) fs.rmSync(join(claims, String(number)), { force: true });
  }
  return true;
}

function putDown(claims: string, me: ProcessIdentity): number {
  const written = join(claims, `.${me.pid}`);
  fs.writeFileSync(written, JSON.stringify(me), { mode: 0o600 });
  try {
    for (;;) {
      const number = Math.max(0, ...numbers(claims)) + 1;
      try {
        fs.linkSync(written, join(claims, String(number)));
        return number;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    }
  } finally {
    fs.rmSync(written, { force: true });
  }
}

function lowestAlive(claims: string, below: number, bootId: string): ProcessIdentity | undefined {
  for (const number of numbers(claims).sort((a, b) => a - b)) {
    if (number >= below) return undefined;
    const holder = readJson(join(claims, String(number))) as ProcessIdentity | undefined;
    if (holder !== undefined && isAlive(holder, bootId)) return holder;
  }
  return undefined;
}

function numbers(claims: string): number[] {
  return fs.readdirSync(claims).flatMap((name) => (/^[1-9]\d*$/.test(name) ? [Number(name)] : []));
}
