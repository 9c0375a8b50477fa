/** Finds the program of a task before anything is started, to say exactly what is missing. */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { AgentError } from '../agent-error.ts';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
/** The kernel reads no more of a script's first line. */
const SHEBANG_BYTES = 256;

/** Where and with what environment a program is to run. */
export interface Surroundings {
  readonly cwd: string;
  /** The folder as the specification names it, for messages: the whole path is another one on each node. */
  readonly shownCwd: string;
  readonly path: string | undefined;
}

/**
 * The program as it must be named to the shell: a path with a slash as given (against `cwd`), any other found through PATH.
 * @throws AgentError program_not_found, program_not_executable, cwd_missing
 */
export function findProgram(program: string, { cwd, shownCwd, path }: Surroundings): string {
  const folder = shownCwd === '.' ? "the run's folder" : `the folder "${shownCwd}"`;
  if (!isFolder(cwd))
    throw new AgentError('cwd_missing', `There is no folder "${shownCwd}" to run the program in`);
  if (program.includes('/')) {
    const file = resolve(cwd, program);
    const name = program.startsWith('/') ? program : `${JSON.stringify(program)} in ${folder}`;
    const problem = problemOf(file, name);
    if (problem !== undefined) throw problem;
    checkInterpreter(file, name);
    // A leading dash would be an option of the shell's exec.
    return program.startsWith('-') ? `./${program}` : program;
  }
  const found = searchPath(program, cwd, path ?? DEFAULT_PATH);
  checkInterpreter(found, found);
  return found;
}

function searchPath(program: string, cwd: string, path: string): string {
  let notExecutable: AgentError | undefined;
  for (const folder of program === '' ? [] : path.split(':')) {
    const file = resolve(cwd, folder, program);
    const problem = problemOf(file, file);
    if (problem === undefined) return file;
    if (problem.failure.code === 'program_not_executable') notExecutable ??= problem;
  }
  throw (
    notExecutable ??
    new AgentError(
      'program_not_found',
      `The program ${JSON.stringify(program)} is in no folder of PATH (${path})`,
    )
  );
}

/** @param name of the program, for messages */
function problemOf(file: string, name: string): AgentError | undefined {
  const stat = statOf(file);
  if (stat === undefined) return new AgentError('program_not_found', `There is no program ${name}`);
  if (!stat.isFile()) return new AgentError('program_not_executable', `The program ${name} is not a file`);
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return undefined;
  } catch (cause) {
    const message = `The program ${name} may not be executed; chmod +x it`;
    return new AgentError('program_not_executable', message, {}, { cause });
  }
}

/** A script whose interpreter is missing fails with words that blame the script; these do not. */
function checkInterpreter(file: string, name: string): void {
  const interpreter = /^#![ \t]*(\/[^ \t\n]*)/.exec(firstBytes(file))?.[1];
  if (interpreter === undefined || statOf(interpreter) !== undefined) return;
  const message = `There is no interpreter ${interpreter}, which the script ${name} asks for`;
  throw new AgentError('program_not_found', message);
}

function firstBytes(file: string): string {
  try {
    const fd = fs.openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(SHEBANG_BYTES);
      return buffer.toString('utf8', 0, fs.readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return ''; // May be executed and not be read: then it is no script.
  }
}

function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}

function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // Not a folder on the way, a loop of links, no permission to look: it is not there for us.
  }
}
