import express from 'express';
import type { HttpFaceOptions } from '../../src/drivers/http/face.ts';
import { connectRaw, post, type StartedFace, startFace, TOKEN } from '../harness/http-face.ts';

const BEARER = { Authorization: `Bearer ${TOKEN}` };

let face: StartedFace;

async function start(options: Partial<HttpFaceOptions> = {}): Promise<void> {
  face = await startFace(options);
}

afterEach(() => face.close({ graceMs: 0 }));

const call = (path: string, init: RequestInit = {}) =>
  fetch(face.address + path, {
    method: 'POST',
    body: 'call',
    ...init,
    headers: { ...BEARER, ...init.headers },
  });

/** fetch does not let a test choose Host. */
async function answerTo(head: string): Promise<{ status: number; body: string }> {
  const client = await connectRaw(face.port);
  client.write(head);
  const response = await client.response();
  client.socket.destroy();
  return response;
}

describe('the RPC paths', () => {
  beforeEach(() => start());

  it.each(['/RPC2', '/', '/RPC2?from=anywhere', '/?'])('POST %s is XML-RPC', async (path) => {
    const response = await call(path, { headers: { 'Content-Type': 'text/xml' } });
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'text/xml',
      '<call>',
    ]);
  });

  it('take the absolute form of a target too', async () => {
    const request = post(`http://localhost:${face.port}/RPC2?x`, 'call');
    expect(await answerTo(request)).toMatchObject({ status: 200, body: '<call>' });
  });

  it('POST /rpc is JSON-RPC, and answers 204 where there is nothing to say', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await call('/rpc', { body: '{"ü":1}', headers });
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'application/json',
      '{"ü":1}',
    ]);
    const silent = await call('/rpc', { body: '', headers });
    expect([silent.status, await silent.text()]).toEqual([204, '']);
  });

  it.each([
    ['/RPC2', 'GET', 'POST'],
    ['/RPC2', 'PUT', 'POST'],
    ['/rpc', 'OPTIONS', 'POST, GET'],
    ['/events', 'POST', 'GET'],
  ])('%s refuses %s and says what it allows', async (path, method, allowed) => {
    const response = await fetch(face.address + path, { method, headers: BEARER });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allowed]);
    await response.text();
  });

  it.each([
    ['/RPC2', 'text/xml; charset=utf-8', 200],
    ['/RPC2', 'Application/XML;charset="iso-8859-1"', 200],
    ['/RPC2', 'application/x-www-form-urlencoded', 200],
    ['/RPC2', 'application/json', 415],
    ['/RPC2', 'text/plain', 415],
    ['/RPC2', '', 415],
    ['/rpc', 'application/json; charset=utf-8', 200],
    ['/rpc', 'application/vnd.api+json', 200],
    ['/rpc', 'text/xml', 415],
    ['/rpc', 'application/x-www-form-urlencoded', 200],
  ])('%s with Content-Type %s answers %i', async (path, type, status) => {
    expect((await answerTo(post(path, 'call', `Content-Type: ${type}\r\n`))).status).toBe(status);
  });

  it.each(['/RPC2', '/rpc'])('%s takes a call without Content-Type', async (path) => {
    expect((await answerTo(post(path, 'call'))).status).toBe(200);
  });

  it('give an empty body to the handler, whose business it is', async () => {
    expect(await answerTo(post('/RPC2', ''))).toMatchObject({ status: 200, body: '<>' });
  });
});

describe('a request without the right token', () => {
  beforeEach(() => start());

  it.each([
    ['POST', '/RPC2'],
    ['POST', '/'],
    ['POST', '/rpc'],
    ['GET', '/events'],
    ['GET', '/openrpc.json'],
    ['GET', '/'],
    ['GET', '/nowhere'],
    ['GET', '/healthz/'],
  ])('is answered 401 on %s %s', async (method, path) => {
    for (const headers of [{}, { Authorization: 'Bearer wrong' }]) {
      const response = await fetch(face.address + path, { method, headers });
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        'Basic realm="plush", Bearer',
      ]);
      expect(await response.text()).toContain('needs the API token');
    }
  });

  it('is answered before a body was sent, and the next call on the connection is served', async () => {
    const client = await connectRaw(face.port);
    client.write('POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n');
    expect((await client.response()).status).toBe(401);
    client.write(`secret${post('/RPC2', 'known')}`);
    expect(await client.response()).toMatchObject({ status: 200, body: '<known>' });
    expect(face.bodies).toEqual(['known']);
    client.socket.destroy();
  });

  it('gets its answer also while it sends a body without end, which is thrown away', async () => {
    const client = await connectRaw(face.port);
    client.write('POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const pump = () => {
      while (client.socket.writable && client.socket.write(chunk));
    };
    client.socket.on('drain', pump);
    pump();
    const response = await client.response();
    expect([response.status, response.headers.get('connection')]).toEqual([401, 'close']);
    await client.end();
    expect(face.bodies).toEqual([]);
  });

  it('may ask after the health of the server', async () => {
    for (const path of ['/healthz', '/readyz', '/healthz?verbose']) {
      const response = await fetch(face.address + path);
      expect([response.status, await response.text()]).toEqual([200, 'web']);
    }
  });
});

