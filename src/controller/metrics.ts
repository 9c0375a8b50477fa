/**
 * What /metrics tells beside the calls: sizes and states, read when they are asked for. The pool is walked only where
 * facts have come since the last time.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { nodeStates, runStates } from '../../api/schemas.ts';
import { isHolding } from '../core/pool/outage.ts';
import { nodeState } from '../core/views/nodes.ts';
import type { HttpFace } from '../drivers/http/face.ts';
import type { Callbacks } from './callbacks.ts';
import type { Context } from './context.ts';

/** Clients of callbacks that have labels of their own; what is beyond is told as one. */
const MAX_CLIENT_LABELS = 50;
const OTHERS = 'others';

/** Files that the journal consists of; those that are not there count nothing. */
const JOURNAL_FILES = ['journal.db', 'journal.db-wal'];

export interface MetricsSources
  extends Pick<Context, 'state' | 'journal' | 'callbacks' | 'specs' | 'stateDir' | 'version'> {
  readonly sshConnections: () => number;
  readonly http: () => ReturnType<HttpFace['usage']> | undefined;
}

type CallbackStanding = ReturnType<Callbacks['list']>[number];

/** Registers all that is read from the sources, and what tells of the process itself. */
export function registerMetrics(registry: Registry, sources: MetricsSources): void {
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  const { state, journal } = sources;
  new Gauge({
    name: 'plush_build_info',
    help: 'Always 1; the labels tell what runs',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version: sources.version, node_version: process.version }, 1);
  registerStates(registry, sources);
  registerCallbacks(registry, sources);
  gauge('plush_nodes_free', 'Nodes that a run may take', () => state.free.size);
  const outage = 'Whether silent nodes are not replaced, since most fell silent at once';
  gauge('plush_outage_suspected', outage, () => (isHolding(state) ? 1 : 0));
  gauge('plush_journal_last_seq', 'Sequence number of the newest fact', () => journal.last);
  gauge('plush_journal_bytes', 'Size of the journal on the disk', () => journalBytes(sources));
  gauge('plush_ssh_connections', 'SSH connections that are logged in', sources.sshConnections);
  const { specs } = sources;
  gauge(
    'plush_specifications_pending',
    'Long specifications that are read or wait for it',
    () => specs.pending,
  );
  gauge('plush_http_connections', 'Open connections of clients', () => sources.http()?.connections ?? 0);
  gauge('plush_http_event_streams', 'Readers of GET /events', () => sources.http()?.eventStreams ?? 0);
  gauge('plush_http_sockets', 'WebSockets on GET /rpc', () => sources.http()?.sockets ?? 0);
}

function registerStates(registry: Registry, { state, journal }: MetricsSources): void {
  let countedAt = -1;
  new Gauge({
    name: 'plush_nodes',
    help: 'Nodes of the pool by state; failed hides the state of the link',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      // What waits for the journal is counted too; the next fact corrects whatever differs.
      if (countedAt === journal.last) return;
      countedAt = journal.last;
      setCounts(this, nodeStates, state.nodes.values(), nodeState);
    },
  });
  new Gauge({
    name: 'plush_runs',
    help: 'Runs by state: those under way and those that are remembered',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      setCounts(this, runStates, state.runs.values(), (run) => run.state);
    },
  });
}

function registerCallbacks(registry: Registry, { journal, callbacks }: MetricsSources): void {
  const labelNames = ['client'];
  const registers = [registry];
  new Gauge({
    name: 'plush_callback_lag_events',
    help: 'Events that a client of callbacks has not had yet; of clients at one address, the most',
    labelNames,
    registers,
    collect() {
      const lags = byAddress(
        callbacks.list(),
        ({ delivered }) => Math.max(0, journal.last - delivered),
        Math.max,
      );
      replace(this, lags);
    },
  });
  new Gauge({
    name: 'plush_callback_failures',
    help: 'Deliveries to a client of callbacks that failed in a row; of clients at one address, all together',
    labelNames,
    registers,
    collect() {
      replace(
        this,
        byAddress(
          callbacks.list(),
          ({ failures }) => failures,
          (a, b) => a + b,
        ),
      );
    },
  });
}

/** One value for each address of clients: a URL's path, query and password may be secrets, and its length is the client's choice. */
function byAddress(
  standings: readonly CallbackStanding[],
  measure: (standing: CallbackStanding) => number,
  join: (a: number, b: number) => number,
): Map<string, number> {
  const values = new Map<string, number>();
  for (const standing of standings) {
    const address = URL.canParse(standing.url) ? new URL(standing.url).host : OTHERS;
    const client = values.has(address) || values.size < MAX_CLIENT_LABELS ? address : OTHERS;
    const value = measure(standing);
    const before = values.get(client);
    values.set(client, before === undefined ? value : join(before, value));
  }
  return values;
}

function replace(gauge: Gauge<'client'>, values: ReadonlyMap<string, number>): void {
  gauge.reset();
  for (const [client, value] of values) gauge.set({ client }, value);
}

/** A state that nothing is in is told as 0, so that a series does not end where a count falls. */
function setCounts<T>(
  gauge: Gauge<'state'>,
  states: readonly string[],
  items: Iterable<T>,
  stateOf: (item: T) => string,
): void {
  const counts = new Map(states.map((state) => [state, 0]));
  for (const item of items) {
    const state = stateOf(item);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  for (const [state, count] of counts) gauge.set({ state }, count);
}

async function journalBytes({ stateDir }: MetricsSources): Promise<number> {
  const sizes = await Promise.all(
    JOURNAL_FILES.map((file) =>
      stat(join(stateDir, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
