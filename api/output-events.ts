/** Events about files that a run was to bring back. */
import { Type } from '@sinclair/typebox';
import { event } from './event.ts';
import { Hostname } from './schemas.ts';

/** Why a file did not come back. */
export const missedCauses = [
  'output_missing',
  'output_unsafe',
  'output_not_a_file',
  'output_unreadable',
] as const;
export type MissedCause = (typeof missedCauses)[number];

const run_id = Type.String();
const path = Type.String({ description: "As the specification has it, below the run's folder" });

export const outputEvents = {
  outputs_missed: event(
    'run',
    'Files named by output did not come back from a node. Each is told once, and at most 100 of a node; of a run that failed or was aborted, what was not there yet is not told.',
    {
      run_id,
      hostname: Hostname,
      files: Type.Array(
        Type.Object({
          path,
          cause: Type.Unsafe<MissedCause>({
            type: 'string',
            description:
              "output_missing: it was not there; output_unsafe: it leads out of the run's folder; output_not_a_file; output_unreadable: the agent's account may not read it",
          }),
          message: Type.String({ description: 'One sentence for a person' }),
        }),
      ),
    },
  ),
  outputs_returned: event('run', 'Files that were told as missing came back after all.', {
    run_id,
    hostname: Hostname,
    paths: Type.Array(Type.String()),
  }),
} as const;
