/** Decisions about the controller itself, applications, resource services and callback clients. */
import type { InputOf } from './input.ts';
import { MAX_CLIENTS } from './limits.ts';
import { randomName } from './random.ts';
import { Rejection } from './rejection.ts';
import { endRun } from './run/recover.ts';
import type { State } from './state.ts';
import type { Transaction } from './transaction.ts';

/** A stopping controller takes nothing new on. */
export function refuseWhenQuitting(state: State): void {
  if (state.quitting) throw new Rejection('QUITTING', 'plushQuit was called');
}

export function startController(tx: Transaction, { controller, version }: InputOf<'start_controller'>): void {
  tx.emit('controller_started', {
    epoch: tx.state.epoch + 1,
    controller: tx.state.controller || controller,
    version,
  });
}

export function loadApp(tx: Transaction, { app, file }: InputOf<'load_app'>): string {
  refuseWhenQuitting(tx.state);
  tx.emit('app_loaded', { app, file });
  return app.name;
}

export function quit(tx: Transaction): void {
  if (tx.state.quitting) return;
  for (const id of [...tx.state.active]) {
    const run = tx.state.runs.get(id);
    if (run !== undefined && run.ending === undefined)
      endRun(tx, run, 'aborted', 'quit', 'plushQuit was called');
  }
  tx.emit('quit_requested', {});
}

export function registerClient(tx: Transaction, { url }: InputOf<'register_client'>): void {
  if (!tx.state.clients.has(url) && tx.state.clients.size >= MAX_CLIENTS) {
    throw new Rejection('TOO_MANY_SUBSCRIBERS', `${MAX_CLIENTS} callback clients are registered already`);
  }
  tx.emit('client_registered', { url });
}

export function suspendClient(tx: Transaction, { url, message }: InputOf<'suspend_client'>): void {
  if (tx.state.clients.get(url)?.suspended === false) tx.emit('client_suspended', { url, message });
}

export function createResources(tx: Transaction): string {
  const { state } = tx;
  refuseWhenQuitting(state);
  const app = state.loaded === undefined ? undefined : state.apps.get(state.loaded);
  if (app === undefined) throw new Rejection('NO_APP_LOADED', 'No application has been loaded yet');
  const wanted = app.spec.components.flatMap((component) =>
    component.requests
      .filter((request) => request.service !== 'sword')
      .map((request) => ({
        component: component.name,
        service: request.service,
        server: request.server ?? '',
      })),
  );
  if (wanted.length === 0) {
    throw new Rejection(
      'NO_RESOURCE_REQUEST',
      `Application "${app.spec.name}" has no shirako or usher element`,
    );
  }
  const operation_id = `op-${randomName(tx.random, 8)}`;
  for (const request of wanted) tx.emit('resources_requested', { operation_id, ...request });
  return operation_id;
}

export function resourcesAnswered(
  tx: Transaction,
  { type: _type, ...body }: InputOf<'resources_answered'>,
): void {
  tx.emit('resources_answered', body);
}
