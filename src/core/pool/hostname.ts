/**
 * What may stand as the name of a node ("host", "host:port", "[v6]:port") and as a user name.
 *
 * Both end up in SSH connections and in folder names, so only what is a host name or an address passes. Host names
 * follow RFC 1123 (with the underscore that real networks use), addresses in brackets RFC 3986.
 */

/** Longest node name in characters; DNS allows 253 for the host alone. */
const MAX_HOSTNAME_LENGTH = 255;
const MAX_LABEL_LENGTH = 63;
const MAX_USER_LENGTH = 64;
const MAX_PORT = 65_535;

/**
 * Why `text` cannot be the name of a node, as the end of a sentence such as "hostname "a b" …"; undefined when it can.
 */
export function checkHostname(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > MAX_HOSTNAME_LENGTH) return `is longer than ${MAX_HOSTNAME_LENGTH} characters`;
  if (text.startsWith('[')) return checkBracketed(text);
  const parts = text.split(':');
  if (parts.length > 2)
    return 'has more than one colon: write an IPv6 address in brackets, such as [2001:db8::1]:15400';
  const [host = '', port] = parts;
  return checkHost(host) ?? (port === undefined ? undefined : checkPort(port));
}

/** The host of a node's name: "a:1" → "a", "[::1]:22" → "::1". The name must have passed {@link checkHostname}. */
export function hostPart(hostname: string): string {
  if (hostname.startsWith('[')) return hostname.slice(1, hostname.indexOf(']'));
  const colon = hostname.indexOf(':');
  return colon === -1 ? hostname : hostname.slice(0, colon);
}

/** Why `text` cannot be a user name on a node, as the end of a sentence; undefined when it can. */
export function checkUserName(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > MAX_USER_LENGTH) return `is longer than ${MAX_USER_LENGTH} characters`;
  if (text.startsWith('-')) return 'begins with "-"';
  if (!/^[A-Za-z0-9_.@+$-]+$/.test(text)) return 'may have only letters, digits and _ . @ + $ -';
  return undefined;
}

function checkBracketed(text: string): string | undefined {
  const close = text.indexOf(']');
  if (close === -1) return 'has "[" without "]"';
  const rest = text.slice(close + 1);
  if (!isIpv6(text.slice(1, close))) return 'has something other than an IPv6 address in its brackets';
  if (rest === '') return undefined;
  return rest.startsWith(':') ? checkPort(rest.slice(1)) : 'has more after "]" than a colon and a port';
}

function checkHost(host: string): string | undefined {
  if (host === '') return 'has no host before its colon';
  if (host.startsWith('-')) return 'begins with "-"';
  if (/\s/.test(host)) return 'has a space in it';
  const unfit = /[^A-Za-z0-9_.-]/.exec(host);
  if (unfit) return `may have only letters, digits and . - _ in its host, not ${JSON.stringify(unfit[0])}`;
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.');
  if (labels.some((label) => label === '')) return 'has an empty part between its dots';
  if (labels.some((label) => label.length > MAX_LABEL_LENGTH)) {
    return `has a part longer than ${MAX_LABEL_LENGTH} characters between its dots`;
  }
  return undefined;
}

function checkPort(port: string): string | undefined {
  const valid = /^[0-9]{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORT;
  return valid ? undefined : `needs a port from 1 to ${MAX_PORT} after its colon`;
}

/** RFC 4291 text form without a zone; the last 32 bits may be dotted decimal. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [place, part] of parts.entries()) {
      const last = index === halves.length - 1 && place === parts.length - 1;
      if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups += 1;
      else if (last && isIpv4(part)) groups += 2;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** Whether the text is an IPv4 address in dotted decimal. */
function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255);
}

/** Whether the text is an IP address, version 4 or 6, without port or brackets. */
export function isIpAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}
