/**
 * Events brought to 100 subscribers over JSON-RPC with details, one of them dead and one slow. Measured are the delivered
 * events a second while there is much to tell, how late the healthy ones are told while there is little, and memory. The
 * peer is a bare loop over node:http that posts the same bodies to the same servers, keeps nothing and looks at no answer.
 */
import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { withScratch } from '../test/harness/scratch.ts';
import { waitFor } from '../test/harness/wait.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { median, printFigures } from './support/figures.ts';
import { type Receivers, startReceivers } from './support/receivers.ts';

const ROUNDS = 5;
/** Facts of a round in which there is much to tell. */
const BURST = 200;
/** Facts that are told one by one, and the time between two of them. */
const STEADY = 100;
const STEADY_PAUSE_MS = 50;
const ROUND_MS = 120_000;
const BARE = 'bare-sender';

async function main(): Promise<void> {
  await withScratch(async (scratch) => {
    const receivers = await startReceivers();
    const daemon = await startDaemon(scratch);
    try {
      await measure(daemon, receivers);
    } finally {
      await daemon.stop();
      await receivers.close();
    }
  });
}

async function measure(daemon: Daemon, receivers: Receivers): Promise<void> {
  for (const { url } of receivers.all)
    await daemon.call('plushSubscribe', [{ url, protocol: 'jsonrpc', topics: ['node'], details: true }]);
  const healthy = receivers.all.filter(({ kind }) => kind === 'healthy');
  const idle = daemon.megabytes();
  let peak = idle;
  const watch = setInterval(() => {
    peak = Math.max(peak, daemon.megabytes());
  }, 100);
  const ours: number[] = [];
  const bare: number[] = [];
  const p99: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await burst(daemon, receivers, healthy.length, round));
    bare.push(
      await bareBurst(
        receivers,
        healthy.map(({ url }) => url),
      ),
    );
    p99.push(await steady(daemon, receivers, healthy.length, round));
    const [rate, peer, lag] = [ours, bare, p99].map((values) => Math.round(values.at(-1) ?? 0));
    process.stderr.write(`round ${round + 1}  ${rate} events/s, bare ${peer}, lag p99 ${lag} ms\n`);
  }
  clearInterval(watch);
  const peer = { name: 'bare node:http', value: median(bare) };
  const common = { bench: 'callbacks', target: null };
  printFigures([
    { ...common, figure: 'delivered', value: median(ours), unit: 'events/s', peer },
    { ...common, figure: 'beside_bare', value: median(ours) / peer.value, unit: 'x', peer },
    { ...common, figure: 'lag_p99_healthy', value: median(p99), unit: 'ms', peer: null },
    { ...common, figure: 'memory_before', value: idle, unit: 'MB', peer: null },
    { ...common, figure: 'memory_peak', value: peak, unit: 'MB', peer: null },
  ]);
}

/** Many facts at once; events a second that healthy subscribers had until all had all. */
async function burst(daemon: Daemon, receivers: Receivers, healthy: number, round: number): Promise<number> {
  receivers.reset();
  const began = performance.now();
  const calls = Array.from({ length: BURST }, (_, i) => ({
    methodName: 'plushAddNode',
    params: [{ hostname: `burst-${round}-${i}`, type: 'local' }],
  }));
  await daemon.call('system.multicall', [calls]);
  await waitFor('the burst to be told', () => receivers.count() >= BURST * healthy, ROUND_MS);
  return (BURST * healthy * 1000) / (performance.now() - began);
}

/** Facts one by one; the time within which 99 of 100 events arrived. */
async function steady(daemon: Daemon, receivers: Receivers, healthy: number, round: number): Promise<number> {
  receivers.reset();
  for (let i = 0; i < STEADY; i += 1) {
    await daemon.call('plushAddNode', [{ hostname: `steady-${round}-${i}`, type: 'local' }]);
    await pause(STEADY_PAUSE_MS);
  }
  await waitFor('the last facts to be told', () => receivers.count() >= STEADY * healthy, ROUND_MS);
  const sorted = receivers.lags().toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

/** As many posts by a process that does nothing else. */
async function bareBurst(receivers: Receivers, urls: readonly string[]): Promise<number> {
  receivers.reset();
  const child = spawn(process.execPath, [process.argv[1] ?? '', BARE, ...urls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const piece of child.stdout.setEncoding('utf8')) text += piece;
  if (receivers.count() !== BURST * urls.length) throw new Error('The bare sender did not send everything');
  return (BURST * urls.length * 1000) / Number(text);
}

/** Posts BURST bodies to each URL, one after the other at each; prints the time in ms. */
async function sendBare(urls: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const node = { hostname: 'burst-0-100', type: 'local' };
  const event = { seq: 1000, time: new Date().toISOString(), type: 'node_added', node, source: 'api' };
  const params = [node.hostname, event];
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1000, method: 'sendHostStatus', params });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const post = (url: string) =>
    new Promise<void>((resolve, reject) => {
      const posting = request(url, { method: 'POST', headers, agent }, (response) => {
        response.resume().on('end', resolve);
      });
      posting.on('error', reject).end(body);
    });
  const began = performance.now();
  await Promise.all(
    urls.map(async (url) => {
      for (let i = 0; i < BURST; i += 1) await post(url);
    }),
  );
  process.stdout.write(String(performance.now() - began));
  agent.destroy();
}

const [mode, ...urls] = process.argv.slice(2);
if (mode === BARE) await sendBare(urls);
else await main();
