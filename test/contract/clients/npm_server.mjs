/** Receives Plush's callbacks with the npm package xmlrpc; prints each call. Usage: npm_server.mjs PORT */
import xmlrpc from 'xmlrpc';

const NAMES = [
  'sendPlanetLabSlices',
  'sendSliceNodes',
  'sendApplicationExit',
  'sendHostStatus',
  'sendBlockStatus',
  'sendResourceMatching',
];

const server = xmlrpc.createServer({ host: '127.0.0.1', port: Number(process.argv[2]) });
for (const method of NAMES) {
  server.on(method, (_error, params, answer) => {
    console.log(JSON.stringify({ method, params }));
    answer(null, true);
  });
}
