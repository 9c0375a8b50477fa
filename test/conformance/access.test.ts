import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, linkSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { NodeSession } from '../../src/drivers/access.ts';
import { createLocalAccess } from '../../src/drivers/local/access.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo, nodeAt } from '../harness/ssh-access.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

/** Ample for anything that is expected to happen, even on a busy machine. */
const AMPLE_MS = 25_000;

const MEGABYTE = 1024 * 1024;

/** More than every buffer on the way together, so that a producer must be held back. */
const MORE_THAN_BUFFERS = 48 * MEGABYTE;

interface Implementation {
  /** Connects to the node under test. */
  open(): Promise<NodeSession>;
  end(): Promise<void>;
}

async function overSsh(scratch: Scratch): Promise<Implementation> {
  const sshd: Sshd = await startSshd(scratch, { subnet: '127.0.11' });
  const access = accessTo(scratch, sshd);
  return { open: () => access.open(nodeAt(sshd), AMPLE_MS), end: () => sshd.kill() };
}

async function onThisMachine(scratch: Scratch): Promise<Implementation> {
  const access = createLocalAccess({ baseDir: scratch.path('base') });
  return {
    open: () => access.open({ hostname: 'here', type: 'local' }, AMPLE_MS),
    end: async () => undefined,
  };
}

/** Produces `total` bytes as fast as they are taken, and counts them. */
class Source extends Readable {
  produced = 0;

  constructor(private readonly total: number) {
    super();
  }

