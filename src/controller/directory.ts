/** The directory file as the daemon reads it: at its start, and again on SIGHUP. */
import { readFileSync } from 'node:fs';
import { formatDiagnostic } from '../core/spec/format.ts';
import { messageOf } from '../drivers/agent-error.ts';
import type { Reading } from '../drivers/specs/readers.ts';
import type { SpecReader } from '../drivers/specs/spec-reader.ts';
import { OptionError } from './options.ts';

/** In its own name, plushd has no more right to be served than a token. */
const ASKER = { token: '' };

type Found = Omit<Reading<'directory'>, 'diagnostics'>;
type Specs = Pick<SpecReader, 'read'>;

export class Directory {
  readonly #specs: Specs;
  readonly #file: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(specs: Specs, file: string | undefined) {
    this.#specs = specs;
    this.#file = file;
  }

  /**
   * Hands on what is in the file, if there is one. That is read only when all is done that was asked for before, since a long file
   * takes longer than a short one, and the newest is to hold.
   * @throws OptionError with all that is wrong in it
   */
  load(use: (found: Found) => Promise<void>): Promise<void> {
    const file = this.#file;
    if (file === undefined) return Promise.resolve();
    const loaded = this.#last.then(async () => use(await readDirectory(this.#specs, file)));
    // What is wrong with this one is told to whom asked for it, and is no reason not to read the next.
    this.#last = Promise.allSettled([loaded]);
    return loaded;
  }
}

async function readDirectory(specs: Specs, file: string): Promise<Found> {
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
