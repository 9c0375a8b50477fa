/** Specifications that cannot be loaded, and files that must not be read. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApplication } from '../../src/core/spec/application.ts';
import { shellApplication } from '../harness/application.ts';
import { CallFault, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { undisturbed } from '../harness/undisturbed.ts';

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  const apps = (name: string) => scratch.path('apps', name);
  const good = shellApplication('true', 1, { name: 'good' });
  writeFileSync(apps('good.xml'), good);
  writeFileSync(scratch.path('outside', 'secret.xml'), good);
  writeFileSync(scratch.path('apps-beside', 'secret.xml'), good);
  mkdirSync(apps('folder.xml'));
  writeFileSync(apps('empty.xml'), '');
  writeFileSync(apps('text.txt'), 'This is no XML\n');
  writeFileSync(apps('binary'), Buffer.from([0, 1, 2, 0xff, 0xfe]));
  writeFileSync(apps('half.xml'), good.slice(0, good.length / 2));
  writeFileSync(apps('doctype.xml'), `<!DOCTYPE plush [<!ENTITY a "b">]>${good}`);
  writeFileSync(apps('other.xml'), '<html><body/></html>');
  writeFileSync(apps('large.xml'), '<plush>');
  truncateSync(apps('large.xml'), 5 * 2 ** 30);
  execFileSync('mkfifo', [apps('pipe.xml')]);
  symlinkSync(scratch.path('outside', 'secret.xml'), apps('link.xml'));
  symlinkSync(scratch.path('outside'), apps('link-folder'));
  symlinkSync('no-such-file', apps('dangling.xml'));
  symlinkSync('round.xml', apps('round.xml'));
  symlinkSync('/dev/zero', apps('zero.xml'));
  symlinkSync('good.xml', apps('inner-link.xml'));
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const refusal = async (file: string): Promise<CallFault> => {
  try {
    await plushd.call('plushLoadApp', file);
  } catch (error) {
    if (error instanceof CallFault) return error;
    throw error;
  }
  throw new Error(`${file} was loaded`);
};

test.each(['blocks', 'barriers', 'waiting', 'configurations'])(
  'plushValidateApp answers all that the parser finds in %s.xml',
  async (name) => {
    const text = readFileSync(join(__dirname, `../unit/spec/fixtures/errors/${name}.xml`), 'utf8');
    const { diagnostics } = parseApplication(text, 'application.xml');
    expect(diagnostics.length).toBeGreaterThan(1);
    expect(await plushd.call('plushValidateApp', text)).toEqual(diagnostics);
  },
);

describe('plushLoadApp', () => {
  it.each([
    ['empty.xml', 'APP_INVALID', /empty/],
    ['text.txt', 'APP_INVALID', /text\.txt:1:1: error NOT_XML: .*it is not XML/],
    ['binary', 'APP_INVALID', /binary:1:\d+: error/],
    ['half.xml', 'APP_INVALID', /half\.xml:\d+:\d+: error/],
    ['doctype.xml', 'APP_INVALID', /doctype\.xml:1:\d+: error .*DOCTYPE/],
    ['other.xml', 'APP_INVALID', /other\.xml:1:\d+: error .*html/],
    [
      'missing.xml',
      'APP_UNREADABLE',
      /^APP_UNREADABLE: missing\.xml cannot be read: there is no such file\. Correct its path, .*\.$/,
    ],
    ['folder.xml', 'APP_UNREADABLE', /it is a folder/],
    ['good.xml/x', 'APP_UNREADABLE', /a part of its path is no folder/],
    ['dangling.xml', 'APP_UNREADABLE', /there is no such file/],
    ['round.xml', 'APP_UNREADABLE', /its links lead round and round/],
    ['pipe.xml', 'APP_UNREADABLE', /it is no ordinary file/],
    ['large.xml', 'APP_UNREADABLE', /5368709120 bytes/],
    ['', 'INVALID_PARAMETERS', /filename/],
    ['nul\0.xml', 'APP_UNREADABLE', /cannot be read/],
    ['x'.repeat(300), 'APP_UNREADABLE', /its name is too long/],
    ['/etc/passwd', 'APP_OUTSIDE', /Move it there, or send its text with plushLoadAppXml/],
    ['/etc/no-such-file', 'APP_OUTSIDE', /not below/],
    ['../outside/secret.xml', 'APP_OUTSIDE', /not below/],
    ['../outside/missing.xml', 'APP_OUTSIDE', /not below/],
    ['../apps-beside/secret.xml', 'APP_OUTSIDE', /not below/],
    ['folder.xml/../../outside/secret.xml', 'APP_OUTSIDE', /not below/],
    ['link.xml', 'APP_OUTSIDE', /not below/],
    ['link-folder/secret.xml', 'APP_OUTSIDE', /not below/],
    ['link-folder/missing.xml', 'APP_OUTSIDE', /not below/],
    ['zero.xml', 'APP_OUTSIDE', /not below/],
  ])('refuses %j', async (file, symbol, message) => {
    const fault = await refusal(file);
    expect(fault).toMatchObject({ symbol });
    expect(fault.message).toMatch(message);
    expect(fault.message.length).toBeLessThan(1000);
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  });

  it.each([
    ['a name', () => 'good.xml'],
    ['a name with dots that stays inside', () => './folder.xml/../good.xml'],
    ['a whole path', () => join(scratch.dir, 'apps', 'good.xml')],
    ['a link that stays inside', () => 'inner-link.xml'],
  ])('takes %s', async (_what, file) => {
    expect(await plushd.call('plushLoadApp', file())).toBe('good');
  });

  it('keeps what was loaded before when the next file is wrong', async () => {
    await plushd.call('plushLoadApp', 'good.xml');
    await undisturbed(plushd, scratch, async () => {
      await plushd.call('plushLoadApp', 'good.xml');
      await refusal('text.txt');
      expect((await plushd.call('plushInfoControl')).loaded_app).toBe('good');
    });
  });
});

it.each([
  ['an empty text', ''],
  ['half a file', '<plush><project name="a">'],
  [
    'a bomb of entities',
    '<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]><plush>&c;</plush>',
  ],
  ['depth without end', '<plush>'.repeat(20_000)],
  ['many errors', `<plush><project name="a">${'<nonsense/>'.repeat(5_000)}</project></plush>`],
  ['an odd encoding', '<?xml version="1.0" encoding="EBCDIC"?><plush/>'],
])('tells all that is wrong with %s, without loading it', async (_what, xml) => {
  const diagnostics = await plushd.call('plushValidateApp', xml);
  expect(diagnostics.length).toBeGreaterThan(0);
  expect(diagnostics.length).toBeLessThanOrEqual(1000);
  for (const { severity, line, column, message } of diagnostics) {
    expect(severity).toBe('error');
    expect(line).toBeGreaterThan(0);
    expect(column).toBeGreaterThan(0);
    expect(message).toMatch(/^\S+ \S+ \S+/);
  }
  await expect(plushd.call('plushLoadAppXml', xml)).rejects.toMatchObject({ symbol: 'APP_INVALID' });
});
