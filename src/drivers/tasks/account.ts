/** Running a program as another account, which only an agent of root may. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { AgentError } from '../agent-error.ts';

/** An account of the machine, as passwd(5) has it. */
interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

const LOOKUP_MS = 10_000;

/**
 * The account that a program is to run as; undefined where that is the agent's own.
 * @param ownUid of the agent
 * @throws AgentError user_not_found, user_not_allowed
 */
export function accountFor(
  user: string,
  ownUid: number | undefined = process.getuid?.(),
): Account | undefined {
  const account = lookUp(user);
  if (account === undefined)
    throw new AgentError('user_not_found', `There is no account "${user}" on the node`);
  if (account.uid === ownUid) return undefined;
  if (ownUid !== 0) {
    const message = `Only an agent of root may run a program as "${user}"; this one has the user id ${ownUid}`;
    throw new AgentError('user_not_allowed', message);
  }
  return account;
}

/**
 * What is put before a program so that it runs as the account, with its groups, and in the folder it is started in.
 * @throws AgentError user_not_allowed where the machine has no program for it
 */
function commandAs({ name, uid, gid }: Account, path: string | undefined): string[] {
  const setpriv = findTool('setpriv', path);
  if (setpriv !== undefined) return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
  const chroot = findTool('chroot', path);
  if (chroot !== undefined) return [chroot, `--userspec=${uid}:${gid}`, '--skip-chdir', '/'];
  const message = `The node has neither setpriv nor chroot of GNU, one of which is needed to run a program as "${name}"`;
  throw new AgentError('user_not_allowed', message);
}

/** How a program becomes another account's. */
export interface AccountChange {
  /** What is put before it. */
  readonly prefix: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * How a program of a run becomes the user's: the run's working folder is given to the account, which may not reach it otherwise.
 * @throws AgentError user_not_found, user_not_allowed
 */
export function changeTo(user: string, workPath: string, path: string | undefined): AccountChange {
  const account = accountFor(user);
  if (account === undefined) return { prefix: [], env: {} };
  const prefix = commandAs(account, path);
  fs.chownSync(workPath, account.uid, account.gid);
  return { prefix, env: environmentOf(account) };
}

/** What login(1) would set for the account. */
function environmentOf({ name, home, shell }: Account): Readonly<Record<string, string>> {
  return { HOME: home, USER: name, LOGNAME: name, SHELL: shell };
}

function lookUp(user: string): Account | undefined {
  if (user === '' || /[:\n\0]/.test(user) || user.startsWith('-')) return undefined;
  return parse(user, readPasswd()) ?? parse(user, askSystem(user));
}

function readPasswd(): string {
  try {
    return fs.readFileSync('/etc/passwd', 'utf8');
  } catch {
    return ''; // The name service is asked next.
  }
}

/** Accounts of a directory service are in no file. */
function askSystem(user: string): string {
  const { stdout } = spawnSync('getent', ['passwd', user], { encoding: 'utf8', timeout: LOOKUP_MS });
  return typeof stdout === 'string' ? stdout : '';
}

function parse(user: string, passwd: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid, , home = '/', shell = ''] = line.split(':');
    if (name !== user && uid !== user) continue;
    if (name === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) continue;
    return { name, uid: Number(uid), gid: Number(gid), home, shell: shell === '' ? '/bin/sh' : shell };
  }
  return undefined;
}

/** Busybox has programs of these names that know none of these options. */
function findTool(name: string, path = ''): string | undefined {
  for (const folder of [...path.split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin']) {
    if (!folder.startsWith('/')) continue;
    try {
      const file = fs.realpathSync(join(folder, name));
      fs.accessSync(file, fs.constants.X_OK);
      if (!/busybox|toybox/.test(basename(file))) return join(folder, name);
    } catch {
      // Not here.
    }
  }
  return undefined;
}
