import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { ensureToken, TokenFileError } from '../../src/drivers/token-file.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { startScript } from '../harness/script.ts';

let scratch: Scratch;
let file: string;

beforeEach(() => {
  scratch = makeScratch();
  file = scratch.path('state', 'token');
});

afterEach(() => scratch.remove());

const refusal = (code: string) =>
  expect.objectContaining({ name: 'TokenFileError', code, message: expect.stringContaining(file) });

describe('the token file', () => {
  it('is made with a random token that only its owner may read, and read the next time', () => {
    const made = ensureToken(file);
    expect(made).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/), created: true });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(`${made.token}\n`);
    expect(ensureToken(file)).toEqual({ token: made.token, created: false });
    expect(readdirSync(scratch.path('state'))).toEqual(['token']);
    expect(ensureToken(scratch.path('other')).token).not.toBe(made.token);
  });

  it('may be written by hand, with white space around the token', () => {
    writeFileSync(file, '\ufeff  my:own/token=+~ \r\n\n', { mode: 0o600 });
    expect(ensureToken(file)).toEqual({ token: 'my:own/token=+~', created: false });
  });

  it.each([0o644, 0o640, 0o604, 0o620])('of mode %o is closed to others, with a warning', (mode) => {
    writeFileSync(file, 'secret\n');
    chmodSync(file, mode);
    expect(ensureToken(file)).toEqual({
      token: 'secret',
      created: false,
      warning: expect.stringContaining(file),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ensureToken(file).warning).toBeUndefined();
  });

  it.each([
    ['empty', 'nothing', ''],
    ['empty', 'white space', ' \n\t\n'],
    ['malformed', 'two lines', 'one\ntwo\n'],
    ['malformed', 'a space', 'one two\n'],
    ['malformed', 'a letter that no header carries', 'pässword\n'],
    ['malformed', 'a control character', 'a\u0000b\n'],
    ['malformed', 'far too much', 'x'.repeat(5_000)],
  ])('is refused as %s when it holds %s, and is left as it is', (code, _what, text) => {
    writeFileSync(file, text, { mode: 0o600 });
    expect(() => ensureToken(file)).toThrow(refusal(code));
    expect(() => ensureToken(file)).toThrow(TokenFileError);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('is refused when it is a folder, lies in none, or is a link to nothing', () => {
    expect(() => ensureToken(`${file}/missing/token`)).toThrow(refusal('not_writable'));
    mkdirSync(file);
    expect(() => ensureToken(file)).toThrow(refusal('malformed'));
    file = scratch.path('link');
    symlinkSync('/nonexistent/token', file);
    expect(() => ensureToken(file)).toThrow(refusal('not_readable'));
  });

  it('is the same for all processes that start at once', async () => {
    const source = `
      import { ensureToken, TokenFileError } from './src/drivers/token-file.ts';
      const { token, created } = ensureToken(process.argv[2]);
      console.log(JSON.stringify([token, created]));
    `;
    const scripts = Array.from({ length: 4 }, () => startScript(scratch, source, { args: [file] }));
    const results = await Promise.all(scripts.map(async (script) => JSON.parse(await script.line(0))));
    const tokens = new Set(results.map(([token]) => token));
    expect([...tokens]).toEqual([readFileSync(file, 'utf8').trim()]);
    expect(results.filter(([, created]) => created).length).toBe(1);
    await Promise.all(scripts.map((script) => script.ended));
  });
});
