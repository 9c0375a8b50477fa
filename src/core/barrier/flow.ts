/**
 * Throughput of the transfers behind a semaphore, from what those inside tell while they run. Volatile: nothing of it is
 * journalled, and after a restart it is measured anew.
 *
 * After each change of the number inside, it is waited until most of them have told something; then bytes and time of
 * all are summed up. Bytes that one has moved in its time, times the number inside, is what all together move: reports may
 * come at any time, some of them never, and an untrue one counts for one of many.
 */
import { addMeasure, type Measure } from './curve.ts';

/** What one that is inside has moved since it began. */
export interface Progress {
  readonly bytes: number;
  /** Of how many, where that is known. */
  readonly total?: number;
  /** Its own time since it began. */
  readonly ms: number;
  /** It has moved all of it. */
  readonly done?: boolean;
}

/** How the semaphore stands. */
export interface Standing {
  readonly inside: number;
  readonly waiting: number;
  readonly limit: number;
}

/** One that is inside, as it was told last. */
interface Transfer {
  bytes: number;
  total?: number;
  ms: number;
  reports: number;
  /** The window that it was heard in last. */
  window: number;
}

/** What one has moved within the window. */
interface Share {
  bytes: number;
  ms: number;
}

export interface Flow {
  readonly transfers: Map<string, Transfer>;
  measures: readonly Measure[];
  limit: number;
  /** Number of the window: one after another. */
  window: number;
  /** How many were heard in it. */
  heard: number;
  /** How many ended with too few reports to tell anything. */
  short: number;
  /** Since when bytes count; none before most have told something. */
  fromMs?: number;
  /** By transfer. */
  readonly shares: Map<string, Share>;
  /** Time of all shares together: the next report is not to cost a walk over them. */
  toldMs: number;
  /** Number inside times time, since then, and until when. */
  placeMs: number;
  lastMs: number;
  inside: number;
  waiting: number;
  /** Time of a whole transfer, by the last measurement. */
  wholeMs: number;
}

/** What a window came to. */
export interface Measured {
  readonly measures: readonly Measure[];
  readonly progress: number;
  readonly unevenness: number;
}

/** So many of those inside must have told something before it counts. */
const SETTLED = 0.8;
/** A window is at least so long, and a share of a whole transfer. */
const WINDOW_MS = 500;
const WINDOW_SHARE = 0.05;
/** One that ends with fewer reports was too quick to tell anything; with so many of them nothing is measured. */
const FEW_REPORTS = 3;
const SHORT_SHARE = 0.4;
/** Nobody counts for more than so many times what is usual. */
const MOST_BESIDE_OTHERS = 10;
/** Where most move nothing at the moment, what is usual is the mean of all but this share of the fastest. */
const FASTEST = 0.05;
/** No count is larger: what is beyond is no true report. */
const MAX_BYTES = 2 ** 50;
const MAX_MS = 2 ** 40;

export function newFlow(): Flow {
  return {
    transfers: new Map(),
    measures: [],
    limit: 0,
    window: 1,
    heard: 0,
    short: 0,
    shares: new Map(),
    toldMs: 0,
    placeMs: 0,
    lastMs: 0,
    inside: 0,
    waiting: 0,
    wholeMs: 0,
  };
}

/** Somebody who is inside tells how far it is. @returns what is measured, where that ends a window */
export function hear(
  flow: Flow,
  participant: string,
  progress: Progress,
  { inside, waiting, limit }: Standing,
  atMs: number,
): Measured | undefined {
  if (!isCredible(progress)) return undefined;
  if (limit !== flow.limit || waiting === 0) beginAnew(flow);
  flow.limit = limit;
  flow.placeMs += flow.inside * Math.max(0, atMs - flow.lastMs);
  flow.lastMs = atMs;
  flow.inside = inside;
  flow.waiting = waiting;
  count(flow, participant, progress, atMs);
  if (progress.done === true) end(flow, participant, inside);
  if (waiting === 0) return undefined;
  if (flow.short >= SHORT_SHARE * inside) {
    beginAnew(flow);
    return undefined;
  }
  if (flow.fromMs === undefined) {
    if (flow.heard >= SETTLED * inside) open(flow, atMs);
    return undefined;
  }
  return measure(flow, atMs);
}

/** Forgets those that are not inside any more. */
export function keepInside(flow: Flow, isInside: (participant: string) => boolean): void {
  for (const participant of flow.transfers.keys())
    if (!isInside(participant)) flow.transfers.delete(participant);
}

/** How far one is, as it told last. */
export function progressOf(flow: Flow, participant: string): Pick<Progress, 'bytes' | 'total'> | undefined {
  return flow.transfers.get(participant);
}

