import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { NodeSpec } from '../../api/spec.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo, nodeAt } from '../harness/ssh-access.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

const AMPLE_MS = 25_000;

/** For attempts that are to run into their deadline. */
const SHORT_MS = 300;

describe('a connection over SSH', () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let servers: Server[];
  let sockets: Socket[];

  beforeEach(async () => {
    servers = [];
    sockets = [];
    scratch = makeScratch();
    sshd = await startSshd(scratch, { subnet: '127.0.14', addresses: 50 });
  });

  afterEach(async () => {
    await sshd.kill();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    await scratch.remove();
  });

  const open = (node: Partial<NodeSpec> = {}, timeoutMs = AMPLE_MS) =>
    accessTo(scratch, sshd).open({ ...nodeAt(sshd), ...node }, timeoutMs);

  /** Something that takes connections on a port of 127.0.14.1. */
  const listen = async (onConnection: (socket: Socket) => unknown): Promise<number> => {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => socket.destroy()));
      onConnection(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.14.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  it('takes the port in the hostname for a part of the name', async () => {
    const session = await open({ hostname: '127.0.14.1:4000' });
    session.close();
  });

  it('is counted from its login to its end, whoever ends it', async () => {
    const access = accessTo(scratch, sshd);
    const [first, second] = await Promise.all([
      access.open(nodeAt(sshd), AMPLE_MS),
      access.open(nodeAt(sshd), AMPLE_MS),
    ]);
    expect(access.connections).toBe(2);
    first.close();
    await waitFor('one to be left', () => access.connections === 1);
    await second.exec('kill -KILL "$PPID"', { timeoutMs: AMPLE_MS }).catch(() => undefined);
    await waitFor('none to be left', () => access.connections === 0);
    await access.open(nodeAt(sshd), 1).catch(() => undefined);
    expect(access.connections).toBe(0);
  });

  it('reaches fifty machines at once', async () => {
    const access = accessTo(scratch, sshd);
    const lengths = await Promise.all(
      sshd.addresses.map(async (address) => {
        const session = await access.open(nodeAt(sshd, address), AMPLE_MS);
        const { stdout } = await session.exec('echo "$SSH_CONNECTION"', { timeoutMs: AMPLE_MS });
        session.close();
        return stdout.split(' ')[2];
      }),
    );
    expect(lengths).toEqual(sshd.addresses);
  });

  it('says that nothing listens', async () => {
    await sshd.kill();
    await expect(open()).rejects.toMatchObject({
      name: 'AccessError',
      code: 'refused',
      message: `Nothing listens on 127.0.14.1 port ${sshd.port} (SSH)`,
    });
  });

  it.each(['no-such-host.invalid', 'two words', '', '[::1'])(
    'says that the name %j does not lead anywhere',
    async (hostname) => {
      await expect(open({ hostname })).rejects.toMatchObject({ name: 'AccessError', code: 'unresolved' });
    },
  );

  it('refuses a port that cannot be', async () => {
    await expect(open({ ssh_port: 70_000 })).rejects.toMatchObject({ name: 'AccessError', code: 'failed' });
  });

  it('gives up on a listener that never speaks', async () => {
    const port = await listen((socket) => socket.resume());
    await expect(open({ ssh_port: port }, SHORT_MS)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('made no SSH handshake'),
    });
    await waitFor('our side to hang up', () => sockets.every((socket) => socket.destroyed));
  });

  it.each([
    ['at once', ''],
    ['after its greeting', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('says that the server hung up, when it does so %s', async (_when, greeting) => {
    const port = await listen((socket) => socket.end(greeting));
    await expect(open({ ssh_port: port })).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('hung up during the SSH handshake'),
    });
  });

  it('fails on a server that speaks something else', async () => {
    const port = await listen((socket) => {
      socket.write(`HTTP/1.1 400 Bad Request\r\n${'x'.repeat(100_000)}\r\n\r\n`);
      socket.write(Buffer.alloc(100_000));
    });
    await expect(open({ ssh_port: port }, 2_000)).rejects.toMatchObject({ name: 'AccessError' });
  });

  it('ends with everything on it when the server is killed', async () => {
    const session = await open();
    const path = scratch.path('peer');
    const peer = createServer((socket) => sockets.push(socket.on('error', () => socket.destroy()).resume()));
    servers.push(peer);
    await new Promise<void>((resolve) => peer.listen(path, resolve));
    const stream = await session.dial(path, AMPLE_MS);
    const streamEnd = once(stream, 'error');
    const running = session.exec('echo started; exec sleep 5', { timeoutMs: AMPLE_MS });
    const failed = expect(running).rejects.toMatchObject({ code: 'closed' });
    await sshd.kill();
    expect(await session.closed).toMatchObject({ name: 'AccessError', code: 'closed' });
    expect(await streamEnd).toMatchObject([{ code: 'closed' }]);
    await failed;
    await expect(session.exec('true', { timeoutMs: AMPLE_MS })).rejects.toMatchObject({ code: 'closed' });
  });

  it('notices a peer that has gone silent', async () => {
    let isFrozen = false;
    const port = await listen((socket) => {
      const far = connect(sshd.port, '127.0.14.1').on('error', () => far.destroy());
      sockets.push(far);
      socket.on('data', (chunk) => isFrozen || far.write(chunk));
      far.on('data', (chunk) => isFrozen || socket.write(chunk));
    });
    const access = accessTo(scratch, sshd, { keepaliveIntervalMs: 50, hostKeys: 'accept-new' });
    const session = await access.open({ ...nodeAt(sshd), ssh_port: port }, AMPLE_MS);
    isFrozen = true;
    expect(await session.closed).toMatchObject({ code: 'closed', message: expect.stringContaining('broke') });
  });

  it('goes on when the listener ends, which serves the next connections alone', async () => {
    const session = await open();
    await sshd.stop();
    expect(await session.exec('echo here', { timeoutMs: AMPLE_MS })).toMatchObject({ stdout: 'here\n' });
    session.close();
    await sshd.start();
    (await open()).close();
  });
});

describe('an sshd that does not forward to Unix sockets', () => {
  it.each(['AllowStreamLocalForwarding no', 'DisableForwarding yes'])(
    'is told from a socket where nobody listens: %s',
    async (line) => {
      const scratch = makeScratch();
      const sshd = await startSshd(scratch, { subnet: '127.0.16', config: [line] });
      const peer = createServer((socket) => socket.end());
      const path = scratch.path("it's a peer");
      await new Promise<void>((resolve) => peer.listen(path, resolve));
      try {
        const session = await accessTo(scratch, sshd).open(nodeAt(sshd), AMPLE_MS);
        await expect(session.dial(path, AMPLE_MS)).rejects.toMatchObject({
          name: 'AccessError',
          code: 'forwarding_refused',
          message: expect.stringContaining('AllowStreamLocalForwarding'),
        });
        await expect(session.dial(scratch.path('none'), AMPLE_MS)).rejects.toMatchObject({
          code: 'not_listening',
        });
        session.close();
      } finally {
        peer.close();
        await sshd.kill();
        await scratch.remove();
      }
    },
  );
});
