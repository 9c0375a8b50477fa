import type { NodeSpec } from '../../../api/spec.ts';
import { Rejection } from '../../core/rejection.ts';
import { listNodes, nodeInfo } from '../../core/views/nodes.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';

type NodeMethods =
  | 'plushAddNode'
  | 'plushRemoveNode'
  | 'plushFailHost'
  | 'plushConnect'
  | 'plushDisconnectApp'
  | 'plushListNodes'
  | 'plushGetNode';

/** Methods about the pool. */
export function nodeHandlers({ state, submit, nodes }: Context): Pick<Handlers, NodeMethods> {
  const done = async (answer: Promise<unknown>): Promise<boolean> => {
    await answer;
    return true;
  };
  return {
    plushAddNode: (call, properties) => {
      const node = { ...properties, type: properties.type ?? 'ssh' } as NodeSpec;
      return done(submit({ type: 'add_node', node }, call));
    },
    plushRemoveNode: (call, hostname) => done(submit({ type: 'remove_node', hostname }, call)),
    plushFailHost: (call, hostname) => done(submit({ type: 'fail_host', hostname }, call)),
    plushConnect: (call, hostname) => done(submit({ type: 'connect', hostname }, call)),
    plushDisconnectApp: (call, hostname) => done(submit({ type: 'disconnect', hostname }, call)),
    plushListNodes: (_call, filter) => listNodes(state, filter ?? {}),
    plushGetNode: (_call, hostname) => {
      const node = state.nodes.get(hostname);
      if (node === undefined)
        throw new Rejection('NODE_NOT_FOUND', `No node "${hostname}" is in the pool`, { hostname });
      const host = nodes.host(hostname);
      return { ...nodeInfo(state, node), ...(host === undefined ? {} : { host }) };
    },
  };
}
