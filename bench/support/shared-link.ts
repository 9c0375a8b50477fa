/**
 * A model of many nodes that fetch one file from one server (figure 12 of plush-toit.2011): the server's bandwidth is shared
 * equally among those that fetch, none gets more than its own line carries, and a server with too many to serve loses
 * part of its bandwidth to thrashing.
 */
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
  /** When its bytes begin to come, s. */
  readonly from: number;
  left: number;
  rate: number;
}

/** Bytes a second that a server gives out to so many connections, together. */
export function capacityOf({ bandwidth, comfortable, penalty }: Server, connections: number): number {
  return bandwidth / (1 + penalty * Math.max(0, connections - comfortable));
}

/** Seconds until every node has the file. */
export function transferTime(server: Server, fleet: Fleet, limit: Limit): number {
  return timeThrough(new Gate(limit), server, fleet);
}

/** The same, with another gate than that of the engine. */
export function timeThrough(gate: Admission, server: Server, { bytes, lines, delay = 0 }: Fleet): number {
  const under: Transfer[] = [];
  let now = 0;
  const begin = (names: readonly string[]) => {
    for (const name of names) {
      const node = Number(name);
      under.push({ node, line: lines[node] ?? 0, from: now + delay, left: bytes, rate: 0 });
    }
  };
  const names = lines.map((_, i) => String(i));
  begin(gate.enter(names, 0));
  while (under.length > 0) {
    const flowing = under.filter((one) => one.from <= now + 1e-9);
    share(capacityOf(server, under.length), flowing);
    let step = Number.POSITIVE_INFINITY;
    for (const one of flowing) step = Math.min(step, one.left / one.rate);
    for (const one of under) if (one.from > now + 1e-9) step = Math.min(step, one.from - now);
    now += step;
    for (const one of flowing) one.left -= one.rate * step;
    for (const one of under.filter(({ left }) => left <= bytes * 1e-7)) {
      under.splice(under.indexOf(one), 1);
      begin(gate.leave(String(one.node), now * 1000));
    }
  }
  return now;
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
