/** How a program ended, from its shell's status. */
export interface ExitStatus {
  readonly exit_code?: number;
  readonly signal?: string;
}

/**
 * Exit code or signal of a status as the shell tells it (POSIX XCU 2.8.2: more than 128 means a signal).
 *
 * @param signals signal numbers by name, of the machine where the program ran
 */
export function exitStatus(status: number, signals: Readonly<Record<string, number>>): ExitStatus {
  if (status > 128) {
    for (const [name, number] of Object.entries(signals)) {
      if (number === status - 128) return { signal: name };
    }
  }
  return { exit_code: status };
}

/** The status that the task's wrapper wrote: digits and a newline; undefined while it is not complete. */
export function parseStatus(text: string): number | undefined {
  return /^\d{1,3}\n$/.test(text) ? Number(text) : undefined;
}
