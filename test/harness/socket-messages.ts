/** A controller behind WebSockets of which a test gives the answers, and handshakes as text. */
import type { SocketHandler, SocketPeer } from '../../src/drivers/http/face.ts';
import { AUTHORIZED } from './http-face.ts';
import { waitFor } from './wait.ts';

/** Answers in the order that a test likes; a message with ! in front at once with itself, one with [ begins when it is told. */
export class Messages {
  readonly bodies: string[] = [];
  readonly callers: string[] = [];
  readonly peers: SocketPeer[] = [];
  readonly #answers: ((text: string | undefined) => void)[] = [];
  readonly #begun: (() => void)[] = [];

  readonly open = (peer: SocketPeer): SocketHandler => {
    this.peers.push(peer);
    return {
      message: (body, caller) => {
        const text = body.toString();
        this.bodies.push(text);
        this.callers.push(caller.name);
        const sent = () => undefined;
        return {
          begun: text.startsWith('[') ? new Promise((resolve) => this.#begun.push(resolve)) : undefined,
          answer: text.startsWith('!')
            ? Promise.resolve({ text, sent })
            : new Promise((resolve) => this.#answers.push((answer) => resolve({ text: answer, sent }))),
        };
      },
    };
  };

  answer(index: number, text: string): void {
    this.#answers[index]?.(text);
  }

  begin(index: number): void {
    this.#begun[index]?.();
  }

  heard(count: number): Promise<unknown> {
    return waitFor(`${count} messages`, () => this.bodies.length >= count);
  }
}

/** The request that opens a socket, but for what a test changes. */
export function handshake({
  method = 'GET',
  path = '/rpc',
  upgrade = 'websocket',
  version = '13',
  key = 'dGhlIHNhbXBsZSBub25jZQ==',
  more = '',
} = {}): string {
  return `${method} ${path} HTTP/1.1\r\n${AUTHORIZED}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: ${key}\r\n${more}\r\n`;
}
