/** Facts and effects as lines of a trace: everything that is in them, in few words. */
import type { Fact } from '../../api/events.ts';
import type { Failure, MemberRef, Shortfall } from '../../api/schemas.ts';
import type { AppSpec, NodeSpec } from '../../api/spec.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { TaskOrder } from '../../src/core/task.ts';

/** How long a failed flag stands is told by the timer that follows. */
export function printFact({ type, body }: Fact): string {
  const entries = Object.entries(body).filter(([key]) => key !== 'flag_ms');
  return ['+', type, ...entries.map(([key, value]) => printEntry(key, value))].join(' ');
}

export function printEffect({ type, ...body }: Effect): string {
  return ['>', type, ...Object.entries(body).map(([key, value]) => printEntry(key, value))].join(' ');
}

/** Names that speak for themselves stand without their key. */
const BARE = new Set(['hostname', 'run_id', 'task_id', 'block', 'outcome', 'cause', 'state', 'kind']);

const plain = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

const printers: Readonly<Record<string, (value: never) => string>> = {
  node: ({ hostname, type: _type, ...rest }: NodeSpec) =>
    [hostname, ...Object.entries(rest).map(([key, value]) => `${key}=${plain(value)}`)].join(' '),
  agent: ({ instance }: { instance: string }) => `agent=${instance}`,
  app: (app: AppSpec | string) => (typeof app === 'string' ? app : app.name),
  failure: printFailure,
  members: (members: MemberRef[]) =>
    members
      .map(
        (m) =>
          `${m.hostname}=${m.component}/${m.index}${m.replaces ? `(was ${m.replaces})` : ''}${m.generation ? `#${m.generation}` : ''}`,
      )
      .join(' '),
  order: (order: TaskOrder) =>
    `${order.task_id} ${order.env.PLUSH_INDEX}/${order.env.PLUSH_COUNT} ${order.path}${order.replaces ? ` replaces=${order.replaces}` : ''}`,
  software: (software: { name: string }[]) => `software=[${software.map((one) => one.name).join(' ')}]`,
  timer: (timer: object) => Object.values(timer).join(' '),
  runs: (runs: string[]) => `runs=[${runs.join(' ')}]`,
  task_ids: (ids: string[]) => `task_ids=[${ids.join(' ')}]`,
  shortfalls: (shortfalls: Shortfall[]) =>
    shortfalls.map((s) => `short=${s.component}:${s.found}/${s.wanted}`).join(' '),
};

function printFailure({ phase, cause, message, ...rest }: Failure): string {
  const more = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `${phase}/${cause} ${JSON.stringify(message)} ${more.join(' ')}`.trim();
}

function printEntry(key: string, value: unknown): string {
  const printer = printers[key];
  if (printer !== undefined) return printer(value as never);
  if (BARE.has(key)) return String(value);
  return `${key}=${JSON.stringify(value)}`;
}
