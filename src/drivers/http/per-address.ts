import type { Server, Socket } from 'node:net';
import type { Log } from '../log.ts';

/** What is known of an address. */
interface Address {
  readonly all: Set<Socket>;
  /** Those that have shown no good token yet by their ports, oldest first. */
  readonly strangers: Map<number, Socket>;
  told: boolean;
}

/**
 * Bounds the connections of an address, with one line in the log each time that it has too many. A new one takes the place of the oldest
 * that has shown no good token: many that send nothing, or never end their first request, keep nobody out.
 */
export class AddressLimit {
  readonly #addresses = new Map<string, Address>();
  readonly #most: number;
  readonly #log: Log;

  constructor(server: Server, most: number, log: Log) {
    this.#most = most;
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /** The connection has shown a good token. With TLS it is another socket than the one that was opened. */
  welcome({ remoteAddress = '', remotePort = 0 }: Socket): void {
    this.#addresses.get(remoteAddress)?.strangers.delete(remotePort);
  }

  #opened(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    // It has gone already.
    if (remoteAddress === undefined || remotePort === undefined) return;
    const address = this.#addresses.get(remoteAddress) ?? {
      all: new Set(),
      strangers: new Map(),
      told: false,
    };
    this.#addresses.set(remoteAddress, address);
    address.all.add(socket);
    address.strangers.set(remotePort, socket);
    const closed = () => {
      address.all.delete(socket);
      if (address.strangers.get(remotePort) === socket) address.strangers.delete(remotePort);
      if (address.all.size === 0 && this.#addresses.get(remoteAddress) === address)
        this.#addresses.delete(remoteAddress);
    };
    socket.once('close', closed);
    if (address.all.size <= this.#most) return;
    // The new one itself, where all others are known.
    const [[port, oldest] = [remotePort, socket]] = address.strangers;
    // It counts no more from now on, and not only once it is closed.
    address.all.delete(oldest);
    address.strangers.delete(port);
    oldest.destroy();
    if (address.told) return;
    address.told = true;
    this.#log.warn(
      { address: remoteAddress, most: this.#most },
      'Too many connections from one address: some are dropped',
    );
  }
}
