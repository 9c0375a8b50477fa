import { Duplex } from 'node:stream';
import type { Channel } from 'ssh2';

/**
 * A forwarded connection as an ordinary stream. ssh2's channels are streams by half: destroying one emits nothing, and what
 * is written after the peer's close is never called back.
 *
 * The end of either direction ends the other one too, after what is on its way has arrived.
 */
export class ChannelStream extends Duplex {
  #gone = false;
  #onRoom: (() => void) | undefined;

  constructor(private readonly channel: Channel) {
    super({ allowHalfOpen: false });
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('drain', () => this.#goOn());
    channel.on('error', (error: Error) => this.destroy(error));
    channel.on('close', () => {
      this.#gone = true;
      this.#goOn();
    });
    channel.pause();
  }

  override _read(): void {
    this.channel.resume();
  }

  /** What the peer can take no more, because it has closed, is dropped; the end of the stream tells so. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // ssh2 ends a channel for writing as soon as the peer has closed it, before all that came from it was read.
    if (this.#gone || this.channel.writableEnded || this.channel.write(chunk)) done();
    else this.#onRoom = done;
  }

  override _final(done: () => void): void {
    this.#onRoom = done;
    if (this.#gone) this.#goOn();
    else this.channel.end(() => this.#goOn());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Reading on, into nothing, lets ssh2 come to the end of the channel and forget it.
    this.channel.removeAllListeners('data');
    this.channel.resume();
    this.channel.close();
    done(error);
  }

  #goOn(): void {
    const done = this.#onRoom;
    this.#onRoom = undefined;
    done?.();
  }
}
