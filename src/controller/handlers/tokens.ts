import type { FaultSymbol } from '../../../api/faults.ts';
import type { Scope } from '../../../api/methods.ts';
import type { Caller } from '../../drivers/http/auth.ts';
import { TokenBookError, type TokenInfo } from '../../drivers/token-book.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';

type TokenMethods = 'plushCreateToken' | 'plushListTokens' | 'plushRevokeToken';

/** Name of the token that is in the token file. */
export const OWNER = 'owner';

const SYMBOLS: Readonly<Record<TokenBookError['code'], FaultSymbol>> = {
  exists: 'TOKEN_EXISTS',
  not_found: 'TOKEN_NOT_FOUND',
  full: 'TOO_MANY_TOKENS',
  not_writable: 'TOKENS_UNWRITABLE',
  damaged: 'TOKENS_UNWRITABLE',
};

/** Methods about tokens. */
export function tokenHandlers({ tokens, callbacks }: Context): Pick<Handlers, TokenMethods> {
  return {
    plushCreateToken: ({ caller }, { scopes, ...wanted }) => {
      if (wanted.name === OWNER)
        throw new Fault(
          'TOKEN_EXISTS',
          `"${OWNER}" is the name of the token in the token file, and always taken`,
        );
      const info: TokenInfo = {
        ...wanted,
        scopes: grantable(caller, scopes),
        created: new Date().toISOString(),
      };
      checkExpiry(info);
      // What an expired token of that name subscribed to does not become the new one's.
      callbacks.checkCallers();
      const token = faultsOf(() => tokens.create(info));
      return { ...info, scopes: [...info.scopes], token };
    },
    plushListTokens: () => tokens.list().map((info) => ({ ...info, scopes: [...info.scopes] })),
    plushRevokeToken: (_call, name) => {
      if (name === OWNER) {
        const how = 'stop plushd, remove the token file, and start plushd again for a new one';
        throw new Fault('TOKEN_NOT_FOUND', `The owner's token is not in the list: ${how}`);
      }
      faultsOf(() => tokens.revoke(name));
      callbacks.checkCallers();
      return true;
    },
  };
}

/** Nobody can give more than they have. @throws Fault FORBIDDEN */
function grantable({ name, scopes }: Caller, wanted: readonly Scope[]): Scope[] {
  const lacking = wanted.find((scope) => !scopes.has(scope));
  if (lacking === undefined) return [...new Set(wanted)];
  const sentence = `The token "${name}" cannot give the scope ${lacking}, which it lacks`;
  throw new Fault('FORBIDDEN', sentence, { scope: lacking });
}

function checkExpiry({ expires }: TokenInfo): void {
  if (expires === undefined || Date.parse(expires) > Date.now()) return;
  throw new Fault('INVALID_PARAMETERS', `expires is ${expires}, which is no time to come`);
}

function faultsOf<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TokenBookError) throw new Fault(SYMBOLS[error.code], error.message);
    throw error;
  }
}
