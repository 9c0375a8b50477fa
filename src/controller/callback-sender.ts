/** Calls to subscribers: with what they need to believe them, and with a look at what they answer. */
import { createHmac } from 'node:crypto';
import type { CallbackProtocol } from '../../api/subscriptions.ts';
import { type CallbackAnswer, CallbackPoster } from '../drivers/callback-post.ts';
import type { CallbackSecrets, Credentials } from '../drivers/callback-secrets.ts';
import { decodeJsonRpcResponse } from '../wire/jsonrpc/decode.ts';
import { decodeResponse } from '../wire/xmlrpc/decode.ts';
import { splitUrl } from './callback-url.ts';
import { isHarmless } from './harmless-fault.ts';
import type { Subscriber } from './subscribers.ts';

/** Time for one call. */
const CALL_MS = 10_000;
/** From this length on subscribers share the bytes of a body. */
const LARGE_CHARACTERS = 64 << 10;
/** Characters of a fault's sentence that are kept. */
const MAX_FAULT_CHARACTERS = 200;

const CONTENT_TYPES = { xmlrpc: 'text/xml; charset=utf-8', jsonrpc: 'application/json' } as const;

export class CallbackSender {
  readonly #secrets: Pick<CallbackSecrets, 'get'>;
  readonly #poster = new CallbackPoster();
  /** The last large body, and its bytes for as long as a call has them. */
  #large: { readonly text: string; readonly bytes: WeakRef<Buffer> } | undefined;

  constructor(secrets: Pick<CallbackSecrets, 'get'>) {
    this.#secrets = secrets;
  }

  /**
   * Makes calls one after the other.
   * @throws Error with a sentence at the first that is no delivery: of a classic client, what is not answered with a status of
   *   success; of a subscription, what is answered with a fault that another call may mend
   */
  async send(subscriber: Subscriber, bodies: readonly string[], signal: AbortSignal): Promise<void> {
    const { protocol, classic } = subscriber;
    const credentials = this.#credentialsOf(subscriber);
    // A URL that an earlier version kept whole may have its password inside.
    const { url, userinfo = credentials.userinfo } = splitUrl(new URL(subscriber.url));
    const authorization = userinfo === undefined ? {} : { Authorization: basic(userinfo) };
    for (const text of bodies) {
      const body = this.#shared(text);
      const headers = {
        'Content-Type': CONTENT_TYPES[protocol],
        ...authorization,
        ...signatureOf(body, credentials.secret),
      };
      const keepAlive = protocol === 'jsonrpc';
      const answer = await this.#poster.post({ url, headers, body, timeoutMs: CALL_MS, keepAlive, signal });
      if (!classic) checkAnswer(protocol, answer);
    }
  }

  /** Subscribers of one form are sent the same string. */
  #shared(text: string): string | Buffer {
    if (text.length < LARGE_CHARACTERS) return text;
    const known = this.#large?.text === text ? this.#large.bytes.deref() : undefined;
    if (known !== undefined) return known;
    const bytes = Buffer.from(text);
    this.#large = { text, bytes: new WeakRef(bytes) };
    return bytes;
  }

  close(): void {
    this.#poster.close();
  }

  #credentialsOf({ credentials, signed }: Subscriber): Credentials {
    const kept = credentials === undefined ? {} : this.#secrets.get(credentials);
    // Never unsigned to somebody who was promised a signature.
    if (kept === undefined || (signed && kept.secret === undefined))
      throw new Error('Its secret or password is gone from the state folder: it has to subscribe again');
    return kept;
  }
}

function basic(userinfo: string): string {
  return `Basic ${Buffer.from(userinfo).toString('base64')}`;
}

/** HMAC-SHA256 (RFC 2104) of the body's bytes. */
function signatureOf(body: string | Buffer, secret: string | undefined): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  return { 'X-Plush-Signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

function checkAnswer(protocol: CallbackProtocol, { body, contentType }: CallbackAnswer): void {
  const answer = protocol === 'xmlrpc' ? decodeResponse(body, contentType) : decodeJsonRpcResponse(body);
  if (!('fault' in answer)) return;
  // Called again, it would say so for ever, and get nothing more.
  if (isHarmless(answer.fault)) return;
  const { code, message } = answer.fault;
  throw new Error(`The subscriber answered with fault ${code}: ${message.slice(0, MAX_FAULT_CHARACTERS)}`);
}
