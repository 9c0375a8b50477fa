import { connect, type Socket } from 'node:net';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import type { AccessError } from '../access.ts';
import { startDeadline } from '../deadline.ts';
import { algorithmsFor } from './algorithms.ts';
import { brokenOff, connectFailure, isAgentTrouble, isOutOfKeys, type Phase, tooSlow } from './failures.ts';
import type { HostKeys } from './host-keys.ts';
import type { AuthPlan } from './identities.ts';
import type { SshTarget } from './target.ts';

/** Keepalives that may be without an answer when the next one falls due; then the peer is given up. */
const KEEPALIVE_MISSES = 2;

export interface ConnectionOptions {
  /** Total time from the first packet to the end of the login. */
  readonly timeoutMs: number;
  /** Time between two keepalives. A silent peer is given up after three of these. */
  readonly keepaliveIntervalMs: number;
}

/** A connection whose login has succeeded. */
export interface SshConnection {
  readonly target: SshTarget;
  readonly client: Client;
  /** The connection's TCP socket, to end it without asking the peer. */
  readonly socket: Socket;
  /** Why the connection ended, once it has ended in error. */
  readonly failure: () => unknown;
}

/**
 * Connects, checks the host key and logs in.
 *
 * @throws AccessError
 */
export async function connectSsh(
  target: SshTarget,
  plan: AuthPlan,
  hostKeys: HostKeys,
  options: ConnectionOptions,
): Promise<SshConnection> {
  return await new Attempt(target, plan, hostKeys, options).done;
}

/** One attempt to connect, from the first packet to the end of the login. */
class Attempt {
  readonly done: Promise<SshConnection>;
  readonly #client = new ssh2.Client();
  readonly #socket: Socket;
  readonly #deadline: NodeJS.Timeout;
  #reject: (error: AccessError) => void = () => undefined;
  #phase: Phase = 'connecting';
  /** A key that is accepted once the machine has proved that it is its own. */
  #newKey: Buffer | undefined;
  #agentTrouble: unknown;
  #failure: unknown;

  constructor(
    private readonly target: SshTarget,
    private readonly plan: AuthPlan,
    private readonly hostKeys: HostKeys,
    private readonly options: ConnectionOptions,
  ) {
    const { timeoutMs } = options;
    const algorithms = algorithmsFor(hostKeys.knownTypes(target));
    this.#socket = connect({ host: target.host, port: target.port, noDelay: true });
    this.#deadline = startDeadline(timeoutMs, () => this.#fail(tooSlow(target, this.#phase, timeoutMs)));
    this.done = new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#client.once('ready', () => resolve(this.#onReady()));
    });
    this.#listen();
    this.#guard(() => this.#client.connect({ ...this.#config(), algorithms }));
  }

  #config(): ConnectConfig {
    return {
      sock: this.#socket,
      username: this.target.user,
      // A list of what to try, and nothing else: each method more costs a round trip.
      authHandler: [...this.plan.methods],
      hostVerifier: (key: Buffer) => this.#verify(key),
      keepaliveInterval: this.options.keepaliveIntervalMs,
      keepaliveCountMax: KEEPALIVE_MISSES,
      // Our own deadline covers the name's lookup and the login too.
      readyTimeout: 0,
      // Servers other than OpenSSH may know how to forward to Unix sockets as well.
      strictVendor: false,
    };
  }

  #listen(): void {
    const onEnd = () => {
      if (this.#phase !== 'ready') this.#fail(brokenOff(this.target, this.#phase));
    };
    // Comes before ssh2's own listener, which would call the end of the stream an error of the protocol.
    this.#socket.once('end', onEnd);
    this.#client.once('close', onEnd);
    // Stays for good: ssh2 may tell the same trouble more than once, and later troubles end the session.
    this.#client.on('error', (error) => this.#onError(error));
    this.#client.once('connect', () => {
      this.#phase = 'handshake';
    });
    this.#client.once('handshake', () => {
      this.#phase = 'authenticating';
      const key = this.#newKey;
      if (key !== undefined) this.#guard(() => this.hostKeys.accept(this.target, key));
    });
  }

  #onReady(): SshConnection {
    this.#phase = 'ready';
    clearTimeout(this.#deadline);
    const { target } = this;
    return { target, client: this.#client, socket: this.#socket, failure: () => this.#failure };
  }

  /** @returns whether to go on with a machine that shows this key */
  #verify(key: Buffer): boolean {
    return this.#guard(() => {
      if (!this.hostKeys.check(this.target, key)) this.#newKey = key;
    });
  }

  #onError(error: unknown): void {
    if (this.#phase === 'ready') {
      this.#failure ??= error;
      this.#socket.destroy();
      return;
    }
    if (isAgentTrouble(error)) {
      this.#agentTrouble = error;
      return;
    }
    const told = isOutOfKeys(error) ? (this.#agentTrouble ?? error) : error;
    this.#fail(connectFailure(told, this.target, this.#phase, this.plan.tried));
  }

  /** Runs a step whose failure ends the attempt. @returns whether it succeeded */
  #guard(step: () => unknown): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.#fail(connectFailure(error, this.target, this.#phase, this.plan.tried));
      return false;
    }
  }

  #fail(error: AccessError): void {
    this.#failure ??= error;
    clearTimeout(this.#deadline);
    this.#reject(error);
    this.#socket.destroy();
  }
}
