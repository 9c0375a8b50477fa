/** `plush token create | list | revoke`. Each answers the exit code. */

import { SCOPES } from '../../api/method.ts';
import type { ParamsOf, ResultOf, Scope } from '../../api/methods.ts';
import { CommandError, EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import { type Column, tableLines } from './table.ts';
import { moment } from './wording.ts';

type Wanted = ParamsOf<'plushCreateToken'>[0];
type TokenInfo = ResultOf<'plushListTokens'>[number];

const COLUMNS: readonly Column<TokenInfo>[] = [
  { title: 'TOKEN', cell: (token) => token.name },
  { title: 'SCOPES', cell: (token) => token.scopes.join(',') },
  { title: 'CREATED', cell: (token) => moment(token.created) },
  { title: 'EXPIRES', cell: ({ expires }) => (expires === undefined ? undefined : expiry(expires)) },
  { title: 'CALLS/S', cell: (token) => token.rate, align: 'right' },
];

function expiry(expires: string): string {
  return Date.parse(expires) > Date.now() ? moment(expires) : 'expired';
}

/** The token alone is printed to stdout, so that it can be put into a file or a variable. */
export function createTokenCommand(context: Context, wanted: Wanted, asJson: boolean): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    const made = await daemon.call('plushCreateToken', wanted);
    context.terminal.print(asJson ? JSON.stringify(made, null, 2) : made.token);
    if (!asJson)
      context.terminal.remark('This token is shown only now; plushd keeps no more than its digest');
    return EXIT.ok;
  });
}

export function listTokensCommand(context: Context, asJson: boolean): Promise<number> {
  const { terminal } = context;
  return withDaemon(context, 'borrow', async (daemon) => {
    const tokens = await daemon.call('plushListTokens');
    if (asJson) terminal.print(JSON.stringify(tokens, null, 2));
    else if (tokens.length === 0)
      terminal.remark("No tokens beside the owner's. `plush token create` makes one");
    else {
      const paintTitle = (line: string) => terminal.paint('bold', line);
      const width = terminal.isLive ? terminal.columns() : Number.POSITIVE_INFINITY;
      terminal.print(tableLines(COLUMNS, tokens, { paintTitle, width }).join('\n'));
    }
    return EXIT.ok;
  });
}

export function revokeTokenCommand(context: Context, name: string): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    await daemon.call('plushRevokeToken', name);
    return EXIT.ok;
  });
}

/** What the words of the command line ask for. @throws CommandError (usage) */
export function wantedToken(
  name: string,
  { scope, expires, rate }: { readonly scope?: string; readonly expires?: string; readonly rate?: string },
  nowMs: number,
): Wanted {
  return {
    name,
    scopes: scopesOf(scope ?? ''),
    ...(expires === undefined ? {} : { expires: timeOf(expires, nowMs) }),
    ...(rate === undefined ? {} : { rate: rateOf(rate) }),
  };
}

function scopesOf(text: string): Scope[] {
  const words = text.split(',').filter((word) => word !== '');
  const isScope = (word: string): word is Scope => (SCOPES as readonly string[]).includes(word);
  if (words.length > 0 && words.every(isScope)) return words;
  throw new CommandError(`--scope takes some of ${SCOPES.join(', ')}, with commas between them`, EXIT.usage);
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "30d", "12h", "90m" from now, or a time. */
function timeOf(text: string, nowMs: number): string {
  const span = /^(\d{1,5})([mhd])$/.exec(text);
  if (span !== null)
    return new Date(nowMs + Number(span[1]) * (UNITS_MS[span[2] as string] ?? 0)).toISOString();
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  if (ms > nowMs) return new Date(ms).toISOString();
  const sentence =
    '--expires takes a span (90m, 12h, 30d) or a time to come (2030-01-31, 2030-01-31T10:00:00Z)';
  throw new CommandError(sentence, EXIT.usage);
}

function rateOf(text: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 1_000_000) return Number(text);
  throw new CommandError('--rate takes calls a second, from 1 to 1000000, or 0 for no limit', EXIT.usage);
}
