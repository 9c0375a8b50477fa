/**
 * XML-RPC servers of other languages receive the callbacks of a real plushd during a run. Where one is not installed, its
 * recorded answers are given to plushd instead, and what it would have read is read with our own codec.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { decodeCall } from '../../src/wire/xmlrpc/decode.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { escaped, shellApplication } from '../harness/application.ts';
import { freePort } from '../harness/callback-client.ts';
import {
  commandOf,
  FOREIGN_SERVERS,
  type ForeignProgram,
  foreignEnvironment,
  isInstalled,
} from '../harness/foreign-client.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import {
  type Exchange,
  isRecording,
  readRecording,
  replay,
  startRecorder,
  startReplay,
  writeRecording,
} from '../harness/recording.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const BLOCK = 'blöck 漢字 <&>"';
const COMPONENT = 'wörkers';

interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
}

interface Receiver {
  readonly name: string;
  readonly url: string;
  calls(): readonly Call[];
  close(): Promise<void>;
}

let scratch: Scratch;
let plushd: Plushd;
const receivers: Receiver[] = [];

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  for (const program of FOREIGN_SERVERS) {
    receivers.push(isInstalled(program) ? await startServer(program) : await startStandIn(program));
  }
}, 60_000);

afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  await plushd.close();
  await scratch.remove();
});

async function startServer(program: ForeignProgram): Promise<Receiver> {
  const port = await freePort();
  const [command, ...args] = await commandOf(program, scratch.path(program.name));
  const child = spawn(
    command,
    args.map((arg) => arg.replace('PORT', String(port))),
    { env: foreignEnvironment(), stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}/RPC2`;
  const calls = callsOf(child);
  await waitFor(`${program.name} to listen`, () => isListening(port));
  if (isRecording) await record(program, url);
  calls.length = 0;
  return {
    name: program.name,
    url,
    calls: () => calls,
    close() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

function callsOf(child: ChildProcess): Call[] {
  const calls: Call[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) calls.push(JSON.parse(line) as Call);
  });
  return calls;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function record(program: ForeignProgram, url: string): Promise<void> {
  const recorder = await startRecorder(url.replace('://', '://plush:any@'));
  try {
    const body = Buffer.from(encodeCall('sendBlockStatus', [BLOCK])).toString('latin1');
    await replay(recorder.url, { headers: { 'Content-Type': 'text/xml' }, body });
    writeRecording(program.name, recorder.answers[0]);
  } finally {
    await recorder.close();
  }
}

async function startStandIn({ name }: ForeignProgram): Promise<Receiver> {
  const server = await startReplay(readRecording<Exchange>(name));
  return {
    name,
    url: `http://127.0.0.1:${server.port}/RPC2`,
    calls: () => server.bodies.map((body) => decodeCall(body)),
    close: server.close,
  };
}

test('servers of every language are called in order, and understand every call', async () => {
  for (const { url } of receivers) await plushd.call('setXmlRpcClientUrl', url);
  const nodes = await plushd.addLocalNodes(2);
  await plushd.waitRun(
    await plushd.run(
      shellApplication('true', 2, {
        components: [{ name: COMPONENT, hosts: 2 }],
        blocks: [
          { name: 'all', component: COMPONENT, processes: [{ name: escaped(BLOCK), path: '/bin/true' }] },
        ],
      }),
    ),
  );
  for (const receiver of receivers) {
    const calls = await waitFor(`${receiver.name} to be told of the end`, () => {
      const heard = receiver.calls();
      return heard.some(({ method }) => method === 'sendApplicationExit') ? heard : undefined;
    });
    const told = (method: string) =>
      calls.filter((call) => call.method === method).map(({ params }) => params);
    expect(told('sendHostStatus').slice(0, 2)).toEqual(nodes.map((node) => [node]));
    expect(new Set(told('sendHostStatus').flat())).toEqual(new Set(nodes));
    expect(told('sendBlockStatus')[0]).toEqual([BLOCK]);
    expect(told('sendResourceMatching').at(-1)).toEqual([{ [COMPONENT]: expect.arrayContaining(nodes) }]);
    expect(told('sendApplicationExit')).toEqual([[]]);
  }
  const [first, ...others] = receivers;
  for (const other of others) expect(untilExit(other)).toEqual(untilExit(first as Receiver));
});

/** What every receiver has to have heard in the same order, whenever it registered. */
function untilExit(receiver: Receiver): readonly Call[] {
  const calls = receiver.calls();
  const exit = calls.findIndex(({ method }) => method === 'sendApplicationExit');
  return calls.slice(0, exit + 1).map(({ method, params }) => ({ method, params }));
}

test('the recorded answer of every server is a delivery', async () => {
  const standIns = await Promise.all(FOREIGN_SERVERS.map(startStandIn));
  try {
    for (const { url } of standIns) await plushd.call('setXmlRpcClientUrl', url);
    const [node] = await plushd.addLocalNodes(1, 'late', 'late');
    for (const standIn of standIns) {
      const call = await waitFor(`${standIn.name} to be called`, () => standIn.calls()[0]);
      expect(call).toEqual({ method: 'sendHostStatus', params: [node] });
    }
    const { last } = (await plushd.call('plushInfoControl')).journal;
    await waitFor('every delivery to count', async () => {
      const { clients } = await plushd.call('plushInfoControl');
      const ours = clients.filter((client) => standIns.some(({ url }) => url === client.url));
      return ours.length === standIns.length && ours.every(({ delivered }) => delivered >= last);
    });
  } finally {
    await Promise.all(standIns.map((standIn) => standIn.close()));
  }
});
