/** Files below a run's working folder by the names that the specification gives them. Programs may have put links there. */
import * as fs from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { insideSegments } from '../../core/agent/relative-path.ts';
import { AgentError, errorCode } from '../agent-error.ts';

/** What the system says of what can be no file to read: a pipe, a socket, a device without a driver. */
const NO_FILE_CODES: ReadonlySet<string> = new Set(['ENXIO', 'ENODEV', 'EISDIR']);

/**
 * A piece of a file, and the size of the whole.
 * @throws AgentError BAD_REQUEST, NO_FILE, FILE_OUTSIDE, NOT_A_FILE, FILE_UNREADABLE
 */
export function readPiece(
  work: string,
  path: string,
  offset: number,
  limit: number,
): { size: number; bytes: Buffer } {
  const file = realFile(work, path);
  // Without waiting: what looks like a file may be a pipe that nobody writes to.
  const fd = openFile(file, path);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new AgentError('NOT_A_FILE', `"${path}" is not a file`);
    const bytes = Buffer.alloc(Math.max(0, Math.min(limit, stat.size - offset)));
    return { size: stat.size, bytes: bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, offset)) };
  } finally {
    fs.closeSync(fd);
  }
}

function openFile(file: string, path: string): number {
  try {
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (NO_FILE_CODES.has(code))
      throw new AgentError('NOT_A_FILE', `"${path}" is not a file`, {}, { cause: error });
    if (code === 'EACCES' || code === 'EPERM')
      throw new AgentError('FILE_UNREADABLE', `"${path}" may not be read`, {}, { cause: error });
    if (code === 'ENOENT')
      throw new AgentError('NO_FILE', `There is no file "${path}" in the run's folder`, {}, { cause: error });
    throw error;
  }
}

function realFile(work: string, path: string): string {
  const missing = `There is no file "${path}" in the run's folder`;
  try {
    const root = fs.realpathSync(work);
    const file = fs.realpathSync(join(root, ...segmentsOf(path)));
    if (!file.startsWith(root + sep))
      throw new AgentError('FILE_OUTSIDE', `"${path}" leads out of the run's folder`);
    return file;
  } catch (error) {
    if (error instanceof AgentError) throw error;
    if (errorCode(error) === 'EACCES')
      throw new AgentError('FILE_UNREADABLE', `"${path}" may not be read`, {}, { cause: error });
    throw new AgentError('NO_FILE', missing, {}, { cause: error });
  }
}

/**
 * Gives a file another name below the working folder; what had the name before gives it up.
 * @throws AgentError BAD_REQUEST, start_failed; the system's error
 */
export function linkInto(work: string, path: string, file: string): void {
  const target = join(work, ...segmentsOf(path));
  fs.mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const root = fs.realpathSync(work);
  const folder = fs.realpathSync(dirname(target));
  if (folder !== root && !folder.startsWith(root + sep))
    throw new AgentError('start_failed', `The log file "${path}" would lie out of the run's folder`);
  const made = join(folder, `.${basename(file)}-${process.pid}-link`);
  fs.rmSync(made, { force: true });
  link(file, made);
  fs.renameSync(made, join(folder, basename(target)));
}

/** File systems without hard links get a symbolic one. */
function link(file: string, made: string): void {
  try {
    fs.linkSync(file, made);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EXDEV', 'EMLINK'].includes(errorCode(error) ?? '')) throw error;
    fs.symlinkSync(file, made);
  }
}

function segmentsOf(path: string): string[] {
  const segments = insideSegments(path);
  if (segments === undefined || segments.length === 0)
    throw new AgentError('BAD_REQUEST', `The path ${JSON.stringify(path)} names nothing in the run's folder`);
  return segments;
}
