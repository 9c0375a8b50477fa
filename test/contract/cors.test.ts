/** Pages of other origins: none unless named, and then exactly those. */
import {
  AUTHORIZED,
  connectRaw,
  post,
  type RawClient,
  type StartedFace,
  startFace,
} from '../harness/http-face.ts';

const CONSOLE = 'https://console.example';
let face: StartedFace;
const clients: RawClient[] = [];

async function send(text: string) {
  const client = await connectRaw(face.port);
  clients.push(client);
  client.write(text);
  return client.response();
}

const preflight = (path: string, origin: string, more = '') =>
  `OPTIONS ${path} HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: POST\r\n${more}\r\n`;

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await face.close({ graceMs: 0 });
});

describe('a page of another origin', () => {
  it.each(['/rpc', '/RPC2', '/events'])('may ask for %s before it calls, without a token', async (path) => {
    face = await startFace({ corsOrigins: ['https://other.example', CONSOLE] });
    const { status, headers } = await send(preflight(path, CONSOLE));
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(CONSOLE);
    expect(headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(headers.get('access-control-allow-credentials')).toBeUndefined();
    expect(headers.get('vary')).toBe('Origin');
  });

  it('reads what it called for, and why it was refused', async () => {
    face = await startFace({ corsOrigins: [CONSOLE] });
    const called = await send(post('/RPC2', 'hello', `Origin: ${CONSOLE}\r\n`));
    expect([called.status, called.body]).toEqual([200, '<hello>']);
    expect(called.headers.get('access-control-allow-origin')).toBe(CONSOLE);
    const refused = await send(`POST /rpc HTTP/1.1\r\nHost: localhost\r\nOrigin: ${CONSOLE}\r\n\r\n`);
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, CONSOLE]);
  });

  it.each([
    ['/rpc', 'https://evil.example'],
    ['/rpc', 'https://console.example.evil.example'],
    ['/rpc', 'http://console.example'],
    ['/rpc', 'https://console.example:8443'],
    ['/rpc', 'null'],
    ['/', CONSOLE],
    ['/metrics', CONSOLE],
  ])('is refused %s from %s', async (path, origin) => {
    face = await startFace({ corsOrigins: [CONSOLE] });
    for (const request of [preflight(path, origin), post(path, 'hello', `Origin: ${origin}\r\n`)]) {
      const { status, headers } = await send(request);
      expect([status, headers.get('access-control-allow-origin')]).toEqual([403, undefined]);
    }
    expect(face.bodies).toEqual([]);
  });

  it('is refused where no origin is named', async () => {
    face = await startFace();
    const { status, headers } = await send(preflight('/rpc', CONSOLE));
    expect([status, headers.get('vary')]).toEqual([403, undefined]);
  });

  it('that only looks like asking is told what the path takes', async () => {
    face = await startFace({ corsOrigins: [CONSOLE] });
    expect((await send(`OPTIONS /rpc HTTP/1.1\r\n${AUTHORIZED}\r\n`)).status).toBe(405);
  });
});
