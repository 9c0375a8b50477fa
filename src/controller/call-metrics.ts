/** What calls are counted by; part of /metrics. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { methodTable } from '../../api/methods.ts';
import type { CallObserver } from './call.ts';

/** Stands for whatever else clients call, so that they cannot make labels. */
const UNKNOWN = 'unknown';

/** From what a read takes to the longest wait of plushGetOperation; in seconds. */
const BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** Counts calls into the registry; it takes less than a microsecond a call. */
export function createCallMetrics(registry: Registry): CallObserver {
  const registers = [registry];
  const calls = new Counter({
    name: 'plush_calls_total',
    help: 'Calls that have ended, by method, protocol and outcome (ok or the symbol of a fault)',
    labelNames: ['method', 'protocol', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'plush_call_duration_seconds',
    help: 'Time from a call being read to its answer being known',
    labelNames: ['method'],
    buckets: BUCKETS_S,
    registers,
  });
  const running = new Gauge({ name: 'plush_calls_running', help: 'Calls under way', registers });
  const unreadable = new Counter({
    name: 'plush_unreadable_requests_total',
    help: 'Requests, and items of batches, that were no call',
    labelNames: ['protocol', 'outcome'],
    registers,
  });
  let underWay = 0;
  return {
    started() {
      running.set(++underWay);
    },
    ended({ method: called, request: { protocol } }, outcome, durationMs) {
      running.set(--underWay);
      const method = Object.hasOwn(methodTable, called) ? called : UNKNOWN;
      calls.inc({ method, protocol, outcome });
      durations.observe({ method }, durationMs / 1000);
    },
    unreadable({ protocol }, outcome) {
      unreadable.inc({ protocol, outcome });
    },
  };
}
