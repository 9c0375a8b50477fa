/** Inputs for a live plushd that no client would send on purpose, from a seed; and what may be answered to them. */
import { deflateSync, gzipSync } from 'node:zlib';
import { faults } from '../../api/faults.ts';
import { methodTable } from '../../api/methods.ts';
import type { Random } from '../../src/core/random.ts';
import { encodeJsonRpcCall } from '../../src/wire/jsonrpc/encode.ts';
import { decodeResponse } from '../../src/wire/xmlrpc/decode.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { mutate, randomValue } from '../unit/wire/documents.ts';
import type { RawResponse } from './raw-exchange.ts';

export interface Attack {
  readonly what: string;
  readonly bytes: Buffer;
  /** Its HTTP is in order, so that so many answers are due. */
  readonly answers: number;
  /** The connection is reset behind the bytes instead of ended. */
  readonly reset?: true;
}

/** They would end the daemon, or reach for other machines. */
const LEFT_OUT = new Set(['plushQuit', 'plushShell', 'plushConnect', 'setXmlRpcClientUrl']);
const METHODS = [
  ...Object.keys(methodTable).filter((name) => !LEFT_OUT.has(name)),
  '__proto__',
  'constructor',
  '',
];

const XML_ORIGINALS = [
  encodeCall('plushAddNode', [
    { hostname: 'fuzz:22', ssh_port: 22, properties: { a: 'ü <&>', ['__proto__']: 'x' } },
  ]),
  encodeCall('system.multicall', [
    [{ methodName: 'plushListNodes', params: [{ limit: 3 }] }, { methodName: 'x' }],
  ]),
  encodeCall('plushValidateApp', [Buffer.from('<plush><project name="p"/></plush>')]),
  encodeCall('plushGetEvents', [{ after: 0, limit: 2, topics: ['node'] }]),
  '<?xml version="1.0" encoding="iso-8859-1"?><!-- c --><methodCall><methodName>plushGetNode</methodName><params>' +
    '<param><value><![CDATA[x]]>&#65;<?p i?></value></param></params></methodCall>',
];
const JSON_ORIGINALS = [
  encodeJsonRpcCall('1.0', 'plushAddNode', { properties: { hostname: 'fuzz:22', preference: 1.5 } }),
  `[${encodeJsonRpcCall('"a"', 'plushListRuns', [])},${encodeJsonRpcCall(undefined, 'plushListApps', [])},3]`,
  encodeJsonRpcCall('null', 'system.multicall', [[{ methodName: 'plushGetNode', params: ['\u2028'] }]]),
];
const TAGS = [
  'value',
  'struct',
  'array',
  'data',
  'member',
  'name',
  'int',
  'i8',
  'nil',
  'ex:i2',
  'base64',
  'double',
  'x',
];
const TEXTS = [
  '',
  '1',
  '-1e400',
  '&#0;',
  '&lt;',
  '&x;',
  ']]>',
  '\u0000',
  'ä',
  '😀',
  '<!-- -- -->',
  '<![CDATA[',
  '<?xml?>',
];
const CHARSETS = [
  'utf-8',
  'UTF-16',
  'utf-16le',
  'utf-16be',
  'iso-8859-1',
  'us-ascii',
  'utf-7',
  'ucs-4',
  '"',
  '',
];
const ENCODINGS = ['gzip', 'deflate', 'identity', 'br', 'gzip, gzip', 'x-gzip'];
const TYPES = [
  'text/xml',
  'application/xml',
  'application/json',
  'application/x+json',
  'text/plain',
  '*/*',
  ';',
];
const HEADER_TOKENS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  '\t',
  '\u0000',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
];

/** A maker of attacks; the same seed makes the same ones. */
export class Attacker {
  readonly #random: Random;
  readonly #token: string;

  constructor(random: Random, token: string) {
    this.#random = random;
    this.#token = token;
  }

  next(): Attack {
    const kind = this.#below(12);
    if (kind < 7) return this.#sound();
    if (kind === 7) return this.#cut();
    if (kind === 8) return this.#aborted();
    if (kind === 9) return this.#mangledHead();
    if (kind === 10) return this.#mangledChunks();
    return this.#pipelined();
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T;
  }

