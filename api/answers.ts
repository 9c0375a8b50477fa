/** Schemas of what the methods answer. */
import { type TSchema, Type } from '@sinclair/typebox';
import type { MissedCause } from './output-events.ts';
import {
  AppSpecSchema,
  DiagnosticSchema,
  FailureSchema,
  Hostname,
  MemberSchema,
  NodeSpecSchema,
  optional,
  RunStateSchema,
  ShortfallSchema,
  Time,
} from './schemas.ts';

const cursor = optional(
  Type.String({ description: 'Hand it to the next call for the next page; missing on the last' }),
);

export const True = Type.Boolean({
  description: 'Always true: the seeds answer void, which XML-RPC does not have',
});

export const NodeInfo = Type.Object({
  ...NodeSpecSchema.properties,
  state: Type.String({
    description: 'idle, connecting, connected, lost or failed; failed also when its lease is over',
  }),
  since: Time,
  preference: Type.Number({ description: 'As given, raised by success and lowered by failure' }),
  owner: optional(Type.String({ description: 'Name of the token that added it' })),
  run_id: optional(Type.String({ description: 'The run that uses the node' })),
  waits_for: optional(Type.String({ description: 'What the node waits for in its run' })),
  failure: optional(FailureSchema),
  agent: optional(
    Type.Object({
      instance: Type.String(),
      bundle: Type.String(),
      boot_id: Type.String(),
      node_version: Type.String(),
      platform: Type.String(),
    }),
  ),
  host: optional(
    Type.Object(
      {
        cpus: optional(Type.Integer({ description: 'Processors that programs may use' })),
        load1: Type.Number(),
        memory_free_bytes: Type.Number(),
        memory_total_bytes: Type.Number(),
        disk_free_bytes: Type.Number(),
        disk_total_bytes: optional(Type.Number()),
        network_received_bytes: optional(
          Type.Number({
            description: 'Since the machine began, over all interfaces but the loopback',
          }),
        ),
        network_sent_bytes: optional(Type.Number({ description: 'Counted alike' })),
      },
      { description: "The host monitor's newest sample" },
    ),
  ),
});

export const NodePage = Type.Object({
  nodes: Type.Array(NodeInfo),
  total: Type.Integer({ description: 'Nodes in the pool that match the filter' }),
  cursor,
});

export const AppInfo = Type.Object({
  name: Type.String(),
  project: Type.String(),
  file: Type.String(),
  loaded: Time,
  components: Type.Integer(),
  component_blocks: Type.Integer(),
});
export const AppPage = Type.Object({ apps: Type.Array(AppInfo), total: Type.Integer(), cursor });
export const AppDetail = Type.Object({ ...AppInfo.properties, spec: AppSpecSchema });

export const BlockInfo = Type.Object({
  name: Type.String(),
  component: Type.String(),
  component_block: Type.String(),
  state: Type.String({ description: 'waiting, running, completed or failed' }),
  waiting: Type.Integer({ description: 'Nodes that have not begun it' }),
  running: Type.Integer(),
  completed: Type.Integer(),
  failed: Type.Integer(),
  workflow: optional(
    Type.Object(
      {
        total: Type.Integer({ description: 'Tasks' }),
        done: Type.Integer({ description: 'Tasks with their result, those that were ignored included' }),
        running: Type.Integer({ description: 'Tasks that some node works on' }),
        queued: Type.Integer({
          description: 'Tasks that no node has, or that wait for their node to go on with them',
        }),
        waiting: optional(Type.Integer({ description: 'Tasks that wait at barriers inside the workflow' })),
        reallocated: Type.Integer({ description: 'Started again on another node because of a knee' }),
        ignored: Type.Integer({ description: 'Failed for good, and ignored by their exit policy' }),
        idle: Type.Integer({ description: 'Nodes that take part and have no task' }),
      },
      { description: 'Of a workflow block; the counts beside it are of nodes' },
    ),
  ),
});
export const TaskInfo = Type.Object({
  task_id: Type.String(),
  hostname: Hostname,
  attempt: Type.Integer(),
  state: Type.String({ description: 'ordered, running, completed, failed, stopped or lost' }),
  since: Time,
  pid: optional(Type.Integer()),
  exit_code: optional(Type.Integer()),
  signal: optional(Type.String()),
  number: optional(Type.Integer({ description: 'Of a workflow: the number of its task' })),
});
export const BlockDetail = Type.Object({
  ...BlockInfo.properties,
  predecessors: Type.Array(Type.String()),
  tasks: Type.Array(TaskInfo, {
    description: 'At most 1000, the newest attempts first; of a workflow, what each node has now or had last',
  }),
  results: optional(
    Type.Array(
      Type.Object({
        number: Type.Integer(),
        file: optional(Type.String()),
        hostname: Type.String({ description: 'The node that was first' }),
        ignored: optional(Type.Boolean({ description: 'It failed, and that was ignored' })),
        tasks: Type.Array(Type.String(), {
          description: 'Ids of its processes in their order, for plushGetOutput',
        }),
      }),
      { description: 'Of a workflow: the finished tasks by number, at most 1000 from `from` on' },
    ),
  ),
});

