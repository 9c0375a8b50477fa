import { checkParameters } from '../../../src/controller/parameters.ts';

const refusal = (method: Parameters<typeof checkParameters>[0], params: unknown): string => {
  try {
    checkParameters(method, params);
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
    ['plushGetRun', ['a', 'b'], 'INVALID_PARAMETERS: plushGetRun takes one parameter (run), 2 came.'],
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
    expect(checkParameters('plushGetBlock', { block: 'b', run: 'r' })).toEqual(['r', 'b']);
  });

  test('takes members that are null as missing', () => {
    expect(checkParameters('plushAddNode', [{ hostname: 'a', group: null }])).toEqual([{ hostname: 'a' }]);
  });

  test('takes a date where a time is wanted and base64 where text is', () => {
    const expires = new Date('2026-01-02T03:04:05Z');
    expect(checkParameters('plushAddNode', [{ hostname: 'a', lease: { id: 'l', expires } }])).toEqual([
      { hostname: 'a', lease: { id: 'l', expires: '2026-01-02T03:04:05.000Z' } },
    ]);
    expect(checkParameters('plushLoadAppXml', [Buffer.from('<plush/>')])).toEqual(['<plush/>']);
  });

  test('keeps a member called __proto__ as data', () => {
    const properties = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
    const [node] = checkParameters('plushAddNode', [{ hostname: 'a', properties }]) as [
      { properties: object },
    ];
    expect(Object.keys(node.properties)).toEqual(['__proto__', 'constructor']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});
