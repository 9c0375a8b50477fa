import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ExecOptions, ExecResult, NodeSession } from '../../src/drivers/access.ts';
import { createLocalAccess } from '../../src/drivers/local/access.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo, nodeAt } from '../harness/ssh-access.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';

/** Ample for anything that is expected to happen, even on a busy machine. */
export const AMPLE_MS = 25_000;

export const MEGABYTE = 1024 * 1024;

/** More than every buffer on the way together, so that a producer must be held back. */
export const MORE_THAN_BUFFERS = 48 * MEGABYTE;

/** Longer than any test, and an end all the same if the test cannot end it. */
const ENDLESS_S = 60;

interface Implementation {
  /** Connects to the node under test. */
  open(): Promise<NodeSession>;
  end(): Promise<void>;
}

async function overSsh(scratch: Scratch, subnet: Subnet): Promise<Implementation> {
  const sshd: Sshd = await startSshd(scratch, { subnet });
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

type Subnet = `127.${number}.${number}`;

/** What a test works with; all of it is cleared away after the test. */
export interface SessionBench {
  /** The test's own session. */
  session(): NodeSession;
  /** A path on the node, which is this machine. */
  at(name: string): string;
  exec(command: string, options?: Partial<ExecOptions>): Promise<ExecResult>;
  /** A command that writes its pid to `name`, then says `words`, and goes on until the test ends it. */
  endless(name: string, words?: string): string;
  /** Ends the process whose pid is in the file, when the test is over. */
  endLater(file: string): void;
  /** Listens on a Unix socket and gives its path. Connections stay open for writing when the other side has ended. */
  listen(name: string, onConnection: (socket: Socket) => void): Promise<string>;
  /** Ends the listener that was started last. */
  stopListening(): Promise<void>;
}

/** Holds every implementation of NodeAccess to the same tests. */
export function describeSessions(subnet: Subnet, body: (bench: SessionBench) => void): void {
  describe.each([
    ['ssh', overSsh],
    ['local', onThisMachine],
  ])('a session over %s', (_name, implementation) =>
    body(makeBench((scratch) => implementation(scratch, subnet))),
  );
}

function makeBench(start: (scratch: Scratch) => Promise<Implementation>): SessionBench {
  let scratch: Scratch;
  let under: Implementation;
  let session: NodeSession;
  let servers: Server[];
  let sockets: Socket[];
  let leftovers: string[];

  beforeAll(async () => {
    scratch = makeScratch();
    under = await start(scratch);
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
    await Promise.all(servers.map(closeServer));
  });

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

  return {
    session: () => session,
    at: (name) => scratch.path(name),
    exec: (command, options = {}) => session.exec(command, { timeoutMs: AMPLE_MS, ...options }),
    endless(name, words = '') {
      const file = scratch.path(name);
      leftovers.push(file);
      return `echo $$ > ${file}; echo ${words}; exec sleep ${ENDLESS_S}`;
    },
    endLater: (file) => leftovers.push(file),
    listen,
    async stopListening() {
      const server = servers.pop();
      if (server !== undefined) await closeServer(server);
    },
  };
}

function closeServer(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Produces `total` bytes as fast as they are taken, and counts them. */
export class Source extends Readable {
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
