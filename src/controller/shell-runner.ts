/** Runs one command line on one node, and tells how it went in whatever case. */
import type { CommandResult } from '../core/operation/fold.ts';
import { fitEncoded } from '../core/views/encoded-bytes.ts';
import { AgentError, messageOf } from '../drivers/agent-error.ts';
import type { AgentLink } from '../drivers/nodes/agent-link.ts';
import { LinkError } from '../drivers/nodes/agent-link.ts';
import { ConnectError } from '../drivers/nodes/arrivals.ts';
import { MAX_SHELL_OUTPUT_BYTES, type ShellEnd } from '../wire/agent.ts';
import { pageOf } from './output-text.ts';

/** What one stream may take in an answer: see MAX_RESULTS_BYTES in core/views/operations.ts. */
const MAX_STREAM_BYTES = 180 << 10;
/** How long the agent may take beyond the command's own time: to end its processes, also stubborn ones. */
const END_MS = 45_000;

export interface ShellOrder {
  readonly operation_id: string;
  readonly command: string;
  readonly timeoutMs: number;
}

/** Never rejects. */
export async function runOnNode(link: AgentLink, order: ShellOrder): Promise<CommandResult> {
  const { operation_id, command, timeoutMs } = order;
  const ask = {
    operation_id,
    command,
    timeout_ms: timeoutMs,
    max_output_bytes: MAX_SHELL_OUTPUT_BYTES,
  };
  try {
    const { ok, binary } = await link.request('shell', ask, { timeoutMs: timeoutMs + END_MS });
    return resultOf(ok, binary, timeoutMs);
  } catch (error) {
    return failureOf(error);
  }
}

/** What kept a command from having a result. */
export function failureOf(error: unknown): CommandResult {
  if (error instanceof AgentError) return nothing(error.failure.code, error.failure.message);
  if (error instanceof ConnectError) return nothing(error.code, error.message);
  if (error instanceof LinkError) {
    const message = `The connection to the node ended while the command ran (${error.message}); how far it came is not known`;
    return nothing('link_lost', message);
  }
  return nothing('failed', messageOf(error));
}

/** A result without output. */
export function nothing(cause: string, message: string): CommandResult {
  return { stdout: '', stderr: '', stdout_cut: false, stderr_cut: false, cause, message };
}

function resultOf(end: ShellEnd, binary: Buffer, timeoutMs: number): CommandResult {
  const { exit_code, signal, timed_out, stdout_bytes, left } = end;
  const stdout = textOf(binary.subarray(0, stdout_bytes), end.stdout_cut);
  const stderr = textOf(binary.subarray(stdout_bytes), end.stderr_cut);
  const raw = {
    ...(stdout.raw === undefined ? {} : { stdout: stdout.raw }),
    ...(stderr.raw === undefined ? {} : { stderr: stderr.raw }),
  };
  const output = {
    stdout: stdout.text,
    stderr: stderr.text,
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
    stdout_cut: stdout.isCut,
    stderr_cut: stderr.isCut,
  };
  const stubborn = left.length === 0 ? '' : `; ${left.length} of its processes did not end even at SIGKILL`;
  if (timed_out) {
    const message = `The command did not end within ${timeoutMs / 1000} s and was ended${stubborn}`;
    return { ...output, cause: 'timeout', message };
  }
  return {
    ...(exit_code === undefined ? {} : { exit_code }),
    ...(signal === undefined ? {} : { signal }),
    ...output,
    ...(stubborn === '' ? {} : { message: `The command ended${stubborn}` }),
  };
}

/** Bytes as text that every client takes, and as they are where the text is not exactly that. */
function textOf(bytes: Buffer, isCut: boolean): { text: string; raw?: Uint8Array; isCut: boolean } {
  const { data } = pageOf({ bytes, offset: 0, eof: !isCut });
  const text = fitEncoded(data, MAX_STREAM_BYTES);
  const isSame = Buffer.from(text, 'utf8').equals(bytes);
  // A copy, since the bytes may be a piece of a larger buffer.
  const raw = isSame ? {} : { raw: Uint8Array.from(bytes) };
  return { text, ...raw, isCut: isCut || text.length < data.length };
}
