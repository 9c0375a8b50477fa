/**
 * A model of many nodes that fetch one file from one server (figure 12 of plush-toit.2011): the server's bandwidth is shared
 * equally among those that fetch, none gets more than its own line carries, and a server with too many to serve loses
 * part of its bandwidth to thrashing.
 */
import { Gate, type Limit } from './gate.ts';

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
}

/** Bytes a second that a server gives out to so many connections, together. */
export function capacityOf({ bandwidth, comfortable, penalty }: Server, connections: number): number {
  return bandwidth / (1 + penalty * Math.max(0, connections - comfortable));
}

/** Seconds until every node has the file. */
export function transferTime(server: Server, { bytes, lines }: Fleet, limit: Limit): number {
  const gate = new Gate(limit);
  const left = new Map<number, number>();
  const begin = (names: readonly string[]) => {
    for (const name of names) left.set(Number(name), bytes);
  };
  begin(
    gate.enter(
      lines.map((_, i) => String(i)),
      0,
    ),
  );
  let now = 0;
  while (left.size > 0) {
    const rates = shares(
      capacityOf(server, left.size),
      [...left.keys()].map((node) => lines[node] ?? 0),
    );
    let step = Number.POSITIVE_INFINITY;
    [...left.values()].forEach((rest, i) => {
      step = Math.min(step, rest / (rates[i] ?? 1));
    });
    now += step;
    const done: number[] = [];
    [...left].forEach(([node, rest], i) => {
      const now = rest - step * (rates[i] ?? 0);
      if (now <= bytes * 1e-9) done.push(node);
      else left.set(node, now);
    });
    for (const node of done) left.delete(node);
    for (const node of done) begin(gate.leave(String(node), now * 1000));
  }
  return now;
}

/** Shares a capacity fairly (max-min): what a line cannot take is for the others. */
function shares(capacity: number, lines: readonly number[]): number[] {
  const given = new Array<number>(lines.length).fill(0);
  const order = lines.map((line, i) => ({ line, i })).sort((a, b) => a.line - b.line);
  let rest = capacity;
  order.forEach(({ line, i }, at) => {
    const share = Math.min(line, rest / (order.length - at));
    given[i] = share;
    rest -= share;
  });
  return given;
}
