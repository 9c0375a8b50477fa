/** Tokens from their making to their end, and what each scope lets its holder do. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { methodTable } from '../../api/methods.ts';
import { callAs, postAs } from '../harness/as-token.ts';
import { connectRaw } from '../harness/http-face.ts';
import { type Plushd, runPlushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const scratch = makeScratch();
let plushd: Plushd;
let broker = '';

beforeAll(async () => {
  plushd = await startPlushd({ scratch });
  broker = (await plushd.call('plushCreateToken', { name: 'shirako', scopes: ['broker'] })).token;
  await plushd.call('plushAddNode', { hostname: 'other.example', group: 'lab' });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const tokensFile = () => scratch.path('state', 'tokens.json');

describe('a token', () => {
  it('is answered once and kept as a digest, in a file for its owner alone', async () => {
    const made = await plushd.call('plushCreateToken', { name: 'once', scopes: ['read'], rate: 50 });
    expect(made).toMatchObject({ name: 'once', scopes: ['read'], rate: 50 });
    expect(made.token).toMatch(/^plush_[\w-]{43}$/);
    expect((await callAs(plushd, made.token, 'plushListNodes')).status).toBe(200);
    expect(readFileSync(tokensFile(), 'utf8')).not.toContain(made.token.slice(6));
    expect(statSync(tokensFile()).mode & 0o777).toBe(0o600);
    const { token: _token, ...info } = made;
    expect(await plushd.call('plushListTokens')).toContainEqual(info);
    await plushd.call('plushRevokeToken', 'once');
  });

  it('is taken as the password of HTTP Basic too, whatever the user', async () => {
    const authorization = `Basic ${Buffer.from(`shirako:${broker}`).toString('base64')}`;
    const body = { jsonrpc: '2.0', id: 1, method: 'plushTestConnection', params: [] };
    const answer = await postAs(plushd, '', '/rpc', body, { authorization });
    expect(answer).toMatchObject({ status: 200, body: { result: 'Hello World' } });
  });

  it.each([
    [{ name: 'shirako', scopes: ['read'] }, 'TOKEN_EXISTS'],
    [{ name: 'owner', scopes: ['read'] }, 'TOKEN_EXISTS'],
    [{ name: 'past', scopes: ['read'], expires: '2001-01-01T00:00:00Z' }, 'INVALID_PARAMETERS'],
    [{ name: 'never', scopes: ['read'], expires: '2030-99-99T00:00:00Z' }, 'INVALID_PARAMETERS'],
    [{ name: 'none', scopes: [] }, 'INVALID_PARAMETERS'],
    [{ name: 'some', scopes: ['any'] }, 'INVALID_PARAMETERS'],
    [{ name: '../up', scopes: ['read'] }, 'INVALID_PARAMETERS'],
    [{ name: '__proto__', scopes: ['read'] }, 'INVALID_PARAMETERS'],
    [{ name: 'fast', scopes: ['read'], rate: -1 }, 'INVALID_PARAMETERS'],
  ])('is not made of %j', async (wanted, fault) => {
    expect((await callAs(plushd, plushd.token, 'plushCreateToken', wanted)).fault).toBe(fault);
  });

  it('gives no scope that its maker lacks', async () => {
    const { token } = await plushd.call('plushCreateToken', { name: 'clerk', scopes: ['admin'] });
    const wanted = { name: 'deputy', scopes: ['admin', 'operate'] };
    expect(await callAs(plushd, token, 'plushCreateToken', wanted)).toMatchObject({
      status: 403,
      fault: 'FORBIDDEN',
    });
    expect((await callAs(plushd, token, 'plushRevokeToken', 'clerk')).result).toBe(true);
    expect((await postAs(plushd, token, '/rpc', {})).status).toBe(401);
  });

  it('that is not there cannot be revoked', async () => {
    expect((await callAs(plushd, plushd.token, 'plushRevokeToken', 'nobody')).fault).toBe('TOKEN_NOT_FOUND');
    expect((await callAs(plushd, plushd.token, 'plushRevokeToken', 'owner')).fault).toBe('TOKEN_NOT_FOUND');
  });

  it('that is revoked has its event streams cut, and is refused', async () => {
    const { token } = await plushd.call('plushCreateToken', { name: 'watcher', scopes: ['read'] });
    const client = await connectRaw(Number(new URL(plushd.url).port));
    client.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await client.until('the stream', (text) => text.includes('controller_started'));
    await plushd.call('plushRevokeToken', 'watcher');
    await client.end();
    expect((await postAs(plushd, token, '/rpc', {})).status).toBe(401);
  });

  it('that expires has its event streams cut, is refused, and makes room for another of its name', async () => {
    const expires = new Date(Date.now() + 1_500).toISOString();
    const { token } = await plushd.call('plushCreateToken', { name: 'brief', scopes: ['read'], expires });
    const client = await connectRaw(Number(new URL(plushd.url).port));
    client.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await client.until('the stream', (text) => text.includes('controller_started'));
    await client.end();
    await waitFor(
      'the token to expire',
      async () => (await postAs(plushd, token, '/rpc', {})).status === 401,
    );
    await plushd.call('plushCreateToken', { name: 'brief', scopes: ['read'] });
    await plushd.call('plushRevokeToken', 'brief');
  });
});

describe('a token with the scope broker', () => {
  it('adds, describes anew, sees and removes its own nodes', async () => {
    const add = (group: string) =>
      callAs(plushd, broker, 'plushAddNode', { hostname: 'mine.example', user: 'me', group });
    expect((await add('lease')).result).toBe(true);
    expect((await add('again')).result).toBe(true);
    const node = { hostname: 'mine.example', group: 'again', owner: 'shirako', state: 'idle' };
    expect((await callAs(plushd, broker, 'plushGetNode', 'mine.example')).result).toMatchObject(node);
    expect((await callAs(plushd, broker, 'plushListNodes')).result).toMatchObject({
      nodes: [node],
      total: 1,
    });
    expect((await callAs(plushd, broker, 'plushRemoveNode', 'mine.example')).result).toBe(true);
    expect((await callAs(plushd, broker, 'plushListNodes')).result).toEqual({ nodes: [], total: 0 });
  });

  it.each([
    ['plushAddNode', [{ hostname: 'other.example' }], 200, 'NODE_TAKEN'],
    ['plushAddNode', [{ hostname: 'local', type: 'local' }], 403, 'FORBIDDEN'],
    ['plushAddNode', [{ hostname: 'keys', ssh_identity: '/etc/key' }], 403, 'FORBIDDEN'],
    ['plushRemoveNode', ['other.example'], 200, 'NODE_NOT_FOUND'],
    ['plushGetNode', ['other.example'], 200, 'NODE_NOT_FOUND'],
    ['plushListNodes', [{ run: 'some' }], 403, 'FORBIDDEN'],
  ])('may not %s(%j)', async (method, params, status, fault) => {
    expect(await callAs(plushd, broker, method, ...params)).toMatchObject({ status, fault });
  });

  const OPEN = ['plushAddNode', 'plushRemoveNode', 'plushListNodes', 'plushGetNode'];
  const closed = Object.entries(methodTable)
    .filter(([name, { scope }]) => scope !== 'any' && !OPEN.includes(name))
    .map(([name]) => name);

  it('may call nothing else', async () => {
    for (const method of closed) {
      expect([method, await callAs(plushd, broker, method)]).toEqual([
        method,
        expect.objectContaining({ status: 403, fault: 'FORBIDDEN' }),
      ]);
    }
    for (const path of ['/events', '/metrics']) {
      const response = await fetch(`${plushd.url}${path}`, {
        headers: { authorization: `Bearer ${broker}` },
      });
      expect([path, response.status]).toEqual([path, 403]);
    }
  });

  it('is refused by a fault alone where its call is one of several', async () => {
    const call = (id: number, method: string) => ({ jsonrpc: '2.0', id, method, params: [] });
    const batch = await postAs(plushd, broker, '/rpc', [
      call(1, 'plushListRuns'),
      call(2, 'plushTestConnection'),
    ]);
    expect(batch).toMatchObject({
      status: 200,
      body: [{ error: { code: 1070 } }, { result: 'Hello World' }],
    });
    const calls = [{ methodName: 'plushQuit' }, { methodName: 'plushTestConnection' }];
    expect((await callAs(plushd, broker, 'system.multicall', calls)).result).toEqual([
      { faultCode: 1070, faultString: expect.stringContaining('lacks the scope admin') },
      ['Hello World'],
    ]);
  });

  it('gets the fault with HTTP 403 over XML-RPC too, and its sentence in the status line for those who read no more', async () => {
    const body = '<methodCall><methodName>plushQuit</methodName></methodCall>';
    const answer = await postAs(plushd, broker, '/RPC2', body);
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('<int>1070</int>') });
    expect(answer.reason).toBe(
      'FORBIDDEN: The token "shirako" may not call plushQuit: it lacks the scope admin. Use a token with the right scope.',
    );
  });

  it('owns its nodes after a restart as well, also under a new token of its name', async () => {
    await callAs(plushd, broker, 'plushAddNode', { hostname: 'kept.example' });
    await plushd.kill();
    await plushd.restart();
    expect((await callAs(plushd, broker, 'plushGetNode', 'kept.example')).result).toMatchObject({
      owner: 'shirako',
    });
    await plushd.call('plushRevokeToken', 'shirako');
    broker = (await plushd.call('plushCreateToken', { name: 'shirako', scopes: ['broker'] })).token;
    expect((await callAs(plushd, broker, 'plushRemoveNode', 'kept.example')).result).toBe(true);
  });
});

describe('a token with the scope operate', () => {
  it('changes every node and nothing of the tokens', async () => {
    const { token } = await plushd.call('plushCreateToken', { name: 'anna', scopes: ['read', 'operate'] });
    await callAs(plushd, broker, 'plushAddNode', { hostname: 'leased.example' });
    const anew = { hostname: 'leased.example', group: 'lab' };
    expect((await callAs(plushd, token, 'plushAddNode', anew)).result).toBe(true);
    expect(await plushd.call('plushGetNode', 'leased.example')).toMatchObject({
      owner: 'shirako',
      group: 'lab',
    });
    expect((await callAs(plushd, token, 'plushRemoveNode', 'leased.example')).result).toBe(true);
    expect((await callAs(plushd, token, 'plushListTokens')).fault).toBe('FORBIDDEN');
  });

  it("gets neither the controller's own account nor its keys, unless it has admin too", async () => {
    const { token } = await plushd.call('plushCreateToken', { name: 'ole', scopes: ['read', 'operate'] });
    const chief = await plushd.call('plushCreateToken', { name: 'eva', scopes: ['operate', 'admin'] });
    const app = `<plush><project name="p"><component name="c"><num_hosts>1</num_hosts>
      <authentication ssh_identity="/etc/key"/></component><application_block name="a"><execution>
      <component_block name="b"><component name="c"/><process_block name="q"><process name="r"><path>true</path></process>
      </process_block></component_block></execution></application_block></project></plush>`;
    const doors = [
      ['plushAddNode', { hostname: 'loc', type: 'local' }, 'needs the scope admin: what runs there'],
      ['plushAddNode', { hostname: 'key', ssh_identity: '/etc/key' }, 'needs the scope admin: it has plushd'],
      ['plushLoadAppXml', app, 'names an ssh_identity, which needs the scope admin'],
    ] as const;
    for (const [method, order, sentence] of doors) {
      const refused = await callAs(plushd, token, method, order);
      expect(refused).toMatchObject({ status: 403, fault: 'FORBIDDEN' });
      expect(JSON.stringify(refused.body)).toContain(sentence);
      expect((await callAs(plushd, chief.token, method, order)).fault).toBeUndefined();
    }
    for (const name of ['loc', 'key']) await plushd.call('plushRemoveNode', name);
  });
});

describe('the file of the tokens', () => {
  it('that is damaged keeps plushd from starting, with a sentence that says what to do', async () => {
    const other = makeScratch();
    try {
      writeFileSync(other.path('state', 'tokens.json'), '{"format":1,"tokens":[{"name":"x"}]}');
      const end = await runPlushd(['--listen', '127.0.0.1:0', '--state', `${other.dir}/state`]);
      expect(end.code).toBe(1);
      expect(end.stderr).toMatch(/tokens\.json cannot be used.*remove it/);
    } finally {
      await other.remove();
    }
  });
});
