/** The calls of README.md with the npm package xmlrpc. Usage: npm.mjs URL TYPES_URL NODE TEXT SPECIFICATION */
import xmlrpc from 'xmlrpc';

const [url, typesUrl, node, text, specification] = process.argv.slice(2);
const rpc = clientOf(url);
const types = clientOf(typesUrl);

function clientOf(address) {
  const { hostname, port, pathname, username, password } = new URL(address);
  return xmlrpc.createClient({
    host: hostname,
    port: Number(port),
    path: pathname,
    basic_auth: { user: username, pass: password },
  });
}

function plain(value) {
  if (value instanceof Date) return { date: value.toISOString().slice(0, 19).replaceAll('-', '') };
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

function tell(step, server, method, ...params) {
  return new Promise((resolve, reject) => {
    server.methodCall(method, params, (error, value) => {
      if (error !== null && error.faultCode === undefined) return reject(error);
      const fault = error && { code: error.faultCode, message: error.faultString };
      console.log(JSON.stringify(fault === null ? { step, value: plain(value) } : { step, fault }));
      return resolve(value);
    });
  });
}

await tell('hello', rpc, 'plushTestConnection');
await tell('signature', rpc, 'system.methodSignature', 'plushGetNode');
await tell('add', rpc, 'plushAddNode', {
  hostname: node,
  group: text,
  ssh_port: 2222,
  preference: 1.5,
  lease: { id: 'l-1', expires: new Date('2031-01-02T03:04:05Z') },
  properties: { site: text, empty: '', constructor: 'x' },
});
await tell('node', rpc, 'plushGetNode', node);
await tell('load', rpc, 'plushLoadAppXml', Buffer.from(specification));
await tell('fault', rpc, 'plushGetNode', 'nobody');
await tell('multicall', rpc, 'system.multicall', [
  { methodName: 'plushTestConnection', params: [] },
  { methodName: 'plushGetNode', params: ['nobody'] },
]);

for (const page = { group: 'many', limit: 400 }; ; ) {
  const { cursor } = await tell('page', rpc, 'plushListNodes', page);
  if (cursor === undefined) break;
  page.cursor = cursor;
}

const when = new Date('2024-02-29T23:59:58Z');
const bytes = Buffer.from([0x00, 0x01, 0xfe, 0xff]);
await tell('types', types, 'validator1.manyTypesTest', 7, true, text, -0.25, when, bytes);
await tell('echo', types, 'validator1.echoStructTest', {
  list: [1, [], [text, { a: false }]],
  'a b': { n: -2147483648 },
});
