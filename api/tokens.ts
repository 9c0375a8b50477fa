/** Methods about tokens, and what they answer. */
import { Type } from '@sinclair/typebox';
import { True } from './answers.ts';
import { closed, type MethodDefinition, param, SCOPES } from './method.ts';
import { optional, Time, timeToCome } from './schemas.ts';

const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
  description: 'Letters, digits, ".", "_" and "-", at most 64',
});
const Rate = Type.Integer({
  minimum: 0,
  maximum: 1_000_000,
  description:
    'Calls a second, and ten times as many at once; 0 is without limit. Absent: as plushd was started',
});
const Scopes = Type.Array(Type.Union(SCOPES.map((scope) => Type.Literal(scope))), {
  minItems: 1,
  maxItems: SCOPES.length,
  description: 'Some of read, broker, operate, admin',
});

const TokenInfo = Type.Object({
  name: Name,
  scopes: Scopes,
  created: Time,
  expires: optional(Time),
  rate: optional(Rate),
});

/** plushCreateToken, plushListTokens, plushRevokeToken. */
export const tokenMethods = {
  plushCreateToken: {
    doc: 'Makes a token and answers it, once: it is kept only as a digest. It may have scopes alone that the token of this call has. The name is also the owner of the nodes that the token adds; a later token of the same name owns them again.',
    params: [
      param(
        'token',
        Type.Object(
          {
            name: Name,
            scopes: Scopes,
            expires: optional(timeToCome('it does not end')),
            rate: optional(Rate),
          },
          closed,
        ),
        'What it is to be',
      ),
    ],
    result: Type.Object({ ...TokenInfo.properties, token: Type.String({ description: 'The secret' }) }),
    scope: 'admin',
    faults: ['FORBIDDEN', 'TOKEN_EXISTS', 'TOO_MANY_TOKENS', 'TOKENS_UNWRITABLE'],
  },
  plushListTokens: {
    doc: 'The tokens that were made by plushCreateToken, in the order of their names, without their secrets; expired ones too. At most 1000 are there.',
    params: [],
    result: Type.Array(TokenInfo),
    scope: 'admin',
    isRead: true,
    faults: [],
  },
  plushRevokeToken: {
    doc: 'Ends a token: its calls are refused from now on, and its event streams and sockets are cut. The nodes that it added stay.',
    params: [param('name', Name, "The token's name")],
    result: True,
    scope: 'admin',
    faults: ['TOKEN_NOT_FOUND', 'TOKENS_UNWRITABLE'],
  },
} as const satisfies Record<string, MethodDefinition>;
