import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo } from '../harness/ssh-access.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

const AMPLE_MS = 25_000;

describe('reading a file of a machine', () => {
  let scratch: Scratch;
  let sshd: Sshd;

  beforeAll(async () => {
    scratch = makeScratch();
    sshd = await startSshd(scratch, { subnet: '127.0.15' });
  });

  afterAll(async () => {
    await sshd.kill();
    await scratch.remove();
  });

  const read = (path: string, timeoutMs = AMPLE_MS) =>
    accessTo(scratch, sshd).readFile(
      { host: '127.0.15.1', port: sshd.port, user: sshd.user, path },
      timeoutMs,
    );

  const hangups = () => sshd.log().match(/Disconnected from user/g)?.length ?? 0;

  it('gives its bytes and ends the connection', async () => {
    const bytes = randomBytes(5_000_000);
    const path = scratch.path("a file's name");
    writeFileSync(path, bytes);
    const before = hangups();
    expect((await buffer(await read(path))).equals(bytes)).toBe(true);
    await waitFor('the end of the connection', () => hangups() > before);
  });

  it('gives nothing for an empty file', async () => {
    writeFileSync(scratch.path('empty'), '');
    expect(await text(await read(scratch.path('empty')))).toBe('');
  });

  it.each([
    ['is not there', 'none', 'No such file'],
    ['is a folder', 'folder', 'Is a directory'],
  ])("fails with the machine's words when the file %s", async (_what, name, words) => {
    mkdirSync(scratch.path('folder'), { recursive: true });
    const failing = read(scratch.path(name));
    await expect(failing).rejects.toMatchObject({ name: 'AccessError', code: 'failed' });
    await expect(failing).rejects.toThrow(words);
  });

  it('takes no file name for an option', async () => {
    await expect(read('--version')).rejects.toMatchObject({ code: 'failed' });
  });

  it('gives up on a file that never begins', async () => {
    execFileSync('mkfifo', [scratch.path('fifo')]);
    await expect(read(scratch.path('fifo'), 1_500)).rejects.toMatchObject({ code: 'timeout' });
    writeFileSync(scratch.path('fifo'), 'let the reader go');
  });

  it('ends the connection when the reader goes away', async () => {
    const before = hangups();
    const file = await read('/dev/zero');
    file.destroy();
    await waitFor('the end of the connection', () => hangups() > before);
  });

  it('breaks off with an error when the connection does', async () => {
    const file = await read('/dev/zero');
    file.resume();
    await sshd.kill();
    await expect(new Promise((_, reject) => file.once('error', reject))).rejects.toMatchObject({
      code: 'closed',
    });
    await sshd.start();
  });
});
