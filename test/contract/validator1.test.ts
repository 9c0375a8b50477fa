/** The calls of XML-RPC's "validator1" suite, as its clients send them. */

import { decodeResponse, type XmlRpcResponse } from '../../src/wire/xmlrpc/decode.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { replay } from '../harness/recording.ts';
import { startValidator, type Validator } from '../harness/validator1.ts';

let validator: Validator;

beforeAll(async () => {
  validator = await startValidator();
});

afterAll(() => validator.close());

async function send(body: string): Promise<XmlRpcResponse> {
  const headers = { 'Content-Type': 'text/xml' };
  const answer = await replay(validator.url, { headers, body: Buffer.from(body).toString('latin1') });
  expect(answer.status).toBe(200);
  return decodeResponse(answer.body);
}

const call = (method: string, ...params: unknown[]) => send(encodeCall(`validator1.${method}`, params));

describe('validator1', () => {
  test('arrayOfStructsTest adds a member over an array of structs', async () => {
    const structs = [
      { moe: 1, larry: -2, curly: 6 },
      { moe: 3, larry: 4, curly: -100 },
      { moe: 5, larry: 0, curly: 2_000_000_000 },
    ];
    expect(await call('arrayOfStructsTest', structs)).toEqual({ value: 1_999_999_906 });
  });

  test('countTheEntities tells what was escaped', async () => {
    expect(await call('countTheEntities', `<<<>>&&&&''''"""""" ]]> \t\n`)).toEqual({
      value: {
        ctLeftAngleBrackets: 3,
        ctRightAngleBrackets: 3,
        ctAmpersands: 4,
        ctApostrophes: 4,
        ctQuotes: 6,
      },
    });
  });

  test('easyStructTest adds three members', async () => {
    expect(await call('easyStructTest', { moe: -7, larry: 0, curly: 12 })).toEqual({ value: 5 });
  });

  test('echoStructTest gives a struct back as it came', async () => {
    const struct = {
      substruct0: { moe: 1, larry: 'two & <3>', curly: true },
      substruct1: {
        when: new Date('1998-07-17T14:08:55Z'),
        bytes: new Uint8Array([0, 255]),
        list: [1.5, [], {}],
      },
      ' white space ': '  kept  ',
      empty: '',
    };
    expect(await call('echoStructTest', struct)).toEqual({ value: struct });
  });

  test('manyTypesTest gives all six types back as an array', async () => {
    const values = [
      -2_147_483_648,
      true,
      'Zürich 漢字 😀',
      -12.214,
      new Date('1998-07-17T14:08:55Z'),
      new Uint8Array(Buffer.from('eW91IGNhbid0IHJlYWQgdGhpcyE=', 'base64')),
    ];
    expect(await call('manyTypesTest', ...values)).toEqual({ value: values });
  });

  test('moderateSizeArrayCheck joins the ends of an array of 200 strings', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `text <${i}> & more`);
    expect(await call('moderateSizeArrayCheck', texts)).toEqual({
      value: 'text <0> & moretext <199> & more',
    });
  });

  test('nestedStructTest finds a day in a calendar', async () => {
    const days = (month: number) =>
      Object.fromEntries(
        Array.from({ length: 30 }, (_, day) => [
          String(day + 1).padStart(2, '0'),
          { moe: month, larry: day, curly: -1 },
        ]),
      );
    const months = Object.fromEntries(
      Array.from({ length: 12 }, (_, month) => [String(month + 1).padStart(2, '0'), days(month + 1)]),
    );
    expect(await call('nestedStructTest', { 1999: months, 2000: months })).toEqual({ value: 3 });
  });

  test('simpleStructReturnTest multiplies into a struct', async () => {
    expect(await call('simpleStructReturnTest', 214)).toEqual({
      value: { times10: 2140, times100: 21_400, times1000: 214_000 },
    });
  });

  test('is understood as its own page wrote it, with i4, untyped strings and white space', async () => {
    const written = `<?xml version="1.0"?>
      <methodCall>
        <methodName>validator1.echoStructTest</methodName>
        <params>
          <param>
            <value><struct>
              <member><name>bob</name><value><i4>5</i4></value></member>
              <member>
                <name>text</name>
                <value>South Dakota's own</value>
              </member>
            </struct></value>
          </param>
        </params>
      </methodCall>`;
    expect(await send(written)).toEqual({ value: { bob: 5, text: "South Dakota's own" } });
  });

  test('answers a call it does not have with a fault', async () => {
    expect(await call('noSuchTest')).toEqual({
      fault: { code: -32601, message: expect.stringContaining('validator1.noSuchTest') },
    });
  });
});
