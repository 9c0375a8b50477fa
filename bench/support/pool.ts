/** A large pool over the API: how fast nodes come, and what reading all of them takes. */

import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import type { Plushd } from '../../test/harness/plushd.ts';

/** Calls in one multicall at most. */
export const MULTICALL = 10_000;
/** XML-RPC takes more room for the same calls, and a body has 1 MiB. */
const XML_MULTICALL = 2_500;
const PAGE = 1000;

/** Adds nodes by multicalls over JSON-RPC. @throws Error when one was not added */
export async function addByJson(plushd: Plushd, count: number, prefix: string): Promise<void> {
  for (let from = 0; from < count; from += MULTICALL) {
    const calls = callsFor(prefix, from, Math.min(count, from + MULTICALL));
    const answers = (await plushd.call('system.multicall', calls)) as unknown[];
    if (!answers.every((answer) => Array.isArray(answer)))
      throw new Error(
        `A node was not added: ${JSON.stringify(answers.find((answer) => !Array.isArray(answer)))}`,
      );
  }
}

/** Adds nodes by multicalls over XML-RPC. @throws Error when one was not added */
export async function addByXml(plushd: Plushd, count: number, prefix: string): Promise<void> {
  for (let from = 0; from < count; from += XML_MULTICALL) {
    const calls = callsFor(prefix, from, Math.min(count, from + XML_MULTICALL));
    const response = await fetch(`${plushd.url}/RPC2`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml', authorization: `Bearer ${plushd.token}` },
      body: encodeCall('system.multicall', [calls]),
    });
    const text = await response.text();
    if (response.status !== 200 || text.includes('<fault>') || text.includes('faultCode'))
      throw new Error(`Nodes were not added: ${text.slice(0, 500)}`);
  }
}

function callsFor(prefix: string, from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => ({
    methodName: 'plushAddNode',
    params: [{ hostname: `${prefix}${from + index}.example.org` }],
  }));
}

/** Reads the whole pool page by page; answers how many nodes that were. */
export async function poll(plushd: Plushd): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await plushd.call('plushListNodes', {
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    count += page.nodes.length;
    cursor = page.cursor;
    if (cursor === undefined) return count;
  }
}

/** Milliseconds of a scrape of /metrics. */
export async function scrape(plushd: Plushd): Promise<number> {
  const from = performance.now();
  const response = await fetch(`${plushd.url}/metrics`, {
    headers: { authorization: `Bearer ${plushd.token}` },
  });
  await response.text();
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return performance.now() - from;
}
