import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import type { AppSpec } from '../../../api/spec.ts';
import { MAX_XML_BYTES } from '../../core/spec/xml-text.ts';
import { appDetail, listApps } from '../../core/views/apps.ts';
import { errorCode } from '../../drivers/agent-error.ts';
import type { Context } from '../context.ts';
import type { CallContext, Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';
import { diagnosticsOf, withApp } from '../specifications.ts';

type AppMethods = 'plushLoadApp' | 'plushLoadAppXml' | 'plushValidateApp' | 'plushListApps' | 'plushGetApp';

/** Longest part of a file name that is repeated to the caller. */
const MAX_SHOWN_CHARACTERS = 200;

/** Methods about applications. */
export function appHandlers({ state, submit, appsDir, specs }: Context): Pick<Handlers, AppMethods> {
  const load = async (call: CallContext, app: AppSpec, file: string): Promise<string> =>
    (await submit({ type: 'load_app', app, file }, call)) as string;
  return {
    plushLoadApp: (call, filename) => {
      const file = fileBelow(appsDir, filename);
      const text = readApp(file, filename);
      return withApp(specs, call.work, { text, file }, (app) => load(call, app, file));
    },
    plushLoadAppXml: (call, text) => {
      const file = 'application.xml';
      return withApp(specs, call.work, { text, file }, (app) => {
        if (!call.caller.scopes.has('admin')) refuseKeys(app);
        return load(call, app, file);
      });
    },
    plushValidateApp: ({ work }, xml) => diagnosticsOf(specs, work, xml),
    plushListApps: (_call, filter) => listApps(state, filter ?? {}),
    plushGetApp: (_call, name) => appDetail(state, name),
  };
}

/**
 * Files below --apps were put there by somebody who may; a text comes from anybody with the scope operate.
 * @throws Fault FORBIDDEN
 */
function refuseKeys({ components }: AppSpec): void {
  const named = components.find(({ authentication }) => authentication?.ssh_identity !== undefined);
  if (named === undefined) return;
  const sentence = `Component "${named.name}" names an ssh_identity, which needs the scope admin: it has plushd use any key file that plushd's own account can read`;
  throw new Fault('FORBIDDEN', sentence, { scope: 'admin' });
}

/** The file's real path, when it is below the folder. @throws Fault APP_OUTSIDE, APP_UNREADABLE */
function fileBelow(appsDir: string, filename: string): string {
  const root = realpathSync(appsDir);
  const isBelow = (path: string) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
  const outside = () =>
    new Fault('APP_OUTSIDE', `${shown(filename)} is not below ${root}, the folder given by --apps`);
  const wanted = resolve(root, filename);
  // What is outside is refused before it is looked at, so that nobody learns what is there.
  if (!isBelow(wanted) && !isBelow(resolve(appsDir, filename).replace(resolve(appsDir), root)))
    throw outside();
  let real: string;
  try {
    real = realpathSync(wanted);
  } catch (error) {
    // Nor does a link to a folder elsewhere tell what is missing there.
    if (!isBelow(nearestFolder(wanted))) throw outside();
    throw unreadable(filename, error);
  }
  if (!isBelow(real)) throw outside();
  return real;
}

/** The real path of the lowest folder on the way to a file that can be resolved. */
function nearestFolder(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      return realpathSync(folder);
    } catch (error) {
      // The root can always be resolved.
      if (folder === dirname(folder)) throw error;
    }
  }
}

/** Neither waits for a pipe's writer nor follows a link that was put there since. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

function readApp(file: string, filename: string): Buffer {
  let fd: number;
  try {
    fd = openSync(file, OPEN_FLAGS);
  } catch (error) {
    throw unreadable(filename, error);
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw refused(filename, 'it is a folder');
    if (!stat.isFile()) throw refused(filename, 'it is no ordinary file');
    if (stat.size > MAX_XML_BYTES)
      throw refused(filename, `it has ${stat.size} bytes, and at most ${MAX_XML_BYTES} are read`);
    return readFileSync(fd);
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(filename, error);
  } finally {
    closeSync(fd);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the controller may not read it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its links lead round and round',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name holds a NUL',
};

function unreadable(filename: string, error: unknown): Fault {
  const code = errorCode(error) ?? 'unknown';
  return refused(filename, REASONS[code] ?? code);
}

function refused(filename: string, why: string): Fault {
  return new Fault('APP_UNREADABLE', `${shown(filename)} cannot be read: ${why}`, { filename });
}

/** A name from a caller, as it may stand in a sentence. */
function shown(filename: string): string {
  const short =
    filename.length > MAX_SHOWN_CHARACTERS ? `${filename.slice(0, MAX_SHOWN_CHARACTERS)}…` : filename;
  return /[\p{Cc}"]/u.test(short) ? JSON.stringify(short) : short;
}
