import type { IncomingMessage, ServerResponse } from 'node:http';

/** Paths that pages of other origins may use; the rest is for pages of our own. */
const PATHS = new Set(['/RPC2', '/rpc', '/events']);

/** What such a page may send beside what every page may. */
const REQUEST_HEADERS = 'Authorization, Content-Type, Last-Event-ID, X-Plush-XmlRpc';
/** What it may read of an answer beside what every page may. */
const EXPOSED_HEADERS = 'Retry-After, WWW-Authenticate';
/** How long a browser may remember the answer to its preflight. */
const MAX_AGE_S = 600;

/**
 * Cross-origin calls (the CORS protocol of the WHATWG Fetch standard): of exactly the origins named, and never with
 * cookies, since there are none.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins as browsers send them: scheme, host, and the port where it is not the scheme's own */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  allows(origin: string, path: string): boolean {
    return this.#origins.has(origin) && PATHS.has(path);
  }

  /** Lets the page that asked read the answer; whatever the answer is, so that it learns of refusals too. */
  open({ headers: { origin } }: IncomingMessage, response: ServerResponse, path: string): void {
    if (this.#origins.size === 0 || !PATHS.has(path)) return;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined || !this.allows(origin, path)) return;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }

  /** Answers the question that a browser asks before it calls; false when it is another request. */
  preflight(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const { origin, 'access-control-request-method': method } = request.headers;
    if (request.method !== 'OPTIONS' || method === undefined) return false;
    if (origin === undefined || !this.allows(origin, path)) return false;
    response.writeHead(204, {
      'Access-Control-Allow-Methods': path === '/RPC2' ? 'POST' : 'GET, POST',
      'Access-Control-Allow-Headers': REQUEST_HEADERS,
      'Access-Control-Max-Age': MAX_AGE_S,
    });
    response.end();
    return true;
  }
}
