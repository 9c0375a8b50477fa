/** Many sorts of servers and nodes, to see whether a rule is good at more than one of them. */
import { randomFrom } from '../../src/core/random.ts';
import type { Fleet, Server } from './shared-link.ts';

const MEGABYTE = 1e6;
/** A transfer begins after connecting, asking, and a first window: three times there and back. */
const ROUND_TRIPS = 3;
const SHAPES = ['equal', 'mixed', 'uneven', 'heavy'] as const;
const THRASHING = ['none', 'mild', 'hard'] as const;

export interface Scene {
  readonly server: Server;
  readonly fleet: Fleet;
}

/**
 * One of them: 20 to 500 nodes, 1 to 100 MB, 10 to 300 ms there and back, a server as fast as 3 to 100 of the nodes' lines. Lines are
 * equal, log-normal (sigma 0.5 and 1) or have a Pareto tail (1.5, at most 50 times slower). A third of the servers do not mind connections;
 * a third lose 0.3 to 1.5 % with each beyond 10 to 80, a third 1.5 to 5 %.
 */
export function sceneOf(seed: number): Scene {
  const random = randomFrom(seed * 7919 + 13);
  for (let i = 0; i < 5; i += 1) random();
  const between = (low: number, high: number) => low * (high / low) ** random();
  const pick = <T>(values: readonly [T, ...T[]]) => values[Math.floor(random() * values.length)] ?? values[0];
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const nodes = Math.round(between(20, 500));
  const bytes = between(MEGABYTE, 100 * MEGABYTE);
  const line = between(0.5 * MEGABYTE, 20 * MEGABYTE);
  const lines = between(3, 100);
  const delay = between(0.01, 0.3) * ROUND_TRIPS;
  const shape = pick(SHAPES);
  const thrashing = pick(THRASHING);
  const speed = {
    equal: () => line,
    mixed: () => line * Math.exp(0.5 * normal()),
    uneven: () => line * Math.exp(normal()),
    heavy: () => (3 * line) / Math.min(50, (1 - random()) ** (-1 / 1.5)),
  }[shape];
  const fleet = { bytes, delay, lines: Array.from({ length: nodes }, speed) };
  const comfortable = Math.round(between(10, 80));
  const penalty = { none: () => 0, mild: () => between(0.003, 0.015), hard: () => between(0.015, 0.05) };
  return { server: { bandwidth: line * lines, comfortable, penalty: penalty[thrashing]() }, fleet };
}
