/**
 * The table of methods: the one source of openrpc.json, system.methodHelp, system.methodSignature, the handlers' types,
 * the checks of parameters and the reference page. Source of the first ten: figure 4 of plush-toit.2011.
 */
import { type Static, Type } from '@sinclair/typebox';
import * as answers from './answers.ts';
import { barrierMethods } from './barriers.ts';
import { topics } from './event.ts';
import {
  closed,
  type MethodDefinition,
  maybe,
  type Parameter,
  page,
  pageLimit,
  param,
  type Scope,
} from './method.ts';
import { operationMethods } from './operations.ts';
import { RunPart } from './run-part.ts';
import { Hostname, NodeInput, nodeStates, oneOf, optional, runStates } from './schemas.ts';
import { subscriptionMethods } from './subscriptions.ts';
import { tokenMethods } from './tokens.ts';

export type { Parameter, Scope };

const runId = param('run', Type.String({ maxLength: 256 }), "The run's id");
const NodeFilter = Type.Object(
  {
    ...page,
    group: optional(Type.String({ description: 'Only nodes of this group' })),
    state: optional(oneOf(nodeStates, { description: 'Only nodes in this state' })),
    run: optional(Type.String({ description: 'Only nodes that this run uses' })),
  },
  closed,
);

const methods = {
  plushTestConnection: {
    doc: 'Answers "Hello World": the connection and the token are good.',
    params: [],
    result: Type.String(),
    scope: 'any',
    faults: [],
  },
  plushAddNode: {
    doc: 'Adds a node to the pool. A node of the same name is described anew, and its failed flag is cleared. The node belongs to the token that added it first. A token with the scope broker, but not operate, changes only nodes that it added. A node of type local, or with ssh_identity, takes the scope admin: it gives what its runs do the account of plushd, or the keys there. A lease bounds how long the node may be used: at its expires the node is taken out of the run that has it, which recovers, and no run takes it until it is added again with a new lease; adding it again before that, with a later end, disturbs nothing.',
    params: [param('properties', NodeInput, 'The node')],
    result: answers.True,
    scope: 'broker',
    faults: ['INVALID_NODE', 'NODE_TAKEN', 'TOO_MANY_NODES', 'QUITTING'],
  },
  plushRemoveNode: {
    doc: 'Removes a node from the pool. Its tasks are stopped first, and the run that used it recovers. A token with the scope broker, but not operate, removes only nodes that it added.',
    params: [param('hostname', Hostname, "The node's name")],
    result: answers.True,
    scope: 'broker',
    faults: ['NODE_NOT_FOUND'],
  },
  plushCreateResources: {
    doc: 'Sends the resource requests (shirako, usher) of the application loaded last to their services, and answers an operation id at once. The services add their nodes with plushAddNode; plushGetOperation and the events resources_requested and resources_answered tell what became of the requests.',
    params: [],
    result: Type.String({ description: 'Operation id' }),
    scope: 'operate',
    faults: ['NO_APP_LOADED', 'NO_RESOURCE_REQUEST', 'TOO_MANY_OPERATIONS', 'QUITTING'],
  },
  plushLoadApp: {
    doc: "Reads an application specification from a file below the folder given by --apps, and answers the application's name. Relative paths start at that folder.",
    params: [param('filename', Type.String({ minLength: 1, maxLength: 4096 }), 'Path on the controller')],
    result: Type.String({ description: "The application's name" }),
    scope: 'operate',
    faults: ['APP_OUTSIDE', 'APP_UNREADABLE', 'APP_INVALID', 'APP_NOT_READ', 'QUITTING'],
  },
  plushRunApp: {
    doc: "Runs the application loaded last, and answers the run's id at once.",
    params: [],
    result: Type.String({ description: 'Run id' }),
    scope: 'operate',
    faults: ['NO_APP_LOADED', 'APP_NOT_RUNNABLE', 'QUITTING'],
  },
  plushDisconnectApp: {
    doc: 'Closes the connection to a node; its tasks go on. An empty name closes all. plushConnect opens it again.',
    params: [param('hostname', Type.String({ maxLength: 255 }), 'The node\'s name, or "" for all')],
    result: answers.True,
    scope: 'operate',
    faults: ['NODE_NOT_FOUND'],
  },
  plushFailHost: {
    doc: 'Treats a node as failed: it gets the failed flag, its tasks are stopped, and its run recovers.',
    params: [param('hostname', Hostname, "The node's name")],
    result: answers.True,
    scope: 'operate',
    faults: ['NODE_NOT_FOUND'],
  },
  plushQuit: {
    doc: 'Aborts the runs, cleans the nodes and stops the daemon. Answers as soon as that is ordered.',
    params: [],
    result: answers.True,
    scope: 'admin',
    faults: [],
  },
  setXmlRpcClientUrl: {
    doc: 'Registers a classic callback client: from now on the controller calls its sendPlanetLabSlices, sendSliceNodes, sendApplicationExit, sendHostStatus, sendBlockStatus and sendResourceMatching.',
    params: [param('clientUrl', Type.String({ minLength: 1, maxLength: 2048 }), 'URL of its XML-RPC server')],
    result: answers.True,
    scope: 'operate',
    faults: ['BAD_URL', 'URL_NOT_ALLOWED', 'TOO_MANY_SUBSCRIBERS'],
  },

  plushConnect: {
    doc: 'Connects to a node (starting its agent where needed), also after plushDisconnectApp, and clears its failed flag. Answers at once; plushGetNode tells the state.',
    params: [param('hostname', Hostname, "The node's name")],
    result: answers.True,
    scope: 'operate',
    faults: ['NODE_NOT_FOUND', 'QUITTING'],
  },
  plushLoadAppXml: {
    doc: "Loads an application specification from its text, and answers the application's name.",
    params: [param('xml', Type.String(), 'The whole specification')],
    result: Type.String({ description: "The application's name" }),
    scope: 'operate',
    faults: ['APP_INVALID', 'APP_NOT_READ', 'QUITTING'],
  },
  plushValidateApp: {
    doc: 'Checks an application specification and answers all that is wrong with it, without loading it. No diagnostics of severity error: it can be loaded.',
    params: [param('xml', Type.String(), 'The whole specification')],
    result: answers.Diagnostics,
    scope: 'read',
    faults: ['APP_NOT_READ'],
  },
  plushListNodes: {
    doc: 'The pool, by page, in the order of the names. A page may hold fewer nodes than asked for; a cursor tells that there are more. A token without the scope read sees the nodes that it added, without what runs do on them, and cannot filter by run.',
    params: [maybe('filter', NodeFilter, 'group, state, run; limit and cursor')],
    result: answers.NodePage,
    scope: 'read',
    ownNodes: true,
    faults: ['BAD_CURSOR'],
  },
  plushGetNode: {
    doc: 'One node: description, state, and what it waits for. A token without the scope read sees only nodes that it added, without what runs do on them.',
    params: [param('hostname', Hostname, "The node's name")],
    result: answers.NodeInfo,
    scope: 'read',
    ownNodes: true,
    faults: ['NODE_NOT_FOUND'],
  },
  plushListApps: {
    doc: 'The applications that are loaded, by page, in the order of their names.',
    params: [maybe('filter', Type.Object(page, closed), 'limit and cursor')],
    result: answers.AppPage,
    scope: 'read',
    faults: ['BAD_CURSOR'],
  },
  plushGetApp: {
    doc: 'One application with its parsed specification.',
    params: [param('name', Type.String(), "The application's name")],
    result: answers.AppDetail,
    scope: 'read',
    faults: ['APP_NOT_FOUND'],
  },
  plushStartRun: {
    doc: "Starts a run of a loaded application and answers its id at once. The same request_id again answers the first run's id and starts nothing.",
    params: [
      param(
        'order',
        Type.Object(
          {
            app: Type.String({ description: "The application's name" }),
            request_id: optional(
              Type.String({ minLength: 1, maxLength: 256, description: 'A name of your own for this order' }),
            ),
          },
          closed,
        ),
        'What to run',
      ),
    ],
    result: Type.String({ description: 'Run id' }),
    scope: 'operate',
    faults: ['APP_NOT_FOUND', 'APP_NOT_RUNNABLE', 'REQUEST_ID_REUSED', 'QUITTING'],
  },
  plushListRuns: {
    doc: 'The runs, by page, newest first.',
    params: [
      maybe(
        'filter',
        Type.Object(
          {
            ...page,
            app: optional(Type.String({ description: 'Only runs of this application' })),
            state: optional(oneOf(runStates, { description: 'Only runs in this state' })),
          },
          closed,
        ),
        'app, state; limit and cursor',
      ),
    ],
    result: answers.RunPage,
    scope: 'read',
    faults: ['BAD_CURSOR'],
  },
  plushGetRun: {
    doc: 'One run: its state, components, blocks, and what its nodes wait for. A run with very many components and blocks tells them by page, and all else with each of them.',
    params: [runId, maybe('page', RunPart, 'limit and cursor')],
    result: answers.RunDetail,
    scope: 'read',
    faults: ['RUN_NOT_FOUND', 'BAD_CURSOR'],
  },
  plushAbortRun: {
    doc: 'Aborts a run: its tasks are stopped, output is collected, its nodes are cleaned. Again while it ends: nothing more happens.',
    params: [runId],
    result: answers.True,
    scope: 'operate',
    faults: ['RUN_NOT_FOUND', 'RUN_ENDED'],
  },
  plushGetBlock: {
    doc: 'One block of a run with its tasks; of a workflow block, how far it is and the results of its tasks.',
    params: [
      runId,
      param('block', Type.String(), "The block's name"),
      maybe(
        'from',
        Type.Integer({ minimum: 1, maximum: 1_000_000 }),
        'Of a workflow: number of the first task whose result is told; default 1',
      ),
    ],
    result: answers.BlockDetail,
    scope: 'read',
    faults: ['RUN_NOT_FOUND', 'BLOCK_NOT_FOUND'],
  },
  plushGetMatching: {
    doc: 'The nodes of a run by component, without those that were lost.',
    params: [runId],
    result: answers.Matching,
    scope: 'read',
    faults: ['RUN_NOT_FOUND'],
  },
  plushGetOutput: {
    doc: "A page of a task's output, also while it grows. Without task: the newest task of the run on that node. Offsets count bytes from 0 and never change. Who follows an output asks for the next page with wait_ms and gets it as soon as something is written. With file: a file of the run's working folder on that node, once it has been brought back. Text has what a string cannot carry replaced; with encoding base64 data is the bytes as they are, in XML-RPC a base64 value.",
    params: [
      runId,
      param('node', Hostname, "The node's name"),
      maybe(
        'page',
        Type.Object(
          {
            stream: optional(
              Type.Union([Type.Literal('stdout'), Type.Literal('stderr')], { description: 'Default stdout' }),
            ),
            task: optional(
              Type.String({
                description: "A task id, a block's name, or BLOCK/NUMBER for the task of a workflow block",
              }),
            ),
            offset: optional(Type.Integer({ minimum: 0, description: 'First byte; default 0' })),
            limit: optional(pageLimit(262144, 'Bytes; default 65536')),
            wait_ms: optional(
              Type.Integer({
                minimum: 0,
                maximum: 30000,
                description: 'Where there is nothing yet, wait so long for the next byte; default 0',
              }),
            ),
            file: optional(
              Type.String({
                maxLength: 4096,
                description: 'In place of a stream: a file that was brought back, by its path',
              }),
            ),
            encoding: optional(
              Type.Union([Type.Literal('text'), Type.Literal('base64')], {
                description: 'base64: the bytes as they are. Default text',
              }),
            ),
          },
          closed,
        ),
        'stream, task, offset, limit, wait_ms, encoding; or file, offset, limit, encoding',
      ),
    ],
    result: answers.OutputPage,
    scope: 'read',
    faults: ['RUN_NOT_FOUND', 'NOT_IN_RUN', 'NO_OUTPUT', 'OUTPUT_UNREACHABLE'],
  },
  plushExplain: {
    doc: 'Why: one state for each node, equal failures folded into one with a count and a hint, and what everybody waits for.',
    params: [param('subject', Type.String({ maxLength: 256 }), "A run's id or a node's name")],
    result: answers.Explanation,
    scope: 'read',
    faults: ['SUBJECT_NOT_FOUND'],
  },
  ...operationMethods,
  ...barrierMethods,
  ...subscriptionMethods,
  plushInfoControl: {
    doc: "The controller's own state.",
    params: [],
    result: answers.ControlInfo,
    scope: 'read',
    faults: [],
  },
  plushGetEvents: {
    doc: 'Events after a sequence number, oldest first. after 0 is the beginning; after -1 answers no events and the newest number. Where the oldest were removed, an event of type gap comes first, {seq, type, first} without a time: first is the number of the oldest that is still there. A page may end before limit while more is true, also with no events at all.',
    params: [
      maybe(
        'page',
        Type.Object(
          {
            after: optional(
              Type.Integer({ minimum: -1, description: 'Number of the last event that is known; default 0' }),
            ),
            limit: optional(pageLimit(1000, 'Default 100')),
            topics: optional(
              Type.Array(oneOf(topics), {
                maxItems: 16,
                description: 'Default all',
              }),
            ),
          },
          closed,
        ),
        'after, limit, topics',
      ),
    ],
    result: answers.EventPage,
    scope: 'read',
    faults: [],
  },

  ...tokenMethods,

  'system.getCapabilities': {
    doc: 'What the server can beyond the bare protocol: name to specUrl and specVersion, as other XML-RPC servers answer it.',
    params: [],
    result: answers.Capabilities,
    scope: 'any',
    faults: [],
  },
  'system.listMethods': {
    doc: 'The names of all methods.',
    params: [],
    result: Type.Array(Type.String()),
    scope: 'any',
    faults: [],
  },
  'system.methodHelp': {
    doc: 'What a method does, takes and answers, as text.',
    params: [param('method', Type.String(), 'Its name')],
    result: Type.String(),
    scope: 'any',
    faults: ['UNKNOWN_METHOD'],
  },
  'system.methodSignature': {
    doc: "The signatures of a method: arrays of type names, the result's first.",
    params: [param('method', Type.String(), 'Its name')],
    result: Type.Array(Type.Array(Type.String())),
    scope: 'any',
    faults: ['UNKNOWN_METHOD'],
  },
  'system.multicall': {
    doc: 'Makes several calls in order. Each result is an array of one value, or a struct with faultCode and faultString. At most 10000; calls of system.multicall itself are refused. The whole body has its bound too (HTTP 413 beyond it), 1 MiB unless plushd was started with another --max-body: 10000 items fit into that with 100 bytes each, and over XML-RPC already a plushAddNode with hostname and type takes 300 to 400, so send such in several requests.',
    params: [
      param(
        'calls',
        Type.Array(Type.Unknown(), { maxItems: 10_000 }),
        'Structs {methodName, params}: a string and an array',
      ),
    ],
    result: Type.Array(Type.Unknown()),
    scope: 'any',
    faults: [],
  },
  'rpc.discover': {
    doc: 'This contract as an OpenRPC document.',
    params: [],
    result: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
    scope: 'any',
    faults: [],
  },
} as const satisfies Record<string, MethodDefinition>;

export type MethodName = keyof typeof methods;
type Values<P> = P extends readonly [
  infer First extends Parameter,
  ...infer Rest extends readonly Parameter[],
]
  ? First extends { optional: true }
    ? [value?: Static<First['schema']>, ...Values<Rest>]
    : [value: Static<First['schema']>, ...Values<Rest>]
  : [];
/** The positional parameters of a method, as checked. */
export type ParamsOf<M extends MethodName> = Values<(typeof methods)[M]['params']>;
export type ResultOf<M extends MethodName> = Static<(typeof methods)[M]['result']>;
/** The table read as plain data. */
export const methodTable: Readonly<Record<string, MethodDefinition>> = methods;
