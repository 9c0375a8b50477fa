import { readFileSync, statSync } from 'node:fs';
import type { Diagnostic } from '../../api/spec.ts';
import { RefusedError, sentenceOf } from '../typescript/fault.ts';
import type { Daemon } from './daemon.ts';
import { CommandError, EXIT } from './failure.ts';
import { type Context, withDaemon, withOwnDaemon } from './session.ts';
import type { Paint } from './terminal.ts';
import { plain } from './wording.ts';

/** The largest specification that plushd reads. */
const MAX_FILE_BYTES = 10 << 20;
/** How much of a file's beginning is searched for the name of its encoding. */
const DECLARATION_BYTES = 256;

/**
 * The text of a specification file, in the encodings that plushd reads from a file: UTF-8, UTF-16, and ISO-8859-1 if
 * declared.
 *
 * @throws CommandError (usage)
 */
export function readSpecification(file: string): string {
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new Error('it is a folder');
    if (stat.size > MAX_FILE_BYTES)
      throw new Error(`it has ${stat.size} bytes, and at most ${MAX_FILE_BYTES} are read`);
    bytes = readFileSync(file);
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${reason(error)}`, EXIT.usage, { cause: error });
  }
  const encoding = encodingOf(file, bytes);
  if (encoding === 'latin1') return bytes.toString('latin1');
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CommandError(
      `${file} is not encoded in ${encoding.toUpperCase()}. Save it as UTF-8`,
      EXIT.usage,
      {
        cause: error,
      },
    );
  }
}

/** As plushd tells the encoding of a file that it reads itself. @throws CommandError (usage) */
function encodingOf(file: string, bytes: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' {
  const start = bytes.toString('latin1', 0, DECLARATION_BYTES);
  if (/^(?:\xff\xfe|<\0)/.test(start)) return 'utf-16le';
  if (/^(?:\xfe\xff|\0<)/.test(start)) return 'utf-16be';
  const named = /^<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']/.exec(start)?.[1] ?? 'utf-8';
  if (/^(?:iso-8859-1|latin1)$/i.test(named)) return 'latin1';
  if (/^(?:utf-?8|(?:us-)?ascii)$/i.test(named)) return 'utf-8';
  const sentence = `${file} names the encoding ${JSON.stringify(named)}, which is not read. Save it as UTF-8`;
  throw new CommandError(sentence, EXIT.usage);
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : sentenceOf(error);
}

/**
 * Sends a specification's text.
 * @throws CommandError with the other ways where plushd takes no request that large; what `send` throws
 */
export async function sendSpecification<T>(file: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    const sentence = `${sentenceOf(error)}. Or put ${file} into the folder given by its --apps, and: plush call plushLoadApp FILE, then plush call plushRunApp`;
    throw new CommandError(sentence, EXIT.failed, { cause: error });
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RefusedError && error.reason === 'size';
}

/** `file:line:column: error CODE: message`, as editors and CI systems understand it. */
export function diagnosticLine(file: string, diagnostic: Diagnostic, paint: Paint): string {
  const { line, column, severity, code, message } = diagnostic;
  const word = paint(severity === 'error' ? 'red' : 'yellow', severity);
  return `${file}:${line}:${column}: ${word} ${code}: ${plain(message)}`;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

interface Checked {
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** `plush check`: 0 when all the files can be loaded, 2 when one has errors. */
export function checkCommand(context: Context, files: readonly string[], asJson: boolean): Promise<number> {
  const texts = files.map((file) => ({ file, text: readSpecification(file) }));
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    const checked = await diagnosticsOf(context, daemon, texts);
    const lines = asJson
      ? [JSON.stringify(checked, null, 2)]
      : checked.flatMap(({ file, diagnostics }) =>
          diagnostics.length === 0
            ? [`${file}: ok`]
            : diagnostics.map((one) => diagnosticLine(file, one, terminal.paint)),
        );
    terminal.print(lines.join('\n'));
    return checked.some(({ diagnostics }) => hasErrors(diagnostics)) ? EXIT.usage : EXIT.ok;
  });
}

/** What is wrong with specifications. That depends on no daemon's state, so one of our own can tell it of those that are too large. */
async function diagnosticsOf(
  context: Context,
  daemon: Daemon,
  texts: readonly { readonly file: string; readonly text: string }[],
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const [index, { file, text }] of texts.entries()) {
    try {
      checked.push({ file, diagnostics: await daemon.call('plushValidateApp', text) });
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      const left = texts.slice(index);
      return [...checked, ...(await withOwnDaemon(context, (own) => diagnosticsOf(context, own, left)))];
    }
  }
  return checked;
}
