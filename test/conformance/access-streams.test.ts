import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { linkSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { waitFor } from '../harness/wait.ts';
import { AMPLE_MS, describeSessions, MEGABYTE, MORE_THAN_BUFFERS, Source } from './session-bench.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

describeSessions('127.0.19', ({ session, at, endless, endLater, listen, stopListening }) => {
  describe('dialling a socket', () => {
    it('carries megabytes both ways', async () => {
      const path = await listen('echo', (socket) => socket.pipe(socket));
      const stream = await session().dial(path, AMPLE_MS);
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
      const stream = await session().dial(path, AMPLE_MS);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      expect((await buffer(stream)).length).toBe(MORE_THAN_BUFFERS);
    });

    it('holds the writer back while the peer does not read', async () => {
      const path = await listen('deaf', (socket) => socket.pause());
      const stream = await session().dial(path, AMPLE_MS);
      const source = new Source(MORE_THAN_BUFFERS);
      source.pipe(stream);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      stream.destroy();
    });

    it('ends with what was sent before when the peer ends', async () => {
      const path = await listen('brief', (socket) => socket.end('farewell'));
      const stream = await session().dial(path, AMPLE_MS);
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
      const stream = await session().dial(path, AMPLE_MS);
      stream.write(Buffer.alloc(MEGABYTE));
      stream.end('last words');
      expect((await buffer(stream)).toString()).toBe(String(MEGABYTE + 10));
    });

    it('closes at the peer when it is destroyed here', async () => {
      let peer: Socket | undefined;
      const path = await listen('hangup', (socket) => {
        peer = socket.on('end', () => socket.end()).resume();
      });
      const stream = await session().dial(path, AMPLE_MS);
      const socket = await waitFor('the connection', () => peer);
      stream.destroy();
      await once(socket, 'close');
      expect(stream.destroyed).toBe(true);
    });

    it('says that nobody listens when there is no socket', async () => {
      const path = at('nothing');
      await expect(session().dial(path, AMPLE_MS)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'not_listening',
        message: expect.stringContaining(path),
      });
    });

    it('says that nobody listens on the socket of a dead process', async () => {
      const path = await listen('dying', (socket) => socket.end());
      linkSync(path, at('stale'));
      await stopListening();
      await expect(session().dial(at('stale'), AMPLE_MS)).rejects.toMatchObject({
        code: 'not_listening',
      });
    });

    it.each(['/tmp/'.padEnd(200, 'x'), 'relative', '/tmp/a\0b'])('refuses the path %j', async (path) => {
      await expect(session().dial(path, AMPLE_MS)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'failed',
      });
    });
  });

  describe('piping to a command', () => {
    it('carries megabytes both ways', async () => {
      const stream = await session().pipe('exec cat', AMPLE_MS);
      const bytes = randomBytes(5 * MEGABYTE);
      stream.end(bytes);
      expect((await buffer(stream)).equals(bytes)).toBe(true);
    });

    it('delivers all that waited while nobody read', async () => {
      const command = `head -c ${MORE_THAN_BUFFERS} /dev/zero`;
      const stream = await session().pipe(command, AMPLE_MS);
      await waitFor('the stream to be full', () => stream.readableLength >= stream.readableHighWaterMark);
      expect(stream.readableLength).toBeLessThan(MORE_THAN_BUFFERS);
      expect((await buffer(stream)).length).toBe(MORE_THAN_BUFFERS);
    });

    it('holds the writer back while the command does not read', async () => {
      const stream = await session().pipe(endless('deaf'), AMPLE_MS);
      const source = new Source(MORE_THAN_BUFFERS);
      source.pipe(stream);
      await waitFor('the source to be held back', () => source.isPaused());
      expect(source.produced).toBeLessThan(MORE_THAN_BUFFERS);
      stream.destroy();
    });

    it('ends with what the command wrote when it ends, whatever it left unread', async () => {
      const stream = await session().pipe('echo farewell', AMPLE_MS);
      const closed = once(stream, 'close');
      stream.write(Buffer.alloc(MEGABYTE));
      expect((await buffer(stream)).toString()).toBe('farewell\n');
      await closed;
    });

    it("fails with the command's own words", async () => {
      const stream = await session().pipe('echo half; echo no such thing >&2; exit 3', AMPLE_MS);
      await expect(buffer(stream)).rejects.toMatchObject({
        name: 'AccessError',
        code: 'failed',
        message: 'no such thing',
      });
    });

    it('says how a command ended that said nothing', async () => {
      const stream = await session().pipe('kill -KILL $$', AMPLE_MS);
      await expect(buffer(stream)).rejects.toMatchObject({ message: expect.stringContaining('KILL') });
    });

    it('ends the command when it is destroyed', async () => {
      const file = at('piped');
      endLater(file);
      const stream = await session().pipe(`echo $$ > ${file}; echo ready; exec cat`, AMPLE_MS);
      await once(stream, 'data');
      stream.destroy();
      await waitFor('the command to end', () => !isAlive(Number(readFileSync(file, 'utf8'))));
    });

    it('ends with an error when the session ends', async () => {
      const stream = await session().pipe('exec cat', AMPLE_MS);
      const failed = once(stream, 'error');
      session().close();
      expect(await failed).toMatchObject([{ code: 'closed' }]);
      await expect(session().pipe('exec cat', AMPLE_MS)).rejects.toMatchObject({ code: 'closed' });
    });
  });
});
