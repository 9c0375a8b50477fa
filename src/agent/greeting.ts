/** The agent's answer to hello, within a frame. */
import { type AgentState, MAX_FRAME_BYTES, type TaskReport } from '../wire/agent.ts';

/** Room in a frame for all but the tasks. */
const OTHER_BYTES = 256 << 10;

export interface Greeting {
  readonly state: AgentState;
  /** Reports that the frame has no room for, to be sent one by one after it. */
  readonly rest: readonly TaskReport[];
}

/**
 * Fits the tasks into one frame: if they are too many, the last lines of stderr are left out, and if they still are, the
 * exited ones come after it.
 */
export function fitGreeting(
  base: Omit<AgentState, 'tasks'>,
  reports: readonly TaskReport[],
  maxBytes: number = MAX_FRAME_BYTES - OTHER_BYTES,
): Greeting {
  if (bytesOf(reports) <= maxBytes) return { state: { ...base, tasks: reports }, rest: [] };
  const short = reports.map(({ stderr_tail, ...report }) => report);
  const ordered = [...short.filter(isRunning), ...short.filter((report) => !isRunning(report))];
  let room = maxBytes;
  let fits = 0;
  for (const report of ordered) {
    room -= bytesOf(report) + 1;
    if (room < 0) break;
    fits += 1;
  }
  return { state: { ...base, tasks: ordered.slice(0, fits) }, rest: ordered.slice(fits) };
}

function isRunning(report: TaskReport): boolean {
  return report.state === 'running';
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