  override _read(): void {
    const size = Math.min(64 * 1024, this.total - this.produced);
    this.produced += size;
    this.push(size === 0 ? null : Buffer.alloc(size, 'x'));
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe.each([
  ['ssh', overSsh],
  ['local', onThisMachine],
])('a session over %s', (_name, implementation) => {
  let scratch: Scratch;
  let under: Implementation;
  let session: NodeSession;
  let servers: Server[];
  let sockets: Socket[];
  let leftovers: string[];

  beforeAll(async () => {
    scratch = makeScratch();
    under = await implementation(scratch);
  });

  afterAll(async () => {
    await under.end();
    await scratch.remove();
  });

  beforeEach(async () => {
    servers = [];
    sockets = [];
    leftovers = [];
    session = await under.open();
  });

  afterEach(async () => {
    session.close();
    for (const file of leftovers) {
      if (existsSync(file)) killIfAlive(Number(readFileSync(file, 'utf8')));
    }
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  const exec = (command: string, options = {}) => session.exec(command, { timeoutMs: AMPLE_MS, ...options });

  /** A command that goes on until the test ends it. */
  const endless = (name: string): string => {
    const file = scratch.path(name);
    leftovers.push(file);
    return `echo $$ > ${file}; exec sleep 600`;
  };

  const listen = async (name: string, onConnection: (socket: Socket) => void): Promise<string> => {
    const path = scratch.path(name);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      // A stream that is destroyed here may reset the connection there.
      sockets.push(socket.on('error', () => socket.destroy()));
      onConnection(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return path;
  };

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
      const go = scratch.path('go');
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
      const daemon = endless('daemon');
      const result = await exec(`sh -c 'echo ready; ${daemon}' & wait`, {
        until: (text: string) => text.includes('ready\n'),
      });
      expect(result).toEqual({ stdout: 'ready\n', stderr: '' });
    });

    it('leaves the daemon alone, also when the session ends', async () => {
      const daemon = endless('survivor');
      await exec(`setsid sh -c 'echo ready; ${daemon}' & wait`, {
        until: (text: string) => text.includes('ready\n'),
      });
      await exec('true');
      session.close();
      await session.closed;
      expect(await waitFor('the daemon', () => isAlive(scratch.path('survivor')))).toBe(true);
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

  describe('dialling a socket', () => {
    it('carries megabytes both ways', async () => {
      const path = await listen('echo', (socket) => socket.pipe(socket));
      const stream = await session.dial(path, AMPLE_MS);
      const bytes = randomBytes(5 * MEGABYTE);
      const answer: Buffer[] = [];
      let length = 0;
      stream.write(bytes);
      for await (const chunk of stream) {
        answer.push(chunk);
        length += chunk.length;
        if (length === bytes.length) break;
      }
      expect(Buffer.concat(answer).equals(bytes)).toBe(true);
    });

    it('holds the peer back while nobody reads', async () => {
      const source = new Source(MORE_THAN_BUFFERS);
      const path = await listen('flood', (socket) => source.pipe(socket));
      const stream = await session.dial(path, AMPLE_MS);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      expect((await buffer(stream)).length).toBe(MORE_THAN_BUFFERS);
    });

    it('holds the writer back while the peer does not read', async () => {
      const path = await listen('deaf', (socket) => socket.pause());
      const stream = await session.dial(path, AMPLE_MS);
      const source = new Source(MORE_THAN_BUFFERS);
      source.pipe(stream);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      stream.destroy();
    });

    it('ends with what was sent before when the peer ends', async () => {
      const path = await listen('brief', (socket) => socket.end('farewell'));
      const stream = await session.dial(path, AMPLE_MS);
      const closed = once(stream, 'close');
      expect((await buffer(stream)).toString()).toBe('farewell');
      await closed;
    });

    it('delivers what was written before our end, and the answer to it', async () => {
      const path = await listen('count', (socket) => {
        let length = 0;
        socket.on('data', (chunk) => (length += chunk.length));
        socket.on('end', () => socket.end(String(length)));
      });
      const stream = await session.dial(path, AMPLE_MS);
      stream.write(Buffer.alloc(MEGABYTE));
      stream.end('last words');
      expect((await buffer(stream)).toString()).toBe(String(MEGABYTE + 10));
    });

    it('closes at the peer when it is destroyed here', async () => {
      let peer: Socket | undefined;
      const path = await listen('hangup', (socket) => {
        peer = socket.on('end', () => socket.end()).resume();
      });
      const stream = await session.dial(path, AMPLE_MS);
      const socket = await waitFor('the connection', () => peer);
      stream.destroy();
      await once(socket, 'close');
      expect(stream.destroyed).toBe(true);
    });

    it('says that nobody listens when there is no socket', async () => {
      const path = scratch.path('nothing');
      await expect(session.dial(path, AMPLE_MS)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'not_listening',
        message: expect.stringContaining(path),
      });
    });

    it('says that nobody listens on the socket of a dead process', async () => {
      const path = await listen('dying', (socket) => socket.end());
      linkSync(path, scratch.path('stale'));
      await new Promise((resolve) => servers.pop()?.close(resolve));
      await expect(session.dial(scratch.path('stale'), AMPLE_MS)).rejects.toMatchObject({
        code: 'not_listening',
      });
    });

    it.each(['/tmp/'.padEnd(200, 'x'), 'relative', '/tmp/a\0b'])('refuses the path %j', async (path) => {
      await expect(session.dial(path, AMPLE_MS)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'failed',
      });
    });
  });

  describe('piping to a command', () => {
    it('carries megabytes both ways', async () => {
      const stream = await session.pipe('exec cat', AMPLE_MS);
      const bytes = randomBytes(5 * MEGABYTE);
      stream.end(bytes);
      expect((await buffer(stream)).equals(bytes)).toBe(true);
    });

    it('holds the command back while nobody reads', async () => {
      const count = scratch.path('count');
      const command = `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do head -c 4194304 /dev/zero; echo $i > ${count}; done`;
      const stream = await session.pipe(command, AMPLE_MS);
      await waitFor('the stream to have bytes', () => stream.readableLength > 0);
      const read = buffer(stream);
      expect((await read).length).toBe(12 * 4 * MEGABYTE);
    });

    it('holds the writer back while the command does not read', async () => {
      const stream = await session.pipe(endless('deaf'), AMPLE_MS);
      const source = new Source(MORE_THAN_BUFFERS);
      source.pipe(stream);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      stream.destroy();
    });

    it('ends with what the command wrote when it ends, whatever it left unread', async () => {
      const stream = await session.pipe('echo farewell', AMPLE_MS);
      const closed = once(stream, 'close');
      stream.write(Buffer.alloc(MEGABYTE));
      expect((await buffer(stream)).toString()).toBe('farewell\n');
      await closed;
    });

    it("fails with the command's own words", async () => {
      const stream = await session.pipe('echo half; echo no such thing >&2; exit 3', AMPLE_MS);
      await expect(buffer(stream)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'failed',
        message: 'no such thing',
      });
    });

    it('says how a command ended that said nothing', async () => {
      const stream = await session.pipe('kill -KILL $$', AMPLE_MS);
      await expect(buffer(stream)).rejects.toMatchObject({ message: expect.stringContaining('KILL') });
    });

    it("ends the command's input when it is destroyed", async () => {
      const mark = scratch.path('input-ended');
      const stream = await session.pipe(`echo ready; cat; : > ${mark}`, AMPLE_MS);
      await once(stream, 'data');
      stream.destroy();
      if (_name === 'ssh') await waitFor('the end of the input', () => existsSync(mark));
      expect(stream.destroyed).toBe(true);
    });

    it('ends with an error when the session ends', async () => {
      const stream = await session.pipe('exec cat', AMPLE_MS);
      const failed = once(stream, 'error');
      session.close();
      expect(await failed).toMatchObject([{ code: 'closed' }]);
      await expect(session.pipe('exec cat', AMPLE_MS)).rejects.toMatchObject({ code: 'closed' });
    });
  });

  describe('closing', () => {
    it('settles the promise of the end, once', async () => {
      session.close();
      session.close();
      expect(await session.closed).toMatchObject({ name: 'AccessError', code: 'closed' });
    });

    it('ends a command that is waited for', async () => {
      const started = scratch.path('pending');
      const running = exec(endless('pending'));
      await waitFor('the command', () => existsSync(started));
      session.close();
      await expect(running).rejects.toMatchObject({ code: 'closed' });
    });

    it('ends open streams with an error', async () => {
      const path = await listen('open', (socket) => socket.on('end', () => socket.end()).resume());
      const stream = await session.dial(path, AMPLE_MS);
      const failed = once(stream, 'error');
      session.close();
      expect(await failed).toMatchObject([{ code: 'closed' }]);
    });

    it('refuses what is asked afterwards', async () => {
      session.close();
      await expect(exec('true')).rejects.toMatchObject({ code: 'closed' });
      await expect(session.dial(scratch.path('any'), AMPLE_MS)).rejects.toMatchObject({ code: 'closed' });
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
