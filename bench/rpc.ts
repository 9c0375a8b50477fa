/**
 * XML-RPC and JSON-RPC calls of plushd under load, beside bare node:http and supervisord; the codec beside the npm package
 * xmlrpc; and large pools: nodes added by multicall, all of them read by page, memory meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { encodeCall } from '../src/wire/xmlrpc/encode.ts';
import { type Plushd, startPlushd } from '../test/harness/plushd.ts';
import { type Scratch, withScratch } from '../test/harness/scratch.ts';
import { makeCodecWork } from './support/codec.ts';
import { type Figure, median, printFigures } from './support/figures.ts';
import { INSPECTABLE, inspect } from './support/inspector.ts';
import { addByJson, addByXml, MULTICALL, poll, scrape } from './support/pool.ts';
import { inRounds } from './support/rounds.ts';
import { type PeerServer, startBareServer, startSupervisord } from './support/servers.ts';
import { type Load, type LoadOutcome, load } from './support/wrk.ts';

const XML_ANSWER =
  '<?xml version="1.0"?><methodResponse><params><param><value><string>Hello World</string></value></param></params></methodResponse>';
const LARGE_POOL = 100_000;
/** Between two loads, so that the last one's connections are closed. */
const SETTLE_MS = 200;

const settle = () => pause(SETTLE_MS);
const bench = 'rpc';

async function main(): Promise<void> {
  const figures = [...(await calls()), ...(await codec()), ...(await pools())];
  printFigures(figures);
}

async function calls(): Promise<Figure[]> {
  return withScratch(async (scratch) => {
    const open: { close(): Promise<void> }[] = [];
    const opened = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
      const server = await starting;
      open.push(server);
      return server;
    };
    try {
      const supervisord = await opened(startSupervisord(scratch));
      const bare = await opened(startBareServer(XML_ANSWER));
      const plushd = await opened(startPlushd({ scratch }));
      const loads = Object.entries(loadsOf(plushd, bare, supervisord));
      const contestants = Object.fromEntries(loads.map(([name, what]) => [name, () => load(scratch, what)]));
      for (const work of Object.values(contestants)) await work(); // so that nobody is measured cold
      const outcomes = await inRounds(contestants, settle, ({ perSecond, p99Ms, cpuUs }) => {
        return `${Math.round(perSecond)} calls/s, p99 ${p99Ms.toFixed(2)} ms, ${cpuUs.toFixed(1)} us of processor time`;
      });
      return callFigures(outcomes);
    } finally {
      await Promise.all(open.map((server) => server.close()));
    }
  });
}

function loadsOf(plushd: Plushd, bare: PeerServer, supervisord: PeerServer): Record<string, Load> {
  const xml = { contentType: 'text/xml', body: encodeCall('plushTestConnection', []) };
  const authorization = `Bearer ${plushd.token}`;
  const json = { jsonrpc: '2.0', id: 1, method: 'plushTestConnection', params: [] };
  return {
    xmlrpc: { ...xml, url: `${plushd.url}/RPC2`, pid: plushd.pid, authorization, answer: 'Hello World' },
    jsonrpc: {
      url: `${plushd.url}/rpc`,
      pid: plushd.pid,
      contentType: 'application/json',
      body: JSON.stringify(json),
      authorization,
      answer: '"result":"Hello World"',
    },
    'node:http': { ...xml, url: bare.url, pid: bare.pid, authorization, answer: 'Hello World' },
    supervisord: {
      url: supervisord.url,
      pid: supervisord.pid,
      contentType: 'text/xml',
      body: encodeCall('supervisor.getAPIVersion', []),
      answer: '<value><string>',
    },
  };
}

function callFigures(outcomes: Record<string, LoadOutcome[]>): Figure[] {
  const of = (name: string, what: keyof LoadOutcome) =>
    median((outcomes[name] ?? []).map((outcome) => outcome[what]));
  const peers = [
    { peer: 'node:http', short: 'bare_node', target: '>= 0.5' },
    { peer: 'supervisord', short: 'supervisord', target: '>= 1.5' },
  ];
  return ['xmlrpc', 'jsonrpc'].flatMap((ours): Figure[] => {
    const alone = (figure: string, value: number, unit: string): Figure => {
      return { bench, figure: `${ours}_${figure}`, value, unit, peer: null, target: null };
    };
    const beside = peers.flatMap(({ peer, short, target }): Figure[] => [
      {
        bench,
        figure: `${ours}_beside_${short}`,
        value: of(ours, 'perSecond') / of(peer, 'perSecond'),
        unit: 'x',
        peer: { name: `${peer}, calls/s`, value: of(peer, 'perSecond') },
        target,
      },
      {
        ...alone(`p99_beside_${short}`, of(ours, 'p99Ms'), 'ms'),
        peer: { name: peer, value: of(peer, 'p99Ms') },
      },
      {
        ...alone(`cpu_beside_${short}`, of(ours, 'cpuUs'), 'us'),
        peer: { name: peer, value: of(peer, 'cpuUs') },
      },
    ]);
    return [alone('calls', of(ours, 'perSecond'), 'calls/s'), ...beside];
  });
}

