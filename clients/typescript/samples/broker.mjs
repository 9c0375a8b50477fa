/**
 * A broker outside of Plush: it owns machines and lends them to a plushd on leases.
 *
 *     node broker.mjs --offer FILE [--lease SECONDS] [--name NAME]
 *
 * FILE is a JSON array of what it lends, each as plushAddNode takes it: [{"hostname": "first.example.org", "user": "me"}].
 * It is read again before each lease is renewed. A machine that is no longer offered, or that Plush has marked failed, is not
 * renewed: it is taken back when its lease expires. On SIGTERM and Ctrl-C all are taken back at once. A broker that is
 * started again takes up the leases of its name. A token with the scope broker is enough.
 *
 * The plushd is the one of this machine ($PLUSH_STATE), or that of $PLUSH_URL.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PlushClient, PlushFault, UnreachableError } from '@plush/client';

/** @typedef {import('@plush/client').ParamsOf<'plushAddNode'>[0]} Machine */
/** @typedef {import('@plush/client').ResultOf<'plushListNodes'>['nodes'][number]} Node */

/** A lease is renewed when this part of it is left, so that one lost attempt does not end it. */
const RENEW_AT = 2 / 3;

const USAGE = 'Usage: node broker.mjs --offer FILE [--lease SECONDS] [--name NAME]';

const values = readOptions();
const { name } = values;
const leaseMs = Number(values.lease) * 1000;
const client = new PlushClient(process.env.PLUSH_URL ? { url: process.env.PLUSH_URL } : {});
const ending = new AbortController();
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.once(signal, () => ending.abort());

try {
  while (!ending.signal.aborted) {
    try {
      await review(readOffer());
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      console.error(`${error.message}; looking for it`);
    }
    await sleep(leaseMs / 6, undefined, { signal: ending.signal }).catch(() => 'ending');
  }
  await takeBack(await leases(), 'the broker ends');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  client.close();
}

/** The options; ends the program where there is nothing to do. */
function readOptions() {
  try {
    const { help, offer, ...others } = parseArgs({
      options: {
        offer: { type: 'string' },
        lease: { type: 'string', default: '60' },
        name: { type: 'string', default: 'sample-broker' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
    if (help) {
      console.log(USAGE);
      process.exit(0);
    }
    if (offer === undefined) throw new Error('--offer is missing');
    if (!(Number(others.lease) > 0)) throw new Error('--lease is no number of seconds');
    return { offer, ...others };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

/** @returns {Machine[]} */
function readOffer() {
  return JSON.parse(readFileSync(values.offer, 'utf8'));
}

/** Renews what is due, adds what is new, takes back what has expired. @param {readonly Machine[]} offer */
async function review(offer) {
  const held = new Map((await leases()).map((node) => [node.hostname, node]));
  const offered = new Set(offer.map(({ hostname }) => hostname));
  const now = Date.now();
  /** @param {Node | undefined} node */
  const left = (node) => Date.parse(node?.lease?.expires ?? '') - now;
  const due = offer.filter(({ hostname }) => {
    const node = held.get(hostname);
    return node === undefined || (!isBad(node) && left(node) < leaseMs * RENEW_AT);
  });
  await lend(due, held);
  const expired = [...held.values()].filter((node) => left(node) <= 0);
  await takeBack(
    expired.filter((node) => !offered.has(node.hostname)),
    'no longer offered',
  );
  await takeBack(
    expired.filter((node) => offered.has(node.hostname) && isBad(node)),
    'failed',
  );
}

/** Failed for another reason than that nobody renewed its lease in time. @param {Node} node */
function isBad(node) {
  return node.state === 'failed' && node.failure?.cause !== 'lease_expired';
}

/** @param {readonly Machine[]} machines @param {ReadonlyMap<string, Node>} held */
async function lend(machines, held) {
  const expires = new Date(Date.now() + leaseMs).toISOString();
  const calls = machines.map((machine) => {
    const lease = { id: `${name}/${machine.hostname}`, expires };
    return {
      method: /** @type {const} */ ('plushAddNode'),
      params: /** @type {[Machine]} */ ([{ ...machine, lease }]),
    };
  });
  const answers = await client.batch(calls);
  machines.forEach(({ hostname }, i) => {
    const answer = answers[i];
    if (answer instanceof PlushFault) console.error(`${hostname}: ${answer.message}`);
    else console.log(`${held.has(hostname) ? 'renewed' : 'lent'} ${hostname} until ${expires}`);
  });
}

/** @param {readonly Node[]} nodes @param {string} why */
async function takeBack(nodes, why) {
  const calls = nodes.map(({ hostname }) => {
    return { method: /** @type {const} */ ('plushRemoveNode'), params: /** @type {[string]} */ ([hostname]) };
  });
  const answers = await client.batch(calls);
  nodes.forEach(({ hostname }, i) => {
    const answer = answers[i];
    // Somebody else has removed it: that is as good.
    if (answer instanceof PlushFault && answer.symbol !== 'NODE_NOT_FOUND')
      console.error(`${hostname}: ${answer.message}`);
    else console.log(`took back ${hostname}: ${why}`);
  });
}

/** The nodes with a lease of this broker. */
async function leases() {
  /** @type {Node[]} */
  const mine = [];
  for (let cursor = /** @type {string | undefined} */ (''); cursor !== undefined; ) {
    const page = await client.call('plushListNodes', { limit: 1000, ...(cursor === '' ? {} : { cursor }) });
    mine.push(...page.nodes.filter(({ lease }) => lease?.id.startsWith(`${name}/`)));
    cursor = page.cursor;
  }
  return mine;
}
