/** What a client can ask for beyond the bare protocols. */
import { createRpc } from '../../src/controller/rpc.ts';
import { callAs } from '../harness/as-token.ts';
import { connectRaw, post, type RawClient, type StartedFace, startFace } from '../harness/http-face.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch } from '../harness/scratch.ts';

describe('X-Plush-XmlRpc', () => {
  let face: StartedFace;
  let client: RawClient;

  beforeAll(async () => {
    const calls = { call: async () => ({ nothing: null, large: 2 ** 40 }) };
    face = await startFace({ rpc: { ...createRpc(calls, { unreadable() {} }), async *events() {} } });
    client = await connectRaw(face.port);
  });

  afterAll(async () => {
    client.socket.destroy();
    await face.close({ graceMs: 0 });
  });

  const NIL = '<member><name>nothing</name><value><nil/></value></member>';
  const TEXT = '<value><string>1099511627776</string></value>';
  const I8 = '<value><i8>1099511627776</i8></value>';

  it.each([
    ['', [TEXT], [NIL, I8, 'nothing']],
    ['X-Plush-XmlRpc: nil\r\n', [NIL, TEXT], [I8]],
    ['X-Plush-XmlRpc: i8\r\n', [I8], [NIL, 'nothing']],
    ['x-plush-xmlrpc: NIL , I8, ex:float\r\n', [NIL, I8], [TEXT]],
    ['X-Plush-XmlRpc: nil\r\nX-Plush-XmlRpc: i8\r\n', [NIL, I8], [TEXT]],
    [`X-Plush-XmlRpc: ${'nil8,'.repeat(1000)}\r\n`, [TEXT], [NIL, I8]],
  ])('%j leads to the types asked for and no others', async (header, present, absent) => {
    client.write(post('/RPC2', '<methodCall><methodName>x</methodName></methodCall>', header));
    const { status, body } = await client.response();
    expect(status).toBe(200);
    for (const part of present) expect(body).toContain(part);
    for (const part of absent) expect(body).not.toContain(part);
  });
});

describe('a start that is repeated', () => {
  const scratch = makeScratch();
  let plushd: Plushd;

  beforeAll(async () => {
    plushd = await startPlushd({ scratch });
  });

  afterAll(async () => {
    await plushd.close();
    await scratch.remove();
  });

  it('runs a command once under one request_id, also over a kill, and refuses another command', async () => {
    await plushd.addLocalNodes(1);
    const file = scratch.path('runs');
    const shell = (command: string) => plushd.call('plushShell', command, { request_id: 'once' });
    const id = await shell(`echo x >> ${file}; cat ${file}`);
    expect(await shell(`echo x >> ${file}; cat ${file}`)).toBe(id);
    const done = await plushd.call('plushGetOperation', id, { wait_s: 20 });
    expect(done.results).toMatchObject([{ count: 1, stdout: 'x\n' }]);
    expect((await callAs(plushd, plushd.token, 'plushShell', 'true', { request_id: 'once' })).fault).toBe(
      'REQUEST_ID_REUSED',
    );
    await plushd.kill();
    await plushd.restart();
    await plushd.call('plushRemoveNode', 'node-1');
    expect(await shell(`echo x >> ${file}; cat ${file}`)).toBe(id);
  });

  it('comes from a server that tells its capabilities as others do', async () => {
    const { result } = await callAs(plushd, plushd.token, 'system.getCapabilities');
    expect(Object.keys(result as object)).toEqual(
      expect.arrayContaining([
        'xmlrpc',
        'introspection',
        'system.multicall',
        'faults_interop',
        'nil',
        'json-rpc',
      ]),
    );
    for (const capability of Object.values(result as object)) {
      expect(capability).toEqual({
        specUrl: expect.stringMatching(/^https?:/),
        specVersion: expect.any(Number),
      });
    }
  });
});
