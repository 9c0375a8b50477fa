/** Wrong calls as real clients make them (Python's xmlrpc.client, curl), and what they see. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { faults } from '../../api/faults.ts';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const run = promisify(execFile);

/** Largest body that the daemon takes. */
const MAX_BODY_BYTES = 1 << 20;

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

afterEach(async () => {
  expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  expect(plushd.logText()).not.toContain('Call failed');
});

interface Answer {
  readonly value?: unknown;
  readonly code?: number;
  readonly text?: string;
  /** HTTP status of an answer that is no XML-RPC. */
  readonly http?: number;
}

/** Makes calls with Python's own client, one after another. The parameters are Python's text of a tuple. */
async function python(
  calls: readonly (readonly [method: string, params: string])[],
  token = plushd.token,
): Promise<Answer[]> {
  const program = `
import json, sys, xmlrpc.client
server = xmlrpc.client.ServerProxy(sys.argv[1], allow_none=True)
for method, params in json.load(sys.stdin):
    try:
        print(json.dumps({"value": getattr(server, method)(*eval(params))}))
    except xmlrpc.client.Fault as fault:
        print(json.dumps({"code": fault.faultCode, "text": fault.faultString}))
    except xmlrpc.client.ProtocolError as error:
        print(json.dumps({"http": error.errcode, "text": error.errmsg}))
`;
  const url = plushd.url.replace('://', `://plush:${token}@`);
  const running = run('python3', ['-c', program, `${url}/RPC2`]);
  running.child.stdin?.end(JSON.stringify(calls));
  const { stdout } = await running;
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

/** Sends a body with curl as it stands; its headers are curl's own. */
async function curl(
  path: string,
  body: string,
  args: readonly string[] = [],
): Promise<{ status: number; body: string }> {
  const sending = run('curl', [
    ...['-s', '-m', '20', '-w', '\n%{http_code}', '-u', `plush:${plushd.token}`, '--data-binary', '@-'],
    ...args,
    `${plushd.url}${path}`,
  ]);
  sending.child.stdin?.end(body);
  const { stdout } = await sending;
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

const call = (method: string, params: string) =>
  `<methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>`;

const WRONG_CALLS: readonly (readonly [method: string, params: string, code: number, words: string])[] = [
  ['plushTestConection', '()', faults.UNKNOWN_METHOD.code, 'Did you mean "plushTestConnection"?'],
  ['plushGetRuns', '()', faults.UNKNOWN_METHOD.code, 'Did you mean "plushGetRun"?'],
  ['nothing.like.it', '()', faults.UNKNOWN_METHOD.code, 'system.listMethods()'],
  ['plushGetRun', '()', faults.INVALID_PARAMETERS.code, 'plushGetRun parameter 1 (run) is missing'],
  ['plushGetRun', '(7,)', faults.INVALID_PARAMETERS.code, 'but 7 came'],
  ['plushGetRun', '("no-such-run",)', faults.RUN_NOT_FOUND.code, 'no run "no-such-run"'],
  ['plushAbortRun', '("no-such-run",)', faults.RUN_NOT_FOUND.code, 'no run "no-such-run"'],
  ['plushGetMatching', '("no-such-run",)', faults.RUN_NOT_FOUND.code, 'plushListRuns()'],
  ['plushGetBlock', '("no-such-run", "b")', faults.RUN_NOT_FOUND.code, 'no-such-run'],
  ['plushGetOutput', '("no-such-run", "n")', faults.RUN_NOT_FOUND.code, 'no-such-run'],
  ['plushExplain', '("no-such",)', faults.SUBJECT_NOT_FOUND.code, 'neither a run nor a node'],
  ['plushGetNode', '("n9",)', faults.NODE_NOT_FOUND.code, 'plushListNodes()'],
  ['plushRemoveNode', '("n9",)', faults.NODE_NOT_FOUND.code, '"n9"'],
  ['plushFailHost', '("n9",)', faults.NODE_NOT_FOUND.code, '"n9"'],
  ['plushConnect', '("n9",)', faults.NODE_NOT_FOUND.code, '"n9"'],
  ['plushDisconnectApp', '("n9",)', faults.NODE_NOT_FOUND.code, '"n9"'],
  ['plushGetApp', '("no-app",)', faults.APP_NOT_FOUND.code, 'plushListApps()'],
  ['plushStartRun', '({"app": "no-app"},)', faults.APP_NOT_FOUND.code, '"no-app"'],
  ['plushRunApp', '()', faults.NO_APP_LOADED.code, 'plushLoadApp'],
  ['plushCreateResources', '()', faults.NO_APP_LOADED.code, 'plushLoadApp'],
  ['plushListNodes', '({"cursor": "rubbish"},)', faults.BAD_CURSOR.code, 'without a cursor'],
  ['plushListRuns', '({"cursor": "rubbish"},)', faults.BAD_CURSOR.code, 'without a cursor'],
  ['plushListApps', '({"cursor": "rubbish"},)', faults.BAD_CURSOR.code, 'without a cursor'],
  ['plushAddNode', '({"hostname": "a b"},)', faults.INVALID_NODE.code, 'has a space'],
  ['plushAddNode', '({"hostname": "a/b"},)', faults.INVALID_NODE.code, '"/"'],
  ['plushAddNode', '({"hostname": "../x"},)', faults.INVALID_NODE.code, '"/"'],
  ['plushAddNode', '({"hostname": "-oProxyCommand=x"},)', faults.INVALID_NODE.code, 'begins with "-"'],
  ['plushAddNode', '({"hostname": "a:b:c"},)', faults.INVALID_NODE.code, 'colon'],
  ['plushAddNode', '({"hostname": "a:99999"},)', faults.INVALID_NODE.code, 'port from 1 to 65535'],
  ['plushAddNode', '({"hostname": "a\\nb"},)', faults.INVALID_NODE.code, '"a\\nb"'],
  ['plushAddNode', '({"hostname": "\\u00e9"},)', faults.INVALID_NODE.code, 'letters, digits'],
  ['plushAddNode', '({"hostname": "h", "ssh_port": 2**31-1},)', faults.INVALID_PARAMETERS.code, 'ssh_port'],
  [
    'plushAddNode',
    '({"hostname": "h", "grup": "x"},)',
    faults.INVALID_PARAMETERS.code,
    'did you mean "group"?',
  ],
  ['plushAddNode', '({"hostname": None},)', faults.INVALID_PARAMETERS.code, 'hostname is missing'],
  ['setXmlRpcClientUrl', '("ftp://127.0.0.1/",)', faults.BAD_URL.code, 'not http or https'],
  ['setXmlRpcClientUrl', '("nonsense",)', faults.BAD_URL.code, '"nonsense" is not a URL'],
  ['setXmlRpcClientUrl', '("http://192.0.2.1/",)', faults.URL_NOT_ALLOWED.code, '--callback-hosts'],
  ['plushLoadAppXml', '("this is no XML",)', faults.APP_INVALID.code, 'error'],
  ['plushLoadApp', '("/etc/passwd",)', faults.APP_OUTSIDE.code, 'plushLoadAppXml'],
  ['system.methodHelp', '("plushGetRn",)', faults.UNKNOWN_METHOD.code, 'Did you mean "plushGetRun"?'],
  ['system.methodSignature', '("no.such",)', faults.UNKNOWN_METHOD.code, 'no.such'],
];

describe("Python's xmlrpc.client", () => {
  let heard: Answer[];

  beforeAll(async () => {
    heard = await python(WRONG_CALLS.map(([method, params]) => [method, params]));
  });

  it.each(WRONG_CALLS.map((call, i) => [...call, i] as const))(
    'hears of %s%s what is wrong',
    (_method, _params, code, words, i) => {
      expect(heard[i]).toEqual({ code, text: expect.stringContaining(words) });
      // Begun by the symbol, ended like a sentence, without control characters.
      expect(heard[i]?.text).toMatch(/^[A-Z_]+: (\n|[^\p{Cc}])+[.?]$/u);
    },
  );

  it('is refused without the right token before anything else', async () => {
    expect(await python([['plushTestConnection', '()']], 'wrong')).toMatchObject([{ http: 401 }]);
  });

  it('gets the answers of a multicall beside its faults', async () => {
    const calls = `([{"methodName": "plushTestConnection", "params": []},
      {"methodName": "plushGetRun", "params": ["none"]}, {"methodName": "nonsense", "params": []},
      {"methodName": "system.multicall", "params": [[]]}, "no struct", {"params": []}],)`;
    const [answer] = await python([['system.multicall', calls]]);
    expect(answer?.value).toEqual([
      ['Hello World'],
      { faultCode: faults.RUN_NOT_FOUND.code, faultString: expect.any(String) },
      { faultCode: faults.UNKNOWN_METHOD.code, faultString: expect.any(String) },
      { faultCode: faults.INVALID_REQUEST.code, faultString: expect.stringContaining('does not nest') },
      { faultCode: faults.INVALID_PARAMETERS.code, faultString: expect.stringContaining('methodName') },
      { faultCode: faults.INVALID_PARAMETERS.code, faultString: expect.stringContaining('methodName') },
    ]);
  });

  it.each([
    ['a method', `("x" * ${MAX_BODY_BYTES + 1},)`],
    ['text', `("<a>" * ${MAX_BODY_BYTES},)`],
  ])('is refused %s longer than a body may be', async (_what, params) => {
    expect(await python([['plushLoadAppXml', params]])).toMatchObject([{ http: 413 }]);
  });

  it.each([
    ['deep', '(eval("[" * 60 + "]" * 60),)'],
    ['wide', '([1] * 20000,)'],
    ['long', '("x" * 500000,)'],
    ['with many members', '({"m%d" % i: i for i in range(5000)},)'],
  ])('gets a short answer to a parameter that is %s', async (_what, params) => {
    const [answer] = await python([['plushAddNode', params]]);
    expect(answer?.code).toBe(faults.INVALID_PARAMETERS.code);
    expect(answer?.text?.length).toBeLessThan(500);
  });
});

describe('curl', () => {
  it.each([
    ['no XML', 'what?', faults.NOT_WELL_FORMED.code],
    ['an empty body', '', faults.NOT_WELL_FORMED.code],
    ['half a call', '<methodCall><methodName>plushTestConnection', faults.NOT_WELL_FORMED.code],
    ['mismatched tags', '<methodCall><methodName>x</methodCall></methodName>', faults.NOT_WELL_FORMED.code],
    ['a DOCTYPE', `<!DOCTYPE a [<!ENTITY b "c">]>${call('x', '')}`, faults.NOT_WELL_FORMED.code],
    ['another document', '<html/>', faults.INVALID_REQUEST.code],
    ['no method', '<methodCall><params/></methodCall>', faults.INVALID_REQUEST.code],
    [
      'an integer that is none',
      call('plushGetRun', '<param><value><int>x</int></value></param>'),
      faults.INVALID_REQUEST.code,
    ],
    [
      'an unknown type',
      call('plushGetRun', '<param><value><what>x</what></value></param>'),
      faults.INVALID_REQUEST.code,
    ],
    [
      'an encoding that nobody knows',
      '<?xml version="1.0" encoding="EBCDIC"?><a/>',
      faults.UNSUPPORTED_ENCODING.code,
    ],
    [
      'a control character',
      call('plushGetRun', '<param><value>\u0001</value></param>'),
      faults.INVALID_CHARACTER.code,
    ],
  ])('is told by a fault that it sent %s', async (_what, body, code) => {
    const answer = await curl('/RPC2', body, ['-H', 'Content-Type: text/xml']);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(`<name>faultCode</name><value><int>${code}</int>`);
  });

  it.each([
    ['no JSON', 'what?', faults.NOT_WELL_FORMED.code],
    ['half of it', '{"jsonrpc": "2.0", "id": 1, "method": "plush', faults.NOT_WELL_FORMED.code],
    ['a number', '7', faults.INVALID_REQUEST.code],
    ['an empty batch', '[]', faults.INVALID_REQUEST.code],
    ['no version', '{"id": 1, "method": "plushTestConnection"}', faults.INVALID_REQUEST.code],
    ['a method that is a number', '{"jsonrpc": "2.0", "id": 1, "method": 7}', faults.INVALID_REQUEST.code],
    [
      'parameters that are null',
      '{"jsonrpc": "2.0", "id": 1, "method": "plushGetRun", "params": null}',
      faults.INVALID_REQUEST.code,
    ],
    ['no parameters', '{"jsonrpc": "2.0", "id": 1, "method": "plushGetRun"}', faults.INVALID_PARAMETERS.code],
    [
      'parameters by a wrong name',
      '{"jsonrpc": "2.0", "id": 1, "method": "plushGetRun", "params": {"rnu": "x"}}',
      faults.INVALID_PARAMETERS.code,
    ],
    ['an unknown method', '{"jsonrpc": "2.0", "id": 1, "method": "plushGetRnu"}', faults.UNKNOWN_METHOD.code],
  ])('is told by an error that it sent %s', async (_what, body, code) => {
    const answer = await curl('/rpc', body);
    expect(answer.status).toBe(200);
    const { error } = JSON.parse(answer.body) as { error: { code: number; message: string; data: unknown } };
    expect(error).toMatchObject({ code, data: { code: expect.stringMatching(/^[A-Z_]+$/) } });
  });

  it('gets an error beside the answers of a batch', async () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'plushTestConnection' },
      { jsonrpc: '2.0', id: 2, method: 'plushGetRun', params: [7] },
      { jsonrpc: '2.0', method: 'plushGetRun', params: [7] },
      7,
    ];
    const answers = JSON.parse((await curl('/rpc', JSON.stringify(batch))).body) as unknown[];
    expect(answers).toHaveLength(3);
    expect(answers[0]).toMatchObject({ id: 1, result: 'Hello World' });
    expect(answers[1]).toMatchObject({ id: 2, error: { code: faults.INVALID_PARAMETERS.code } });
    expect(answers[2]).toMatchObject({ id: null, error: { code: faults.INVALID_REQUEST.code } });
  });

  it('is refused a body that is too large, with a length and without one', async () => {
    const body = call('plushLoadAppXml', `<param><value>${'x'.repeat(MAX_BODY_BYTES)}</value></param>`);
    expect((await curl('/RPC2', body)).status).toBe(413);
    expect((await curl('/RPC2', body, ['-H', 'Transfer-Encoding: chunked'])).status).toBe(413);
  });

  it.each([
    ['another path', '/RPC3', [], 404],
    ['another verb', '/RPC2', ['-X', 'PUT'], 405],
    ['another type of content', '/RPC2', ['-H', 'Content-Type: image/png'], 415],
    ['a foreign Host', '/RPC2', ['-H', 'Host: attacker.example'], 403],
    ['a foreign Origin', '/RPC2', ['-H', 'Origin: http://attacker.example'], 403],
  ] as const)('is refused %s', async (_what, path, args, status) => {
    expect((await curl(path, call('plushTestConnection', ''), args)).status).toBe(status);
  });
});

it('answers other clients while a large application is checked', async () => {
  const xml = shellApplication('true').replace(
    '</project>',
    `${'<component name="c"/>'.repeat(20_000)}</project>`,
  );
  const slow = plushd.call('plushValidateApp', xml);
  expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  expect((await slow).length).toBeGreaterThan(0);
});