export const RunInfo = Type.Object({
  run_id: Type.String(),
  app: Type.String(),
  state: RunStateSchema,
  started: Time,
  ended: optional(Time),
  cause: optional(Type.String({ description: 'Symbol of why it ended as it did' })),
  message: optional(Type.String()),
});
export const RunPage = Type.Object({ runs: Type.Array(RunInfo), total: Type.Integer(), cursor });
export const RunDetail = Type.Object({
  ...RunInfo.properties,
  request_id: optional(Type.String()),
  components: Type.Array(
    Type.Object({
      name: Type.String(),
      min: Type.Integer(),
      max: Type.Integer(),
      nodes: Type.Integer(),
      prepared: Type.Integer(),
      done: Type.Integer(),
    }),
  ),
  blocks: Type.Array(BlockInfo, {
    description: 'In the order of the specification; a page of them behind the components, see cursor',
  }),
  components_total: Type.Integer(),
  blocks_total: Type.Integer(),
  block_states: Type.Object(
    {
      waiting: Type.Integer(),
      running: Type.Integer(),
      completed: Type.Integer(),
      failed: Type.Integer(),
    },
    { description: 'How many of all blocks are in which state' },
  ),
  cursor,
  waiting: Type.Array(
    Type.Object({
      waits_for: Type.String(),
      nodes: Type.Integer(),
      since: Type.String({ description: 'The oldest of them' }),
      examples: Type.Array(Hostname, { description: 'At most 5' }),
    }),
    { description: 'What the nodes of the run wait for, most nodes first' },
  ),
  missing_outputs: optional(
    Type.Array(
      Type.Object({
        path: Type.String(),
        cause: Type.Unsafe<MissedCause>({
          type: 'string',
          description: 'output_missing, output_unsafe, output_not_a_file or output_unreadable',
        }),
        message: Type.String(),
        nodes: Type.Integer({ description: 'From how many nodes it did not come back' }),
        examples: Type.Array(Hostname, { description: 'At most 5' }),
      }),
      {
        description:
          'Files named by output that did not come back, at most 100, most nodes first; missing where all did',
      },
    ),
  ),
  lost: Type.Integer({ description: 'Nodes that were lost on the way' }),
});

export const Matching = Type.Record(Type.String(), Type.Array(Hostname), {
  description: 'Component name to the names of its nodes, in the order of their index',
});

export const OutputPage = Type.Object({
  data: Type.String({
    description:
      'Text; control characters and bytes that are not UTF-8 are replaced. With encoding base64: the bytes as they are, in base64',
  }),
  offset: Type.Integer({
    description: 'Where data begins; larger than asked where older output was dropped',
  }),
  end: Type.Integer({ description: 'Offset to ask for next: the byte after data' }),
  eof: Type.Boolean({ description: 'The task is over and data reaches the end of its output' }),
  task: Type.String(),
  skipped_bytes: optional(
    Type.Integer({
      description:
        'Bytes between the offset asked for and `offset` that are not kept: the output is longer than max_bytes of its log_manager allows. Missing: none',
    }),
  ),
  lost_bytes: optional(
    Type.Integer({
      description:
        'Bytes that the program wrote faster than its node could keep them, at least so many; they are missing somewhere in the output, and offsets do not count them. Missing: none',
    }),
  ),
});

