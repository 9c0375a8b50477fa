/** The signals of Linux by name (signal(7)), without those that real-time programs use. */
const SIGNALS: ReadonlySet<string> = new Set(
  (
    'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU ' +
    'URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
  ).split(' '),
);

/** The name with SIG of a signal given with it or without, such as SIGKILL; undefined for what is none. */
export function signalNamed(text: string): string | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '');
  return SIGNALS.has(name) ? `SIG${name}` : undefined;
}

/** All of them, with SIG. */
export function signalNames(): string[] {
  return [...SIGNALS].map((name) => `SIG${name}`);
}
