/** Policy numbers of the engine, each with the reason for its size. */

/** Attempts to reach a node before it counts as failed; with the delays below about 4 s, so a spare is in soon. */
export const CONNECT_ATTEMPTS = 4;
/** Delay before the second, third, … attempt. */
export const CONNECT_DELAYS_MS = [250, 1000, 2500] as const;
/** First and longest delay between attempts to clean a failed node. */
export const OWED_FIRST_MS = 15_000;
export const OWED_MAX_MS = 10 * 60_000;
/** Lost members that a service remembers; the oldest are forgotten first. */
export const MAX_PAST_MEMBERS = 1_000;
/** What SWORD's lowest penalty adds to a preference: more than what a node learns, less than that it is preferred by name. */
export const BEST_RATING = 100;
/** Between two looks of a service for more nodes, where the specification says nothing. */
export const RECONNECT_INTERVAL_MS = 60_000;
/** A process of a service that has run for this long has its restarts counted anew. */
export const STABLE_MS = 10 * 60_000;
/** Attempts at that; then it waits for the node's next use. */
export const OWED_ATTEMPTS = 40;
/** A task whose end nobody saw is started again on its node this often before the node is given up. */
export const LOST_RESTARTS = 1;
/** Nodes that do not answer may hold up the end of a run this long; their cleaning is owed then. */
export const END_DEADLINE_MS = 60_000;
/** Bounds of the policies that restart, where the specification gives none. */
export const MAX_RESTARTS = 5;
export const BACKOFF_MS = 1_000;
export const MAX_BACKOFF_MS = 60_000;
/** Between the stop signal and SIGKILL, where the specification says nothing. */
export const STOP_GRACE_MS = 5_000;
/** Kinds of exits, and nodes of each, that are counted for explanations. */
export const MAX_HANDLED = 100;
export const MAX_HANDLED_HOSTS = 1_000;
/** Kept of each output stream of a task on its node and at the controller. */
export const MAX_OUTPUT_BYTES = 64 << 20;
/** Tasks of workflows whose output is still on their node: with so many it gets no further ones. */
export const MAX_UNCOLLECTED = 32;
/** Files of one node that are told not to have come back. */
export const MAX_MISSED = 100;
/** Operations that are remembered, those under way included; the oldest that are over are forgotten first. */
export const MAX_OPERATIONS = 100;
/** What the nodes may take together that a token has added which may do nothing else: about 100,000 nodes. */
export const MAX_OWN_BYTES = 64 << 20;
/** Classic callback clients. */
export const MAX_CLIENTS = 1000;
/** Subscriptions with a URL, and those of one caller among them: one caller's leave room for others'. */
export const MAX_SUBSCRIPTIONS = 1000;
export const MAX_CALLER_SUBSCRIPTIONS = 250;

/** Causes that another attempt cannot mend. */
export const FINAL_CAUSES: ReadonlySet<string> = new Set([
  'auth_failed',
  'no_identity',
  'host_key_unknown',
  'host_key_changed',
  'disk_full',
  'folder_unwritable',
  'unsupported_platform',
  'no_shell',
]);

/** Install failures that may be the node's or the server's: when a second node fails so before any succeeded, the server's. */
export const DOWNLOAD_CAUSES: ReadonlySet<string> = new Set([
  'download_failed',
  'download_incomplete',
  'download_stalled',
]);

/** Install failures that hit every node alike: replacing the node would only blame the innocent. */
export const COMMON_INSTALL_CAUSES: ReadonlySet<string> = new Set([
  'download_refused',
  'hash_mismatch',
  'size_mismatch',
  'archive_damaged',
  'archive_escapes',
  'path_escapes',
  'install_failed',
  'package_unreadable',
  'tool_missing',
  'version_mismatch',
  'not_allowed',
]);
