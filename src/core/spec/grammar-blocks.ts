/** The rows of the table for blocks (sections 3.1, 5 and 6 of plush-toit.2011; figures 14, 16 and 18). */
import { cleanupRule, exitPolicyRule, livenessRule, outputRule, processRule } from './grammar-process.ts';
import { children, type ElementRule, oneOf, optional, required, textRule } from './rule.ts';
import {
  ATTEMPTS,
  BOOLEAN,
  HOSTS,
  NAME,
  PARTICIPANTS,
  PERCENT,
  PERIOD,
  TASKS,
  TEXT,
  WAIT,
} from './value-rule.ts';

const NAMED = { name: required(NAME, 'Its name, different from that of every other block') } as const;

/** An element that refers to another by name. */
export function reference(kind: string, about: string): ElementRule {
  return { kind, about, attributes: { name: required(NAME, 'The name') } };
}

const predecessorRule = reference('predecessor', 'A block that must complete first');

const KNEES = oneOf({
  ewma: 'averages of the gaps between arrivals and of their deviation, as section 5.2.1 of the 2011 paper has it',
  kneedle: 'the Kneedle algorithm',
});

const barrierRule: ElementRule = {
  kind: 'barrier',
  about:
    'A barrier. Blocks that name the same one share it, in whatever component block they are; each parameter is given at one of them, or alike at several',
  attributes: {
    name: required(NAME, 'The barrier'),
    type: optional(
      oneOf({
        '0': 'traditional: all participants must have entered',
        traditional: 'the same as 0',
        '1': 'early: a share, a time or a knee of the arrivals releases it',
        early: 'the same as 1',
        '2': 'throttled: some are released at each interval once the condition holds',
        throttled: 'the same as 2',
        '3': 'semaphore: only so many are inside at a time',
        semaphore: 'the same as 3',
      }),
      'When it releases',
      '0',
    ),
    max: optional(PARTICIPANTS, 'Participants; without it all nodes that take part when the run begins'),
    percent: optional(PERCENT, 'Share of the participants that suffices; types 1 and 2'),
    timeout: optional(WAIT, 'Time since the first entry that suffices; types 1 and 2'),
    knee_det: optional(BOOLEAN, 'Whether a knee of the arrivals suffices; types 1 and 2', 'false'),
    knee: optional(KNEES, 'How the knee is found; implies knee_det', 'ewma'),
    min_percent: optional(PERCENT, 'Nothing suffices before this share has entered; types 1 and 2'),
    min_wait: optional(WAIT, 'Nothing suffices before this time since the first entry; types 1 and 2'),
    rate: optional(HOSTS, 'How many are released at each interval; type 2 needs it'),
    interval: optional(WAIT, 'Between two releases; type 2 needs it'),
    concurrency: optional(
      HOSTS,
      'Places inside; where it is adaptive, the number it begins with (median 15, gradient2 30 if not given); type 3',
    ),
    adaptive: optional(
      oneOf({
        true: 'the same as median',
        median: 'compares medians of the times inside, as section 5.2.2 of the 2011 paper has it',
        gradient2: 'goes on raising it while more leave in a second for it, and lowers it when fewer do',
        false: 'the number stays as it is',
      }),
      'Whether and how the number of places adapts; type 3',
      'false',
    ),
    hold_timeout: optional(WAIT, 'Longest stay inside; type 3'),
    release: optional(
      oneOf({
        auto: 'by the type’s rule',
        manual: 'by plushReleaseBarrier alone; not for type 3',
      }),
      'Who releases it',
      'auto',
    ),
    late: optional(
      oneOf({
        pass: 'goes on',
        catchup: 'goes on at the barrier named by catchup',
        remove: 'is taken out of the run',
        replace: 'is replaced by another node',
      }),
      'What becomes of a node that enters after the release; not for type 3',
      'pass',
    ),
    catchup: optional(NAME, 'Barrier at which a late node goes on; only with late="catchup", which needs it'),
  },
};

const processBlockRule: ElementRule = {
  kind: 'process_block',
  about: 'Completes on a node when its process has',
  attributes: NAMED,
  children: {
    ...children('one', { process: processRule }),
    ...children('many', { predecessor: predecessorRule }),
  },
};

const barrierBlockRule: ElementRule = {
  kind: 'barrier_block',
  about: 'Completes on a node when the barrier has released it',
  attributes: NAMED,
  children: {
    ...children('one', { barrier: barrierRule }),
    ...children('many', { predecessor: predecessorRule }),
  },
};

const workflowBlockRule: ElementRule = {
  kind: 'workflow_block',
  about: 'Tasks shared over the component’s nodes; completes when each has one result',
  attributes: {
    ...NAMED,
    id: optional(NAME, 'What substitutions of its processes name', 'the block’s name'),
    num_tasks: optional(TASKS, 'How many tasks, numbered from 1; or else files'),
  },
  children: {
    ...children('optional', {
      files: {
        kind: 'files',
        about: 'The files the tasks are about, one for each task',
        children: children('some', { file: textRule('file', TEXT, 'A file, handed to the task as written') }),
      },
      reallocation: {
        kind: 'reallocation',
        about:
          'When unfinished tasks are started again on other nodes; without it as with its defaults. The first to finish wins',
        attributes: {
          knee: optional(
            oneOf({
              ewma: 'at a knee of the finished tasks, as barriers find it',
              kneedle: 'at a knee found by the Kneedle algorithm',
              none: 'never',
            }),
            'How the time is found',
            'ewma',
          ),
          min_percent: optional(PERCENT, 'Not before this share of the tasks is finished', '60'),
          min_wait: optional(WAIT, 'Not before this time since the first task was finished'),
          max_attempts: optional(ATTEMPTS, 'Attempts of one task at the same time', '2'),
        },
      },
    }),
    ...children('many', {
      predecessor: predecessorRule,
      process_block: processBlockRule,
      barrier_block: barrierBlockRule,
    }),
  },
  needsOneOf: ['process_block', 'barrier_block'],
};

const componentBlockRule: ElementRule = {
  kind: 'component_block',
  about: 'The work of one component. Component blocks run in parallel unless a predecessor orders them',
  attributes: NAMED,
  children: {
    ...children('one', { component: reference('component_block.component', 'The component') }),
    ...children('many', {
      predecessor: predecessorRule,
      process_block: processBlockRule,
      barrier_block: barrierBlockRule,
      workflow_block: workflowBlockRule,
      output: outputRule,
    }),
    ...children('optional', { cleanup: cleanupRule }),
  },
  needsOneOf: ['process_block', 'barrier_block', 'workflow_block'],
};

export const applicationBlockRule: ElementRule = {
  kind: 'application_block',
  about: 'What is run, and what holds for all of it',
  attributes: {
    name: required(NAME, 'The application’s name in the API'),
    service: optional(
      BOOLEAN,
      'Whether it runs until it is stopped: nodes start as soon as they are ready and no failure ends it',
      'false',
    ),
    reconnect_interval: optional(PERIOD, 'Between two looks for more nodes'),
  },
  children: {
    ...children('one', {
      execution: {
        kind: 'execution',
        about: 'The component blocks',
        children: children('some', { component_block: componentBlockRule }),
      },
    }),
    ...children('many', {
      exit_policy: exitPolicyRule,
      liveness_monitor: livenessRule,
      output: outputRule,
    }),
    ...children('optional', { cleanup: cleanupRule }),
  },
};
