import { methodHelp, methodSignature } from '../../../api/help.ts';
import { type MethodName, methodTable, type ResultOf } from '../../../api/methods.ts';
import { openrpc } from '../../../api/openrpc.ts';
import { outageSentence } from '../../core/pool/outage.ts';
import { nodeState } from '../../core/views/nodes.ts';
import type { Standing } from '../callbacks.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { eventPageInTurns, refuseFuture } from '../event-stream.ts';
import { unknownMethod } from '../fault.ts';

type ControlMethods =
  | 'plushTestConnection'
  | 'plushCreateResources'
  | 'plushQuit'
  | 'plushInfoControl'
  | 'plushGetEvents'
  | 'system.getCapabilities'
  | 'system.listMethods'
  | 'system.methodHelp'
  | 'system.methodSignature'
  | 'rpc.discover';

/** With the names, addresses and versions that other servers give. */
const CAPABILITIES = {
  xmlrpc: { specUrl: 'http://www.xmlrpc.com/spec', specVersion: 1 },
  introspection: {
    specUrl: 'http://phpxmlrpc.sourceforge.net/doc-2/ch10.html',
    specVersion: 2,
  },
  'system.multicall': { specUrl: 'http://www.xmlrpc.com/discuss/msgReader$1208', specVersion: 1 },
  faults_interop: {
    specUrl: 'http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php',
    specVersion: 20010516,
  },
  nil: { specUrl: 'http://www.ontosys.com/xml-rpc/extensions.php', specVersion: 20010518 },
  'json-rpc': { specUrl: 'https://www.jsonrpc.org/specification', specVersion: 2 },
  openrpc: { specUrl: 'https://spec.open-rpc.org', specVersion: 1 },
};

/** Methods about the controller itself and its contract. */
export function controlHandlers(context: Context): Pick<Handlers, ControlMethods> {
  const { submit, journal } = context;
  const names = Object.keys(methodTable).sort();
  const contract = openrpc();
  return {
    plushTestConnection: () => 'Hello World',
    plushCreateResources: async (call) => (await submit({ type: 'create_resources' }, call)) as string,
    plushQuit: async (call) => {
      await submit({ type: 'quit' }, call);
      return true;
    },
    plushInfoControl: () => info(context),
    plushGetEvents: ({ work }, page = {}) => {
      refuseFuture(page.after, journal.last);
      return eventPageInTurns(journal, page, work);
    },
    'system.getCapabilities': () => CAPABILITIES,
    'system.listMethods': () => names,
    'system.methodHelp': (_call, method) => methodHelp(known(method)),
    'system.methodSignature': (_call, method) => methodSignature(known(method)),
    'rpc.discover': () => contract,
  };
}

function outageInfo(state: Context['state']): Pick<ResultOf<'plushInfoControl'>, 'outage'> {
  const message = outageSentence(state);
  if (message === undefined || state.outage === undefined) return {};
  const { since, until } = state.outage;
  return { outage: { since, until, silent: state.contact.silent.size, message } };
}

function known(method: string): MethodName {
  if (Object.hasOwn(methodTable, method)) return method as MethodName;
  throw unknownMethod(method);
}

function info({ state, journal, callbacks, planetlab, appsDir, stateDir, started, version }: Context) {
  const ofPlanetLab = planetlab();
  const nodes: Record<string, number> = {};
  for (const node of state.nodes.values()) {
    const name = nodeState(node);
    nodes[name] = (nodes[name] ?? 0) + 1;
  }
  const standings = callbacks.list();
  const countOf = (now: Standing['state']) =>
    standings.filter(({ classic, state: one }) => !classic && one === now).length;
  const runs: Record<string, number> = {};
  for (const run of state.runs.values()) {
    runs[run.state] = (runs[run.state] ?? 0) + 1;
  }
  return {
    version,
    controller: state.controller,
    epoch: state.epoch,
    pid: process.pid,
    started,
    state_folder: stateDir,
    apps_folder: appsDir,
    journal: { first: journal.first, last: journal.last },
    nodes,
    runs,
    clients: standings
      .filter(({ classic }) => classic)
      .map(({ url, delivered, state: now }) => ({ url, delivered, suspended: now === 'suspended' })),
    subscriptions: {
      active: countOf('active'),
      failing: countOf('failing'),
      suspended: countOf('suspended'),
    },
    ...(state.loaded === undefined ? {} : { loaded_app: state.loaded }),
    ...outageInfo(state),
    ...(ofPlanetLab === undefined ? {} : { planetlab: ofPlanetLab }),
  };
}
