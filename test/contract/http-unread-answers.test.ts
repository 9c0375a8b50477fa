/** Clients that send many calls and do not read their answers. */
import {
  connectRaw,
  Held,
  post,
  type RawClient,
  type StartedFace,
  startFace,
  TOKEN,
} from '../harness/http-face.ts';
import { waitFor } from '../harness/wait.ts';

const BEARER = { authorization: `Bearer ${TOKEN}` };

let face: StartedFace;
const clients: RawClient[] = [];

async function connect(): Promise<RawClient> {
  const client = await connectRaw(face.port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await face.close({ graceMs: 0 });
});

describe('a connection', () => {
  it('has calls wait while it does not read its answers, and others are served', async () => {
    let calls = 0;
    const xmlrpc = async () => ({ body: String((calls += 1)).padEnd(1_000_000), contentType: 'text/xml' });
    face = await startFace({ rpc: { ...new Held().rpc, xmlrpc } });
    const [lazy, other] = [await connect(), await connect()];
    lazy.socket.pause();
    lazy.write(post('/RPC2', '').repeat(60));
    await waitFor('the first answers', () => calls > 0);
    other.write(post('/RPC2', ''));
    expect((await other.response()).status).toBe(200);
    // The system's own buffers take a few megabytes besides.
    expect(calls).toBeLessThan(50);
    lazy.socket.resume();
    const answers = await lazy.until('the last answer', (text) => text.length > 60_000_000);
    expect(answers.match(/\d+(?= {99})/g)?.length).toBe(60);
  });

  it('gets the answer that is due first also when later ones fill its room', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc, limits: { maxUnsentBytes: 1_000, maxRunning: 2 } });
    const client = await connect();
    client.write(post('/RPC2', 'one') + post('/RPC2', 'two') + post('/RPC2', 'three'));
    (await held.call(1)).answer('x'.repeat(2_000));
    (await held.call(0)).answer('first');
    (await held.call(2)).answer('third');
    for (const length of [5, 2_000, 5]) expect((await client.response()).body.length).toBe(length);
  });

  it('is refused calls once all connections together leave too much unread', async () => {
    const xmlrpc = async () => ({ body: 'x'.repeat(32_000_000), contentType: 'text/xml' });
    face = await startFace({
      rpc: { ...new Held().rpc, xmlrpc },
      limits: { maxTotalUnsentBytes: 20_000_000 },
    });
    const lazy = [await connect(), await connect(), await connect()];
    for (const client of lazy) {
      client.socket.pause();
      client.write(post('/RPC2', ''));
    }
    const refused = await waitFor('a refusal', async () => {
      const response = await fetch(`${face.address}/RPC2`, { method: 'POST', headers: BEARER });
      return response.status === 503 ? response.text() : undefined;
    });
    expect(refused).toContain('Too many answers wait to be read.');
    for (const client of lazy) client.socket.destroy();
    await waitFor('room again', async () => {
      const response = await fetch(`${face.address}/RPC2`, { method: 'POST', headers: BEARER });
      return (await response.text()).length === 32_000_000;
    });
  });
});
