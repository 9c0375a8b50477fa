/** Reading and writing a large XML-RPC answer, with our codec and with the npm package xmlrpc's. */
import { deepStrictEqual } from 'node:assert';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { decodeResponse } from '../../src/wire/xmlrpc/decode.ts';
import { encodeResponse } from '../../src/wire/xmlrpc/encode.ts';

const NODES = 1000;

/** As much of the package as is used; it comes without types. */
type Serialize = { serializeMethodResponse(value: unknown): string };
type Deserializer = new () => {
  deserializeMethodResponse(stream: Readable, done: (error: unknown, value: unknown) => void): void;
};

export interface CodecWork {
  readonly bytes: number;
  /** Contestants for rounds; each answers its milliseconds. */
  readonly contestants: Readonly<
    Record<'encode' | 'decode' | 'encode npm' | 'decode npm', () => Promise<number>>
  >;
}

export function makeCodecWork(): CodecWork {
  const require = createRequire(import.meta.url);
  const npm = require('xmlrpc/lib/serializer') as Serialize;
  const NpmDeserializer = require('xmlrpc/lib/deserializer') as Deserializer;
  const value = Array.from({ length: NODES }, (_, index) => nodeOf(index));
  const text = encodeResponse(value);
  const body = Buffer.from(text);
  const readNpm = () =>
    new Promise<unknown>((resolve, reject) => {
      new NpmDeserializer().deserializeMethodResponse(Readable.from([body]), (error, read) => {
        if (error) reject(error);
        else resolve(read);
      });
    });
  return {
    bytes: body.length,
    contestants: {
      encode: () => msOf(() => encodeResponse(value)),
      decode: async () => {
        const ms = await msOf(() => decodeResponse(body));
        deepStrictEqual(decodeResponse(body), { value });
        return ms;
      },
      'encode npm': () => msOf(() => npm.serializeMethodResponse(value)),
      'decode npm': async () => {
        let read: unknown;
        const ms = await msOf(async () => {
          read = await readNpm();
        });
        deepStrictEqual(read, value);
        return ms;
      },
    },
  };
}

/** A node with as much to tell as one has that runs something. */
function nodeOf(index: number): Record<string, unknown> {
  return {
    hostname: `planetlab${index}.cs.example.org:5${index}`,
    group: 'planetlab',
    ssh_port: 22,
    user: 'ucsd_plush',
    type: 'ssh',
    state: 'connected',
    since: '2026-03-04T05:06:07.890Z',
    preference: index,
    run_id: 'r-5f0c2a9b',
    agent: { pid: 4000 + index, version: '0.1.0', platform: 'linux', arch: 'x64', load: 0.25 + index },
    properties: { site: 'Technische Universität München', rack: '<7 & 8>' },
  };
}

async function msOf(work: () => unknown): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
