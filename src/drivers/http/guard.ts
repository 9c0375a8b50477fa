import type { IncomingMessage } from 'node:http';
import type { Cors } from './cors.ts';
import type { Refusal } from './refusal.ts';

/** Answers why a request for a path must not be served; undefined when it may be. */
export type Guard = (request: IncomingMessage, path: string) => Refusal | undefined;

/** Node keeps the first, others on the way may go by the last (RFC 9112, 3.2). */
const TWO_HOSTS: Refusal = { status: 400, sentence: 'A request has one Host header. Send it once.' };

/** Names by which a machine reaches itself. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** How the kernel shows an IPv4 peer on an IPv6 socket. */
const MAPPED_PREFIX = '::ffff:';

/** Longest name that is repeated in a sentence. */
const SHOWN_CHARACTERS = 100;

/**
 * Keeps web pages of others away. A page whose name was pointed at our address (DNS rebinding) is known by its Host
 * header: only names of ours are served, and the very address that the connection came in on. A page that calls across
 * origins is known by its Origin header: only pages that we served ourselves may call, and those of origins that were
 * allowed.
 *
 * A request without Host (HTTP/1.0) comes from no browser and passes.
 *
 * @param hosts Names or addresses without port, besides those of the loopback interface.
 */
export function createGuard(hosts: readonly string[], cors: Pick<Cors, 'allows'>): Guard {
  const allowed = new Set([...LOOPBACK, ...hosts.map(normalise)]);
  // The same client sends the same header again and again: what was right last time needs no second look.
  let lastGood: string | undefined;
  return (request, path) => {
    const { host, origin } = request.headers;
    if (hasTwoHosts(request)) return TWO_HOSTS;
    if (host !== undefined && host !== lastGood) {
      const name = hostname(host);
      if (allowed.has(name)) lastGood = host;
      else if (name !== localAddress(request)) {
        return forbidden(
          `The host name ${shown(name)} is not one of this server's. Use the address that it listens on, or start plushd with the name in --allowed-hosts.`,
        );
      }
    }
    if (origin !== undefined && !isSameOrigin(origin, host) && !cors.allows(origin, path)) {
      return forbidden(
        `Pages from ${shown(origin)} may not use this server. Start plushd with their origin in --cors-origin to let them use /RPC2, /rpc and /events.`,
      );
    }
    return undefined;
  };
}

function forbidden(sentence: string): Refusal {
  return { status: 403, sentence };
}

/** Of the parsed headers Node has dropped the second one. */
function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** The name or address in a Host header or an authority, without port, brackets and the dot of an absolute name. */
function hostname(authority: string): string {
  if (authority.startsWith('[')) return normalise(authority.slice(1, authority.indexOf(']')));
  const colon = authority.indexOf(':');
  return normalise(colon < 0 ? authority : authority.slice(0, colon));
}

function normalise(name: string): string {
  const lower = name.toLowerCase();
  const bare = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower;
  return bare.endsWith('.') ? bare.slice(0, -1) : bare;
}

function localAddress(request: IncomingMessage): string | undefined {
  const address = request.socket.localAddress;
  return address?.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : address;
}

/** The scheme is not compared: behind a proxy that ends TLS, ours is not the browser's. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  const start = origin.indexOf('://');
  return start > 0 && host !== undefined && origin.slice(start + 3).toLowerCase() === host.toLowerCase();
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
}
