/** What every client does every day: after any attack it has to go as before. */
import { decodeResponse } from '../../src/wire/xmlrpc/decode.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import type { Plushd } from './plushd.ts';

const NODES = 5;

/** Makes the normal calls over both protocols; fails when one is not answered as it should be. */
export async function expectNormalCalls(plushd: Plushd, group: string): Promise<void> {
  const xml = async (method: string, ...params: unknown[]) => {
    const response = await fetch(`${plushd.url}/RPC2`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml', authorization: `Bearer ${plushd.token}` },
      body: encodeCall(method, params),
    });
    return decodeResponse(Buffer.from(await response.arrayBuffer()));
  };
  expect(await xml('plushTestConnection')).toEqual({ value: 'Hello World' });
  const names = Array.from({ length: NODES }, (_, i) => `${group}-${String(i).padStart(2, '0')}`);
  const properties = { site: 'Zürich <&> 😀', constructor: 'x' };
  const calls = names.map((hostname) => ({
    methodName: 'plushAddNode',
    params: [{ hostname, group, properties }],
  }));
  expect(await xml('system.multicall', calls)).toEqual({ value: names.map(() => [true]) });
  expect(await plushd.call('plushGetNode', names[0] as string)).toMatchObject({ group, properties });
  const page = await plushd.call('plushListNodes', { group, limit: NODES });
  expect(page.nodes.map(({ hostname }) => hostname)).toEqual(names);
  expect(await xml('plushGetNode', 'nobody')).toMatchObject({ fault: { code: 1000 } });
  const removals = names.map((name) => ({ methodName: 'plushRemoveNode', params: [name] }));
  expect(await plushd.call('system.multicall', removals)).toEqual(names.map(() => [true]));
}
