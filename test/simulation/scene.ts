/** What a seed stands for: machines, applications, and how much goes wrong. All of it is chosen before anything happens. */
import type { AppSpec, NodeSpec } from '../../api/spec.ts';
import type { NodeRules } from '../../src/core/pool/rules.ts';
import type { HostSample } from '../../src/core/task.ts';
import { GROUPS, makeApp, withClusters } from './applications.ts';
import { Chance } from './chance.ts';
import { makeRules } from './outages.ts';

export interface Scene {
  /** Trouble a second, a number from 0 (a quarter of the seeds) up. */
  readonly trouble: number;
  /** Whether the controller's network is cut now and then. */
  readonly hasOutages: boolean;
  /** How nodes are judged. */
  readonly rules: NodeRules;
  readonly nodes: readonly ScenicNode[];
  readonly apps: readonly AppSpec[];
  /** Each application begins when those before it are over. */
  readonly isInTurn: boolean;
  /** Probability that a task does not end with exit code 0. */
  readonly taskFailure: number;
  readonly installFailure: number;
  /** Longest time a message takes, in ms. */
  readonly latencyMs: number;
  /** Probability that a report comes twice, or an effect is carried out twice. */
  readonly doubling: number;
}

interface ScenicNode {
  readonly spec: NodeSpec;
  readonly host: HostSample;
  readonly slowness: number;
  /** Probability that an end is told otherwise than it was. */
  readonly lying: number;
}

export function makeScene(seed: number): Scene {
  const chance = new Chance(seed);
  const trouble = chance.is(0.25) ? 0 : chance.delay(100) / 100;
  const isCalm = trouble === 0;
  const count = chance.int(2, 9);
  return {
    trouble,
    hasOutages: chance.is(0.3),
    rules: makeRules(chance),
    taskFailure: isCalm ? 0 : chance.delay(40) / 100,
    installFailure: isCalm ? 0 : chance.delay(20) / 100,
    nodes: Array.from({ length: count }, (_, i) => makeNode(chance, `n${i}`, isCalm)),
    latencyMs: chance.int(1, 500),
    doubling: chance.is(0.5) ? 0.1 : 0,
    isInTurn: chance.is(0.6),
    apps: Array.from({ length: chance.int(1, 2) }, (_, i) =>
      withClusters(Chance.of(seed, `clusters ${i}`), makeApp(chance, `app${i}`, { nodes: count, isCalm })),
    ),
  };
}

function makeNode(chance: Chance, hostname: string, isCalm: boolean): ScenicNode {
  const type = chance.is(0.1) ? 'local' : 'ssh';
  const preference = chance.is(0.2) ? { preference: chance.int(-2, 5) } : {};
  return {
    spec: { hostname, type, group: chance.pick(GROUPS), ...preference },
    host: {
      load1: chance.int(0, 4),
      ...(chance.is(0.5) ? { cpus: chance.int(1, 4) } : {}),
      memory_free_bytes: 1,
      memory_total_bytes: 1,
      disk_free_bytes: 1,
    },
    slowness: chance.is(0.2) ? chance.int(2, 20) : 1,
    lying: !isCalm && chance.is(0.2) ? 0.3 : 0,
  };
}
