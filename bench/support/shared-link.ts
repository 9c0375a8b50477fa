/**
 * A model of many nodes that fetch one file from one server (figure 12 of plush-toit.2011): the server's bandwidth is shared
 * equally among those that fetch, none gets more than its own line carries, and a server with too many to serve loses
 * part of its bandwidth to thrashing.
 */
import { nextReportMs } from '../../src/drivers/install/progress.ts';
import { type Admission, Gate, type Limit } from './gate.ts';

export interface Server {
  /** Bytes a second. */
  readonly bandwidth: number;
  /** Each connection beyond so many … */
  readonly comfortable: number;
  /** … costs this share of what the server could do with that many. */
  readonly penalty: number;
}

export interface Fleet {
  readonly bytes: number;
  /** What each node's line carries, bytes a second. */
  readonly lines: readonly number[];
  /** Seconds from being admitted to the first byte. */
  readonly delay?: number;
}

interface Transfer {
  readonly node: number;
  readonly line: number;
  readonly admitted: number;
  /** When its bytes begin to come, s. */
  readonly from: number;
  left: number;
  rate: number;
  /** When it tells next how far it is, s. */
  tellsAt: number;
}

const EPSILON = 1e-9;

/** Bytes a second that a server gives out to so many connections, together. */
export function capacityOf({ bandwidth, comfortable, penalty }: Server, connections: number): number {
  return bandwidth / (1 + penalty * Math.max(0, connections - comfortable));
}

/** Seconds until every node has the file. */
export function transferTime(server: Server, fleet: Fleet, limit: Limit): number {
  return timeThrough(new Gate(limit), server, fleet);
}

/** The same, with another gate than that of the engine. */
export function timeThrough(gate: Admission, server: Server, fleet: Fleet): number {
  const { bytes, lines, delay = 0 } = fleet;
  const under: Transfer[] = [];
  let now = 0;
  const begin = (names: readonly string[]) => {
    for (const name of names) {
      const node = Number(name);
      const from = now + delay;
      const tellsAt = now + nextReportMs(0, 0, bytes) / 1000;
      const line = lines[node] ?? 0;
      under.push({ node, line, admitted: now, from, left: bytes, rate: 0, tellsAt });
    }
  };
  begin(
    gate.enter(
      lines.map((_, i) => String(i)),
      0,
    ),
  );
  while (under.length > 0) {
    share(
      capacityOf(server, under.length),
      under.filter((one) => one.from <= now + EPSILON),
    );
    const changesAt = nextChange(under, now);
    // Until then all have the rates they have.
    while (now < changesAt) {
      const to = gate.hear === undefined ? changesAt : Math.min(changesAt, nextReport(under, now));
      for (const one of under) one.left -= one.rate * (to - now);
      now = to;
      const before = under.length;
      if (now < changesAt) begin(tell(gate, under, bytes, now));
      if (under.length !== before) break;
    }
    for (const one of under.filter(({ left }) => left <= bytes * 1e-7)) {
      const ms = (now - one.admitted) * 1000;
      begin(gate.hear?.(String(one.node), { bytes, total: bytes, ms, done: true }, now * 1000) ?? []);
      under.splice(under.indexOf(one), 1);
      begin(gate.leave(String(one.node), now * 1000));
    }
  }
  return now;
}

/** When the next has its file or its first byte. */
function nextChange(under: readonly Transfer[], now: number): number {
  let at = Number.POSITIVE_INFINITY;
  for (const one of under) {
    if (one.from > now + EPSILON) at = Math.min(at, one.from);
    else if (one.rate > 0) at = Math.min(at, now + one.left / one.rate);
  }
  return at;
}

function nextReport(under: readonly Transfer[], now: number): number {
  let at = Number.POSITIVE_INFINITY;
  for (const one of under) at = Math.min(at, one.tellsAt);
  return Math.max(now + EPSILON, at);
}

/** Those whose time it is tell how far they are. @returns those that may begin */
function tell(gate: Admission, under: readonly Transfer[], bytes: number, now: number): string[] {
  const admitted: string[] = [];
  for (const one of under) {
    if (one.tellsAt > now + EPSILON) continue;
    const ms = (now - one.admitted) * 1000;
    const moved = bytes - one.left;
    one.tellsAt = now + nextReportMs(ms, moved, bytes) / 1000;
    if (moved <= 0) continue;
    admitted.push(...(gate.hear?.(String(one.node), { bytes: moved, total: bytes, ms }, now * 1000) ?? []));
  }
  return admitted;
}

/** Shares a capacity fairly (max-min): what a line cannot take is for the others. */
function share(capacity: number, flowing: Transfer[]): void {
  flowing.sort((a, b) => a.line - b.line);
  let rest = capacity;
  flowing.forEach((one, at) => {
    one.rate = Math.min(one.line, rest / (flowing.length - at));
    rest -= one.rate;
  });
}
