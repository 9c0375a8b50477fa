/** Decisions about operations: commands on nodes, and requests to resource services. */
import type { AppSpec, ComponentSpec } from '../../../api/spec.ts';
import type { InputOf, StartRequest } from '../input.ts';
import { MAX_OPERATIONS } from '../limits.ts';
import { refuseWhenQuitting } from '../quitting.ts';
import { randomName } from '../random.ts';
import { Rejection } from '../rejection.ts';
import type { Operation, PoolNode, Run, State } from '../state.ts';
import type { Transaction } from '../transaction.ts';

/** Random characters of an operation's id: 31^8 of them. */
const ID_CHARACTERS = 8;

/** Starts an operation and answers its id. @throws Rejection TOO_MANY_OPERATIONS, before anything is emitted */
function begin(
  tx: Transaction,
  kind: Operation['kind'],
  total: number,
  { request, run_id }: { readonly request?: StartRequest | undefined; readonly run_id?: string } = {},
): string {
  const { operations } = tx.state;
  const underway = underwayIn(tx.state).length;
  if (underway >= MAX_OPERATIONS)
    throw new Rejection('TOO_MANY_OPERATIONS', `${underway} operations are under way`);
  let operation_id: string;
  do operation_id = `op-${randomName(tx.random, ID_CHARACTERS)}`;
  while (operations.has(operation_id));
  tx.emit('operation_started', {
    operation_id,
    kind,
    total,
    ...(run_id === undefined ? {} : { run_id }),
    ...(request === undefined ? {} : { request_id: request.request_id, request_digest: request.digest }),
  });
  return operation_id;
}

function underwayIn({ operations }: State): Operation[] {
  return [...operations.values()].filter(({ state }) => state === 'running');
}

/**
 * The operation that a request began earlier; undefined when it is new, or the operation is forgotten.
 * @throws Rejection REQUEST_ID_REUSED when another thing was asked for under that id
 */
export function requestedOperation(state: State, request: StartRequest | undefined): string | undefined {
  if (request === undefined) return undefined;
  const { request_id, digest } = request;
  for (const operation of state.operations.values()) {
    if (operation.request_id !== request_id) continue;
    if (operation.request_digest === digest) return operation.operation_id;
    throw new Rejection('REQUEST_ID_REUSED', `request_id "${request_id}" started another command`);
  }
  return undefined;
}

/** A command is about to run on nodes: those without a connection get one, if somebody may ask for it. */
export function startShell(tx: Transaction, { hostnames, request }: InputOf<'start_shell'>): string {
  const { state } = tx;
  const earlier = requestedOperation(state, request);
  if (earlier !== undefined) return earlier;
  refuseWhenQuitting(state);
  for (const hostname of hostnames) {
    if (state.nodes.has(hostname)) continue;
    throw new Rejection('NODE_NOT_FOUND', `No node "${hostname}" is in the pool`, { hostname });
  }
  const operation_id = begin(tx, 'shell', hostnames.length, { request });
  for (const hostname of hostnames) {
    const node = state.nodes.get(hostname);
    if (node !== undefined && mayAskFor(state, node)) tx.emit('node_connecting', { hostname });
  }
  return operation_id;
}

/**
 * Whether a command may have a node connected. Not where the operator closed the connection, and not where a run waits for
 * the node: there attempts are counted, and one more would bring it closer to being given up.
 */
function mayAskFor(state: State, node: PoolNode): boolean {
  if (node.held || node.link === 'connected' || node.link === 'connecting') return false;
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  return member === undefined || member.phase === 'done';
}

/** The nodes of a group, or all of the pool; in the order of the pool. @throws Rejection NO_NODES */
export function nodesMeant(state: State, group: string | undefined): string[] {
  const meant: string[] = [];
  for (const { spec } of state.nodes.values()) {
    if (group === undefined || spec.group === group) meant.push(spec.hostname);
  }
  if (meant.length > 0) return meant;
  const what = group === undefined ? 'The pool is empty' : `No node of group "${group}" is in the pool`;
  throw new Rejection('NO_NODES', what);
}

