/**
 * Loads an application, runs it, waits for its end and prints what its tasks printed.
 *
 *     node run-and-wait.mjs application.xml
 *
 * Exit code: 0 it succeeded, 1 it failed, 2 it was aborted, 3 it could not be run. The plushd is the one of this machine
 * ($PLUSH_STATE), or that of $PLUSH_URL, which may have the token in it (http://plush:TOKEN@host:4880).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PlushClient, PlushFault } from '@plush/client';

const EXIT_CODES = { succeeded: 0, failed: 1, aborted: 2 };
const NOT_RUN = 3;

const USAGE = 'Usage: node run-and-wait.mjs FILE';

const [file, ...more] = process.argv.slice(2);
if (file === '--help' || file === '-h') {
  console.log(USAGE);
  process.exit(0);
}
const client = new PlushClient(process.env.PLUSH_URL ? { url: process.env.PLUSH_URL } : {});
try {
  if (file === undefined || file.startsWith('-') || more.length > 0) throw new Error(USAGE);
  process.exitCode = await runAndWait(readFileSync(file, 'utf8'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = NOT_RUN;
} finally {
  client.close();
}

/** @param {string} specification */
async function runAndWait(specification) {
  await client.call('plushTestConnection'); // a plushd that is not there at all is told at once
  // Both may be made twice, the second one thanks to its request_id: so a plushd that is just being restarted is no reason to fail.
  const patient = client.with({ patienceMs: 30_000 });
  const app = await patient.call('plushLoadAppXml', specification);
  const run = await patient.call('plushStartRun', { app, request_id: randomUUID() });
  const { state } = await client.waitRun(run);
  await printOutput(run);
  if (state === 'failed') await printReasons(run);
  console.error(`Run ${run} of ${app} ${state === 'aborted' ? 'was aborted' : state}`);
  return EXIT_CODES[/** @type {keyof typeof EXIT_CODES} */ (state)] ?? NOT_RUN;
}

/** @param {string} run */
async function blocksOf(run) {
  let { blocks, cursor } = await client.call('plushGetRun', run);
  while (cursor !== undefined) {
    const page = await client.call('plushGetRun', run, { cursor }); // of a run with very many blocks
    blocks = [...blocks, ...page.blocks];
    cursor = page.cursor;
  }
  return blocks;
}

/** @param {string} run */
async function printOutput(run) {
  for (const { name } of await blocksOf(run)) {
    const { tasks } = await client.call('plushGetBlock', run, name);
    for (const { hostname, task_id } of tasks) {
      let text = '';
      try {
        for await (const piece of client.output(run, hostname, { task: task_id })) text += piece;
      } catch (error) {
        if (!(error instanceof PlushFault)) throw error;
        console.error(`${hostname}: ${error.message}`); // such as OUTPUT_UNREACHABLE, with what to do
      }
      for (const line of text.split('\n').filter((one) => one !== '')) console.log(`${hostname} | ${line}`);
    }
  }
}

/** @param {string} run */
async function printReasons(run) {
  const { summary, causes } = await client.call('plushExplain', run);
  console.error(summary);
  for (const { nodes, message, hint } of causes) console.error(`${nodes} nodes: ${message}. ${hint}`);
}
