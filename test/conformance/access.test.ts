import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createLocalAccess } from '../../src/drivers/local/access.ts';
import { waitFor } from '../harness/wait.ts';
import { AMPLE_MS, describeSessions, MEGABYTE, MORE_THAN_BUFFERS, Source } from './session-bench.ts';

describeSessions('127.0.11', ({ session, at, exec, endless, listen }) => {
  describe('running a command', () => {
    it('gives its exit code and what it wrote', async () => {
      const result = await exec('echo out; echo err >&2; exit 7');
      expect(result).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    });

    it('gives the signal that ended it', async () => {
      expect(await exec('kill -TERM $$')).toEqual({ signal: 'SIGTERM', stdout: '', stderr: '' });
    });

    it('tells the code of a command that is not there', async () => {
      expect(await exec('/no/such/program')).toMatchObject({
        code: 127,
        stderr: expect.stringContaining('/no/such'),
      });
    });

    it('gives it an empty input when none is given', async () => {
      expect(await exec('cat; echo end')).toMatchObject({ code: 0, stdout: 'end\n' });
    });

    it.each([
      ['a string', 'some text'],
      ['a buffer', Buffer.from('some text')],
    ])('hands it %s as input', async (_kind, stdin) => {
      expect(await exec('cat', { stdin })).toMatchObject({ code: 0, stdout: 'some text' });
    });

    it('hands it megabytes unharmed', async () => {
      const bytes = randomBytes(5 * MEGABYTE);
      const digest = createHash('sha256').update(bytes).digest('hex');
      const result = await exec('sha256sum', {
        stdin: Readable.from([bytes.subarray(0, MEGABYTE), bytes.subarray(MEGABYTE)]),
      });
      expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining(digest) });
    });

    it('holds the input back while the command does not read', async () => {
      const source = new Source(MORE_THAN_BUFFERS);
      const go = at('go');
      const running = exec(`until [ -e ${go} ]; do sleep 0.05; done; wc -c`, { stdin: source });
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      writeFileSync(go, '');
      expect(await running).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(String(MORE_THAN_BUFFERS)),
      });
    });

    it('lets go of an input that the command does not want', async () => {
      const source = new Source(MORE_THAN_BUFFERS);
      expect(await exec('exit 3', { stdin: source })).toMatchObject({ code: 3 });
      expect(source.destroyed).toBe(true);
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
    });

    it('fails when its input breaks off', async () => {
      const source = new Readable({ read: () => undefined });
      const running = exec('cat', { stdin: source });
      source.push('half of ');
      source.destroy(new Error('the disk is gone'));
      await expect(running).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('the disk is gone'),
      });
    });

    it('keeps the beginning of a long output and waits for its end', async () => {
      const result = await exec('head -c 3000000 /dev/zero | tr "\\0" x; echo done >&2', {
        maxOutputBytes: 1000,
      });
      expect(result).toEqual({ code: 0, stdout: 'x'.repeat(1000), stderr: 'done\n' });
    });

    it('keeps characters whole that arrive in pieces', async () => {
      const { stdout } = await exec("printf '\\303'; sleep 0.1; printf '\\251'");
      expect(stdout).toBe('é');
    });

    it('gives up at the deadline', async () => {
      const running = exec(endless('slow'), { timeoutMs: 300 });
      await expect(running).rejects.toMatchObject({ name: 'AccessError', code: 'timeout' });
      expect(await exec('echo still here')).toMatchObject({ stdout: 'still here\n' });
    });

    it('runs several at once', async () => {
      const results = await Promise.all(Array.from({ length: 12 }, (_, i) => exec(`echo ${i}`)));
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 12 }, (_, i) => i));
    });
  });

  describe('leaving a daemon behind', () => {
    const isAlive = (file: string) => {
      process.kill(Number(readFileSync(file, 'utf8')), 0);
      return true;
    };

    it('ends the call as soon as enough was seen', async () => {
      const daemon = endless('daemon', 'ready');
      const result = await exec(`sh -c '${daemon}' & wait`, {
        until: (text: string) => text.includes('ready\n'),
      });
      expect(result).toEqual({ stdout: 'ready\n', stderr: '' });
    });

    it('leaves the daemon alone, also when the session ends', async () => {
      const daemon = endless('survivor', 'ready');
      await exec(`setsid sh -c '${daemon}' & wait`, {
        until: (text: string) => text.includes('ready\n'),
      });
      await exec('true');
      session().close();
      await session().closed;
      expect(await waitFor('the daemon', () => isAlive(at('survivor')))).toBe(true);
    });

    it('gives the whole result when the command ends before enough was seen', async () => {
      expect(await exec('echo no; exit 4', { until: () => false })).toEqual({
        code: 4,
        stdout: 'no\n',
        stderr: '',
      });
    });

    it('fails with the error of a judgement that throws', async () => {
      const until = () => {
        throw new Error('unreadable');
      };
      await expect(exec('echo x; sleep 1', { until })).rejects.toThrow('unreadable');
    });
  });

  describe('closing', () => {
    it('settles the promise of the end, once', async () => {
      session().close();
      session().close();
      expect(await session().closed).toMatchObject({ name: 'AccessError', code: 'closed' });
    });

    it('ends a command that is waited for', async () => {
      const started = at('pending');
      const running = exec(endless('pending'));
      await waitFor('the command', () => existsSync(started));
      session().close();
      await expect(running).rejects.toMatchObject({ code: 'closed' });
    });

    it('ends open streams with an error', async () => {
      const path = await listen('open', (socket) => socket.on('end', () => socket.end()).resume());
      const stream = await session().dial(path, AMPLE_MS);
      const failed = once(stream, 'error');
      session().close();
      expect(await failed).toMatchObject([{ code: 'closed' }]);
    });

    it('refuses what is asked afterwards', async () => {
      session().close();
      await expect(exec('true')).rejects.toMatchObject({ code: 'closed' });
      await expect(session().dial(at('any'), AMPLE_MS)).rejects.toMatchObject({ code: 'closed' });
    });
  });
});

describe('local nodes', () => {
  it('have a folder of their own each, which their commands are told of', async () => {
    const access = createLocalAccess({ baseDir: '/base' });
    const names = ['one', 'one:2', '../up'];
    const bases: (string | undefined)[] = [];
    for (const hostname of names) {
      const session = await access.open({ hostname, type: 'local' }, AMPLE_MS);
      const { stdout } = await session.exec('echo "$PLUSH_BASE"', { timeoutMs: AMPLE_MS });
      expect(stdout.trim()).toBe(session.env.PLUSH_BASE);
      bases.push(session.env.PLUSH_BASE);
      session.close();
    }
    expect(bases).toEqual(['/base/one', '/base/one%3A2', '/base/%2E.%2Fup']);
  });

  it('keep the environment of the controller from their commands', async () => {
    process.env.PLUSH_TEST_SECRET = 'secret';
    const session = await createLocalAccess({ baseDir: '/base' }).open(
      { hostname: 'one', type: 'local' },
      AMPLE_MS,
    );
    const { stdout } = await session.exec('env', { timeoutMs: AMPLE_MS });
    session.close();
    delete process.env.PLUSH_TEST_SECRET;
    expect(stdout).toContain('PATH=');
    expect(stdout).not.toContain('PLUSH_TEST_SECRET');
  });
});