export function endShell(tx: Transaction, input: InputOf<'end_shell'>): void {
  const { operation_id, succeeded, failed } = input;
  if (tx.state.operations.get(operation_id)?.state !== 'running') return;
  tx.emit('operation_ended', {
    operation_id,
    state: failed === 0 ? 'succeeded' : 'failed',
    succeeded,
    failed,
  });
}

/** Nobody knows any more what the earlier daemon had heard. */
export function interruptOperations(tx: Transaction): void {
  for (const { operation_id, state, succeeded, failed } of [...tx.state.operations.values()]) {
    if (state === 'running')
      tx.emit('operation_ended', { operation_id, state: 'interrupted', succeeded, failed });
  }
}

export function createResources(tx: Transaction): string {
  const { state } = tx;
  refuseWhenQuitting(state);
  const app = state.loaded === undefined ? undefined : state.apps.get(state.loaded);
  if (app === undefined) throw new Rejection('NO_APP_LOADED', 'No application has been loaded yet');
  const wanted = requestsOf(app.spec.components);
  if (wanted.length === 0) {
    throw new Rejection(
      'NO_RESOURCE_REQUEST',
      `Application "${app.spec.name}" has no shirako or usher element`,
    );
  }
  const operation_id = begin(tx, 'resources', wanted.length);
  for (const request of wanted) tx.emit('resources_requested', { operation_id, ...request });
  return operation_id;
}

/** Requests by which nodes are made. SWORD only judges those that are there. */
function requestsOf(components: readonly ComponentSpec[]) {
  return components.flatMap((component) =>
    component.requests.flatMap(({ service, server = '' }, request) =>
      service === 'sword' ? [] : [{ component: component.name, request, service, server }],
    ),
  );
}

/** Queries to SWORD, where it is said where it is. */
function queriesOf(components: readonly ComponentSpec[]) {
  return components.flatMap((component) =>
    component.requests.flatMap(({ service, server }, request) =>
      service === 'sword' && server !== undefined
        ? [{ component: component.name, request, service, server }]
        : [],
    ),
  );
}

/** Asks SWORD for its judgement of nodes as soon as an application is loaded (section 4.3 of plush-toit.2011). */
export function askForJudgement(tx: Transaction, { components }: AppSpec): void {
  const wanted = queriesOf(components);
  if (wanted.length === 0 || underwayIn(tx.state).length >= MAX_OPERATIONS) return;
  const operation_id = begin(tx, 'resources', wanted.length);
  for (const request of wanted) tx.emit('resources_requested', { operation_id, ...request });
}

/** A service asks for nodes for those of its components that want more, unless it has asked and has no answer yet. */
export function requestMore(tx: Transaction, { run_id }: Run, components: readonly ComponentSpec[]): void {
  const wanted = [...queriesOf(components), ...requestsOf(components)];
  const underway = underwayIn(tx.state);
  if (wanted.length === 0 || tx.state.quitting || underway.length >= MAX_OPERATIONS) return;
  if (underway.some((operation) => operation.run_id === run_id)) return;
  const operation_id = begin(tx, 'resources', wanted.length, { run_id });
  for (const request of wanted) tx.emit('resources_requested', { operation_id, run_id, ...request });
}

export function resourcesAnswered(
  tx: Transaction,
  { type: _type, judged, ...body }: InputOf<'resources_answered'>,
): void {
  tx.emit('resources_answered', { ...body, ...(judged === undefined ? {} : { judged: [...judged] }) });
  const operation = tx.state.operations.get(body.operation_id);
  if (operation?.state !== 'running') return;
  const { operation_id, total, succeeded, failed } = operation;
  if (succeeded + failed < total) return;
  tx.emit('operation_ended', {
    operation_id,
    state: failed === 0 ? 'succeeded' : 'failed',
    succeeded,
    failed,
  });
}
