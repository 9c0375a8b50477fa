/** What to do next, for each cause of a failure. */
import type { MissedCause } from '../../../api/output-events.ts';
import type { Shortfall } from '../../../api/schemas.ts';
import type { TaskCause } from '../task.ts';

/** Causes that the core itself gives. */
type CoreCause =
  | 'failed_by_operator'
  | 'removed'
  | 'flapping'
  | 'files_lost'
  | 'late_at_barrier'
  | 'exit_code'
  | 'signal'
  | 'workflow_stranded'
  | 'not_enough_nodes'
  | 'static_host_lost'
  | 'requirement_unmet'
  | 'lease_expired'
  | MissedCause
  | 'cleanup_failed';

/** Causes of connecting, preparing and installing, which come with the reports of the drivers. */
type ReportedCause =
  | 'unresolved'
  | 'refused'
  | 'unreachable'
  | 'auth_failed'
  | 'no_identity'
  | 'host_key_unknown'
  | 'host_key_changed'
  | 'timeout'
  | 'closed'
  | 'forwarding_refused'
  | 'not_listening'
  | 'failed'
  | 'link_lost'
  | 'agent_unreachable'
  | 'agent_start_failed'
  | 'bootstrap_failed'
  | 'maintenance_failed'
  | 'upload_failed'
  | 'folder_unwritable'
  | 'unsupported_platform'
  | 'no_shell'
  | 'download_refused'
  | 'download_failed'
  | 'download_incomplete'
  | 'download_stalled'
  | 'hash_mismatch'
  | 'size_mismatch'
  | 'archive_damaged'
  | 'archive_escapes'
  | 'tool_missing'
  | 'install_failed'
  | 'install_stalled'
  | 'not_allowed'
  | 'version_mismatch'
  | 'path_escapes'
  | 'package_unreadable';

const TASK_TIMEOUT =
  'Give the process a longer timeout (its element timeout), or see in its output what it spent its time on.';
const EXIT_0 =
  'An exit policy is about exit code 0 too, as "any" is: if 0 is a success, name the other codes, such as 1-255.';
const STATIC_MISSING =
  'Add the host to the pool with plushAddNode, or have it back there; or take its static_host out of the specification.';
const EMPTY_POOL = 'Start plushd with --directory, or add nodes with plushAddNode.';
const SEE_LOG = 'The log of plushd has the details; this is a defect, please report it.';