  /** A request whose head is in order, around a body that is not. */
  #sound(): Attack {
    switch (this.#below(6)) {
      case 0:
        return this.#post('mutated XML', '/RPC2', this.#mutated(XML_ORIGINALS));
      case 1:
        return this.#post('mutated JSON', '/rpc', this.#mutated(JSON_ORIGINALS));
      case 2:
        return this.#post('XML of wrong elements', '/RPC2', Buffer.from(this.#wildCall()));
      case 3:
        return this.#post('nested JSON', '/rpc', Buffer.from(this.#nestedJson()));
      case 4:
        return this.#encoded();
      default:
        return this.#wrongParameters();
    }
  }

  #mutated(originals: readonly string[]): Buffer {
    return mutate(this.#random, Buffer.from(this.#one(originals)));
  }

  #wildCall(): string {
    return `<methodCall><methodName>${this.#one(METHODS)}</methodName><params><param>${this.#wild(this.#below(90))}</param></params></methodCall>`;
  }

  #wild(depth: number): string {
    const tag = depth % 3 === 0 ? 'value' : this.#one(TAGS);
    const attributes = ' a="1"'.repeat(this.#below(8) === 0 ? 2 : 0);
    const inner = depth === 0 ? this.#one(TEXTS) : this.#wild(depth - 1);
    return `<${tag}${attributes}>${inner}${this.#below(9) === 0 ? this.#one(TEXTS) : ''}</${tag}>`;
  }

  #nestedJson(): string {
    const depth = this.#below(5_000);
    const [open, close] = this.#below(2) === 0 ? ['[', ']'] : ['{"a":', '}'];
    const closed = this.#below(3) > 0 ? close.repeat(depth) : '';
    return `{"jsonrpc":"2.0","id":${this.#one(['1', '1e999', '{}', '"\\ud800"'])},"method":"plushListNodes","params":${open.repeat(depth)}1${closed}}`;
  }

  #encoded(): Attack {
    const text = Buffer.from(this.#one(XML_ORIGINALS), this.#one(['utf8', 'utf16le', 'latin1'] as const));
    const packed = this.#one([text, gzipSync(text), deflateSync(text), gzipSync(gzipSync(text))]);
    const body = this.#below(3) === 0 ? mutate(this.#random, packed) : packed;
    const headers = [`Content-Type: ${this.#one(TYPES)}; charset=${this.#one(CHARSETS)}`];
    if (this.#below(2) === 0) headers.push(`Content-Encoding: ${this.#one(ENCODINGS)}`);
    return this.#post(headers.join(', '), this.#one(['/RPC2', '/rpc', '/']), body, headers);
  }

  #wrongParameters(): Attack {
    const method = this.#one(METHODS);
    const params = Array.from({ length: this.#below(4) }, () => randomValue(this.#random));
    if (this.#below(2) === 0)
      return this.#post(`${method} by XML`, '/RPC2', Buffer.from(encodeCall(method, params)));
    const named = Object.fromEntries(
      params.map((param, i) => [this.#one(['filter', 'page', 'x', `${i}`]), param]),
    );
    const body = encodeJsonRpcCall('7', method, this.#below(2) === 0 ? params : named);
    return this.#post(`${method} by JSON`, '/rpc', Buffer.from(body));
  }

  #post(what: string, path: string, body: Buffer, headers: readonly string[] = []): Attack {
    const length = `Content-Length: ${body.length}`;
    return { what, bytes: Buffer.concat([this.#head(path, [length, ...headers]), body]), answers: 1 };
  }

  #head(path: string, headers: readonly string[]): Buffer {
    const lines = ['Host: localhost', `Authorization: Bearer ${this.#token}`, ...headers];
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  }

  #cut(): Attack {
    const { what, bytes } = this.#sound();
    return { what: `${what}, cut`, bytes: bytes.subarray(0, this.#below(bytes.length)), answers: 0 };
  }

  #aborted(): Attack {
    return { ...this.#cut(), what: 'an aborted upload', reset: true };
  }

  #mangledHead(): Attack {
    const { bytes } = this.#sound();
    const at = this.#below(Math.min(bytes.length, 200));
    const token = Buffer.from(
      this.#below(3) === 0 ? 'x'.repeat(this.#below(40_000)) : this.#one(HEADER_TOKENS),
    );
    const mangled = Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(at + this.#below(3))]);
    return { what: 'a mangled head', bytes: mangled, answers: 0 };
  }

  #mangledChunks(): Attack {
    const body = this.#mutated(XML_ORIGINALS);
    const half = this.#below(body.length);
    const chunk = (piece: Buffer) =>
      Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, CRLF]);
    const chunks = Buffer.concat([
      chunk(body.subarray(0, half)),
      chunk(body.subarray(half)),
      Buffer.from('0\r\n\r\n'),
    ]);
    const sent = this.#below(2) === 0 ? mutate(this.#random, chunks) : chunks;
    const head = this.#head('/RPC2', ['Transfer-Encoding: chunked']);
    return { what: 'mangled chunks', bytes: Buffer.concat([head, sent]), answers: 0 };
  }

  #pipelined(): Attack {
    const attacks = Array.from({ length: 2 + this.#below(20) }, () => this.#sound());
    return {
      what: `pipelined: ${attacks.map(({ what }) => what).join(' | ')}`,
      bytes: Buffer.concat(attacks.map(({ bytes }) => bytes)),
      answers: attacks.length,
    };
  }
}

const CRLF = Buffer.from('\r\n');

/** What HTTP may say; 500 is never right. */
const STATUSES = new Set([100, 200, 204, 400, 401, 403, 404, 405, 408, 411, 413, 415, 417, 431]);

const FAULT_CODES = new Set<number>(Object.values(faults).map(({ code }) => code));

/** Why these answers are wrong; undefined when they are right. */
export function complaint(attack: Attack, responses: readonly RawResponse[]): string | undefined {
  const given = responses.filter(({ status }) => status !== 100);
  // A request over a limit ends the connection, and those behind it get no answer.
  const isClosed = given.at(-1)?.headers.get('connection') === 'close';
  if (given.length < attack.answers && !(isClosed && given.length > 0)) {
    return `${attack.answers} answers were due, ${given.length} came`;
  }
  for (const response of given) {
    if (!STATUSES.has(response.status)) return `Status ${response.status}: ${response.body.slice(0, 200)}`;
    if (response.status !== 200) continue;
    const wrong = wrongAnswer(response);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongAnswer({ headers, body }: RawResponse): string | undefined {
  const type = headers.get('content-type') ?? '';
  if (type.startsWith('text/xml')) {
    const response = decodeResponse(Buffer.from(body, 'latin1'));
    return 'fault' in response ? wrongFault(response.fault) : undefined;
  }
  if (!type.startsWith('application/json')) return undefined;
  const answers = [JSON.parse(Buffer.from(body, 'latin1').toString())].flat() as {
    error?: { code: number };
  }[];
  return answers.map(({ error }) => (error === undefined ? undefined : wrongFault(error))).find(Boolean);
}

function wrongFault(fault: { readonly code: number }): string | undefined {
  const isRight = FAULT_CODES.has(fault.code) && fault.code !== faults.INTERNAL.code;
  return isRight ? undefined : `Fault ${JSON.stringify(fault)}`;
}
