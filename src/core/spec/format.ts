/** Diagnostics as one line of text, in the form editors and CI systems recognise. */
import type { Diagnostic } from '../../../api/spec.ts';

/** `file:line:column: error CODE: message` */
export function formatDiagnostic(fileName: string, diagnostic: Diagnostic): string {
  const { line, column, severity, code, message } = diagnostic;
  return `${fileName}:${line}:${column}: ${severity} ${code}: ${message}`;
}
