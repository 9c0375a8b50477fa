/** The directory file as the daemon reads it: at its start, and again on SIGHUP. */
import { readFileSync } from 'node:fs';
import { formatDiagnostic } from '../core/spec/format.ts';
import { messageOf } from '../drivers/agent-error.ts';
import type { Reading } from '../drivers/specs/readers.ts';
import type { SpecReader } from '../drivers/specs/spec-reader.ts';
import { OptionError } from './options.ts';

/** In its own name, plushd has no more right to be served than a token. */
const ASKER = { token: '' };

/** @throws OptionError with all that is wrong in it */
export async function readDirectory(
  specs: Pick<SpecReader, 'read'>,
  file: string,
): Promise<Omit<Reading<'directory'>, 'diagnostics'>> {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new OptionError(`--directory ${file} cannot be read: ${messageOf(error)}`);
  }
  const { diagnostics, ...read } = await specs.read('directory', text, file, ASKER);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length > 0) throw new OptionError(errors.map((d) => formatDiagnostic(file, d)).join('\n'));
  return read;
}
