import { createHash } from 'node:crypto';
import type { ParamsOf } from '../../../api/methods.ts';
import type { AppSpec } from '../../../api/spec.ts';
import type { StartRequest } from '../../core/input.ts';
import { nodesMeant, requestedOperation } from '../../core/operation/decide.ts';
import { operationInfo, operationOf } from '../../core/views/operations.ts';
import { planApp, plannedApp } from '../../core/views/plan.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';
import { withApp } from '../specifications.ts';

type OperationMethods = 'plushPlanApp' | 'plushShell' | 'plushGetOperation';
type ShellOptions = NonNullable<ParamsOf<'plushShell'>[1]>;

const DEFAULT_TIMEOUT_S = 60;

/** Methods that look ahead, or act on many nodes at once. */
export function operationHandlers(context: Context): Pick<Handlers, OperationMethods> {
  const { state, submit, operations } = context;
  return {
    plushPlanApp: ({ work }, app) => {
      const plan = (spec: AppSpec) => planApp(state, spec, (hostname) => context.nodes.recentHost(hostname));
      if (!app?.trimStart().startsWith('<')) return plan(plannedApp(state, app));
      return withApp(context.specs, work, { text: app, file: 'application.xml', signal: work.signal }, plan);
    },
    plushShell: async (call, command, options = {}) => {
      const request = requestOf(command, options);
      // Known before the nodes are looked for: a repetition is answered also when they are gone.
      const isNew = requestedOperation(state, request) === undefined;
      const hostnames = isNew ? chosenNodes(context, options) : [];
      const timeoutMs = Math.ceil((options.timeout_s ?? DEFAULT_TIMEOUT_S) * 1000);
      const named = request === undefined ? {} : { request };
      const operation_id = (await submit({ type: 'start_shell', hostnames, ...named }, call)) as string;
      if (isNew) operations.start({ operation_id, command, timeoutMs }, hostnames);
      return operation_id;
    },
    plushGetOperation: async ({ work }, id, { wait_s = 0, ...page } = {}) => {
      operationOf(state, id);
      await operations.wait(id, wait_s * 1000, work.signal);
      return operationInfo(operationOf(state, id), operations.results(id), page);
    },
  };
}

/** The command is in no fact, since it may hold secrets; its digest tells whether another one is the same. */
function requestOf(command: string, { request_id, ...options }: ShellOptions): StartRequest | undefined {
  if (request_id === undefined) return undefined;
  const { nodes = null, group = null, timeout_s = DEFAULT_TIMEOUT_S } = options;
  const content = JSON.stringify([command, nodes, group, timeout_s]);
  return { request_id, digest: createHash('sha256').update(content).digest('hex') };
}

function chosenNodes({ state }: Context, { nodes, group }: ShellOptions): readonly string[] {
  if (nodes === undefined) return nodesMeant(state, group);
  if (group === undefined) return [...new Set(nodes)];
  throw new Fault('INVALID_PARAMETERS', 'plushShell takes nodes or group, not both');
}
