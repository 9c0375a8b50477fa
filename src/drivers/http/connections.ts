import { setMaxListeners } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { HttpLimits } from './limits.ts';
import type { AddressLimit } from './per-address.ts';
import type { Unread } from './unread.ts';

/** How often it is asked whether a client that has ended its side still listens. */
const ASK_MS = 1_000;

/** A call whose body is there. */
interface Call {
  readonly response: ServerResponse;
  /** Size of the body that it keeps in memory. */
  readonly bytes: number;
  /**
   * Makes it. The promise resolves when the answer was given to `hold`, and never rejects.
   * @param hold no further call of the connection is begun before that has resolved
   */
  readonly work: (hold: (begun: Promise<void>) => void) => Promise<void>;
}

interface Connection {
  /** Aborted when it has ended. */
  readonly gone: AbortController;
  /** Answers that are not yet handed to the system, in the order in which they are due. */
  readonly due: Set<ServerResponse>;
  /** Bytes of those answers that are known already, and wait in memory for the client to read. */
  unsent: number;
  /** Calls under way. */
  running: number;
  /** The next one has to wait until one of them is further. */
  isHeld: boolean;
  /** Calls that wait for those before them. */
  readonly waiting: Call[];
  waitingBytes: number;
  /** It does not speak HTTP any more, and is ended by whoever speaks on it. */
  handedOver: boolean;
}

/**
 * Knows which connections have answers under way, so that a server can stop without cutting one, and holds back the calls
 * of a client that sends many and reads nothing.
 */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  /** With TLS: the connections below, also those whose handshake is not over. */
  readonly #raw = new Set<Socket>();
  #closing = false;

  constructor(
    private readonly server: Server,
    secure: boolean,
    private readonly limits: HttpLimits,
    private readonly unread: Unread,
    private readonly addresses: AddressLimit,
  ) {
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      const gone = new AbortController();
      // Any number of its calls may wait, which is bounded where they do.
      setMaxListeners(0, gone.signal);
      this.#open.set(socket, {
        gone,
        due: new Set(),
        unsent: 0,
        running: 0,
        isHeld: false,
        waiting: [],
        waitingBytes: 0,
        handedOver: false,
      });
      socket.once('end', () => this.#askAfter(socket));
      socket.once('close', () => {
        const connection = this.#open.get(socket);
        this.#open.delete(socket);
        connection?.waiting.splice(0);
        connection?.gone.abort();
      });
    });
    if (!secure) return;
    server.on('connection', (socket: Socket) => {
      this.#raw.add(socket);
      socket.once('close', () => this.#raw.delete(socket));
    });
  }

  /** Connections that are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Somebody with a good token is on it: it is not dropped for a newer one. */
  welcome(socket: Socket): void {
    this.addresses.welcome(socket);
  }

  /** Aborted when the connection has ended; undefined when it had already. */
  signal(socket: Socket): AbortSignal | undefined {
    return this.#open.get(socket)?.gone.signal;
  }

  /** Counts a request until its answer is sent. Answers how many the connection waits for now, with this one. */
  begin(socket: Socket, response: ServerResponse): number {
    const connection = this.#open.get(socket);
    connection?.due.add(response);
    response.on('close', () => this.#settled(socket, response));
    if (this.#closing) response.shouldKeepAlive = false;
    return connection?.due.size ?? 1;
  }

  /**
   * Makes a call once there is room for its answer: a few calls of a connection run at a time, and none is begun while
   * the client leaves too many bytes unread. Answers false when the memory set apart is full: the call is not made then.
   */
  run(socket: Socket, call: Call): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined) return true; // the client has gone, and nobody would read the answer
    if (this.#isFull(connection)) return false;
    connection.waiting.push(call);
    connection.waitingBytes += call.bytes;
    this.#runNext(connection);
    return true;
  }

  /** Counts an answer's bytes until they are sent, or never will be. */
  hold(socket: Socket, response: ServerResponse, bytes: number): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.unsent += bytes;
    this.unread.add(bytes);
    response.once('close', () => {
      connection.unsent -= bytes;
      this.unread.remove(bytes);
      this.#runNext(connection);
    });
  }

  /**
   * The connection speaks another protocol from now on. `close` leaves it alone until its time is over.
   * @returns false where answers are still due on it
   */
  handOver(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.due.size > 0) return false;
    connection.handedOver = true;
    return true;
  }

  /** Takes no new connection, lets answers under way finish for at most `graceMs`, and ends all connections. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      // Not http's own close: it destroys connections whose last answer is still on its way out.
      NetServer.prototype.close.call(this.server, () => resolve());
    });
    for (const [socket, { due, handedOver }] of this.#open) {
      if (due.size === 0 && !handedOver) socket.destroySoon();
    }
    const timer = setTimeout(() => this.#destroyAll(), graceMs);
    await closed;
    clearTimeout(timer);
    // Ends the interval that looks for slow requests; that it is not running any more is known.
    this.server.close(() => undefined);
  }

  /**
   * A client that has closed its connection looks like one that has ended its side and still reads, until something is sent
   * to it: then its system answers that nobody is there. Interim answers (RFC 9110, 15.2) are read over by all others.
   */
  #askAfter(socket: Socket): void {
    const timer = setInterval(() => {
      const connection = this.#open.get(socket);
      const [due] = connection?.due ?? [];
      if (due === undefined || due.headersSent || connection?.running === 0) return;
      if (due.req.httpVersionMinor > 0) due.writeContinue();
    }, ASK_MS);
    timer.unref();
    socket.once('close', () => clearInterval(timer));
  }

  #settled(socket: Socket, response: ServerResponse): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return; // the connection went before its answer
    connection.due.delete(response);
    this.#runNext(connection);
    if (this.#closing && connection.due.size === 0) socket.destroySoon();
  }

  #isFull({ unsent, waitingBytes }: Connection): boolean {
    return waitingBytes > this.limits.maxUnsentBytes || this.unread.isFull(unsent);
  }

  #runNext(connection: Connection): void {
    const { waiting } = connection;
    while (waiting.length > 0 && !connection.isHeld && connection.running < this.limits.maxRunning) {
      // The answer that is due first is never held back: those behind it can be sent only after it.
      const [due] = connection.due;
      const fits = connection.unsent <= this.limits.maxUnsentBytes;
      const index = fits ? 0 : waiting.findIndex(({ response }) => response === due);
      const call = waiting[index];
      if (call === undefined) return;
      waiting.splice(index, 1);
      connection.waitingBytes -= call.bytes;
      connection.running += 1;
      const hold = (begun: Promise<void>) => {
        connection.isHeld = true;
        void begun.then(() => {
          connection.isHeld = false;
          this.#runNext(connection);
        });
      };
      void call.work(hold).finally(() => {
        connection.running -= 1;
        this.#runNext(connection);
      });
    }
  }

  #destroyAll(): void {
    for (const socket of [...this.#open.keys(), ...this.#raw]) socket.destroy();
  }
}
