import { Rejection } from './rejection.ts';
import type { State } from './state.ts';

/** A stopping controller takes nothing new on. @throws Rejection QUITTING */
export function refuseWhenQuitting(state: State): void {
  if (state.quitting) throw new Rejection('QUITTING', 'plushQuit was called');
}
