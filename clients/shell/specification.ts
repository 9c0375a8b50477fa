import { readFileSync, statSync } from 'node:fs';
import type { Diagnostic } from '../../api/spec.ts';
import { sentenceOf } from '../typescript/fault.ts';
import { CommandError, EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import type { Paint } from './terminal.ts';
import { plain } from './wording.ts';

/** plushd takes no larger request. */
const MAX_FILE_BYTES = 1 << 20;

/**
 * The text of a specification file: UTF-8, or UTF-16 with a byte order mark.
 *
 * @throws CommandError (usage)
 */
export function readSpecification(file: string): string {
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new Error('it is a folder');
    if (stat.size > MAX_FILE_BYTES) {
      throw new Error(
        `it is larger than ${MAX_FILE_BYTES} bytes, which is the most that is sent. Up to 10 MiB are read on the controller, from its folder --apps: plush call plushLoadApp FILE, then plush call plushRunApp`,
      );
    }
    bytes = readFileSync(file);
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${reason(error)}`, EXIT.usage, { cause: error });
  }
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CommandError(`${file} is not encoded in UTF-8. Save it so`, EXIT.usage, { cause: error });
  }
}

function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : sentenceOf(error);
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

/** `plush check`: 0 when all the files can be loaded, 2 when one has errors. */
export function checkCommand(context: Context, files: readonly string[], asJson: boolean): Promise<number> {
  const texts = files.map((file) => ({ file, text: readSpecification(file) }));
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    const checked = [];
    for (const { file, text } of texts) {
      checked.push({ file, diagnostics: await daemon.call('plushValidateApp', text) });
    }
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