async function codec(): Promise<Figure[]> {
  const { bytes, contestants } = makeCodecWork();
  process.stderr.write(`a list of ${(bytes / 1e6).toFixed(2)} MB\n`);
  for (const work of Object.values(contestants)) for (let warm = 0; warm < 3; warm += 1) await work();
  const times = await inRounds(
    contestants,
    async () => {},
    (ms) => `${ms.toFixed(1)} ms`,
  );
  const ms = (name: string) => median(times[name] ?? []);
  return (['encode', 'decode'] as const).flatMap((work): Figure[] => {
    const peer = { name: 'npm xmlrpc, ms', value: ms(`${work} npm`) };
    return [
      { bench, figure: `${work}_1000_nodes`, value: ms(work), unit: 'ms', peer, target: null },
      {
        bench,
        figure: `${work}_times_as_fast`,
        value: peer.value / ms(work),
        unit: 'x',
        peer,
        target: '>= 10',
      },
    ];
  });
}

async function pools(): Promise<Figure[]> {
  const adding = { json: addByJson, xml: addByXml };
  const contestants = Object.fromEntries(
    Object.entries(adding).map(([name, add]) => [
      `add by ${name}`,
      () => withFresh((plushd) => addMany(plushd, add)),
    ]),
  );
  const rates = await inRounds(contestants, settle, (rate) => `${Math.round(rate)} nodes/s`);
  const figures = Object.entries(rates).map(
    ([name, values]): Figure => ({
      bench,
      figure: `${name.replaceAll(' ', '_')}_multicall`,
      value: median(values),
      unit: 'nodes/s',
      peer: null,
      target: '>= 10000',
    }),
  );
  return [...figures, ...(await withFresh(largePool))];
}

async function addMany(plushd: Plushd, add: typeof addByJson): Promise<number> {
  const from = performance.now();
  await add(plushd, MULTICALL, 'n');
  return MULTICALL / ((performance.now() - from) / 1000);
}

/** What is kept after many polls beside what was kept after the first. */
async function largePool(plushd: Plushd): Promise<Figure[]> {
  await addByJson(plushd, LARGE_POOL, 'big');
  const inspector = await inspect(plushd);
  const polls: number[] = [];
  const pollOnce = async () => {
    const from = performance.now();
    const count = await poll(plushd);
    if (count !== LARGE_POOL) throw new Error(`A poll brought ${count} nodes`);
    polls.push(count / ((performance.now() - from) / 1000));
  };
  await pollOnce();
  const first = await inspector.usedMegabytes();
  for (let round = 0; round < 5; round += 1) await pollOnce();
  const growth = (await inspector.usedMegabytes()) - first;
  inspector.close();
  const fresh: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await plushd.call('plushAddNode', { hostname: `one-more-${round}` });
    fresh.push(await scrape(plushd));
    again.push(await scrape(plushd));
  }
  const figure = (name: string, value: number, unit: string, target: string | null): Figure => {
    return { bench, figure: name, value, unit, peer: null, target };
  };
  return [
    figure('poll_100000', median(polls), 'nodes/s', null),
    figure('poll_100000_memory', first, 'MB', null),
    figure('poll_100000_memory_growth', growth, 'MB', '<= 2'),
    figure('scrape_100000_after_a_change', median(fresh), 'ms', '<= 20'),
    figure('scrape_100000', median(again), 'ms', '<= 10'),
  ];
}

function withFresh<T>(work: (plushd: Plushd) => Promise<T>): Promise<T> {
  return withScratch(async (scratch: Scratch) => {
    const plushd = await startPlushd({ scratch, env: INSPECTABLE });
    try {
      return await work(plushd);
    } finally {
      await plushd.close();
    }
  });
}

await main();
