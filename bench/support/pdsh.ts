/** pdsh (https://github.com/chaos/pdsh) with its module for OpenSSH: what people use to run a command on many machines. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Scratch } from '../../test/harness/scratch.ts';
import type { Farm } from './farm.ts';
import { type Effort, timed } from './rounds.ts';

/** Connections at a time: pdsh's own choice, and larger ones that may serve it better. */
const FANOUTS = [32, 64, 100] as const;

/**
 * What ssh2, and so Plush, agrees on with an OpenSSH server. OpenSSH's own client prefers a post-quantum exchange since
 * version 9.0, which protects more and computes longer: compared with it, a program is fast for that reason too.
 */
export const SAME_KEY_EXCHANGE = 'curve25519-sha256';

export interface PdshOptions {
  /** Connections at a time. */
  readonly fanout: number;
  /** Key exchange that the client is held to. @default what OpenSSH's client prefers */
  readonly keyExchange?: string;
}

/** Ways to run pdsh by their names, one for each fanout. */
export function pdshVariants(keyExchange?: string): Record<string, PdshOptions> {
  const marker = keyExchange === undefined ? '' : ` ${keyExchange}`;
  const options = keyExchange === undefined ? {} : { keyExchange };
  return Object.fromEntries(FANOUTS.map((fanout) => [`pdsh -f ${fanout}${marker}`, { fanout, ...options }]));
}

const LIMIT_MS = 120_000;
const MAX_OUTPUT_BYTES = 1 << 20;

/**
 * Runs `hostname` on all machines of the farm.
 *
 * @throws Error when pdsh is missing or a machine did not answer
 */
export async function pdshHostname(scratch: Scratch, { sshd }: Farm, options: PdshOptions): Promise<Effort> {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PDSH_SSH_ARGS: '-F none -2 -a -x -l%u %h',
    PDSH_SSH_ARGS_APPEND: sshOptions(scratch, sshd, options.keyExchange).join(' '),
  };
  const args = ['-R', 'ssh', '-f', String(options.fanout), '-w', sshd.addresses.join(','), 'hostname'];
  let answers = '';
  const effort = await timed(async () => {
    answers = await run(args, env);
  });
  const answered = new Set(answers.split('\n').flatMap((line) => /^(\S+): \S/.exec(line)?.[1] ?? []));
  if (answered.size < sshd.addresses.length) {
    throw new Error(`pdsh brought ${answered.size} answers from ${sshd.addresses.length} machines`);
  }
  return effort;
}

/** Nothing but what is needed is tried, which is to pdsh's advantage; keys of machines are checked as Plush checks them. */
function sshOptions(
  scratch: Scratch,
  { port, identityFile }: Farm['sshd'],
  keyExchange: string | undefined,
): string[] {
  return [
    `-p${port}`,
    `-i${identityFile}`,
    '-oIdentitiesOnly=yes',
    '-oIdentityAgent=none',
    '-oPreferredAuthentications=publickey',
    '-oGSSAPIAuthentication=no',
    '-oBatchMode=yes',
    '-oLogLevel=ERROR',
    '-oStrictHostKeyChecking=accept-new',
    `-oUserKnownHostsFile=${scratch.path('pdsh_known_hosts')}`,
    '-oGlobalKnownHostsFile=/dev/null',
    ...(keyExchange === undefined ? [] : [`-oKexAlgorithms=${keyExchange}`]),
  ];
}

async function run(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const options = { env, timeout: LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    return (await promisify(execFile)('pdsh', args, options)).stdout;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('This benchmark compares with pdsh; install it (Debian: apt-get install pdsh)', {
        cause: error,
      });
    }
    throw error;
  }
}
