/** What curl sends unless told otherwise. Taken as a token is needed anyway, which no form of a foreign page has. */
const CURL_TYPE = 'application/x-www-form-urlencoded';

/** XML-RPC's types; none at all is taken as well. */
const XML_TYPES = new Set(['text/xml', 'application/xml', CURL_TYPE]);

/** Whether a Content-Type may carry an XML-RPC call. */
export function isXmlType(contentType: string | undefined): boolean {
  return contentType === undefined || XML_TYPES.has(contentType) || XML_TYPES.has(essence(contentType));
}

/** Whether a Content-Type may carry a JSON-RPC call. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true;
  const type = essence(contentType);
  return type === 'application/json' || type.endsWith('+json') || type === CURL_TYPE;
}

/** The type without its parameters. */
function essence(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
