/** Clients that know nothing of Plush, against a real plushd. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const run = promisify(execFile);

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
}, 60_000);

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

test("Python's xmlrpc.client gets on with every kind of answer", async () => {
  const url = `http://plush:${plushd.token}@${plushd.url.slice('http://'.length)}/RPC2`;
  const { stdout } = await run('python3', [join(__dirname, 'python_client.py'), url]);
  expect(stdout).toBe('ok\n');
}, 60_000);

describe('curl', () => {
  const curl = async (path: string, body: string, ...more: string[]) => {
    const { stdout } = await run('curl', [
      '-s',
      '-H',
      `Authorization: Bearer ${plushd.token}`,
      '-d',
      body,
      ...more,
      plushd.url + path,
    ]);
    return stdout;
  };

  test('calls over JSON-RPC without a header for the content type', async () => {
    const answer = await curl('/rpc', '{"jsonrpc":"2.0","id":1.0,"method":"plushTestConnection"}');
    expect(answer).toBe('{"jsonrpc":"2.0","id":1.0,"result":"Hello World"}');
  });

  test('calls over XML-RPC', async () => {
    const answer = await curl(
      '/RPC2',
      '<methodCall><methodName>plushTestConnection</methodName></methodCall>',
    );
    expect(answer).toContain('<string>Hello World</string>');
  });

  test('gets a fault, not an error page, for a body that is no XML', async () => {
    expect(await curl('/RPC2', '<!DOCTYPE x><methodCall/>')).toMatch(/<int>-32700<\/int>.*NOT_WELL_FORMED/s);
  });

  test('gets nothing for a notification, and errors in the order of a batch', async () => {
    expect(await curl('/rpc', '{"jsonrpc":"2.0","method":"plushTestConnection"}')).toBe('');
    const batch = await curl(
      '/rpc',
      '[{"jsonrpc":"2.0","id":"a","method":"nope"},7,{"jsonrpc":"2.0","id":null,"method":"plushListRuns"}]',
    );
    const answers = JSON.parse(batch) as { id: unknown; error?: { code: number; data: { code: string } } }[];
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      ['a', -32601],
      [null, -32600],
      [null, undefined],
    ]);
  });

  test('is told by the contract what there is', async () => {
    const { stdout } = await run('curl', [
      '-s',
      '-H',
      `Authorization: Bearer ${plushd.token}`,
      `${plushd.url}/openrpc.json`,
    ]);
    const contract = JSON.parse(stdout) as { methods: { name: string }[] };
    const discovered = JSON.parse(await curl('/rpc', '{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}')) as {
      result: unknown;
    };
    expect(discovered.result).toEqual(contract);
    expect(contract.methods.map((method) => method.name)).toContain('plushExplain');
  });
});
