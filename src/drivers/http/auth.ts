import { timingSafeEqual } from 'node:crypto';
import type { Scope } from '../../../api/methods.ts';
import type { RateLimit } from './rate.ts';

/** Who calls, and what that lets them do. */
export interface Caller {
  /** Name of the token: in the logs, and as the owner of the nodes that it adds. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Aborted when the token is revoked or expires: what goes on for longer than a call has to end then. */
  readonly revoked?: AbortSignal;
  /** How many calls it may make; without, as many as it likes. */
  readonly rate?: RateLimit;
}

/** Answers who sends an Authorization header of this value; undefined for nobody we know. */
export type Authenticate = (authorization: string | undefined) => Caller | undefined;

/** Answers who has a token that is none of the grants. It must take care itself that its time tells nothing. */
export type FindToken = (presented: Buffer) => Caller | undefined;

/** A token and whom it stands for. */
export interface Grant {
  /** Printable ASCII without spaces, so that every header can carry it. */
  readonly token: string;
  readonly caller: Caller;
}

const COLON = 0x3a;

/**
 * Checks `Bearer TOKEN` (RFC 6750) and `Basic base64(anything:TOKEN)` (RFC 7617): every XML-RPC client can send the
 * latter from its URL. How long a comparison takes tells nothing about the tokens but their length.
 *
 * @throws RangeError for an empty token, which everybody would know.
 */
export function createAuthenticate(grants: readonly Grant[], find?: FindToken): Authenticate {
  const known = grants.map(({ token, caller }) => ({ token: Buffer.from(token), caller }));
  if (known.some(({ token }) => token.length === 0)) throw new RangeError('A token must not be empty');
  return (authorization) => {
    const presented = authorization === undefined ? undefined : credentials(authorization);
    if (presented === undefined) return undefined;
    let found: Caller | undefined;
    for (const { token, caller } of known) {
      // No way out before the last one: the time must not tell which token came close.
      if (isSame(presented, token)) found = caller;
    }
    return found ?? find?.(presented);
  };
}

function credentials(authorization: string): Buffer | undefined {
  const space = authorization.indexOf(' ');
  if (space < 0) return undefined;
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return Buffer.from(value);
  if (scheme !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64');
  const colon = pair.indexOf(COLON);
  return colon < 0 ? undefined : pair.subarray(colon + 1);
}

function isSame(presented: Buffer, token: Buffer): boolean {
  const sameLength = presented.length === token.length;
  return timingSafeEqual(sameLength ? presented : token, token) && sameLength;
}
