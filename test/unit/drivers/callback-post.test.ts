import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { CallbackPoster } from '../../../src/drivers/callback-post.ts';
import { waitFor } from '../../harness/wait.ts';

let server: Server;
let sockets: Socket[] = [];
let poster: CallbackPoster;
/** What the n-th connection does with its m-th request. */
let serve: (socket: Socket, connection: number, request: number) => void;

const answer = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

beforeEach(async () => {
  poster = new CallbackPoster();
  sockets = [];
  server = createTcpServer((socket) => {
    const connection = sockets.push(socket) - 1;
    let requests = 0;
    socket.on('error', () => {});
    socket.on('data', () => serve(socket, connection, requests++));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  poster.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function post(more: { keepAlive?: boolean; timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { port } = server.address() as { port: number };
  const { body } = await poster.post({
    url: `http://127.0.0.1:${port}/`,
    headers: {},
    body: '{}',
    timeoutMs: 5_000,
    keepAlive: true,
    signal: new AbortController().signal,
    ...more,
  });
  return body.toString();
}

describe('CallbackPoster', () => {
  test('uses a connection again, and another one at once where the server has closed it meanwhile', async () => {
    serve = (socket, connection, request) => {
      if (connection === 0 && request === 2) socket.resetAndDestroy();
      else socket.write(answer(`${connection}.${request}`));
    };
    expect([await post(), await post(), await post()]).toEqual(['0.0', '0.1', '1.0']);
  });

  test('opens a connection for each call where it is not to be kept', async () => {
    serve = (socket, connection, request) => socket.end(answer(`${connection}.${request}`));
    expect([await post({ keepAlive: false }), await post({ keepAlive: false })]).toEqual(['0.0', '1.0']);
  });

  test('lets a kept connection go when there is nothing to say for a while', async () => {
    serve = (socket) => socket.write(answer('well'));
    await post();
    await waitFor('the connection to end', () => sockets[0]?.readableEnded, 6_000);
  });

  test.each([
    [
      'a redirect',
      'HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n',
      /status 302/,
    ],
    ['an answer that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', /cut off/],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error|HTTP/],
    ['an answer that is too long', answer('x'.repeat(70_000)), /longer than 65536 bytes/],
  ])('takes %s for a failure', async (_what, text, words) => {
    serve = (socket) => socket.end(text);
    await expect(post()).rejects.toThrow(words);
  });

  test('gives up when the answer takes too long, also one that comes byte by byte', async () => {
    serve = () => {};
    await expect(post({ timeoutMs: 50 })).rejects.toThrow('No answer within 0.05 s');
    serve = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const dripping = setInterval(() => socket.write('x'), 5);
      socket.once('close', () => clearInterval(dripping));
    };
    await expect(post({ timeoutMs: 80 })).rejects.toThrow('No answer within 0.08 s');
  });

  test('breaks off when it is told to', async () => {
    const abort = new AbortController();
    serve = () => abort.abort();
    await expect(post({ signal: abort.signal })).rejects.toThrow('The call was given up');
    await expect(post({ signal: abort.signal })).rejects.toThrow('The call was given up');
  });
});