/** A cause without a hint does not compile. */
export const hints: { readonly [C in TaskCause | CoreCause | ReportedCause]: string } = {
  unresolved: "Check the host's name for a typing error, and the name service of the controller's machine.",
  refused: 'Start sshd on the node, or correct its ssh_port. If the machine was taken away, remove the node.',
  unreachable: 'Check that the machine is up and that no firewall stands between it and the controller.',
  auth_failed:
    "Put the controller's public key into authorized_keys of the account on the node, or give the node another user or ssh_identity.",
  no_identity: 'Start plushd with --ssh-identity, or with an ssh-agent that holds a key.',
  host_key_unknown:
    "Add the node's host key to known_hosts, or start plushd with --ssh-host-keys accept-new.",
  host_key_changed:
    'Find out why the host key is another one. If the machine was set up anew, remove the old key from known_hosts.',
  timeout: 'The node or its network is overloaded, or hangs: look at its load, or remove it from the pool.',
  closed: 'Look at the log of sshd on the node, and at the network between it and the controller.',
  forwarding_refused: 'Allow AllowStreamLocalForwarding and AllowTcpForwarding in sshd_config of the node.',
  not_listening: "Look at the agent's log on the node: agent.log below ~/.plush.",
  failed: 'The message says what happened; try the same step by hand on one of the nodes.',
  link_lost: 'Look whether the machine is up, whether it ran out of memory, and at the network in between.',
  agent_unreachable:
    "Look at the load and the memory of the node, and at the agent's log there: agent.log below ~/.plush. If it hangs, end it: the next attempt starts another.",
  agent_start_failed:
    "Read the last lines of stderr, and the agent's log on the node: agent.log below ~/.plush.",
  bootstrap_failed: 'Read the last lines of stderr; try a login on the node by hand with the same account.',
  maintenance_failed:
    'Read the last lines of its output; try the command on the node by hand, or start plushd with another --maintenance.',
  upload_failed: "Check the free disk space and the quota of the account's home folder on the node.",
  folder_unwritable: 'Give the account a home folder on the node that it can write to, or another user.',
  unsupported_platform: 'Install Node.js 18 or later on the node, or use a node of another platform.',
  no_shell: 'Give the account on the node a POSIX shell as its login shell.',

  download_refused: 'Correct the path of the package in the specification; the server does not have it.',
  download_failed: "Check that the package's server is up and that the nodes may reach it.",
  download_incomplete: "The package's server broke off: check it, and start the run again.",
  download_stalled: "The package's server or the network is too slow: check it, and start the run again.",
  hash_mismatch: 'The package is not the one whose sha256 is in the specification: correct one of the two.',
  size_mismatch: 'The package is not as large as the specification says: correct one of the two.',
  archive_damaged: 'Unpack the package by hand; build it anew, or correct the type of the software.',
  archive_escapes: 'Build the package anew, without members or links that lead out of its folder.',
  disk_full:
    'Free disk space on the node, after which plushConnect clears its failed flag before its time; or use nodes with more.',
  tool_missing:
    'Install the program that the message names on the nodes, or leave out the software that needs it.',
  install_stalled:
    'Log in to one of the nodes and look what the package manager waits for: its server, or a lock that another program holds.',
  not_allowed: 'Let the account use sudo without a password for the package manager, or log in as root.',
  version_mismatch: 'Correct the version check or the package; the last lines show what the check printed.',
  install_failed: "Run the software's install command by hand in an unpacked package, and see its stderr.",
  path_escapes: 'Correct dest_path: it must stay below the working folder.',
  package_unreadable: 'Check the path of the package, and that the controller may read it.',

  program_not_found: 'Correct the path of the process, or add the software that brings the program.',
  program_not_executable: 'Make the program executable in the package, or call it through its interpreter.',
  cwd_missing: 'Correct the cwd of the process: the software does not make that folder.',
  user_not_found: 'Correct the user of the process, or make that account on the nodes.',
  user_not_allowed: 'Log in to the nodes as root, or as that user; or leave the user of the process out.',
  liveness:
    'See in its output where the program hangs, or give the liveness_monitor more time (interval, timeout, failures).',
  reinstall_failed:
    'The message says which step of the installation between two phases failed; try it on the node by hand.',
  start_failed:
    'The message says what the system refused; look at limits of processes and memory on the node.',
  stopped: 'Somebody stopped the task; start the run again.',
  lost: 'The task vanished without a status: look for a restart of the machine, or a kill for lack of memory.',
  exit_code: 'Read the last lines of stderr, and the whole output with plushGetOutput.',
  signal:
    'SIGKILL often means lack of memory, SIGSEGV a defect of the program; plushGetOutput has its stderr.',

  failed_by_operator: 'Nothing is wrong with the node: plushConnect clears its failed flag before its time.',
  removed: 'plushAddNode adds the node again; one of the directory comes back when its file lists it again.',
  flapping:
    "The node's network is not reliable: mend it, or remove the node from the pool. --drop-count and --drop-window of plushd say how often is too often.",
  late_at_barrier:
    'The barrier says what becomes of latecomers (late). Raise its min_percent or min_wait, or let them pass.',
  files_lost: 'The machine lost its files while it ran, perhaps in a restart: use a disk that lasts.',
  workflow_stranded:
    'Give the blocks that the workflow waits for another exit policy than POLICY_IGNORE, or mend what fails there.',
  cleanup_failed:
    "Look on the node for what the command was to remove, and try it by hand: it is run as the agent's account, for 30 s at most.",
  output_missing:
    'Correct the path of the output (it counts from the working folder), or see in the output of the program why it did not write the file.',
  output_unsafe:
    'Have the program copy the file into its working folder: links that lead out are not followed.',
  output_not_a_file: 'Name a file: pack a folder into an archive at the end of the program.',
  output_unreadable: "Have the program give the agent's account the right to read the file (chmod).",
  not_enough_nodes: 'Add nodes with plushAddNode, ask for fewer with num_hosts, or mend those that failed.',
  requirement_unmet: 'Ask for less with the requirement, free something on the nodes, or add others.',
  lease_expired: 'Renew the lease, then add the node again with plushAddNode and its new end.',
  static_host_lost: 'Mend the static host, or name another one; a run cannot go on without it.',
};

/** What to do where a run cannot have its nodes. */
export function hintForShortfalls(shortfalls: readonly Shortfall[]): string {
  if (shortfalls.length > 0 && shortfalls.every(({ found, wanted }) => found >= wanted))
    return STATIC_MISSING;
  if (shortfalls.some(({ pool }) => pool === 0)) return EMPTY_POOL;
  const removed = shortfalls.flatMap((one) => one.removed.map(({ requirement }) => requirement));
  const ways = [
    'add nodes with plushAddNode',
    'ask for fewer with num_hosts',
    ...(removed.some((one) => /^at (least|most) /.test(one)) ? ['ask for less with the requirement'] : []),
    ...(removed.includes('not in use by another run') ? ['wait until the other run has ended'] : []),
    ...(removed.includes('not marked failed')
      ? ['mend those that failed: plushConnect takes them back']
      : []),
  ];
  return `A${ways.slice(0, -1).join(', ').slice(1)} or ${ways.at(-1)}.`;
}

/** What to do about a cause; a cause of a newer agent gets a general answer. */
export function hintFor(cause: string, phase?: string, exitCode?: number): string {
  if (cause === 'timeout' && phase === 'watch') return TASK_TIMEOUT;
  if (cause === 'exit_code' && exitCode === 0) return EXIT_0;
  if (cause === 'lost' && phase === 'start') return hints.link_lost;
  return Object.hasOwn(hints, cause)
    ? hints[cause as keyof typeof hints]
    : /^[A-Z_]+$/.test(cause)
      ? SEE_LOG
      : hints.failed;
}
