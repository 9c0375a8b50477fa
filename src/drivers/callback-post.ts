/** One call to a callback subscriber over HTTP: no redirect is followed, and the answer has to come whole and soon. */
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { errorCode } from './agent-error.ts';

/** A server that answers more than this is as good as unreachable. */
const MAX_ANSWER_BYTES = 64 << 10;
/** Connections of one server that are kept open between two calls, and how long: servers close theirs after 5 s and more. */
const MAX_IDLE_SOCKETS = 4;
const IDLE_MS = 3_000;
const KEPT = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS, timeout: IDLE_MS };

export interface CallbackRequest {
  /** Without user and password. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Time for all of it, connecting included. */
  readonly timeoutMs: number;
  /** Use one connection for many calls. Some servers (Perl's RPC::XML) serve one connection at a time, to its end. */
  readonly keepAlive: boolean;
  readonly signal: AbortSignal;
}

export interface CallbackAnswer {
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

/** Makes the calls of all subscribers; what they share are the connections that are kept. */
export class CallbackPoster {
  readonly #agents = [new Agent(KEPT), new TlsAgent(KEPT)] as const;

  /** @throws Error with a sentence for everything but a whole answer with a status of success */
  async post(request: CallbackRequest): Promise<CallbackAnswer> {
    try {
      return await this.#once(request, false);
    } catch (error) {
      // The server closed a connection that was kept just when it was used again: it has read nothing.
      if (error instanceof ClosedBeforeUse) return this.#once(request, true);
      throw error;
    }
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  #once(request: CallbackRequest, isFresh: boolean): Promise<CallbackAnswer> {
    const { url, body, timeoutMs, signal } = request;
    const isTls = url.startsWith('https:');
    const keep = request.keepAlive && !isFresh;
    const headers = {
      ...request.headers,
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: keep ? 'keep-alive' : 'close',
    };
    const agent = keep ? this.#agents[isTls ? 1 : 0] : false;
    return new Promise((resolve, reject) => {
      const outgoing = (isTls ? requestHttps : requestHttp)(url, { method: 'POST', headers, agent });
      let why: Error | undefined;
      const stop = (message: string) => {
        why = new Error(message);
        outgoing.destroy(why);
      };
      const overdue = () => stop(`No answer within ${timeoutMs / 1000} s`);
      const aborted = () => stop('The call was given up');
      const timer = setTimeout(overdue, timeoutMs);
      const settle = (end: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        end();
      };
      signal.addEventListener('abort', aborted, { once: true });
      outgoing.on('error', (error) => settle(() => reject(failure(outgoing, error))));
      outgoing.on('response', (response) => {
        readAnswer(response).then(
          (answer) => settle(() => resolve(answer)),
          (error: unknown) => {
            outgoing.destroy();
            settle(() => reject(why ?? error));
          },
        );
      });
      outgoing.end(body);
      if (signal.aborted) aborted();
    });
  }
}

class ClosedBeforeUse extends Error {
  override readonly name = 'ClosedBeforeUse';
}

function failure(outgoing: ClientRequest, error: Error): Error {
  if (outgoing.reusedSocket && errorCode(error) === 'ECONNRESET')
    return new ClosedBeforeUse(error.message, { cause: error });
  return new Error(sentence(error), { cause: error });
}

/** Node's error for a host with several addresses has no message of its own. */
function sentence(error: Error): string {
  if (error.message !== '') return error.message;
  return errorCode(error) ?? error.name;
}

async function readAnswer(response: IncomingMessage): Promise<CallbackAnswer> {
  const { statusCode = 0 } = response;
  if (statusCode < 200 || statusCode > 299)
    throw new Error(`The subscriber answered with status ${statusCode}`);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > MAX_ANSWER_BYTES)
        throw new RangeError(`The subscriber's answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error("The subscriber's answer was cut off", { cause: error });
  }
  return { body: Buffer.concat(pieces), contentType: response.headers['content-type'] };
}
