/** URLs of callback subscribers. */
import { isIP } from 'node:net';
import { Fault } from './fault.ts';

export interface CallbackUrl {
  /** Without user and password. */
  readonly url: string;
  /** `user:password`, decoded, where the URL had them. */
  readonly userinfo?: string;
}

/**
 * Callback URLs lead to the loopback or to hosts that were allowed: the daemon must not be made to call others (SSRF).
 * @throws Fault BAD_URL, URL_NOT_ALLOWED
 */
export function checkCallbackUrl(text: string, allowed: readonly string[]): CallbackUrl {
  // URLs with such characters are read in different ways, and shown, they can hide what they are.
  if (!/^[!-[\]-~\u00a0-\uffff]+$/.test(text))
    throw new Fault('BAD_URL', 'It has a space, a control character or a backslash in it');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Fault('BAD_URL', `"${text.slice(0, 200)}" is not a URL`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Fault('BAD_URL', `${url.protocol}// is not http or https`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isLoopback(host) && !allowed.includes(host))
    throw new Fault('URL_NOT_ALLOWED', `${host} is neither the loopback nor an allowed host`);
  try {
    const { userinfo } = splitUrl(url);
    // As it was written, where nothing has to be taken out of it: the caller finds it again in lists.
    return userinfo === undefined ? { url: text } : splitUrl(url);
  } catch {
    throw new Fault('BAD_URL', 'Its user or password has a wrong escape (%)');
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws URIError for escapes that are none */
export function splitUrl(url: URL): CallbackUrl {
  const { username, password } = url;
  if (username === '' && password === '') return { url: url.href };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return { url: bare.href, userinfo: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
}
