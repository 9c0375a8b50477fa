/** Methods about the barriers of a run, and what they answer. Source: section 5 of plush-toit.2011. */
import { Type } from '@sinclair/typebox';
import type { LeaveCause } from './events.ts';
import { closed, type MethodDefinition, maybe, param } from './method.ts';
import { Hostname, optional, Time } from './schemas.ts';

const runId = Type.String({ minLength: 1, maxLength: 256 });
const barrierName = Type.String({ minLength: 1, maxLength: 256 });
const run = Type.String({ ...runId, description: "The run's id" });
const barrier = Type.String({ ...barrierName, description: "The barrier's name" });
const block = optional(
  Type.String({
    maxLength: 256,
    description:
      'Block of the task that enters for itself; without it the node enters. Inside a workflow: for the task that the node works on',
  }),
);

const Standing = Type.Object({
  run_id: Type.String(),
  barrier: Type.String(),
  participant: Type.String({
    description:
      'COMPONENT/INDEX for a node, with /BLOCK for a task of its own; BLOCK#NUMBER for a task of a workflow, by the name of the workflow block',
  }),
  state: Type.String({
    description:
      'outside: it has not entered; waiting; released; inside or left, of a semaphore; catchup: it came late and is to go on at the barrier go_on_at; removed: it came late and its node is taken out of the run',
  }),
  label: optional(Type.String()),
  fence: optional(
    Type.Integer({
      description:
        'Number of the lease of a semaphore, larger than every one given before: what it protects can refuse older ones',
    }),
  ),
  cause: optional(
    Type.Unsafe<LeaveCause>({
      type: 'string',
      description:
        'With left, where it did not leave by itself: expired (its lease ran out, and another may have been inside since), ended (its task), lost (its node), unused',
    }),
  ),
  go_on_at: optional(Type.String()),
  entered: Type.Integer({ description: 'How many have entered' }),
  expected: Type.Integer({ description: 'How many participants there are' }),
});

const BarrierDetail = Type.Object({
  run_id: Type.String(),
  barrier: Type.String(),
  type: Type.String({ description: 'traditional, early, throttled or semaphore' }),
  state: Type.String({
    description:
      'closed: nobody was released by its rule yet; open: who enters now is late; a semaphore is always open',
  }),
  rule: Type.String({ description: 'When it releases, in words' }),
  entered: Type.Integer(),
  expected: Type.Integer(),
  waiting: Type.Integer(),
  inside: Type.Integer({ description: 'Of a semaphore' }),
  since: optional(Type.String({ description: 'When the first one entered; ISO 8601' })),
  opened: optional(Type.String({ description: 'When it opened; ISO 8601' })),
  cause: optional(Type.String({ description: 'Why it opened: all, percent, timeout, knee or manual' })),
  concurrency: optional(Type.Integer({ description: 'How many may be inside a semaphore now' })),
  entries: Type.Array(
    Type.Object({
      participant: Type.String(),
      hostname: optional(Hostname),
      state: Type.String({ description: 'waiting, released, inside or left' }),
      entered: Time,
      label: optional(Type.String()),
      late: optional(
        Type.String({ description: 'It came after the release: pass, catchup, remove or replace' }),
      ),
      fence: optional(Type.Integer()),
      cause: optional(Type.String({ description: 'Why it has left, as in a standing' })),
    }),
    { description: 'At most 1000: those that wait or are inside first, in the order of their entry' },
  ),
  missing: Type.Array(Hostname, { description: 'Nodes that have not entered; at most 20' }),
  missing_tasks: optional(
    Type.Array(
      Type.Object({
        block: Type.String({ description: 'The workflow block' }),
        number: Type.Integer({ description: 'The task’s number' }),
        nodes: Type.Array(Hostname, { description: 'Nodes that have the task; none before it is begun' }),
      }),
      { description: 'Of a barrier inside workflows: tasks that have not entered; at most 20' },
    ),
  ),
});

/** plushEnterBarrier, plushLeaveBarrier, plushReleaseBarrier, plushGetBarrier. */
export const barrierMethods = {
  plushEnterBarrier: {
    doc: 'Enters a node, or a task of it for itself, into a barrier of its run, once: entering again answers how it stands, and the first label stays. With wait_s the answer comes when it is released, or after that time.',
    params: [
      param(
        'entry',
        Type.Object(
          {
            run,
            barrier,
            node: Hostname,
            block,
            label: optional(
              Type.String({
                maxLength: 256,
                description: 'A word for those who look on; the first one stays',
              }),
            ),
            wait_s: optional(Type.Number({ minimum: 0, maximum: 30, description: 'Seconds; default 0' })),
          },
          closed,
        ),
        'Who enters what',
      ),
    ],
    result: Standing,
    scope: 'operate',
    faults: [
      'RUN_NOT_FOUND',
      'RUN_ENDED',
      'RUN_NOT_RELEASED',
      'BARRIER_NOT_FOUND',
      'NOT_A_PARTICIPANT',
      'BLOCK_NOT_FOUND',
    ],
  },
  plushLeaveBarrier: {
    doc: 'Leaves a semaphore, or the line before it; the next one is let in, and who has left may enter again for a new place and fence. Where the lease ran out before, the answer has the cause expired. Of another barrier nobody leaves: the answer is how the participant stands.',
    params: [
      param(
        'entry',
        Type.Object(
          {
            run,
            barrier,
            node: Hostname,
            block,
            fence: optional(
              Type.Integer({
                minimum: 1,
                description: 'The lease that is left; a newer one of the same participant is not touched',
              }),
            ),
          },
          closed,
        ),
        'Who leaves what',
      ),
    ],
    result: Standing,
    scope: 'operate',
    faults: [
      'RUN_NOT_FOUND',
      'RUN_ENDED',
      'RUN_NOT_RELEASED',
      'BARRIER_NOT_FOUND',
      'NOT_A_PARTICIPANT',
      'BLOCK_NOT_FOUND',
    ],
  },
  plushReleaseBarrier: {
    doc: 'Releases a barrier by hand: all that have entered, and the barrier is open, or only the nodes named. It works on barriers that release by themselves too; a semaphore admits by itself.',
    params: [
      param('run', runId, "The run's id"),
      param('barrier', barrierName, "The barrier's name"),
      maybe(
        'which',
        Type.Object(
          {
            nodes: optional(
              Type.Array(Hostname, { maxItems: 10_000, description: 'Nodes that have entered; absent: all' }),
            ),
          },
          closed,
        ),
        'Whom to release',
      ),
    ],
    result: BarrierDetail,
    scope: 'operate',
    faults: [
      'RUN_NOT_FOUND',
      'RUN_ENDED',
      'RUN_NOT_RELEASED',
      'BARRIER_NOT_FOUND',
      'NOT_A_PARTICIPANT',
      'BARRIER_NOT_RELEASABLE',
    ],
  },
  plushGetBarrier: {
    doc: 'One barrier of a run: its rule, who has entered, and who is missing. The barrier #install is the semaphore that transfers of packages pass.',
    params: [param('run', runId, "The run's id"), param('barrier', barrierName, "The barrier's name")],
    result: BarrierDetail,
    scope: 'read',
    faults: ['RUN_NOT_FOUND', 'BARRIER_NOT_FOUND'],
  },
} as const satisfies Record<string, MethodDefinition>;
