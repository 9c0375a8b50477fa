/** All links, and the rule that only the newest controller's count. */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AgentError, messageOf } from '../drivers/agent-error.ts';
import { readJson, writeAtomic } from '../drivers/files/atomic.ts';
import type { ReportFrame } from '../wire/agent.ts';
import { Link, type LinkOptions } from './link.ts';
import { listenPrivately } from './listen.ts';

/** Links at a time; a further one takes the place of the oldest. */
const MAX_LINKS = 16;
/** A link that has not greeted by then is ended. */
const GREET_MS = 30_000;

export class Links {
  readonly #links = new Set<Link>();
  readonly #server: Server;
  readonly #epochPath: string;
  readonly #log: (message: string) => void;
  #highest: number;
  /** Epoch that is on the disk. */
  #saved: number;

  /** @param dir the node's folder, where the highest epoch is kept */
  constructor(dir: string, options: LinkOptions) {
    this.#epochPath = join(dir, 'epoch.json');
    const saved = readJson(this.#epochPath);
    this.#highest = typeof saved === 'number' ? saved : 0;
    this.#saved = this.#highest;
    this.#log = options.log;
    this.#server = createServer((socket) => {
      const oldest = this.#links.values().next().value;
      if (this.#links.size >= MAX_LINKS) oldest?.end();
      const link = new Link(socket, options);
      this.#links.add(link);
      const timer = setTimeout(() => {
        if (link.epoch === undefined) link.end();
      }, GREET_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        this.#links.delete(link);
      });
    });
  }

  /** Whether a controller of the newest epoch is there. */
  get anyGreeted(): boolean {
    return [...this.#links].some((link) => this.#isCurrent(link));
  }

  /** Listens; nobody but this account may connect. @throws the system's error */
  listen(path: string): Promise<void> {
    return listenPrivately(this.#server, path);
  }

  /** No more connections; removes the socket. */
  close(): void {
    this.#server.close();
  }

  /** @throws AgentError STALE_EPOCH */
  greet(link: Link, epoch: number): void {
    this.#refuseOlder(epoch);
    this.#highest = epoch;
    if (epoch !== this.#saved) this.#save(epoch);
    link.epoch = epoch;
  }

  /** A full disk must not keep the controller away that could make room; it is tried again at the next greeting. */
  #save(epoch: number): void {
    try {
      writeAtomic(this.#epochPath, JSON.stringify(epoch));
      this.#saved = epoch;
    } catch (error) {
      this.#log(`Cannot write down the epoch: ${messageOf(error)}`);
    }
  }

  /** @throws AgentError STALE_EPOCH, BAD_REQUEST before hello */
  check(link: Link): void {
    if (link.epoch === undefined)
      throw new AgentError('BAD_REQUEST', 'The first request on a link must be hello');
    this.#refuseOlder(link.epoch);
  }

  /** Sends news to every controller of the newest epoch. */
  report(frame: ReportFrame): void {
    for (const link of this.#links) {
      if (this.#isCurrent(link)) link.report(frame);
    }
  }

  #isCurrent(link: Link): boolean {
    return link.epoch === this.#highest;
  }

  #refuseOlder(epoch: number): void {
    if (epoch >= this.#highest) return;
    throw new AgentError(
      'STALE_EPOCH',
      `Epoch ${epoch} is over: a controller with epoch ${this.#highest} has greeted`,
    );
  }
}
