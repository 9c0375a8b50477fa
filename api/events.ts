/**
 * Every fact of the journal, which is also every event of the event stream: topic, meaning and schema of its body.
 * An event on the wire is `{seq, time, type}` and the members of the body.
 */
import { type Static, Type } from '@sinclair/typebox';
import { event, type Topic, topics } from './event.ts';
import { operationEvents } from './operation-events.ts';
import { outageEvents } from './outage-events.ts';
import { outputEvents } from './output-events.ts';
import { planetLabEvents } from './planetlab-events.ts';
import {
  AppSpecSchema,
  FailureSchema,
  Hostname,
  MemberSchema,
  NodeSpecSchema,
  optional,
  ShortfallSchema,
} from './schemas.ts';
import type { BarrierSpec } from './spec.ts';
import { subscriptionEvents } from './subscription-events.ts';
import { workflowEvents } from './workflow-events.ts';

export { type Topic, topics };

/** Why a barrier released somebody, and why somebody left a semaphore: see the events. */
export type ReleaseCause = 'all' | 'percent' | 'timeout' | 'knee' | 'manual' | 'rate' | 'late' | 'place';
export type LeaveCause = 'left' | 'ended' | 'expired' | 'lost' | 'unused';

const run_id = Type.String();
const task_id = Type.String({
  description: 'RUN/BLOCK/NODE/ATTEMPT, and /NUMBER for a task of a workflow',
});
const hostname = Hostname;
const component = Type.String();
const block = Type.String();
const cause = Type.String({ description: 'A symbol' });
const message = Type.String({ description: 'One sentence for a person' });
const attempt = Type.Integer();
const barrier = Type.String();
const participant = Type.String({
  description:
    'COMPONENT/INDEX for a node, with /BLOCK for a task of its own; the place, which a replacement takes over',
});
const monitor = Type.Integer({
  description: "Place of the liveness monitor, from 0: the process's own, then the application's",
});
const owner = optional(Type.String({ description: 'Name of the token that added the node' }));
const number = optional(Type.Integer({ description: 'Of a workflow: the number of its task' }));
const stderr_tail = optional(Type.Array(Type.String()));

