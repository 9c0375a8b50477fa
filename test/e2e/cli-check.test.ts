/** `plush check` tells of every file what plushd tells of it when it reads the file itself. */
import { execFile } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApplication } from '../../src/core/spec/application.ts';
import { MAX_XML_BYTES } from '../../src/core/spec/xml-text.ts';
import { longApplication, longNonsense } from '../harness/long-specifications.ts';
import { buildPlush, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const ROOT = join(__dirname, '..', '..');
const LONG = 1_100_000;

jest.setTimeout(60_000);

let scratch: Scratch;
let plushd: Plushd | undefined;

beforeAll(buildPlush);

beforeEach(() => {
  scratch = makeScratch();
});

afterEach(async () => {
  await plushd?.close();
  plushd = undefined;
  await scratch.remove();
});

function plush(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PLUSH_'));
  // What it makes for itself is looked for here.
  const env = { ...Object.fromEntries(own), PLUSH_STATE: join(scratch.dir, 'state'), TMPDIR: scratch.dir };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'bin/plush'), ...words], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

function fileOf(name: string, content: string | Buffer): string {
  const file = scratch.path('apps', name);
  writeFileSync(file, content);
  return file;
}

const latin = (text: string) => Buffer.from(text, 'latin1');
const XML = '<plush><project name="ä"><component name="é"/></project></plush>';

it('with and without a plushd that takes requests of that size', async () => {
  const sources = {
    'long.xml': Buffer.from(longApplication(LONG)),
    'nonsense.xml': Buffer.from(longNonsense(20_000)),
    'latin.xml': latin(`<?xml version="1.0" encoding="ISO-8859-1"?>\n${XML}`),
    'wide.xml': Buffer.from(`\ufeff${XML}`, 'utf16le'),
    'unmarked.xml': Buffer.from(XML, 'utf16le').swap16(),
    'marked.xml': Buffer.from(`\ufeff${XML}`),
  };
  const told = Object.entries(sources).map(([name, source]) => ({
    file: fileOf(name, source),
    diagnostics: parseApplication(source, name).diagnostics,
  }));
  const files = told.map(({ file }) => file);
  expect(told.map(({ diagnostics }) => diagnostics.length)).toEqual([0, 201, 1, 1, 1, 1]);
  const alone = await plush('check', '--json', ...files);
  expect({ ...alone, out: JSON.parse(alone.out) }).toEqual({ code: 2, out: told, err: '' });
  expect(existsSync(scratch.path('state', 'plushd.json'))).toBe(false);

  plushd = await startPlushd({ scratch });
  const beside = await plush('check', '--json', ...files);
  expect({ ...beside, out: JSON.parse(beside.out) }).toEqual({ code: 2, out: told, err: '' });
  expect(await plushd.call('plushListApps')).toMatchObject({ total: 0 });
});

it('and of what nobody reads a sentence', async () => {
  const large = fileOf('large.xml', '');
  truncateSync(large, MAX_XML_BYTES + 1);
  const cases: [string, string][] = [
    [large, `has ${MAX_XML_BYTES + 1} bytes, and at most ${MAX_XML_BYTES} are read`],
    [
      fileOf('foreign.xml', '<?xml version="1.0" encoding="windows-1252"?><plush/>'),
      'names the encoding "windows-1252"',
    ],
    [fileOf('broken.xml', latin(XML)), 'is not encoded in UTF-8. Save it as UTF-8'],
  ];
  for (const [file, words] of cases) {
    expect(await plush('check', file)).toEqual({ code: 2, out: '', err: expect.stringContaining(words) });
  }
});

it('plush plan and plush run say which other ways there are where plushd takes no request that large', async () => {
  plushd = await startPlushd({ scratch });
  const file = fileOf('long.xml', longApplication(LONG));
  for (const command of ['plan', 'run']) {
    expect(await plush(command, file)).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /takes no request that large .*--max-body\)\. Or put .*long\.xml .*--apps.* plushLoadApp/,
      ),
    });
  }
  expect(await plushd.call('plushLoadApp', 'long.xml')).toBe('long');
});
