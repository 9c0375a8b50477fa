/** Taking turns: what is compared is measured by turns in one run, so that a busy moment of the machine meets all of it. */
import { readFileSync } from 'node:fs';
import { median, type Peer } from './figures.ts';

/** Rounds of a benchmark; medians are taken over them. */
const ROUNDS = 5;

/** Linux counts the time of processes in hundredths of a second wherever a program can see it. */
const TICK_MS = 10;

export interface Effort {
  readonly ms: number;
  /** Processor time of this process and of the children that ended meanwhile. */
  readonly cpuMs: number;
}

/** What each contestant took, in the order of the rounds. */
export type Efforts = Readonly<Record<string, readonly Effort[]>>;

/**
 * Has each contestant do its work once in each of the rounds, beginning with another one each time.
 *
 * @param settle resolves when nothing of the last contestant's work is under way
 */
export function takeTurns(
  contestants: Readonly<Record<string, () => Promise<Effort>>>,
  settle: () => Promise<void>,
): Promise<Efforts> {
  return inRounds(contestants, settle, ({ ms, cpuMs }) => {
    return `${Math.round(ms)} ms, ${Math.round(cpuMs)} ms of processor time`;
  });
}

/**
 * Like takeTurns, for work that answers its own figures.
 *
 * @param tell what a person reads of a round
 */
export async function inRounds<T>(
  contestants: Readonly<Record<string, () => Promise<T>>>,
  settle: () => Promise<void>,
  tell: (outcome: T) => string,
): Promise<Record<string, T[]>> {
  const entries = Object.entries(contestants);
  const outcomes: Record<string, T[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = round % entries.length;
    for (const [name, work] of [...entries.slice(first), ...entries.slice(0, first)]) {
      const outcome = await work();
      await settle();
      outcomes[name]?.push(outcome);
      process.stderr.write(`round ${round + 1}  ${name}  ${tell(outcome)}\n`);
    }
  }
  return outcomes;
}

/** What `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<Effort> {
  const from = performance.now();
  const cpuFrom = cpuMs();
  await work();
  return { ms: performance.now() - from, cpuMs: cpuMs() - cpuFrom };
}

/** Median of one contestant's times in seconds. */
export function secondsOf(efforts: Efforts, name: string, what: keyof Effort = 'ms'): number {
  return median((efforts[name] ?? []).map((effort) => effort[what])) / 1000;
}

/** The contestant with the shortest median time, in seconds. @throws Error when none is named */
export function fastest(efforts: Efforts, names: readonly string[]): Peer {
  const [best] = names
    .map((name) => ({ name, value: secondsOf(efforts, name) }))
    .sort((a, b) => a.value - b.value);
  if (best === undefined) throw new Error('Nobody took part');
  return best;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  // cutime and cstime, proc_pid_stat(5).
  return (user + system) / 1000 + ticksOf('self', 13) * TICK_MS;
}

/** Processor time that a process has used, all its threads together. @throws Error when it has ended */
export function cpuMsOf(pid: number): number {
  // utime and stime.
  return ticksOf(String(pid), 11) * TICK_MS;
}

/** The sum of two neighbouring fields of a process's stat, counted from the end of its name. */
function ticksOf(process: string, field: number): number {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[field]) + Number(fields[field + 1]);
}
