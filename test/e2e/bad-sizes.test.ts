/** Specifications at the bounds of size: others are answered meanwhile, and what runs beside them does not notice. */
import { writeFileSync } from 'node:fs';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { undisturbed } from '../harness/undisturbed.ts';

jest.setTimeout(90_000);

const BLOCKS = 10_000;
const MAX_XML_BYTES = 10 << 20;
/** Longest time that anybody may wait for an answer, on a machine that is busy. */
const PATIENCE_MS = 10_000;

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, args: ['--max-body', String(12 << 20)] });
  await plushd.addLocalNodes(1);
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** Ten thousand blocks, the first of which lasts and all others wait for, with a comment up to that size. */
function manyBlocks(name: string, bytes?: number): string {
  const block = (at: number) => {
    const before = at === 0 ? '' : `<predecessor name="b${at - 1}"/>`;
    const words =
      at === 0 ? '<path>/bin/sleep</path><cmdline><arg>1000</arg></cmdline>' : '<path>true</path>';
    return `<process_block name="b${at}">${before}<process name="p">${words}</process></process_block>\n`;
  };
  const blocks = Array.from({ length: BLOCKS }, (_, at) => block(at)).join('');
  const text = `<plush><project name="p"><component name="c"><rspec><num_hosts>1</num_hosts></rspec><resources><resource group="lab"/></resources></component><application_block name="${name}"><execution><component_block name="all"><component name="c"/>${blocks}</component_block></execution></application_block></project></plush>`;
  if (bytes === undefined) return text;
  return `${text}<!--${'x'.repeat(bytes - text.length - 7)}-->`;
}

/** Runs some work while others go on asking; fails when one of them waits for too long. */
async function whileOthersAsk<T>(work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const asked = performance.now();
      expect(await plushd.call('plushTestConnection')).toBe('Hello World');
      expect(performance.now() - asked).toBeLessThan(PATIENCE_MS);
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await asking;
  }
}

it('loads ten mebibytes from a file and from a call, and nothing beside notices', async () => {
  const text = manyBlocks('large', MAX_XML_BYTES);
  writeFileSync(scratch.path('apps', 'large.xml'), text);
  await undisturbed(plushd, scratch, () =>
    whileOthersAsk(async () => {
      expect(await plushd.call('plushLoadApp', 'large.xml')).toBe('large');
      expect(await plushd.call('plushLoadAppXml', text)).toBe('large');
    }),
  );
});

it('refuses one byte more, with what is allowed', async () => {
  const text = manyBlocks('large', MAX_XML_BYTES + 1);
  writeFileSync(scratch.path('apps', 'larger.xml'), text);
  await expect(plushd.call('plushLoadApp', 'larger.xml')).rejects.toThrow(/10485760|10 MiB|10,485,760/);
  await expect(plushd.call('plushLoadAppXml', text)).rejects.toThrow(/10485760|10 MiB|10,485,760/);
});

it('answers about a run of ten thousand blocks at once, and ends it', async () => {
  const run = await whileOthersAsk(() => plushd.run(manyBlocks('long')));
  await plushd.waitRun(run, ['running']);
  const quickly = async <T>(ask: () => Promise<T>): Promise<T> => {
    const asked = performance.now();
    const answer = await ask();
    expect(performance.now() - asked).toBeLessThan(PATIENCE_MS / 2);
    return answer;
  };
  expect((await quickly(() => plushd.call('plushPlanApp', 'long'))).can_run).toBe(false);
  const first = await quickly(() => plushd.call('plushGetRun', run));
  const { waiting, blocks_total, block_states } = first;
  expect({ blocks_total, block_states }).toEqual({
    blocks_total: BLOCKS,
    block_states: { waiting: BLOCKS - 1, running: 1, completed: 0, failed: 0 },
  });
  const names = first.blocks.map(({ name }) => name);
  for (let { cursor } = first; cursor !== undefined; ) {
    const next = await quickly(() => plushd.call('plushGetRun', run, { cursor: cursor ?? '' }));
    expect(JSON.stringify(next).length).toBeLessThan(512 << 10);
    names.push(...next.blocks.map(({ name }) => name));
    cursor = next.cursor;
  }
  expect(names).toEqual(Array.from({ length: BLOCKS }, (_, i) => `b${i}`));
  expect(waiting[0]?.waits_for).toBe('its task in block "b0" to end');
  expect((await quickly(() => plushd.call('plushExplain', run))).summary).toContain('is running');
  expect((await quickly(() => plushd.call('plushGetBlock', run, 'b9999'))).tasks).toEqual([]);
  await quickly(() => plushd.call('plushAbortRun', run));
  await plushd.waitRun(run, ['aborted']);
});
