/** The directory file as the daemon reads it: at its start, and again on SIGHUP. */
import { readFileSync } from 'node:fs';
import { parseDirectory } from '../core/spec/directory.ts';
import { formatDiagnostic } from '../core/spec/format.ts';
import { messageOf } from '../drivers/agent-error.ts';
import { OptionError } from './options.ts';

/** @throws OptionError with all that is wrong in it */
export function readDirectory(file: string): Omit<ReturnType<typeof parseDirectory>, 'diagnostics'> {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new OptionError(`--directory ${file} cannot be read: ${messageOf(error)}`);
  }
  const { diagnostics, ...read } = parseDirectory(text, file);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length > 0) throw new OptionError(errors.map((d) => formatDiagnostic(file, d)).join('\n'));
  return read;
}
