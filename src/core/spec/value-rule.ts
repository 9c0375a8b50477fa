/** How a value is written, for the table of the language: readers, the published schema and the reference page agree by it. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What an attribute or the text of an element may be. */
export type ValueRule =
  /** Defines or mentions something: no slash, at most 255 characters. */
  | { readonly type: 'name' }
  /** Not only white space; that at its ends does not count. */
  | { readonly type: 'text' }
  /** Exactly as given, white space included; may be empty. */
  | { readonly type: 'exact' }
  /** Relative, and never leaves the run's working folder. */
  | { readonly type: 'path' }
  | { readonly type: 'boolean' }
  | { readonly type: 'sha256' }
  /** Name of an environment variable. */
  | { readonly type: 'variable' }
  | { readonly type: 'signal' }
  /** Exit codes, ranges of them, signals and `any`, separated by commas. */
  | { readonly type: 'exits' }
  | { readonly type: 'policy' }
  | ({ readonly type: 'integer' } & Range)
  /** In milliseconds. */
  | ({ readonly type: 'duration' } & Range)
  /** In bytes. */
  | ({ readonly type: 'size' } & Range)
  /** In what the metric is measured in. */
  | { readonly type: 'bound' }
  /** Each value with what it means. */
  | { readonly type: 'enum'; readonly values: Readonly<Record<string, string>> };

export const NAME: ValueRule = { type: 'name' };
export const TEXT: ValueRule = { type: 'text' };
export const EXACT: ValueRule = { type: 'exact' };
export const PATH: ValueRule = { type: 'path' };
export const BOOLEAN: ValueRule = { type: 'boolean' };

const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** Longest time that anything can be given, in milliseconds: timers hold no more than 24 days. */
const LONGEST = 20 * DAY;

/** Allowed numbers of nodes in one component, of participants of a barrier and of places in one. */
export const HOSTS = { type: 'integer', min: 1, max: 100_000 } as const;
export const PARTICIPANTS = { type: 'integer', min: 1, max: 1_000_000 } as const;
export const TASKS = { type: 'integer', min: 1, max: 100_000 } as const;
/** Tasks of all workflows of an application together. */
export const MAX_TASKS = 200_000;

/** Tasks of a workflow with a barrier inside: it may let all of them go on at the same moment. */
export const MAX_MEETING_TASKS = 20_000;
export const PERCENT = { type: 'integer', min: 1, max: 100 } as const;
export const ATTEMPTS = { type: 'integer', min: 1, max: 10 } as const;
export const RESTARTS = { type: 'integer', min: 0, max: 1_000_000 } as const;
export const FAILURES = { type: 'integer', min: 1, max: 1000 } as const;
/** Largest package in bytes that can be asked for: 1 TiB. */
export const PACKAGE_SIZE = { type: 'size', min: 0, max: 1_099_511_627_776 } as const;
/** What is kept of one descriptor's output. */
export const LOG_SIZE = { type: 'size', min: 1024, max: 1_099_511_627_776 } as const;
/** A time after which something happens. */
export const WAIT = { type: 'duration', min: 1, max: LONGEST } as const;
/** A time that may be none. */
export const PAUSE = { type: 'duration', min: 0, max: LONGEST } as const;
/** How often something is looked at. */
export const PERIOD = { type: 'duration', min: SECOND, max: LONGEST } as const;
