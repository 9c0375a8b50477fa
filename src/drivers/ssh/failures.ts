/** Why a connection did not come about, in AccessError's terms. */
import { durationText } from '../../core/duration.ts';
import { type AccessCause, AccessError } from '../access.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import type { SshTarget } from './target.ts';

/** How far a connection has come. */
export type Phase = 'connecting' | 'handshake' | 'authenticating' | 'ready';

const SOCKET_FAILURES: Readonly<Record<string, readonly [AccessCause, (target: SshTarget) => string]>> = {
  ENOTFOUND: ['unresolved', ({ host }) => `The name ${host} does not resolve`],
  ENODATA: ['unresolved', ({ host }) => `The name ${host} has no address`],
  EAI_AGAIN: [
    'unresolved',
    ({ host }) => `The name ${host} does not resolve now; the name servers do not answer`,
  ],
  EAI_NONAME: ['unresolved', ({ host }) => `The name ${host} does not resolve`],
  EAI_FAIL: ['unresolved', ({ host }) => `The name ${host} does not resolve; the name servers failed`],
  ECONNREFUSED: ['refused', ({ place }) => `Nothing listens on ${place} (SSH)`],
  EHOSTUNREACH: ['unreachable', ({ host }) => `There is no route to ${host}`],
  EHOSTDOWN: ['unreachable', ({ host }) => `The machine ${host} is down`],
  ENETUNREACH: ['unreachable', ({ host }) => `There is no route to the network of ${host}`],
  ENETDOWN: ['unreachable', ({ host }) => `The network to ${host} is down`],
  ETIMEDOUT: ['unreachable', ({ place }) => `${place} does not answer (SSH)`],
};

/** What ssh2 adds to its errors to say where they come from. */
function levelOf(error: unknown): string | undefined {
  const level = typeof error === 'object' && error !== null && 'level' in error ? error.level : undefined;
  return typeof level === 'string' ? level : undefined;
}

/** Whether ssh2 has nothing left to try. */
export function isOutOfKeys(error: unknown): boolean {
  return levelOf(error) === 'client-authentication';
}

/** Whether ssh2 goes on after this error with the next thing to try: ssh-agent did not answer or would not sign. */
export function isAgentTrouble(error: unknown): boolean {
  return levelOf(error) === 'agent';
}

/** Why a connection attempt failed with an error of ssh2's or of the socket's. */
export function connectFailure(
  error: unknown,
  target: SshTarget,
  phase: Phase,
  tried: readonly string[],
): AccessError {
  if (error instanceof AccessError) return error;
  const socketFailure = SOCKET_FAILURES[errorCode(error) ?? ''];
  if (socketFailure !== undefined) {
    const [code, describe] = socketFailure;
    return new AccessError(code, describe(target), { cause: error });
  }
  if (phase === 'authenticating' && AUTH_LEVELS.has(levelOf(error))) return authFailure(target, tried, error);
  if (errorCode(error) === 'ECONNRESET' || errorCode(error) === 'EPIPE')
    return brokenOff(target, phase, error);
  const message = `The SSH handshake with ${target.place} failed: ${messageOf(error)}`;
  return new AccessError('failed', message, { cause: error });
}

/** Levels of errors that end a login. The server's own goodbye, such as "Too many authentication failures", has none. */
const AUTH_LEVELS: ReadonlySet<string | undefined> = new Set(['client-authentication', 'agent', undefined]);

function authFailure(target: SshTarget, tried: readonly string[], error: unknown): AccessError {
  if (isAgentTrouble(error) && tried.length === 1) {
    const message = `There is no key to show to ${target.place}: ${tried[0]} cannot be used (${messageOf(error)})`;
    return new AccessError('no_identity', message, { cause: error });
  }
  const words = levelOf(error) === 'client-authentication' ? '' : `: ${messageOf(error)}`;
  const message = `${target.place} lets ${target.user} in with none of our keys (tried ${tried.join(', ')})${words}`;
  return new AccessError('auth_failed', message, { cause: error });
}

/** The server hung up before the connection was ready. */
export function brokenOff(target: SshTarget, phase: Phase, cause?: unknown): AccessError {
  const advice = phase === 'authenticating' ? '' : '; it may have too many connections (MaxStartups)';
  const step = phase === 'authenticating' ? 'the login' : 'the SSH handshake';
  return new AccessError('closed', `${target.place} hung up during ${step}${advice}`, { cause });
}

/** The deadline passed before the connection was ready. */
export function tooSlow(target: SshTarget, phase: Phase, timeoutMs: number): AccessError {
  if (phase === 'connecting') {
    return new AccessError(
      'unreachable',
      `${target.place} does not answer (SSH), waited ${durationText(timeoutMs)}`,
    );
  }
  if (phase === 'handshake') {
    const message = `Something listens on ${target.place} but made no SSH handshake within ${durationText(timeoutMs)}`;
    return new AccessError('unreachable', message);
  }
  return new AccessError(
    'timeout',
    `${target.place} did not finish the login of ${target.user} within ${durationText(timeoutMs)}`,
  );
}
