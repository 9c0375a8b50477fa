/** What a Prometheus server, an orchestrator and a load balancer see of plushd. */
import { createWeb } from '../../src/controller/web.ts';
import { type CallbackClient, startCallbackClient } from '../harness/callback-client.ts';
import { startFace, TOKEN } from '../harness/http-face.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { jsonCall, RawCalls, xmlCall } from '../harness/raw-calls.ts';
import { exchange } from '../harness/raw-exchange.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  raw = new RawCalls(plushd);
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const get = (path: string, token = plushd.token) =>
  fetch(plushd.url + path, { headers: { Authorization: `Bearer ${token}` } });

async function scrape(): Promise<Map<string, number>> {
  const response = await get('/metrics');
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const samples = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      expect(line).toMatch(
        /^[a-z][a-z0-9_]*(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? (-?\d[\d.e+-]*|Nan|[+-]Inf)$/,
      );
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

describe('/metrics', () => {
  it('counts calls by method, protocol and outcome, and times them', async () => {
    await plushd.call('plushTestConnection');
    await plushd.call('plushTestConnection');
    await raw.xml(xmlCall('nobody'));
    await raw.json('{"jsonrpc":');
    const samples = await scrape();
    const calls = (method: string, protocol: string, outcome: string) =>
      samples.get(`plush_calls_total{method="${method}",protocol="${protocol}",outcome="${outcome}"}`);
    expect(calls('plushTestConnection', 'jsonrpc', 'ok')).toBe(2);
    expect(calls('plushGetNode', 'xmlrpc', 'NODE_NOT_FOUND')).toBe(1);
    expect(samples.get('plush_call_duration_seconds_count{method="plushTestConnection"}')).toBe(2);
    expect(samples.get('plush_call_duration_seconds_bucket{le="+Inf",method="plushTestConnection"}')).toBe(2);
    expect(samples.get('plush_unreadable_requests_total{protocol="jsonrpc",outcome="NOT_WELL_FORMED"}')).toBe(
      1,
    );
    expect(samples.get('plush_calls_running')).toBe(0);
  });

  it('has one label for all methods that there are not, so that clients cannot fill its memory', async () => {
    const names = [
      '__proto__',
      'constructor',
      'a"b\\c',
      'x'.repeat(10_000),
      ...Array.from({ length: 50 }, (_, i) => `m${i}`),
    ];
    for (const name of names) await raw.json(jsonCall(JSON.stringify(name).slice(1, -1), '[]'));
    const samples = await scrape();
    expect(
      samples.get('plush_calls_total{method="unknown",protocol="jsonrpc",outcome="UNKNOWN_METHOD"}'),
    ).toBe(names.length);
    expect([...samples.keys()].filter((name) => name.includes('UNKNOWN_METHOD'))).toHaveLength(1);
  });

  it('tells of nodes and runs by state, of the journal and of the process', async () => {
    const before = await scrape();
    expect(before.get('plush_runs{state="running"}')).toBe(0);
    await plushd.addLocalNodes(3);
    await plushd.call('plushFailHost', 'node-2');
    const samples = await scrape();
    expect(samples.get('plush_nodes{state="idle"}')).toBe(2);
    expect(samples.get('plush_nodes{state="failed"}')).toBe(1);
    expect(samples.get('plush_nodes_free')).toBe(2);
    const last = samples.get('plush_journal_last_seq') ?? 0;
    expect(last).toBeGreaterThan(before.get('plush_journal_last_seq') ?? 0);
    expect(last).toBe((await plushd.call('plushInfoControl')).journal.last);
    expect(samples.get('plush_journal_bytes')).toBeGreaterThan(4096);
    expect(samples.get('plush_ssh_connections')).toBe(0);
    expect(samples.get('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    const [info] = [...samples.keys()].filter((name) => name.startsWith('plush_build_info'));
    expect(info).toContain(`version="${(await plushd.call('plushInfoControl')).version}"`);
  });

  it('tells how far behind callback clients are, and nothing of their URLs that may be secret', async () => {
    const client: CallbackClient = await startCallbackClient();
    const { host, port } = new URL(client.url);
    await client.stop();
    await plushd.call('setXmlRpcClientUrl', `http://me:pa55word@127.0.0.1:${port}/RPC2?key=5ecret`);
    await plushd.addLocalNodes(2, 'lab', 'more');
    const value = async (name: string) => (await scrape()).get(`${name}{client="${host}"}`) ?? -1;
    await waitFor('failures', async () => (await value('plush_callback_failures')) > 0);
    expect(await value('plush_callback_lag_events')).toBeGreaterThanOrEqual(2);
    const text = await (await get('/metrics')).text();
    expect(text).not.toMatch(/pa55word|5ecret|RPC2/);
    expect(plushd.logText()).toContain('callback');
    expect(plushd.logText()).not.toContain('pa55word');
    await client.start();
    await waitFor('the client to catch up', async () => (await value('plush_callback_lag_events')) === 0);
    expect(await value('plush_callback_failures')).toBe(0);
    await client.stop();
  });

  it('tells of open connections and event streams', async () => {
    const streams = async () => (await scrape()).get('plush_http_event_streams');
    const abort = new AbortController();
    const init = { headers: { Authorization: `Bearer ${plushd.token}` }, signal: abort.signal };
    await fetch(`${plushd.url}/events`, init);
    expect(await streams()).toBe(1);
    expect((await scrape()).get('plush_http_connections')).toBeGreaterThanOrEqual(2);
    abort.abort();
    await waitFor('the stream to be gone', async () => (await streams()) === 0);
  });

  it('needs a token', async () => {
    expect((await get('/metrics', 'no-such-token')).status).toBe(401);
    expect((await fetch(`${plushd.url}/metrics`)).status).toBe(401);
  });
});

describe('/healthz and /readyz', () => {
  it('are open, answer HEAD too, and are not to be cached', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(plushd.url + path);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect((await fetch(plushd.url + path, { method: 'HEAD' })).status).toBe(200);
    }
  });

  it('answer a load balancer that speaks HTTP/1.0 and sends no Host', async () => {
    const [response] = await exchange(plushd.url, Buffer.from('GET /readyz HTTP/1.0\r\n\r\n'));
    expect(response).toMatchObject({ status: 200, body: 'ready\n' });
  });
});

describe('what is beside the RPC paths', () => {
  it('tells why it is not ready, while it lives', async () => {
    const reasons = ['plushQuit is under way', undefined];
    const web = createWeb({
      whyNotReady: () => reasons.shift(),
      metrics: { contentType: 'a/b', metrics: async () => '' },
    });
    const face = await startFace({ web });
    const ready = async () => {
      const response = await fetch(`${face.address}/readyz`);
      return [response.status, await response.text()];
    };
    expect(await ready()).toEqual([503, 'not ready: plushQuit is under way\n']);
    expect((await fetch(`${face.address}/healthz`)).status).toBe(200);
    expect(await ready()).toEqual([200, 'ready\n']);
    await face.close({ graceMs: 0 });
  });

  it.each(['/metrics', '/metrics/', '/METRICS', '/metrics?x', '/metrics#x', 'http://localhost/metrics'])(
    'shows %s to a token with the scope read, and to no other',
    async (target) => {
      const metrics = { contentType: 'text/plain', metrics: async () => 'figures' };
      const face = await startFace({ web: createWeb({ whyNotReady: () => undefined, metrics }) });
      const ask = async (token: string) => {
        const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
        return (await exchange(face.address, Buffer.from(head)))[0];
      };
      expect(await ask('broker-token')).toMatchObject({
        status: 403,
        body: 'The token lacks the scope "read"\n',
      });
      expect(await ask(TOKEN)).toMatchObject({ status: 200, body: 'figures' });
      await face.close({ graceMs: 0 });
    },
  );
});
