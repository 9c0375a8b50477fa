/** How a node is logged in to: as it says itself, and for the rest as the component of its run does. */
import type { AppSpec, NodeSpec } from '../../../api/spec.ts';
import type { PoolNode } from '../state.ts';

/** The node as it is to be connected to. */
export function specOf({ spec, login }: PoolNode): NodeSpec {
  return login === undefined || spec.type !== 'ssh' ? spec : { ...login, ...spec };
}

/**
 * A run takes the node: its component may say how to log in. What it says stays with the node after the run, since what the run
 * left there can be cleaned away by the same account alone.
 */
export function useLogin(app: AppSpec, component: string, node: PoolNode): void {
  const login = app.components.find(({ name }) => name === component)?.authentication;
  if (login !== undefined) node.login = login;
  else if (node.owed.size === 0) delete node.login;
}
