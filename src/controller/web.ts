/** What is served beside the RPC paths, through Express: the contract, the health of the daemon, and its metrics. */
import type { IncomingMessage } from 'node:http';
import express from 'express';
import { openrpc } from '../../api/openrpc.ts';
import type { Caller } from '../drivers/http/auth.ts';
import type { WebHandler } from '../drivers/http/face.ts';

/** What `GET /metrics` answers: a registry of prom-client fits as it is. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface WebOptions {
  /** Why the daemon should be sent nothing now, as a sentence; undefined when it answers calls. */
  readonly whyNotReady: () => string | undefined;
  readonly metrics: MetricsText;
}

const TEXT = 'text/plain';

export function createWeb({ whyNotReady, metrics }: WebOptions): WebHandler {
  const app = express();
  const contract = JSON.stringify(openrpc());
  const callers = new WeakMap<IncomingMessage, Caller>();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => {
    response.set('Cache-Control', 'no-store').type(TEXT).send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const reason = whyNotReady();
    response
      .status(reason === undefined ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .type(TEXT)
      .send(reason === undefined ? 'ready\n' : `not ready: ${reason}\n`);
  });
  app.get('/metrics', async (request, response) => {
    if (callers.get(request)?.scopes.has('read') !== true) {
      response.status(403).type(TEXT).send('The token lacks the scope "read"\n');
      return;
    }
    const text = await metrics.metrics();
    response.set('Content-Type', metrics.contentType).set('Cache-Control', 'no-store').send(text);
  });
  app.get('/openrpc.json', (_request, response) => {
    response.type('application/json').send(contract);
  });
  app.use((request, response) => {
    response
      .status(404)
      .type(TEXT)
      .send(`There is nothing at ${request.path.slice(0, 200)}\n`);
  });
  const serve: WebHandler = app;
  return (request, response, next, caller) => {
    if (caller !== undefined) callers.set(request, caller);
    serve(request, response, next, caller);
  };
}
