/** How much one request may be answered, whatever it asks for: every call of a multicall or batch takes from the same room. */
import { weigh } from '../core/views/weight.ts';
import { Fault } from './fault.ts';

/** All answers to one request together, in bytes. Without it a small body could ask for more than there is memory. */
const MAX_ANSWER_BYTES = 16 << 20;

const SMALLER = 'Ask for smaller pages, or make the calls in several requests.';

export class AnswerRoom {
  #left = MAX_ANSWER_BYTES;

  /** Before a call: nothing is done whose answer would have no room. @throws Fault TOO_LARGE */
  check(): void {
    if (this.#left <= 0) throw this.#full();
  }

  /** Takes what an answer needs, and gives the answer back. @throws Fault TOO_LARGE */
  take<T>(answer: T): T {
    this.#left -= weigh(answer, this.#left);
    if (this.#left < 0) throw this.#full();
    return answer;
  }

  #full(): Fault {
    this.#left = 0;
    const sentence = `The answers to one request may take ${MAX_ANSWER_BYTES >> 20} MiB together`;
    return new Fault('TOO_LARGE', sentence, undefined, SMALLER);
  }
}
