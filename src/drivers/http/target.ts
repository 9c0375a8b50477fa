/** The path of a request target, without query; also of the absolute form that proxies use (RFC 9112, 3.2.2). */
export function pathOf(target: string): string {
  let start = 0;
  if (!target.startsWith('/')) {
    const scheme = target.indexOf('://');
    if (scheme < 0) return target;
    start = target.indexOf('/', scheme + 3);
    if (start < 0) return '/';
  }
  const query = target.indexOf('?', start);
  if (query >= 0) return target.slice(start, query);
  return start === 0 ? target : target.slice(start);
}
