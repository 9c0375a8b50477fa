import { methodHelp, methodSignature } from '../../../api/help.ts';
import { type MethodName, methodTable } from '../../../api/methods.ts';
import { openrpc } from '../../../api/openrpc.ts';
import { nodeState } from '../../core/views/nodes.ts';
import type { Standing } from '../callbacks.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { eventPage } from '../event-stream.ts';
import { unknownMethod } from '../fault.ts';

type ControlMethods =
  | 'plushTestConnection'
  | 'plushCreateResources'
  | 'plushQuit'
  | 'plushInfoControl'
  | 'plushGetEvents'
  | 'system.listMethods'
  | 'system.methodHelp'
  | 'system.methodSignature'
  | 'rpc.discover';

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
    plushGetEvents: (_call, page) => eventPage(journal, page ?? {}),
    'system.listMethods': () => names,
    'system.methodHelp': (_call, method) => methodHelp(known(method)),
    'system.methodSignature': (_call, method) => methodSignature(known(method)),
    'rpc.discover': () => contract,
  };
}

function known(method: string): MethodName {
  if (Object.hasOwn(methodTable, method)) return method as MethodName;
  throw unknownMethod(method);
}

function info({ state, journal, callbacks, appsDir, stateDir, started, version }: Context) {
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
  };
}
