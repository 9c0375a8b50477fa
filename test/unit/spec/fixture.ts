import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../../../api/spec.ts';
import { formatDiagnostic } from '../../../src/core/spec/format.ts';

const FIXTURES = join(__dirname, 'fixtures');

/** A fixture's text by its path below fixtures/. */
export function fixture(path: string): string {
  return readFileSync(join(FIXTURES, path), 'utf8');
}

/** A file of examples/ at the root of the project. */
export function example(name: string): string {
  return readFileSync(join(__dirname, '../../../examples', name), 'utf8');
}

/** Diagnostics as a person reads them, one a line, ended by a line end where there are any. */
export function listing(fileName: string, diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${formatDiagnostic(fileName, diagnostic)}\n`).join('');
}

/** `line:column CODE` of each diagnostic. */
export function places(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);
}
