import type { NodeSpec } from '../../../api/spec.ts';
import type { Actor } from '../../core/input.ts';
import { Rejection } from '../../core/rejection.ts';
import { listNodes, nodeInfo, ownNodeInfo } from '../../core/views/nodes.ts';
import type { Caller } from '../../drivers/http/auth.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';

type NodeMethods =
  | 'plushAddNode'
  | 'plushRemoveNode'
  | 'plushFailHost'
  | 'plushConnect'
  | 'plushDisconnectApp'
  | 'plushListNodes'
  | 'plushGetNode';

/** Methods about the pool. */
export function nodeHandlers({ state, submit, nodes, transfers }: Context): Pick<Handlers, NodeMethods> {
  const done = async (answer: Promise<unknown>): Promise<boolean> => {
    await answer;
    return true;
  };
  return {
    plushAddNode: (call, properties) => {
      const node = { ...properties, type: properties.type ?? 'ssh' } as NodeSpec;
      if (!call.caller.scopes.has('admin')) refuseController(node);
      return done(submit({ type: 'add_node', node, by: actorOf(call.caller) }, call));
    },
    plushRemoveNode: (call, hostname) =>
      done(submit({ type: 'remove_node', hostname, by: actorOf(call.caller) }, call)),
    plushFailHost: (call, hostname) => done(submit({ type: 'fail_host', hostname }, call)),
    plushConnect: (call, hostname) => done(submit({ type: 'connect', hostname }, call)),
    plushDisconnectApp: (call, hostname) => done(submit({ type: 'disconnect', hostname }, call)),
    plushListNodes: ({ caller }, filter) => listNodes(state, filter ?? {}, ownerSeen(caller)),
    plushGetNode: ({ caller }, hostname) => {
      const node = state.nodes.get(hostname);
      const owner = ownerSeen(caller);
      if (node === undefined || (owner !== undefined && node.owner !== owner))
        throw new Rejection('NODE_NOT_FOUND', `No node "${hostname}" is in the pool`, { hostname });
      const host = nodes.host(hostname);
      const info = owner === undefined ? nodeInfo(state, node, transfers) : ownNodeInfo(state, node);
      return { ...info, ...(host === undefined ? {} : { host }) };
    },
  };
}

function actorOf({ name, scopes }: Caller): Actor {
  return { name, ownNodesOnly: !scopes.has('operate') };
}

/** Whose nodes alone a caller may see; undefined for everybody's. */
function ownerSeen({ name, scopes }: Caller): string | undefined {
  return scopes.has('read') ? undefined : name;
}

/**
 * Who brings machines, or runs applications on them, has no say over the controller's own machine and the keys there: a
 * command on a node of type local can read the owner's token.
 * @throws Fault FORBIDDEN
 */
function refuseController({ type, ssh_identity }: NodeSpec): void {
  if (type === 'local') {
    const sentence =
      "A node of type local needs the scope admin: what runs there has plushd's own account and can read the owner's token";
    throw new Fault('FORBIDDEN', sentence, { scope: 'admin' });
  }
  if (ssh_identity !== undefined) {
    const sentence =
      "A node with ssh_identity needs the scope admin: it has plushd use any key file that plushd's own account can read";
    throw new Fault('FORBIDDEN', sentence, { scope: 'admin' });
  }
}