describe('a page of somebody else', () => {
  beforeEach(() => start({ allowedHosts: ['Plush.example.', '[2001:db8::1]'] }));

  const get = (host: string, more = '') => answerTo(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`);

  it.each([
    'localhost',
    'LOCALHOST.:1',
    '127.0.0.1:9999',
    '[::1]:80',
    'plush.example',
    'plush.EXAMPLE:443',
    '[2001:DB8::1]:4880',
  ])('may name the server %s', async (host) => {
    expect((await get(host)).status).toBe(200);
  });

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:4880',
    '127.0.0.2',
    'x@localhost',
    '[::1',
    '',
    '__proto__',
  ])('may not name it %s', async (host) => {
    expect(await get(host)).toMatchObject({
      status: 403,
      body: expect.stringMatching(/host name .* --allowed-hosts\.\n$/),
    });
    // A right name in between does not open the door for the wrong one.
    expect((await get('localhost')).status).toBe(200);
    expect((await get(host)).status).toBe(403);
  });

  it.each(['localhost', 'evil.example', ''])('may not name it a second time, as "%s"', async (second) => {
    expect(await get('localhost', `hOST: ${second}\r\n`)).toMatchObject({
      status: 400,
      body: expect.stringContaining('one Host header'),
    });
  });

  it('may not call across origins', async () => {
    const ours = `localhost:${face.port}`;
    for (const origin of ['http://evil.example', 'null', '', `http://127.0.0.1:${face.port}`, `//${ours}`]) {
      const refusal = await get(ours, `Origin: ${origin}\r\n`);
      expect([refusal.status, refusal.body]).toEqual([403, expect.stringContaining('--cors-origin')]);
    }
    for (const origin of [`http://${ours}`, `https://${ours}`, `http://LOCALHOST:${face.port}`]) {
      expect((await get(ours, `Origin: ${origin}\r\n`)).status).toBe(200);
    }
    const forged = post('/RPC2', 'call', 'Origin: http://evil.example\r\n');
    expect((await answerTo(forged)).status).toBe(403);
    expect(face.bodies).toEqual([]);
  });
});

describe('the address that a connection came in on', () => {
  it('is a name of the server', async () => {
    await start({ listen: { host: '0.0.0.0', port: 0 } });
    expect(face.address).toBe(`http://127.0.0.1:${face.port}`);
    const client = await connectRaw(face.port, '127.0.0.9');
    client.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.9:1\r\n\r\n');
    expect((await client.response()).status).toBe(200);
    client.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.8:1\r\n\r\n');
    expect((await client.response()).status).toBe(403);
    client.socket.destroy();
  });
});

describe('an unexpected error', () => {
  const boom = () => {
    throw new Error('boom in /secret/path.ts');
  };
  const rpc = { xmlrpc: async () => boom(), jsonrpc: boom as () => never, events: boom as () => never };

  it.each([
    ['POST', '/RPC2'],
    ['POST', '/rpc'],
    ['GET', '/events'],
    ['GET', '/page'],
  ])('on %s %s tells the caller an id only and the log the cause', async (method, path) => {
    await start({ rpc, web: boom });
    const response = await fetch(face.address + path, { method, headers: BEARER });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/boom|secret|\.ts|at /);
    const [line] = face.log;
    expect(line).toMatchObject({ level: 'error', details: { method, path, err: { message: /boom/ } } });
    expect(text).toContain(line?.details.id);
  });

  it('leaves the server serving', async () => {
    let calls = 0;
    await start({
      rpc: {
        ...rpc,
        xmlrpc: async () => (calls++ === 0 ? boom() : { body: Buffer.from('fine'), contentType: 'text/xml' }),
      },
    });
    const headers = { 'Content-Type': 'text/xml' };
    expect((await call('/RPC2', { headers })).status).toBe(500);
    expect(await (await call('/RPC2', { headers })).text()).toBe('fine');
  });
});

describe('the rest of the web', () => {
  beforeEach(() => {
    const app = express();
    app.get('/openrpc.json', (_request, response) => void response.json({ openrpc: '1.3.2' }));
    app.get('/broken', () => {
      throw new Error('boom');
    });
    app.post('/form', express.json(), (request, response) => void response.json(request.body));
    return start({ web: app });
  });

  it('is served by an Express application', async () => {
    const contract = await fetch(`${face.address}/openrpc.json`, { headers: BEARER });
    expect(await contract.json()).toEqual({ openrpc: '1.3.2' });
    const posted = await call('/form', { body: '{"a":1}', headers: { 'Content-Type': 'application/json' } });
    expect(await posted.json()).toEqual({ a: 1 });
  });

  it('answers 404 in our own words', async () => {
    const missing = await fetch(`${face.address}/missing`, { headers: BEARER });
    expect([missing.status, await missing.text()]).toEqual([404, 'There is nothing at this path\n']);
  });

  it("tells the caller of the caller's own mistake", async () => {
    const refused = await call('/form', { body: '{"a"', headers: { 'Content-Type': 'application/json' } });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('JSON')]);
    expect(face.log).toEqual([]);
  });

  it('shows no stack trace of an Express handler', async () => {
    const broken = await fetch(`${face.address}/broken`, { headers: BEARER });
    expect([broken.status, await broken.text()]).toEqual([
      500,
      expect.stringMatching(/^Internal error; [^\n]*\n$/),
    ]);
    expect(face.log).toMatchObject([{ level: 'error', details: { path: '/broken' } }]);
  });
});
