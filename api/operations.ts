/** Methods that look ahead or act on many nodes at once, and what they answer. */
import { Type } from '@sinclair/typebox';
import { closed, type MethodDefinition, maybe, page, param } from './method.ts';
import { Hostname, optional, ShortfallSchema, Time } from './schemas.ts';

/** Names that one answer lists of nodes that are alike. */
const names = (description: string) => Type.Array(Hostname, { description });

const Result = Type.Object({
  count: Type.Integer({ description: 'Nodes on which it went exactly so' }),
  nodes: names('Their names in order, at most 1000'),
  exit_code: optional(Type.Integer()),
  signal: optional(Type.String({ description: 'The signal that ended the command, such as SIGKILL' })),
  stdout: Type.String({
    description:
      'Text; control characters and bytes that are not UTF-8 are replaced. With encoding base64: the bytes as they are, in base64, in XML-RPC a base64 value',
  }),
  stderr: Type.String(),
  stdout_cut: Type.Boolean({ description: 'There was more: 65536 bytes of each stream are kept' }),
  stderr_cut: Type.Boolean(),
  cause: optional(
    Type.String({
      description:
        'Why there is no exit code: timeout, start_failed, link_lost, disconnected, or the cause for which the node could not be reached',
    }),
  ),
  message: optional(Type.String({ description: 'One sentence for a person, with cause' })),
});

const Request = Type.Object({
  component: Type.String(),
  service: Type.String({ description: 'shirako or usher' }),
  server: Type.String(),
  state: Type.String({
    description: 'pending, accepted, refused (or not reached), or unknown: the controller was restarted',
  }),
  message: Type.String({ description: "The service's word, or what went wrong" }),
});

const OperationInfo = Type.Object({
  operation_id: Type.String(),
  kind: Type.String({ description: 'shell or resources' }),
  state: Type.String({
    description:
      'running; succeeded: on every node with exit code 0, or every request was accepted; failed; interrupted: the controller was restarted meanwhile. The last three are final',
  }),
  started: Time,
  ended: optional(Time),
  total: Type.Integer({ description: 'Nodes, or requests' }),
  pending: Type.Integer({ description: 'Those of which nothing has been heard' }),
  succeeded: Type.Integer(),
  failed: Type.Integer(),
  message: optional(Type.String({ description: 'Why there are no results, where there are none' })),
  results: Type.Array(Result, {
    description: 'Of shell: equal results folded into one, most nodes first; so far, while it runs',
  }),
  requests: Type.Array(Request, { description: 'Of resources: one entry a request' }),
  cursor: optional(
    Type.String({
      description: 'Hand it to the next call for more results; stable once the operation is over',
    }),
  ),
});

const Step = Type.Object({
  action: Type.String({
    description:
      'connect, install (at the beginning, or for a block), run, barrier, cleanup (between phases), reinstall (an empty working folder, and the software once more) or clean',
  }),
  component: optional(Type.String()),
  block: optional(Type.String()),
  command: optional(
    Type.String({ description: 'Program and arguments, or when the barrier releases, for a person to read' }),
  ),
  rule: optional(
    Type.String({ description: 'Of a workflow: when unfinished tasks are started again on other nodes' }),
  ),
  nodes: Type.Integer({ description: 'How many nodes take this step' }),
  waits_for: Type.Array(
    Type.Object({
      block: Type.String(),
      on: Type.String({ description: 'node: on the same node; all: on all nodes of its component' }),
    }),
    { description: 'Without those that the others named have waited for already' },
  ),
});

