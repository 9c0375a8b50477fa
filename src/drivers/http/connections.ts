import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/** Knows which connections have answers under way, so that a server can stop without cutting one. */
export class Connections {
  /** Requests whose answer is not yet handed to the system, for each connection. */
  readonly #pending = new Map<Socket, number>();
  /** With TLS: the connections below, also those whose handshake is not over. */
  readonly #raw = new Set<Socket>();
  #closing = false;

  constructor(
    private readonly server: Server,
    secure: boolean,
  ) {
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#pending.set(socket, 0);
      socket.once('close', () => this.#pending.delete(socket));
    });
    if (!secure) return;
    server.on('connection', (socket: Socket) => {
      this.#raw.add(socket);
      socket.once('close', () => this.#raw.delete(socket));
    });
  }

  /** Counts a request until its answer is sent. Answers how many the connection waits for now, with this one. */
  begin(socket: Socket, response: ServerResponse): number {
    const pending = (this.#pending.get(socket) ?? 0) + 1;
    this.#pending.set(socket, pending);
    response.on('close', () => this.#settled(socket));
    if (this.#closing) response.shouldKeepAlive = false;
    return pending;
  }

  /** Takes no new connection, lets answers under way finish for at most `graceMs`, and ends all connections. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      // Not http's own close: it destroys connections whose last answer is still on its way out.
      NetServer.prototype.close.call(this.server, () => resolve());
    });
    for (const [socket, pending] of this.#pending) if (pending === 0) socket.destroySoon();
    const timer = setTimeout(() => this.#destroyAll(), graceMs);
    await closed;
    clearTimeout(timer);
    // Ends the interval that looks for slow requests; that it is not running any more is known.
    this.server.close(() => undefined);
  }

  #settled(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return; // the connection went before its answer
    this.#pending.set(socket, pending - 1);
    if (this.#closing && pending === 1) socket.destroySoon();
  }

  #destroyAll(): void {
    for (const socket of [...this.#pending.keys(), ...this.#raw]) socket.destroy();
  }
}
