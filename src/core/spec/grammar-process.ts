/** The rows of the table for what is in a process (section 3.1, table II, figures 14 and 18 of plush-toit.2011). */
import { children, type ElementRule, oneOf, optional, required, textRule } from './rule.ts';
import {
  BOOLEAN,
  EXACT,
  FAILURES,
  LOG_SIZE,
  NAME,
  PATH,
  PAUSE,
  PERIOD,
  RESTARTS,
  TEXT,
  WAIT,
} from './value-rule.ts';

const RESTART_BOUNDS = {
  max_restarts: optional(
    RESTARTS,
    'How often one process on one node (or the application) is restarted; then the run fails. Only with a policy that restarts',
    '5',
  ),
  backoff: optional(PAUSE, 'Wait before the first restart, doubled each time', '1s'),
  max_backoff: optional(PAUSE, 'Longest wait before a restart', '1m'),
} as const;

export const exitPolicyRule: ElementRule = {
  kind: 'exit_policy',
  about:
    'What to do when the process exits so; the first that matches is carried out, those of the process before those of the application block. Without any, exit code 0 completes the block and all else fails the run',
  attributes: {
    on: required({ type: 'exits' }, 'The exits it is about'),
    policy: required({ type: 'policy' }, 'What to do'),
    ...RESTART_BOUNDS,
  },
};

export const livenessRule: ElementRule = {
  kind: 'liveness_monitor',
  about:
    'Looks at the running process again and again. Its text is a shell command or a URL, according to the type',
  attributes: {
    type: required(
      oneOf({
        command: 'the shell command in the text exits with 0',
        http: 'the URL in the text, fetched on the node, answers with a status below 400',
        output: 'something was written since the interval before; no text',
      }),
      'What shows that the process is well',
    ),
    interval: optional(PERIOD, 'Between two looks', '30s'),
    timeout: optional(WAIT, 'Longest time of one look; not for output', '10s'),
    failures: optional(FAILURES, 'Failures in a row before the policy is carried out', '3'),
    policy: optional({ type: 'policy' }, 'What to do then', 'POLICY_RESTART_PROCESS'),
    ...RESTART_BOUNDS,
  },
  text: TEXT,
  mayBeEmpty: true,
};

export const outputRule = textRule(
  'output',
  PATH,
  'File, relative to the run’s working folder, that is brought back before the node is cleaned',
);

export const cleanupRule: ElementRule = {
  kind: 'cleanup',
  about:
    'What is done on each node before followers of the component block begin, or before the node is cleaned: its text is a shell command run in the run’s working folder',
  attributes: {
    remove: optional(
      BOOLEAN,
      'Whether the working folder is emptied and the software installed again for the next phase',
      'false',
    ),
  },
  text: TEXT,
  mayBeEmpty: true,
};

const fdRule: ElementRule = {
  kind: 'fd',
  about: 'Where one file descriptor of the process goes',
  attributes: {
    fd: required(oneOf({ '1': 'standard output', '2': 'standard error' }), 'The descriptor'),
    type: required(
      oneOf({
        file: 'to a file on the node that is brought back at the end',
        stream: 'to the controller as it is written',
        discard: 'nowhere',
      }),
      'Where it goes',
    ),
    path_prefix: optional(
      PATH,
      'The file is called path_prefix, the node’s name, path_postfix; only for file',
    ),
    path_postfix: optional(EXACT, 'What follows the node’s name; only for file'),
    max_bytes: optional(LOG_SIZE, 'How much of the newest output is kept; not for discard'),
  },
};

const logManagerRule: ElementRule = {
  kind: 'log_manager',
  about: 'What becomes of the output of the process',
  attributes: {
    type: optional(oneOf({ default: 'files and streams as the descriptors say' }), 'The manager', 'default'),
    use_api: optional(
      BOOLEAN,
      'Whether the output can also be read through plushGetOutput while it grows',
      'true',
    ),
  },
  children: children('many', { fd: fdRule }),
};

const substitutionRule: ElementRule = {
  kind: 'substitution',
  about: 'An argument that is known only when the task starts',
  attributes: {
    name: required(NAME, 'A name for people'),
    type: required(
      oneOf({
        workflow: 'the task’s number, from 1, or its file, of the workflow block with the id',
        node: 'the node’s name',
        index: 'the node’s place in the component, from 0',
        count: 'how many places the component has',
        barrier: 'the label with which the node entered the barrier with the id',
      }),
      'What it is replaced by',
    ),
    id: optional(NAME, 'The workflow block’s id or the barrier’s name, for those types'),
    flag: optional(TEXT, 'An argument put before the value'),
  },
};

/** `<env name="K">V</env>`, any number of them, or `<env>` around `<var name="K">V</var>`; env.ts tells them apart. */
const envRule: ElementRule = {
  kind: 'env',
  about: 'A variable of the environment, or, without a name, some of them inside',
  attributes: { name: optional({ type: 'variable' }, 'The variable') },
  children: children('many', {
    var: {
      kind: 'var',
      about: 'A variable and its value',
      attributes: { name: required({ type: 'variable' }, 'The variable') },
      text: EXACT,
    },
  }),
  text: EXACT,
};

export const processRule: ElementRule = {
  kind: 'process',
  about: 'A program that is run on each node',
  since: '2006',
  attributes: { name: required(NAME, 'Its name in reports') },
  children: {
    ...children('one', {
      path: textRule(
        'process.path',
        TEXT,
        'The program: resolved against cwd when it has a slash, else through PATH',
        { since: '2006' },
      ),
    }),
    ...children('optional', {
      cwd: textRule('cwd', PATH, 'Folder in which it runs, relative to the run’s working folder'),
      cmdline: {
        kind: 'cmdline',
        about: 'The arguments, in order; no shell sees them',
        since: '2006',
        children: children('many', {
          arg: textRule('arg', EXACT, 'An argument, exactly as given', { since: '2006' }),
          substitution: substitutionRule,
        }),
      },
      stdin: textRule(
        'stdin',
        EXACT,
        'What it reads from its standard input, exactly as given; without it the input is empty',
      ),
      user: textRule('user', { type: 'name' }, 'Account to run as, where the agent may change to it'),
      timeout: textRule('timeout', WAIT, 'Longest time it may run; then it is stopped and counts as failed'),
      stop_signal: textRule('stop_signal', { type: 'signal' }, 'Signal that asks it to stop', {
        default: 'SIGTERM',
      }),
      stop_grace: textRule('stop_grace', PAUSE, 'Between that signal and SIGKILL', { default: '5s' }),
      log_manager: logManagerRule,
    }),
    ...children('many', {
      env: envRule,
      exit_policy: exitPolicyRule,
      liveness_monitor: livenessRule,
      output: outputRule,
    }),
  },
};
