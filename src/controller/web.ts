/** What is served beside the RPC paths, through Express: the contract and the health of the daemon. */
import express, { type Express } from 'express';
import { openrpc } from '../../api/openrpc.ts';

/** @param isReady whether the daemon has taken its runs up again and answers calls */
export function createWeb(isReady: () => boolean): Express {
  const app = express();
  const contract = JSON.stringify(openrpc());
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    response
      .status(isReady() ? 200 : 503)
      .type('text/plain')
      .send(isReady() ? 'ready\n' : 'not ready\n');
  });
  app.get('/openrpc.json', (_request, response) => {
    response.type('application/json').send(contract);
  });
  app.use((request, response) => {
    response
      .status(404)
      .type('text/plain')
      .send(`There is nothing at ${request.path.slice(0, 200)}\n`);
  });
  return app;
}
