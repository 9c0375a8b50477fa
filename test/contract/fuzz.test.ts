/**
 * Thousands of inputs that no client would send, at a live plushd: none may stop it, hold it up, stay in its memory or be
 * answered wrongly. `npm test -- --fuzz-inputs=100000 --fuzz-seed=7 test/contract/fuzz.test.ts` asks for more, and for others
 * (with jest alone: PLUSH_FUZZ_INPUTS and PLUSH_FUZZ_SEED).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { randomFrom } from '../../src/core/random.ts';
import { Attacker, complaint } from '../harness/fuzz.ts';
import { expectNormalCalls } from '../harness/normal-calls.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { exchange, type RawResponse } from '../harness/raw-exchange.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const USUAL = { inputs: 3_000, seed: 20_110_905 };
const INPUTS = Number(process.env.PLUSH_FUZZ_INPUTS ?? USUAL.inputs);
const SEED = Number(process.env.PLUSH_FUZZ_SEED ?? USUAL.seed);
/** So many inputs of any seed lead to every kind of answer; those of the usual seed do earlier. */
const MANY_INPUTS = 20_000;
/** Time for one input, far more than a busy machine needs. */
const INPUT_MS = 100;
const AT_ONCE = 16;
const SLOW_SENDERS = 20;
/** What may be there after the second half that was not after the first: a collector's leisure, not a leak. */
const SPARE_BYTES = 96 << 20;
/** The heap that V8 gets: a daemon that needs more ends, and the test fails. */
const HEAP_MIB = 192;

const WIRE_FAULTS = [-32700, -32701, -32702, -32600, -32601, -32602];

let scratch: Scratch;
let plushd: Plushd;
let slow: Socket[];

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` } });
  slow = Array.from({ length: SLOW_SENDERS }, startSlowSender);
}, 60_000);

afterAll(async () => {
  for (const socket of slow) socket.destroy();
  await plushd.close();
  await scratch.remove();
});

/** Half of them begin a head, half of them a body; none goes on. */
function startSlowSender(_: unknown, index: number): Socket {
  const socket = connect(Number(new URL(plushd.url).port), '127.0.0.1');
  socket.on('error', () => undefined).resume();
  const head = `POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${plushd.token}\r\n`;
  socket.write(index % 2 === 0 ? head : `${head}Content-Length: 100\r\n\r\n<methodCall>`);
  return socket;
}

function residentBytes(): number {
  const pages = Number(readFileSync(`/proc/${plushd.pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4096;
}

const handles = () => readdirSync(`/proc/${plushd.pid}/fd`).length;

/** Statuses and codes of faults that the inputs led to. */
const seen = new Set<number>();

function note(responses: readonly RawResponse[]): void {
  for (const { status, body } of responses) {
    seen.add(status);
    for (const [, code] of body.matchAll(/(?:<int>|"code":)(-32\d{3})/g)) seen.add(Number(code));
  }
}

/** Throws the inputs; answers what was wrong with the daemon's answers. */
async function attack(attacker: Attacker, inputs: number): Promise<string[]> {
  const complaints: string[] = [];
  let left = inputs;
  const worker = async () => {
    while (left-- > 0) {
      const input = attacker.next();
      const told = `${input.what}: ${JSON.stringify(input.bytes.toString('latin1').slice(0, 2_000))}`;
      try {
        const reset = input.reset === true;
        const responses = await exchange(plushd.url, input.bytes, { reset });
        note(responses);
        const wrong = complaint(input, responses);
        if (wrong !== undefined && !reset) complaints.push(`${wrong} for ${told}`);
      } catch (error) {
        complaints.push(`${String(error)} for ${told}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return complaints;
}

test(
  `${INPUTS} inputs from seed ${SEED} get right answers and leave nothing behind`,
  async () => {
    await expectNormalCalls(plushd, 'before');
    const handlesBefore = handles();
    const attacker = new Attacker(randomFrom(SEED), plushd.token);
    expect(await attack(attacker, Math.ceil(INPUTS / 2))).toEqual([]);
    const residentBefore = residentBytes();
    expect(await attack(attacker, Math.floor(INPUTS / 2))).toEqual([]);
    await expectNormalCalls(plushd, 'after');
    await waitFor('the connections to be gone', () => handles() <= handlesBefore);
    await waitFor('the memory to be back', () => residentBytes() < residentBefore + SPARE_BYTES);
    // Otherwise the inputs would not reach what they are meant for.
    const isEnough = INPUTS >= (SEED === USUAL.seed ? USUAL.inputs : MANY_INPUTS);
    const kinds = isEnough ? [...WIRE_FAULTS, 200, 204, 400, 415] : [200, 400];
    expect([...seen]).toEqual(expect.arrayContaining(kinds));
    expect(plushd.logText()).not.toMatch(/Call failed|failed unexpectedly|unhandled/i);
  },
  60_000 + INPUTS * INPUT_MS,
);

test('senders that stop in the middle are let go', async () => {
  await waitFor(
    'the slow heads to be ended',
    () => slow.every((socket, index) => index % 2 === 1 || socket.destroyed),
    30_000,
  );
  await expectNormalCalls(plushd, 'slow');
});