const AppPlan = Type.Object({
  app: Type.String(),
  can_run: Type.Boolean({ description: 'There are no shortfalls' }),
  note: Type.String({ description: 'How far the plan can be relied on' }),
  components: Type.Array(
    Type.Object({
      name: Type.String(),
      min: Type.Integer(),
      max: Type.Integer(),
      candidates: Type.Integer({ description: 'Free nodes that the component could choose from' }),
      count: Type.Integer({ description: 'Nodes it would get' }),
      nodes: Type.Array(
        Type.Object({
          hostname: Hostname,
          index: Type.Integer(),
          preference: Type.Number({ description: 'As given and learned, with what preferred hosts gain' }),
          chosen: Type.String({
            description:
              'static: the specification names it; preference: better than all that were left; tie: by chance among equals',
          }),
          state: Type.String({ description: 'idle, connecting, connected or lost' }),
        }),
        { description: 'In the order of their index; at most 1000 of all components together' },
      ),
    }),
  ),
  transfers: Type.Array(
    Type.Object({
      package: Type.String(),
      software: Type.String(),
      type: Type.String({
        description:
          'web, ftp and rsync: each node fetches it; scp, file and inline: it comes from the controller',
      }),
      path: Type.String(),
      size: optional(Type.Integer({ description: 'Bytes, where the specification says so' })),
      nodes: Type.Integer({ description: 'Nodes that need it; one that has it already moves nothing' }),
    }),
    { description: 'In the order of installation' },
  ),
  requests: Type.Array(
    Type.Object({
      component: Type.String(),
      service: Type.String({ description: 'sword, shirako or usher' }),
      server: optional(Type.String()),
      note: Type.String({
        description: 'Whether it was sent and answered, or when it is sent, for a person',
      }),
    }),
    { description: 'Requests to services that judge nodes or make them' },
  ),
  steps: Type.Array(Step, { description: 'In an order in which they can happen' }),
  shortfalls: Type.Array(ShortfallSchema),
});

/** plushPlanApp, plushShell, plushGetOperation. */
export const operationMethods = {
  plushPlanApp: {
    doc: 'What a run would do if it were started now: which nodes each component would get, what would be transferred, the steps in order with what they wait for, and what is missing. Changes nothing.',
    params: [
      maybe(
        'app',
        Type.String({ minLength: 1 }),
        'Name of a loaded application; without it, the one loaded last. A text that begins with "<" is a whole specification, which is planned without being loaded',
      ),
    ],
    result: AppPlan,
    scope: 'read',
    faults: ['NO_APP_LOADED', 'APP_NOT_FOUND', 'APP_INVALID', 'APP_NOT_READ', 'APP_NOT_RUNNABLE'],
  },
  plushShell: {
    doc: "Runs a command line with /bin/sh -c on nodes, connecting to those that are not connected, and answers an operation id at once; plushGetOperation tells the results. It runs in the account's home folder, without input, and once at most. A node that cannot be reached is not marked failed. Whatever the command leaves running when it ends, or at its timeout, or when the connection to the node ends, is ended too. The same request_id again runs nothing and answers the first operation's id, also after a restart, as long as that operation is among the 100 that are remembered.",
    params: [
      param(
        'command',
        Type.String({
          minLength: 1,
          maxLength: 32_000,
          pattern: '^[^\\u0000]*$',
          description: 'Without NUL',
        }),
        'The command line',
      ),
      maybe(
        'options',
        Type.Object(
          {
            nodes: optional(
              Type.Array(Hostname, { minItems: 1, maxItems: 100_000, description: 'These nodes' }),
            ),
            group: optional(Type.String({ description: 'The nodes of this group' })),
            timeout_s: optional(
              Type.Number({
                minimum: 0.1,
                maximum: 3600,
                description: 'Time for the command on each node; default 60',
              }),
            ),
            request_id: optional(
              Type.String({
                minLength: 1,
                maxLength: 256,
                description: 'The same id again answers the first operation; kept as long as that is',
              }),
            ),
          },
          closed,
        ),
        'nodes or group, else all nodes of the pool; timeout_s; request_id',
      ),
    ],
    result: Type.String({ description: 'Operation id' }),
    scope: 'operate',
    faults: ['NODE_NOT_FOUND', 'NO_NODES', 'REQUEST_ID_REUSED', 'TOO_MANY_OPERATIONS', 'QUITTING'],
  },
  plushGetOperation: {
    doc: 'How an operation is and what it has brought. With wait_s the answer comes when the operation is over, or after that time. Results are kept in memory: a restart of the controller loses them, and ends what was under way as interrupted; the oldest operations are forgotten beyond 100.',
    params: [
      param('id', Type.String({ maxLength: 256 }), 'Operation id'),
      maybe(
        'page',
        Type.Object(
          {
            wait_s: optional(Type.Number({ minimum: 0, maximum: 30, description: 'Seconds; default 0' })),
            ...page,
            encoding: optional(
              Type.Union([Type.Literal('text'), Type.Literal('base64')], {
                description: 'base64: stdout and stderr as the bytes they are. Default text',
              }),
            ),
          },
          closed,
        ),
        'wait_s; limit and cursor; encoding',
      ),
    ],
    result: OperationInfo,
    scope: 'read',
    faults: ['OPERATION_NOT_FOUND', 'BAD_CURSOR'],
  },
} as const satisfies Record<string, MethodDefinition>;