export const events = {
  controller_started: event(
    'control',
    'A term of the controller began; commands of older epochs are refused by agents.',
    {
      epoch: Type.Integer(),
      controller: Type.String({ description: 'Identity of this state folder, made at its first start' }),
      version: Type.String(),
    },
  ),
  quit_requested: event(
    'control',
    'plushQuit was called: runs are aborted, nodes cleaned, then the daemon ends.',
    {},
  ),

  node_added: event('node', 'A node came into the pool.', {
    node: NodeSpecSchema,
    source: Type.String({ description: 'api, directory or planetlab' }),
    owner,
  }),
  node_updated: event('node', 'A node of the pool was described anew; its failed flag is cleared.', {
    node: NodeSpecSchema,
    source: Type.String(),
    owner,
  }),
  node_removed: event('node', 'A node left the pool; its tasks are being stopped.', { hostname }),
  node_left: event(
    'node',
    'The agent of a removed node has cleaned up and gone, or could not be reached for it.',
    { hostname },
  ),
  node_connecting: event('node', 'A connection to the node was asked for.', { hostname }),
  node_connected: event('node', "The node's agent answers.", {
    hostname,
    agent: Type.Object({
      instance: Type.String(),
      bundle: Type.String(),
      boot_id: Type.String(),
      node_version: Type.String(),
      platform: Type.String(),
    }),
    runs: Type.Array(Type.String(), { description: 'Runs of which the agent has tasks or files' }),
  }),
  node_disconnected: event('node', 'The connection to the node ended or could not be made.', {
    hostname,
    cause,
    message,
    attempt,
    retry_ms: optional(
      Type.Integer({ description: 'The next attempt follows after this time; absent: none' }),
    ),
    drops: optional(
      Type.Integer({
        description: 'Losses of the connection within the drop window of plushd, this one among them',
      }),
    ),
  }),
  node_failed: event('node', 'The node is marked failed: the matcher does not choose it, its run recovers.', {
    hostname,
    failure: FailureSchema,
    flag_ms: optional(
      Type.Integer({
        description:
          "The flag is cleared after this time. Absent in journals of earlier versions: 10 minutes, or 10 s where the cause was not the node's",
      }),
    ),
  }),
  node_restored: event('node', "The node's failed flag was cleared.", { hostname, cause }),
  node_lease_expired: event(
    'node',
    'The lease of the node is over: no run takes it, and one that has it goes on without, until it is added again with a new lease.',
    { hostname, lease: Type.String({ description: 'Id of the lease' }) },
  ),
  node_cleaned: event('node', 'Nothing of a run is left on the node.', { hostname, run_id }),

  app_loaded: event('app', 'An application specification was loaded, or loaded again.', {
    app: AppSpecSchema,
    file: Type.String(),
  }),

  run_started: event('run', 'A run was ordered.', {
    run_id,
    app: Type.String(),
    request_id: optional(Type.String()),
  }),
  run_matched: event(
    'run',
    'Nodes were chosen for the run: at its start, as replacements, or because more came.',
    {
      run_id,
      members: Type.Array(MemberSchema),
    },
  ),
  run_released: event(
    'run',
    'Every node of the run is prepared, or the first one of a service: tasks start.',
    { run_id },
  ),
  run_refreshed: event(
    'run',
    'A service has looked for more nodes, as it does every reconnect_interval; run_matched names those it took.',
    { run_id },
  ),
  run_ending: event(
    'run',
    'The outcome is decided; tasks are stopped, output is collected, nodes are cleaned.',
    {
      run_id,
      outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('aborted')]),
      cause,
      message,
      shortfalls: optional(Type.Array(ShortfallSchema)),
    },
  ),
  run_ended: event('run', 'The run is over.', {
    run_id,
    outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('aborted')]),
  }),
  run_restarting: event(
    'run',
    'An exit policy begins the application again: its tasks are stopped; nodes and software stay.',
    {
      run_id,
      restart: Type.Integer({ description: 'Which restart of the application, from 1' }),
      cause,
      message,
      retry_ms: Type.Integer({ description: 'From the end of its last task until its blocks begin' }),
    },
  ),
  run_stopped: event('run', 'No task of the run runs any more; its blocks begin again after this time.', {
    run_id,
    retry_ms: Type.Integer(),
  }),
  run_restarted: event('run', 'The blocks of the run begin again, as after run_released.', { run_id }),
  member_installed: event('run', 'A node has all software of its component.', {
    run_id,
    hostname,
    bytes: Type.Integer(),
  }),
  member_failed: event('run', 'A node can no longer take part in the run.', {
    run_id,
    hostname,
    component,
    failure: FailureSchema,
  }),
  member_cleaned: event(
    'run',
    "A node's part is over: output is collected and its folder removed, or that is owed.",
    {
      run_id,
      hostname,
      owed: Type.Boolean({ description: 'The node did not answer; it is cleaned when it returns' }),
    },
  ),
  cleanup_failed: event(
    'run',
    "The application's cleanup command did not succeed on a node, which is cleaned all the same. Told once for each node.",
    { run_id, hostname, message: Type.String({ description: 'One sentence for a person' }) },
  ),
  block_changed: event('run', 'A block as a whole began or completed.', {
    run_id,
    block,
    component,
    state: Type.Union([Type.Literal('running'), Type.Literal('completed'), Type.Literal('failed')]),
  }),

  barrier_entered: event(
    'run',
    'A node, or one of its tasks, entered a barrier. It is told once for each entry, and again when a barrier block of a node that has entered already begins to wait.',
    {
      run_id,
      barrier,
      participant,
      hostname,
      block: optional(Type.String({ description: 'The barrier block that waits' })),
      number: optional(
        Type.Integer({ description: 'Of a barrier block inside a workflow: the task that has come to it' }),
      ),
      losers: optional(
        Type.Array(Hostname, {
          description:
            'Nodes that had the same task of a workflow, and come later: it is stopped there, and its output discarded',
        }),
      ),
      task_id: optional(Type.String({ description: 'The task that entered; RUN/BLOCK/NODE/ATTEMPT' })),
      label: optional(Type.String()),
      late: optional(
        Type.Unsafe<NonNullable<BarrierSpec['late']>>({
          type: 'string',
          description:
            'It came after the release: pass, catchup, remove or replace, and that is what became of it',
        }),
      ),
      entered: Type.Integer({ description: 'How many have entered, this one included' }),
      expected: Type.Integer({ description: 'How many participants there are' }),
    },
  ),
  barrier_released: event('run', 'A barrier let participants go, or let them into its semaphore.', {
    run_id,
    barrier,
    cause: Type.Unsafe<ReleaseCause>({
      type: 'string',
      description:
        'all: everybody has entered; percent, timeout, knee: early; manual: plushReleaseBarrier; rate: throttled, the next ones; late: after the release; place: into the semaphore',
    }),
    participants: Type.Array(Type.String()),
    opens: Type.Boolean({ description: 'The barrier is open from now on: who enters later is late' }),
  }),
  barrier_left: event('run', 'A participant left a semaphore, or was lost while it waited or was inside.', {
    run_id,
    barrier,
    participant,
    cause: Type.Unsafe<LeaveCause>({
      type: 'string',
      description:
        'left; ended: its task is over; expired: its lease is; lost: its node is; unused: it had nothing to do inside',
    }),
  }),
  barrier_knee: event('run', 'The arrivals had their knee before the barrier may open; it is ignored.', {
    run_id,
    barrier,
    entered: Type.Integer(),
  }),
  barrier_paced: event(
    'run',
    'An adaptive semaphore admits another number from now on, because of the bytes that those inside have told of.',
    {
      run_id,
      barrier,
      concurrency: Type.Integer({ minimum: 1, description: 'how many may be inside at a time' }),
      inside: Type.Number({ description: 'how many were, on average, while it was measured' }),
      bytes_per_second: Type.Number({ description: 'what all of them moved together' }),
    },
  ),
  blocks_completed: event(
    'run',
    'Barrier or workflow blocks are complete on a node, or blocks are skipped to catch up.',
    {
      run_id,
      hostname,
      barrier: optional(barrier),
      blocks: Type.Array(Type.String()),
      skipped: Type.Boolean(),
    },
  ),

  task_ordered: event('task', 'A task may start on a node, once.', {
    run_id,
    task_id,
    block,
    hostname,
    attempt,
    index: Type.Integer(),
    count: Type.Integer(),
    number,
  }),
  task_started: event('task', "The task's process runs.", { run_id, task_id, pid: optional(Type.Integer()) }),
  task_exited: event('task', 'The task is over.', {
    run_id,
    task_id,
    number,
    outcome: Type.Union([
      Type.Literal('completed'),
      Type.Literal('failed'),
      Type.Literal('stopped'),
      Type.Literal('lost'),
    ]),
    exit_code: optional(Type.Integer()),
    signal: optional(Type.String()),
    cause: optional(Type.String()),
    message: optional(Type.String()),
    monitor: optional(monitor),
    stderr_tail,
    discarded: optional(
      Type.Boolean({ description: 'Of a workflow: another attempt was first, and this end says nothing' }),
    ),
  }),
  task_unhealthy: event(
    'task',
    'A liveness monitor failed so often that the task is stopped; task_exited follows with the cause `liveness`.',
    { run_id, task_id, monitor, message },
  ),
  policy_applied: event(
    'task',
    "What an exit policy, or a monitor's policy, did about a task that is over.",
    {
      run_id,
      task_id,
      policy: Type.Union([
        Type.Literal('end_application'),
        Type.Literal('fail_application'),
        Type.Literal('restart_application'),
        Type.Literal('restart_process'),
        Type.Literal('continue'),
        Type.Literal('ignore'),
      ]),
      number,
      message,
      restart: optional(Type.Integer({ description: 'With restart_process: which restart, from 1' })),
      retry_ms: optional(Type.Integer({ description: 'With restart_process: it follows after this time' })),
    },
  ),

  ...outageEvents,
  ...outputEvents,
  ...planetLabEvents,
  ...workflowEvents,
  ...operationEvents,
  ...subscriptionEvents,
} as const;

export type EventType = keyof typeof events;
/** Bodies of facts by type. */
export type FactBody<T extends EventType> = Static<(typeof events)[T]['body']>;
/** A fact before the journal has numbered it. `time` is ISO 8601 UTC with milliseconds. */
export type Fact = {
  [T in EventType]: { readonly type: T; readonly time: string } & { readonly body: FactBody<T> };
}[EventType];
export type FactOf<T extends EventType> = Extract<Fact, { type: T }>;