export const Explanation = Type.Object({
  subject: Type.String(),
  kind: Type.String({ description: 'run or node' }),
  state: Type.String(),
  summary: Type.String({ description: 'What happened, in a sentence or two' }),
  causes: Type.Array(
    Type.Object({
      cause: Type.String(),
      phase: Type.String(),
      message: Type.String(),
      nodes: Type.Integer({ description: 'How many nodes it hit' }),
      examples: Type.Array(Hostname, { description: 'At most 20 of them' }),
      action: Type.String({ description: 'What Plush did about it' }),
      hint: Type.String({ description: 'What to do next' }),
      numbers: optional(
        Type.Array(Type.Integer(), {
          description: 'Of a workflow: numbers of tasks that failed so, at most 20, as far as they are known',
        }),
      ),
      failure: FailureSchema,
    }),
    { description: 'Equal failures folded into one, most nodes first' },
  ),
  shortfalls: Type.Array(ShortfallSchema),
  waiting: RunDetail.properties.waiting,
  nodes: Type.Array(
    Type.Object({
      hostname: Hostname,
      component: Type.String(),
      state: Type.String({
        description: "The node's one state in the run: waiting, running, done, failed, stopped",
      }),
      phase: Type.String(),
      cause: optional(Type.String()),
      number: optional(Type.Integer({ description: 'Of a workflow: number of the task that failed' })),
      exit_code: optional(Type.Integer()),
      signal: optional(Type.String()),
    }),
    { description: 'One entry a node, at most 1000, and no more than clients accept in one answer' },
  ),
});

const PlanetLabInfo = Type.Object(
  {
    url: Type.String(),
    user: Type.String(),
    state: Type.Union(
      [Type.Literal('off'), Type.Literal('asking'), Type.Literal('current'), Type.Literal('failing')],
      {
        description:
          'off: there is no password to ask with; asking: for the first time; current: it answered last time; failing: it did not, and the nodes of its last answer stay',
      },
    ),
    message: optional(Type.String({ description: 'Why it is off or failing, and what to do' })),
    answered: optional(Time),
    next: optional(Type.String({ description: 'When it is asked again; ISO 8601' })),
    slices: Type.Array(
      Type.Object({
        slice: Type.String(),
        port: Type.Integer(),
        found: Type.Boolean({ description: 'PlanetLab Central shows it to the account' }),
        nodes: Type.Integer({ description: 'Its nodes in the pool' }),
      }),
    ),
  },
  { description: 'PlanetLab Central, where the directory names slices of it' },
);

export const ControlInfo = Type.Object({
  version: Type.String(),
  controller: Type.String(),
  epoch: Type.Integer(),
  pid: Type.Integer(),
  started: Time,
  state_folder: Type.String(),
  apps_folder: Type.String(),
  journal: Type.Object({ first: Type.Integer(), last: Type.Integer() }),
  nodes: Type.Record(Type.String(), Type.Integer(), { description: 'Nodes by state' }),
  runs: Type.Record(Type.String(), Type.Integer(), { description: 'Runs by state' }),
  clients: Type.Array(
    Type.Object({ url: Type.String(), delivered: Type.Integer(), suspended: Type.Boolean() }),
    { description: 'Classic callback clients' },
  ),
  subscriptions: Type.Object(
    { active: Type.Integer(), failing: Type.Integer(), suspended: Type.Integer() },
    { description: 'Subscriptions with a URL by state; plushListSubscriptions tells more' },
  ),
  loaded_app: optional(Type.String()),
  outage: optional(
    Type.Object(
      {
        since: Time,
        until: Type.String({ description: 'No node is replaced for its silence before; ISO 8601' }),
        silent: Type.Integer({ description: 'Nodes of runs that are silent now' }),
        message: Type.String({ description: 'One sentence for a person' }),
      },
      {
        description:
          "There while the controller's own network is suspected, since most nodes fell silent at once",
      },
    ),
  ),
  planetlab: optional(PlanetLabInfo),
});

export const EventPage = Type.Object({
  events: Type.Array(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      description: '{seq, time, type, …}; see Events in docs/api.md',
    }),
  ),
  last: Type.Integer({ description: 'Hand it to the next call as after' }),
  more: Type.Boolean({ description: 'More events are there already' }),
});

export const Capabilities = Type.Record(
  Type.String(),
  Type.Object({ specUrl: Type.String(), specVersion: Type.Integer() }),
  { description: 'Name of the capability to where it is specified' },
);

export const Diagnostics = Type.Array(DiagnosticSchema);
export const Members = Type.Array(MemberSchema);

/** What `answer: schema` of a page has in common. */
export type AnswerSchema = TSchema;
