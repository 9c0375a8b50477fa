import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import { type Caller, PlushClient } from '../typescript/client.ts';
import { readRuntime } from '../typescript/endpoint.ts';
import { RefusedError, UnreachableError } from '../typescript/fault.ts';
import type { DaemonOptions } from './options.ts';

/** A daemon that went away may come back, perhaps elsewhere: so long it is looked for. */
const PATIENCE_MS = 10_000;

/** A local daemon that lives answers at once. */
const PROBE_TIMEOUT_MS = 5_000;

/** A plushd, wherever it serves at the moment. */
export class Daemon implements Caller {
  private constructor(
    private readonly client: PlushClient,
    /** Absent where it was named by URL. */
    readonly pid: number | undefined,
  ) {}

  /**
   * The daemon that the options name, or that runs on their state folder; undefined when none answers there.
   *
   * @throws RefusedError when it does not take the token, or there is no token to be had
   */
  static async find(options: DaemonOptions): Promise<Daemon | undefined> {
    const { url, urlToken, tokenFile, stateDir } = options;
    const client = new PlushClient({
      stateDir,
      ...(url === undefined ? {} : { url }),
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(urlToken === undefined || tokenFile !== undefined ? {} : { token: urlToken }),
    });
    if (url !== undefined) return new Daemon(client, undefined);
    const runtime = readRuntime(stateDir);
    if (runtime === undefined) return undefined;
    try {
      await client.with({ timeoutMs: PROBE_TIMEOUT_MS }).call('plushTestConnection');
    } catch (error) {
      if (error instanceof UnreachableError) return undefined;
      // Left by a daemon that was killed; somebody else may have its port by now.
      const isLeft = error instanceof RefusedError && !isAlive(runtime.pid);
      if (isLeft) return undefined;
      throw error;
    }
    return new Daemon(client, runtime.pid);
  }

  /** Where it was last found. */
  get url(): string {
    return this.client.url;
  }

  call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    return this.client.call(method, ...params);
  }

  /** A call of a method that this program may not know. */
  callByName(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.client.callByName(method, params);
  }

  /**
   * A caller that looks for the daemon again when it goes away. For calls alone that may be made twice.
   *
   * @param onLost told once each time when the daemon stops answering
   * @param patienceMs how long it is looked for
   */
  patient(onLost: () => void, patienceMs: number = PATIENCE_MS): Caller {
    return this.client.with({ onLost, patienceMs });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}
