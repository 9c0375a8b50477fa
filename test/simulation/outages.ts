/** What must hold of outages: nobody is given up for silence in one, each has its bound, and who answers is known. */
import { strict as assert } from 'node:assert';
import type { Fact } from '../../api/events.ts';
import { NODE_RULES, type NodeRules } from '../../src/core/pool/rules.ts';
import { isOver, type State } from '../../src/core/state.ts';
import type { Chance } from './chance.ts';

const SILENCE = new Set(['unreachable', 'flapping', 'link_lost']);

export function makeRules(chance: Chance): NodeRules {
  return { ...NODE_RULES, holdMs: chance.pick([0, 5_000, 30_000, NODE_RULES.holdMs]) };
}

/** @returns how many there were */
export function checkOutages(facts: readonly Fact[]): number {
  let until: string | undefined;
  let count = 0;
  /** Those on the controller's own machine, which no network can cut off. */
  const local = new Set<string>();
  for (const { type, body, time } of facts) {
    if (type === 'node_added' && body.node.type === 'local') local.add(body.node.hostname);
    if (type === 'outage_suspected') {
      assert.equal(until, undefined, 'an outage in another');
      assert(body.silent >= 3 && body.silent <= body.of, `${body.silent} of ${body.of} silent`);
      assert(body.until > time);
      until = body.until;
      count += 1;
    } else if (type === 'outage_over') {
      assert.notEqual(until, undefined, 'the end of no outage');
      if (body.cause === 'too_long') assert(time >= (until as string), 'too long too early');
      until = undefined;
    } else if (type === 'node_failed' && until !== undefined && time < until) {
      const isSilence = SILENCE.has(body.failure.cause) && !local.has(body.hostname);
      assert(!isSilence, `${body.hostname} was given up in an outage`);
    }
  }
  return count;
}

export function checkContact({ contact, nodes, runs, outage }: State): void {
  for (const hostname of contact.answering) assert(nodes.has(hostname), `${hostname} is gone and answers`);
  for (const hostname of contact.silent.keys()) {
    const node = nodes.get(hostname);
    assert(!contact.answering.has(hostname), `${hostname} is silent and answers`);
    assert.notEqual(node?.link, 'connected', `${hostname} is silent and connected`);
    const run = runs.get(node?.run_id ?? '');
    const member = run?.members.get(hostname);
    assert(run !== undefined && !isOver(run), `${hostname} is silent, and nobody waits for it`);
    assert(member !== undefined && member.phase !== 'done', `${hostname} is silent and done`);
  }
  if (outage?.spent === true) assert(contact.silent.size > 0, 'an outage of nobody');
}
