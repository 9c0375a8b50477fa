/**
 * Prints what happens, an event a line, for as long as it is left to. A plushd that goes away is waited for, and nothing
 * that happened meanwhile is missed.
 *
 *     node monitor.mjs [--after NUMBER] [TOPIC…]      --after 0: from the beginning
 *
 * Ends with exit code 0 on SIGTERM and Ctrl-C. The plushd is the one of this machine ($PLUSH_STATE), or that of $PLUSH_URL.
 */
import { parseArgs } from 'node:util';
import { PlushClient } from '@plush/client';

const USAGE = 'Usage: node monitor.mjs [--after NUMBER] [TOPIC…]';

const { values, positionals } = readOptions();
const client = new PlushClient(process.env.PLUSH_URL ? { url: process.env.PLUSH_URL } : {});
const ending = new AbortController();
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.once(signal, () => ending.abort());

try {
  const events = client.events({
    ...(values.after === undefined ? {} : { after: Number(values.after) }),
    ...(positionals.length === 0
      ? {}
      : { topics: /** @type {import('@plush/client').Topic[]} */ (positionals) }),
    signal: ending.signal,
    backoff: { maxMs: 2_000 },
    onConnected: (after) => console.error(`Following what comes after event ${after}`),
    onLost: ({ message }) => console.error(`${message}; looking for it`),
  });
  for await (const event of events) console.log(lineOf(event));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  client.close();
}

/** The options; ends the program where there is nothing to do. */
function readOptions() {
  try {
    const options = /** @type {const} */ ({
      after: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    });
    const read = parseArgs({ options, allowPositionals: true });
    if (read.values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    if (!Number.isInteger(Number(read.values.after ?? 0))) throw new Error('--after is no number');
    return read;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

/** @param {import('@plush/client').PlushEvent} event */
function lineOf(event) {
  switch (event.type) {
    case 'gap':
      return `${event.seq} gap: the oldest event that is still there is ${event.first}`;
    case 'node_added':
    case 'node_updated':
      return `${event.seq} ${event.type} ${event.node.hostname}`;
    case 'run_ended':
      return `${event.seq} ${event.type} ${event.run_id} ${event.outcome}`;
    default: {
      const { hostname, run_id, block } = /** @type {Readonly<Record<string, unknown>>} */ (event);
      const about = [run_id, block, hostname].filter((one) => one !== undefined);
      return [event.seq, event.type, ...about].join(' ');
    }
  }
}
