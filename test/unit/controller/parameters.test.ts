import type { Protocol } from '../../../src/controller/call.ts';
import { checkParameters } from '../../../src/controller/parameters.ts';

const refusal = (
  method: Parameters<typeof checkParameters>[0],
  params: unknown,
  protocol: Protocol = 'jsonrpc',
): string => {
  try {
    checkParameters(method, params, protocol);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('checkParameters', () => {
  test.each([
    ['plushGetRun', [], 'INVALID_PARAMETERS: plushGetRun parameter 1 (run) is missing.'],
    [
      'plushGetRun',
      [7],
      'INVALID_PARAMETERS: plushGetRun parameter 1 (run): expected a string of at most 256 characters, but 7 came.',
    ],
    [
      'plushGetMatching',
      ['a', 'b'],
      'INVALID_PARAMETERS: plushGetMatching takes one parameter (run), 2 came.',
    ],
    ['plushTestConnection', ['a'], 'INVALID_PARAMETERS: plushTestConnection takes no parameters, 1 came.'],
    [
      'plushAddNode',
      [{}],
      'INVALID_PARAMETERS: plushAddNode parameter 1 (properties), member hostname is missing.',
    ],
    [
      'plushAddNode',
      [{ hostname: 'a', grup: 'b' }],
      'INVALID_PARAMETERS: plushAddNode parameter 1 (properties), member grup: there is no such member; did you mean "group"?',
    ],
    [
      'plushAddNode',
      [{ hostname: 'a', type: 'vm' }],
      'INVALID_PARAMETERS: plushAddNode parameter 1 (properties), member type: expected "ssh" or "local", but "vm" came.',
    ],
    [
      'plushListNodes',
      [{ state: 'failled' }],
      'INVALID_PARAMETERS: plushListNodes parameter 1 (filter), member state: expected "idle" or "connecting" or "connected" or "lost" or "failed", but "failled" came; did you mean "failed"?',
    ],
    [
      'plushGetEvents',
      [{ topics: ['nodes'] }],
      'INVALID_PARAMETERS: plushGetEvents parameter 1 (page), member topics.0: expected "control" or "node" or "app" or "run" or "task" or "operation" or "subscription", but "nodes" came; did you mean "node"?',
    ],
    [
      'plushListRuns',
      [{ state: 'zz' }],
      'INVALID_PARAMETERS: plushListRuns parameter 1 (filter), member state: expected "deploying" or "running" or "ending" or "succeeded" or "failed" or "aborted", but "zz" came.',
    ],
    [
      'plushGetRun',
      ['\u0001"'.repeat(200)],
      'INVALID_PARAMETERS: plushGetRun parameter 1 (run): expected a string of at most 256 characters, but a string of 400 characters came.',
    ],
    [
      'plushGetRun',
      { runn: 'a' },
      'INVALID_PARAMETERS: plushGetRun has no parameter "runn"; did you mean "run"?',
    ],
  ] as const)('says of %s%j what is wrong', (method, params, sentence) => {
    expect(refusal(method, params)).toBe(sentence);
  });

  test('takes parameters by name as well as by position', () => {
    expect(checkParameters('plushGetBlock', { block: 'b', run: 'r' }, 'xmlrpc')).toEqual(['r', 'b']);
  });

  test('takes members that are null as missing', () => {
    expect(checkParameters('plushAddNode', [{ hostname: 'a', group: null }], 'xmlrpc')).toEqual([
      { hostname: 'a' },
    ]);
  });

  test('takes a date where a time is wanted and base64 where text is', () => {
    const expires = new Date('2026-01-02T03:04:05Z');
    expect(
      checkParameters('plushAddNode', [{ hostname: 'a', lease: { id: 'l', expires } }], 'xmlrpc'),
    ).toEqual([{ hostname: 'a', lease: { id: 'l', expires: '2026-01-02T03:04:05.000Z' } }]);
    expect(checkParameters('plushLoadAppXml', [Buffer.from('<plush/>')], 'xmlrpc')).toEqual(['<plush/>']);
  });

  test.each([
    ['20260504T10:11:12', '2026-05-04T10:11:12Z'],
    ['2026-05-04T12:11:12+02:00', '2026-05-04T10:11:12.000Z'],
    ['2026-05-04T10:11:12.123456+00:00', '2026-05-04T10:11:12.123Z'],
    ['2026-05-04T10:11:12.5Z', '2026-05-04T10:11:12.5Z'],
    ['20260230T10:11:12', '2026-02-30T10:11:12Z'],
    ['2026-02-30T10:11:12+01:00', '2026-02-30T10:11:12Z'],
  ])('takes the time %s as %s', (expires, kept) => {
    const lease = (end: string) => [{ hostname: 'a', lease: { id: 'l', expires: end } }];
    expect(checkParameters('plushAddNode', lease(expires), 'xmlrpc')).toEqual(lease(kept));
  });

  test.each([
    '2026-05-04T10:11:12',
    '2026-05-04T10:11:12+24:00',
    '2026-05-04T10:11:12-02:60',
    '2026-05-04',
    '20260504T10:11:12+02:00x',
    '1777889472',
    '',
  ])('refuses the time %j, which is in no zone or is none', (expires) => {
    const properties = { hostname: 'a', lease: { id: 'l', expires } };
    expect(refusal('plushAddNode', [properties])).toMatch(/lease\.expires: expected a string \(ISO 8601/);
  });

  test('takes the number of a virtual node as a number too, and properties of any plain type', () => {
    const node = { hostname: 'a', vn: 7, properties: { cpus: 4, load: 0.5, spare: true, rack: 'b' } };
    expect(checkParameters('plushAddNode', [node], 'xmlrpc')).toEqual([{ ...node, vn: '7' }]);
    expect(refusal('plushAddNode', [{ ...node, vn: 1.5 }])).toMatch(
      /member vn: expected a string .* 1\.5 came/,
    );
    expect(refusal('plushAddNode', [{ hostname: 'a', properties: { list: [1] } }])).toMatch(
      /properties\.list: expected a string of at most 4096 characters or a number or a boolean, but an array of 1 came/,
    );
  });

  test('takes members by their names in indented XML, and leaves other names as they are', () => {
    const node = { '\n  hostname\n': 'a', properties: { ' rack ': 'b' } };
    expect(checkParameters('plushAddNode', [node], 'xmlrpc')).toEqual([
      { hostname: 'a', properties: { ' rack ': 'b' } },
    ]);
    expect(refusal('plushAddNode', [{ hostname: 'a', ' hostname': 'b' }])).toMatch(/there is no such member/);
  });

  test('takes a limit beyond what a page can have as that, and refuses none at all', () => {
    expect(checkParameters('plushListNodes', [{ limit: 5000 }], 'xmlrpc')).toEqual([{ limit: 1000 }]);
    expect(checkParameters('plushGetEvents', [{ limit: 1e12 }], 'jsonrpc')).toEqual([{ limit: 1000 }]);
    expect(checkParameters('plushGetOutput', ['r', 'n', { limit: 1 << 20 }], 'xmlrpc')).toEqual([
      'r',
      'n',
      { limit: 262_144 },
    ]);
    for (const limit of [0, -1, 1.5, '10'])
      expect(refusal('plushListNodes', [{ limit }])).toMatch(/limit: expected an integer from 1 to 1000/);
  });

  test('keeps a member called __proto__ as data', () => {
    const properties = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
    const [node] = checkParameters('plushAddNode', [{ hostname: 'a', properties }], 'xmlrpc') as [
      { properties: object },
    ];
    expect(Object.keys(node.properties)).toEqual(['__proto__', 'constructor']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test('takes whole numbers beyond 32 bits over XML-RPC as the strings of digits as which they go out', () => {
    const page = { after: '3000000000', limit: 3 };
    expect(checkParameters('plushGetEvents', [page], 'xmlrpc')).toEqual([{ after: 3_000_000_000, limit: 3 }]);
    expect(refusal('plushGetEvents', [page], 'jsonrpc')).toMatch(/expected an integer .*"3000000000" came/);
  });

  test.each(['7', '-1', '2147483647', '03000000000', '3e9', '99999999999999999999', ' 3000000000', ''])(
    'refuses the string %j where a number is wanted, over XML-RPC too',
    (after) => {
      expect(refusal('plushGetEvents', [{ after }], 'xmlrpc')).toMatch(/expected an integer/);
    },
  );
});