function isCredible({ bytes, total, ms }: Progress): boolean {
  const inRange = (value: unknown, most: number) => typeof value === 'number' && value >= 0 && value <= most;
  return (
    inRange(bytes, MAX_BYTES) && inRange(ms, MAX_MS) && (total === undefined || inRange(total, MAX_BYTES))
  );
}

function count(flow: Flow, participant: string, { bytes, total, ms }: Progress, atMs: number): void {
  const known = flow.transfers.get(participant);
  // One that begins again, or tells of the past, has moved nothing since.
  const isOn = known !== undefined && bytes >= known.bytes && ms > known.ms;
  const before = isOn ? known : { bytes: 0, ms: 0 };
  if (flow.fromMs !== undefined && (isOn || known === undefined)) {
    const passed = ms - before.ms;
    const within = Math.min(passed, atMs - flow.fromMs);
    if (within > 0) {
      const share = flow.shares.get(participant) ?? { bytes: 0, ms: 0 };
      share.bytes += ((bytes - before.bytes) * within) / passed;
      share.ms += within;
      flow.toldMs += within;
      flow.shares.set(participant, share);
    }
  }
  const isNew = bytes > 0 && known?.window !== flow.window;
  if (isNew) flow.heard += 1;
  flow.transfers.set(participant, {
    bytes,
    ms,
    reports: (known?.reports ?? 0) + 1,
    window: bytes > 0 ? flow.window : 0,
    ...(total === undefined || total < bytes ? {} : { total }),
  });
}

function end(flow: Flow, participant: string, inside: number): void {
  const { reports = 0 } = flow.transfers.get(participant) ?? {};
  flow.transfers.delete(participant);
  // Fades, so that it is about the last of them.
  flow.short *= 1 - 1 / Math.max(1, inside);
  if (reports <= FEW_REPORTS) flow.short += 1;
}

/** What was counted was with another number inside. */
function beginAnew(flow: Flow): void {
  flow.window += 1;
  flow.heard = 0;
  delete flow.fromMs;
  clearShares(flow);
}

function open(flow: Flow, atMs: number): void {
  flow.fromMs = atMs;
  flow.placeMs = 0;
  clearShares(flow);
}

function clearShares(flow: Flow): void {
  flow.shares.clear();
  flow.toldMs = 0;
}

function measure(flow: Flow, atMs: number): Measured | undefined {
  const ms = atMs - (flow.fromMs ?? atMs);
  const told = flow.toldMs;
  const wanted = Math.max(WINDOW_MS, WINDOW_SHARE * flow.wholeMs);
  if (ms <= 0 || told < wanted * flow.inside) return undefined;
  const shares = [...flow.shares.values()].filter((share) => share.ms > 0);
  const rates = shares.map((share) => share.bytes / share.ms).sort((a, b) => a - b);
  const most = MOST_BESIDE_OTHERS * usual(rates);
  const bytes = shares.reduce((sum, share) => sum + Math.min(share.bytes, most * share.ms), 0);
  const inside = flow.placeMs / ms;
  beginAnew(flow);
  const perMs = bytes / told;
  if (!(perMs > 0) || !(inside > 0)) return undefined;
  flow.measures = addMeasure(flow.measures, { inside, bytes_per_second: 1000 * perMs * inside });
  return { measures: flow.measures, ...circumstances(flow, { rates, perMs, inside, ms }) };
}

/** Where nobody knows how much it will be. */
const USUAL_PROGRESS = 0.1;
const SLOW = 0.9;

function circumstances(
  flow: Flow,
  { rates, perMs, inside, ms }: { rates: readonly number[]; perMs: number; inside: number; ms: number },
): Omit<Measured, 'measures'> {
  let known = 0;
  let total = 0;
  let left = 0;
  for (const one of flow.transfers.values()) {
    if (one.total === undefined || one.total === 0) continue;
    known += 1;
    total += one.total;
    left += one.total - one.bytes;
  }
  if (known === 0) return { progress: USUAL_PROGRESS, unevenness: 0 };
  const size = total / known;
  flow.wholeMs = size / perMs;
  const leftMs = (left + size * flow.waiting) / (perMs * inside);
  const slowMs = size / at(rates, 1 - SLOW) - size / at(rates, 0.5);
  return {
    // Waiting for reports took about as long as the window.
    progress: (2 * ms) / flow.wholeMs,
    unevenness: Number.isFinite(slowMs) && leftMs > 0 ? Math.max(0, slowMs) / leftMs : 0,
  };
}

/** Of ascending rates: the one in the middle; where most install what they have, and only some still fetch, about the mean. */
function usual(rates: readonly number[]): number {
  const middle = at(rates, 0.5);
  if (middle > 0) return middle;
  const others = rates.slice(0, rates.length - Math.max(1, Math.ceil(rates.length * FASTEST)));
  return others.reduce((sum, rate) => sum + rate, 0) / Math.max(1, others.length);
}

/** Of ascending numbers, the one at that share of them. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
