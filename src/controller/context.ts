/** What the handlers work with. */

import type { Answer } from '../core/decide.ts';
import type { Input } from '../core/input.ts';
import type { State } from '../core/state.ts';
import type { Arrived } from '../core/views/barriers.ts';
import type { CallbackSecrets } from '../drivers/callback-secrets.ts';
import type { Journal } from '../drivers/journal.ts';
import type { NodeDriver } from '../drivers/nodes/node-driver.ts';
import type { OutputStore } from '../drivers/outputs.ts';
import type { SpecReader } from '../drivers/specs/spec-reader.ts';
import type { TokenBook } from '../drivers/token-book.ts';
import type { Callbacks } from './callbacks.ts';
import type { Writer } from './loop.ts';
import type { Operations } from './operations.ts';
import type { PlanetLab } from './planetlab.ts';
import type { SocketSubscriptions } from './socket-subscriptions.ts';

export interface Context {
  readonly state: State;
  /** @param call learns which facts came of it */
  readonly submit: (input: Input, call: Writer) => Promise<Answer>;
  readonly journal: Journal;
  readonly nodes: NodeDriver;
  readonly outputs: OutputStore;
  readonly specs: Pick<SpecReader, 'read' | 'pending'>;
  readonly callbacks: Callbacks;
  readonly socketSubscriptions: SocketSubscriptions;
  /** Secrets and passwords of callback subscribers. */
  readonly secrets: CallbackSecrets;
  readonly operations: Operations;
  /** How far a node's packages are. */
  readonly transfers: Arrived;
  /** How it stands with PlanetLab Central, where the directory names slices of it. */
  readonly planetlab: () => ReturnType<PlanetLab['info']>;
  readonly tokens: Pick<TokenBook, 'create' | 'list' | 'revoke'>;
  /** The only folder that plushLoadApp may read; absolute. */
  readonly appsDir: string;
  readonly stateDir: string;
  readonly version: string;
  readonly started: string;
  /** Host names of callback URLs beyond the loopback's. */
  readonly callbackHosts: readonly string[];
}
