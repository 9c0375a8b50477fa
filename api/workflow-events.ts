/** Events about the tasks of workflows (section 6.3 of plush-toit.2011). */
import { Type } from '@sinclair/typebox';
import { event } from './event.ts';
import { Hostname, optional } from './schemas.ts';

/**
 * Why a node was given a task: it was its turn; nobody has it any more, since its node was lost or it waited at a barrier
 * before anything was done; others take too long for it.
 */
export type GivenCause = 'first' | 'returned' | 'straggler';

const run_id = Type.String();
const hostname = Hostname;
const block = Type.String({ description: 'Name of the workflow block' });
const number = Type.Integer({ description: 'The task’s number, from 1' });
const attempt = Type.Integer({ description: 'Which attempt at this task, from 1' });
const done = Type.Integer({ description: 'Tasks with a result' });
const total = Type.Integer();

export const workflowEvents = {
  workflow_joined: event('run', 'A node takes part in a workflow from now on.', { run_id, block, hostname }),
  workflow_task_started: event('task', 'A node was given a task of a workflow; task_ordered follows.', {
    run_id,
    block,
    number,
    attempt,
    hostname,
    cause: Type.Unsafe<GivenCause>({
      type: 'string',
      description:
        'first; returned: the node that had it was lost, or it waited at a barrier and nothing was done before; straggler: at a knee it was unfinished elsewhere, where it goes on',
    }),
    kneed: optional(
      Type.Integer({
        description:
          'Of a straggler: how many tasks had their result at the knee, or had come to the barrier that they wait for',
      }),
    ),
    total: optional(Type.Integer({ description: 'Of a straggler: all tasks of the workflow' })),
  }),
  workflow_task_returned: event(
    'task',
    'A node that had a task of a workflow was lost, or had kept it at a barrier with nothing done before. Where nobody else has the task, the next idle node gets it.',
    { run_id, block, number, attempt, hostname },
  ),
  workflow_task_finished: event(
    'task',
    'A task of a workflow has its result, the only one that counts: that of the node named, which was first.',
    {
      run_id,
      block,
      number,
      attempt,
      hostname,
      done,
      total,
      losers: Type.Array(Hostname, {
        description: 'Nodes that had the task too: it is stopped there, and its output discarded',
      }),
      ignored: optional(
        Type.Boolean({ description: 'It failed, and its exit policy goes on without a result' }),
      ),
    },
  ),
  workflow_knee: event(
    'run',
    'The finished tasks had their knee: for longer than expected none was finished.',
    {
      run_id,
      block,
      done,
      total,
      again: Type.Integer({
        description:
          'Unfinished tasks that idle nodes may start from now on; 0: too early, the knee is ignored',
      }),
    },
  ),
  task_collected: event(
    'task',
    'The output of a task of a workflow is at the controller, or discarded, and nothing of the task is left on its node.',
    { run_id, task_id: Type.String({ description: 'RUN/BLOCK/NODE/ATTEMPT/NUMBER' }) },
  ),
} as const;
