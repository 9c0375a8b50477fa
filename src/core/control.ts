/** Decisions about the controller itself and applications. */
import type { InputOf } from './input.ts';
import { askForJudgement, interruptOperations } from './operation/decide.ts';
import { refuseWhenQuitting } from './quitting.ts';
import { endRun } from './run/recover.ts';
import type { Transaction } from './transaction.ts';

export function startController(tx: Transaction, { controller, version }: InputOf<'start_controller'>): void {
  tx.emit('controller_started', {
    epoch: tx.state.epoch + 1,
    controller: tx.state.controller || controller,
    version,
  });
  interruptOperations(tx);
}

export function loadApp(tx: Transaction, { app, file }: InputOf<'load_app'>): string {
  refuseWhenQuitting(tx.state);
  tx.emit('app_loaded', { app, file });
  askForJudgement(tx, app);
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
