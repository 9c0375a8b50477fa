/**
 * The nodes of PlanetLab's slices (sections 4.1 and 6.2 of plush-toit.2011): PlanetLab Central is asked when the directory is
 * read, and again from time to time. Nothing waits for it; while it does not answer, the pool stays as its last answer was.
 *
 *     off ──password──▶ asking ──▶ current ◀──▶ failing
 */
import type { ResultOf } from '../../api/methods.ts';
import type { Input } from '../core/input.ts';
import { nextQueryMs, type PlanetLabAccount } from '../core/pool/slice.ts';
import { countSliceNodes } from '../core/pool/sources.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../drivers/agent-error.ts';
import type { Log } from '../drivers/log.ts';
import { PlcError, querySlices } from '../drivers/plc.ts';
import { readPassword } from '../drivers/plc-password.ts';
import type { Loop, Writer } from './loop.ts';
import type { Options } from './options.ts';

type Info = NonNullable<ResultOf<'plushInfoControl'>['planetlab']>;

export interface PlanetLabOptions {
  readonly url: string;
  readonly passwordFile?: string | undefined;
  /** Between two queries. */
  readonly intervalMs: number;
  readonly state: State;
  readonly submit: (input: Input, writer: Writer) => Promise<unknown>;
  readonly log: Log;
  /** Time for one call. @default 60000 */
  readonly callMs?: number;
}

/** As the daemon has it. Nothing is asked before `use`. */
export function openPlanetLab(
  { plcUrl, plcPasswordFile, plcInterval }: Options,
  loop: Pick<Loop, 'state' | 'submit'>,
  log: Log,
): PlanetLab {
  return new PlanetLab({
    url: plcUrl,
    passwordFile: plcPasswordFile,
    intervalMs: plcInterval * 1000,
    state: loop.state,
    submit: (input, writer) => loop.submit(input, writer),
    log,
  });
}

export class PlanetLab {
  readonly #options: PlanetLabOptions;
  #account: PlanetLabAccount | undefined;
  #query = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #wasRefused = false;
  #message: string | undefined;
  #answered: string | undefined;
  #next: string | undefined;
  #warnedOpen = false;

  constructor(options: PlanetLabOptions) {
    this.#options = options;
  }

  /** The directory was read: from now on it is about this account, which is asked for at once. */
  use(account: PlanetLabAccount | undefined): void {
    this.close();
    this.#query = new AbortController();
    if (account?.user !== this.#account?.user) this.#answered = undefined;
    this.#account = account;
    this.#failures = 0;
    this.#message = undefined;
    this.#next = undefined;
    if (account === undefined) return;
    if (this.#options.passwordFile === undefined) {
      this.#message =
        'The directory names slices of PlanetLab, and plushd has no password to ask for their nodes: give it --plc-password-file';
      this.#options.log.warn({ user: account.user }, this.#message);
      return;
    }
    void this.#ask(account, this.#query.signal);
  }

  /** For plushInfoControl; undefined where the directory has nothing of PlanetLab. */
  info(): Info | undefined {
    const { url, state } = this.#options;
    if (this.#account === undefined) return undefined;
    const counts = countSliceNodes(state);
    return {
      url,
      user: this.#account.user,
      state: this.#standing(),
      ...(this.#message === undefined ? {} : { message: this.#message }),
      ...(this.#answered === undefined ? {} : { answered: this.#answered }),
      ...(this.#next === undefined ? {} : { next: this.#next }),
      slices: this.#account.slices.map(({ slice, port }) => ({
        slice,
        port,
        found: state.slices?.has(slice) === true,
        nodes: counts.get(slice) ?? 0,
      })),
    };
  }

  /** Ends the query under way, and those to come. */
  close(): void {
    this.#query.abort();
    clearTimeout(this.#timer);
  }

  #standing(): Info['state'] {
    if (this.#options.passwordFile === undefined) return 'off';
    if (this.#message !== undefined) return 'failing';
    return this.#answered === undefined ? 'asking' : 'current';
  }

  async #ask(account: PlanetLabAccount, signal: AbortSignal): Promise<void> {
    try {
      const slices = await this.#answer(account, signal);
      if (signal.aborted) return;
      let changes: { first: number; last: number } | undefined;
      const wrote = (first: number, last: number) => {
        changes = { first, last };
      };
      await this.#options.submit({ type: 'planetlab_answered', slices }, { wrote });
      this.#succeeded(
        slices.filter(({ found }) => !found).map(({ slice }) => slice),
        changes,
      );
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(error, account);
    }
    if (!signal.aborted) this.#askLater(account, signal);
  }

  async #answer(account: PlanetLabAccount, signal: AbortSignal): ReturnType<typeof querySlices> {
    const { url, passwordFile = '', callMs, log } = this.#options;
    const { password, isOpen } = readPassword(passwordFile);
    if (isOpen && !this.#warnedOpen) {
      log.warn({ file: passwordFile }, 'Other users may read the password of PlanetLab: chmod 600 its file');
      this.#warnedOpen = true;
    }
    const access = { url, user: account.user, password };
    return querySlices(access, account.slices, { signal, ...(callMs === undefined ? {} : { callMs }) });
  }

  #succeeded(missing: readonly string[], changes: { first: number; last: number } | undefined): void {
    const { log, state } = this.#options;
    const wasFailing = this.#message !== undefined;
    const isFirst = this.#answered === undefined;
    this.#failures = 0;
    this.#message = undefined;
    this.#answered = new Date().toISOString();
    const slices = Object.fromEntries(countSliceNodes(state));
    if (changes !== undefined)
      log.info({ slices, facts: changes }, "The nodes of PlanetLab's slices changed");
    else if (isFirst || wasFailing) log.info({ slices }, 'PlanetLab Central answers');
    if (missing.length > 0 && (isFirst || changes !== undefined))
      log.warn(
        { slices: missing },
        'PlanetLab Central shows these slices not to the account: correct port_map, or have the account added to them',
      );
  }

  #failed(error: unknown, { user }: PlanetLabAccount): void {
    const { log, passwordFile } = this.#options;
    const isRefused = error instanceof PlcError && error.refused;
    if (isRefused !== this.#wasRefused) this.#failures = 0;
    this.#wasRefused = isRefused;
    this.#failures += 1;
    const hint = isRefused
      ? `. Check the account ${user} and its password in ${passwordFile}, then send plushd SIGHUP`
      : '';
    const message = `${messageOf(error)}${hint}`;
    // The same again and again would bury the rest of the log.
    if (message !== this.#message)
      log.warn({ err: message }, 'PlanetLab Central told no nodes; those of its last answer stay');
    else log.debug({ err: message }, 'PlanetLab Central still tells no nodes');
    this.#message = message;
  }

  #askLater(account: PlanetLabAccount, signal: AbortSignal): void {
    const standing = { failures: this.#failures, refused: this.#wasRefused };
    const delayMs = nextQueryMs(standing, this.#options.intervalMs, Math.random());
    this.#next = new Date(Date.now() + delayMs).toISOString();
    this.#timer = setTimeout(() => void this.#ask(account, signal), delayMs).unref();
  }
}
