/** Every example runs by the one command in its head, on the local nodes of examples/directory-local.xml. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buildPlush } from '../harness/plushd.ts';
import { Program } from '../harness/program.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..');
const EXAMPLES = join(ROOT, 'examples');
/** Directories, what is for machines of one's own, and what has a test file of its own. */
const NOT_HERE = /^directory-|-ssh\.xml$|^service\.xml$/;
const FILES = readdirSync(EXAMPLES).filter((name) => name.endsWith('.xml') && !NOT_HERE.test(name));

let scratch: Scratch;

beforeAll(async () => {
  scratch = makeScratch();
  await buildPlush();
});

afterAll(async () => {
  await plush('call', 'plushQuit').ended;
  await scratch.remove();
});

function plush(...words: string[]): Program {
  return new Program([process.execPath, join(ROOT, 'bin/plush'), ...words], {
    PLUSH_STATE: join(scratch.dir, 'state'),
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The example with ports that are free here, and with less to do where that only takes time. */
async function quickly(name: string): Promise<string> {
  let text = readFileSync(join(EXAMPLES, name), 'utf8').replace(
    '<env name="STEPS">6<',
    '<env name="STEPS">1<',
  );
  for (const place of new Set(text.match(/127\.0\.0\.1:\d+/g) ?? []))
    text = text.replaceAll(place, `127.0.0.1:${await freePort()}`);
  const file = scratch.path(name);
  writeFileSync(file, text);
  return file;
}

async function run(name: string): Promise<string> {
  const command = plush('run', '-o', '-d', join(EXAMPLES, 'directory-local.xml'), await quickly(name));
  const code = await command.ended;
  expect({ code, out: command.out + command.err }).toMatchObject({ code: 0 });
  return command.out;
}

it.each(FILES)('%s names the command that runs it', (name) => {
  expect(readFileSync(join(EXAMPLES, name), 'utf8')).toContain(
    `plush run -o -d examples/directory-local.xml examples/${name}\n`,
  );
});

it('two-phases.xml prepares three nodes, and then works on them', async () => {
  const out = await run('two-phases.xml');
  expect(out.match(/\| node \S+ index \d of 3: step 1 of 1$/gm)).toHaveLength(3);
});

it('file-distribution.xml has each receiver get each file as it was sent, after all have joined', async () => {
  const out = await run('file-distribution.xml');
  const sent = [...out.matchAll(/offers (\d+ 1048576) at (\S+)$/gm)];
  expect(sent).toHaveLength(2);
  for (const [, file, place] of sent)
    expect(out.match(new RegExp(` has ${file} from ${place}$`, 'gm'))).toHaveLength(3);
  expect(out.indexOf('block senders-ready is complete')).toBeGreaterThan(
    out.indexOf('block join-as-receiver is complete'),
  );
});

it('parallel-workflow.xml has each part done once, and is not held up by its slow node', async () => {
  const out = await run('parallel-workflow.xml');
  const parts = [...out.matchAll(/\| part (\d+) of 12: (\d+), by \S+ after 0\.\d s$/gm)];
  const squares = parts
    .map(([, part, square]) => [Number(part), Number(square)])
    .sort(([a = 0], [b = 0]) => a - b);
  expect(squares).toEqual(Array.from({ length: 12 }, (_, i) => [i + 1, (i + 1) ** 2]));
  expect(out.match(/\| all parts are done, says \S+$/gm)).toHaveLength(5);
});

it('throttled-release.xml lets the nodes through one after another', async () => {
  await run('throttled-release.xml');
  const facts = plush('call', 'plushGetEvents', '{"limit":1000,"topics":["task"]}');
  await facts.ended;
  const passed = (
    JSON.parse(facts.out) as { events: { type: string; block?: string; time: string }[] }
  ).events
    .filter(({ type, block }) => type === 'task_ordered' && block === 'measure')
    .map(({ time }) => Date.parse(time));
  expect(passed).toHaveLength(4);
  for (const [i, time] of passed.slice(1).entries()) expect(time - (passed[i] ?? 0)).toBeGreaterThan(400);
});

it('all of them are here', () => {
  expect(FILES).toEqual([
    'file-distribution.xml',
    'parallel-workflow.xml',
    'throttled-release.xml',
    'two-phases.xml',
  ]);
});
