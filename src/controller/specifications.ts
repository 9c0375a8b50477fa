/** Specifications that come with calls. Long ones are read beside the loop, and all goes on meanwhile. */
import { basename } from 'node:path';
import type { AppSpec, Diagnostic } from '../../api/spec.ts';
import { formatDiagnostic } from '../core/spec/format.ts';
import type { Reading } from '../drivers/specs/readers.ts';
import { type SpecReader, SpecUnreadError } from '../drivers/specs/spec-reader.ts';
import { Fault } from './fault.ts';
import type { RequestWork } from './request-work.ts';

type Specs = Pick<SpecReader, 'read'>;
type AppReading = Reading<'application'>;

/** Diagnostics that a fault's sentence quotes; all of them are in its details. */
const MAX_QUOTED = 20;

/**
 * All that is wrong with a text. Nothing that is begun later matters to it, so nothing waits for it.
 * @throws Fault APP_NOT_READ
 */
export function diagnosticsOf(
  specs: Specs,
  work: RequestWork,
  text: string,
): Diagnostic[] | Promise<Diagnostic[]> {
  const reading = read(specs, work, text, 'The file', work.signal);
  return reading instanceof Promise ? reading.then(({ diagnostics }) => diagnostics) : reading.diagnostics;
}

/**
 * Goes on with the application of a text, at once where it is read at once. Calls of the request that come behind this one
 * are begun after that, so that they see what it did.
 *
 * @param signal the text is not read when it is aborted before; for what changes nothing
 * @throws Fault APP_INVALID with all that is wrong in it; APP_NOT_READ
 */
export function withApp<R>(
  specs: Specs,
  work: RequestWork,
  { text, file, signal }: { text: string | Uint8Array; file: string; signal?: AbortSignal | undefined },
  next: (app: AppSpec) => R | Promise<R>,
): R | Promise<R> {
  const reading = read(specs, work, text, basename(file), signal);
  if (!(reading instanceof Promise)) return next(appOf(reading, file));
  // In an object, or it would count as begun only when it has ended.
  const begun = reading.then((late) => ({ answer: next(appOf(late, file)) }));
  work.hold(begun);
  return begun.then(({ answer }) => answer);
}

function read(
  specs: Specs,
  work: RequestWork,
  text: string | Uint8Array,
  name: string,
  signal: AbortSignal | undefined,
): AppReading | Promise<AppReading> {
  const asker = { token: work.token, signal, took: (ms: number) => work.took(ms) };
  const reading = specs.read('application', text, name, asker);
  if (!(reading instanceof Promise)) return reading;
  return reading.catch((error: unknown) => {
    throw error instanceof SpecUnreadError ? unread(error) : error;
  });
}

function unread({ reason, message }: SpecUnreadError): Fault {
  if (reason === 'closed') return new Fault('QUITTING', message);
  return new Fault('APP_NOT_READ', message, { reason });
}

function appOf({ app, diagnostics }: AppReading, file: string): AppSpec {
  if (app !== undefined) return app;
  throw new Fault('APP_INVALID', invalidSentence(file, diagnostics), { diagnostics });
}

function invalidSentence(file: string, diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  const quoted = errors
    .slice(0, MAX_QUOTED)
    .map((diagnostic) => formatDiagnostic(basename(file), diagnostic));
  const more = errors.length > MAX_QUOTED ? [`and ${errors.length - MAX_QUOTED} more`] : [];
  return [
    `The specification has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}:`,
    ...quoted,
    ...more,
  ].join('\n');
}
