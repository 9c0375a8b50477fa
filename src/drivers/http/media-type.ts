/** XML-RPC's types; none at all, and the one that curl sends by default, are taken as well, as a token is needed anyway. */
const XML_TYPES = new Set(['text/xml', 'application/xml', 'application/x-www-form-urlencoded']);

/** Whether a Content-Type may carry an XML-RPC call. */
export function isXmlType(contentType: string | undefined): boolean {
  return contentType === undefined || XML_TYPES.has(contentType) || XML_TYPES.has(essence(contentType));
}

/** Whether a Content-Type may carry a JSON-RPC call. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true;
  const type = essence(contentType);
  return type === 'application/json' || type.endsWith('+json');
}

/** The type without its parameters. */
function essence(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
