import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import { CommandError, EXIT, sentenceOf } from './failure.ts';
import type { DaemonOptions } from './options.ts';
import { type Caller, callOnce, type Endpoint, RefusedError, UnreachableError } from './rpc.ts';

/** Where a running plushd says how it is reached; it removes the file when it ends. */
const RUNTIME_FILE = 'plushd.json';
const TOKEN_FILE = 'token';

/** Longer files are not ours. */
const MAX_SMALL_FILE_BYTES = 65_536;

/** A daemon that went away may come back, perhaps elsewhere: so long it is looked for … */
const PATIENCE_MS = 10_000;
/** … this often. */
const RETRY_MS = 250;

/** A local daemon that lives answers at once. */
const PROBE_TIMEOUT_MS = 5_000;

/** What plushd.json holds. */
interface RuntimeInfo {
  readonly url: string;
  readonly pid: number;
  readonly token_file: string;
}

/** A plushd, wherever it serves at the moment. */
export class Daemon implements Caller {
  private constructor(
    private endpoint: Endpoint,
    private readonly locate: () => Endpoint | undefined,
    /** Absent where it was named by URL. */
    readonly pid: number | undefined,
  ) {}

  /**
   * The daemon that the options name, or that runs on their state folder; undefined when none answers there.
   *
   * @throws RefusedError when it does not take the token, CommandError when there is no token to be had
   */
  static async find(options: DaemonOptions): Promise<Daemon | undefined> {
    if (options.url !== undefined) {
      const locate = () => namedEndpoint(options, options.url ?? '');
      return new Daemon(locate(), locate, undefined);
    }
    const runtime = readRuntime(options.stateDir);
    if (runtime === undefined) return undefined;
    const locate = () => localEndpoint(options, readRuntime(options.stateDir));
    const endpoint = locate();
    if (endpoint === undefined) return undefined;
    try {
      await callOnce(endpoint, 'plushTestConnection', [], PROBE_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof UnreachableError) return undefined;
      // Left by a daemon that was killed; somebody else may have its port by now.
      if (error instanceof RefusedError && !isAlive(runtime.pid)) return undefined;
      throw error;
    }
    return new Daemon(endpoint, locate, runtime.pid);
  }

  get url(): string {
    return this.endpoint.url;
  }

  async call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    return (await callOnce(this.endpoint, method, params)) as ResultOf<M>;
  }

  /** A call of a method that this program may not know. */
  callByName(method: string, params: readonly unknown[]): Promise<unknown> {
    return callOnce(this.endpoint, method, params);
  }

  /**
   * A caller that looks for the daemon again when it goes away. For calls alone that may be made twice.
   *
   * @param onLost told once each time when the daemon stops answering
   * @param patienceMs how long it is looked for
   */
  patient(onLost: () => void, patienceMs: number = PATIENCE_MS): Caller {
    return {
      call: async (method, ...params) => {
        const deadline = performance.now() + patienceMs;
        for (let attempt = 0; ; attempt++) {
          try {
            return await this.call(method, ...params);
          } catch (error) {
            if (!(error instanceof UnreachableError)) throw error;
            if (attempt === 0) onLost();
            if (performance.now() > deadline) throw error;
          }
          await sleep(RETRY_MS);
          this.endpoint = this.locate() ?? this.endpoint;
        }
      },
    };
  }
}

/** What plushd.json in the folder says; undefined when there is none, or it is not (yet) whole. */
function readRuntime(stateDir: string): RuntimeInfo | undefined {
  const value = readJson(join(stateDir, RUNTIME_FILE)) as Partial<RuntimeInfo> | undefined;
  if (typeof value?.url !== 'string' || typeof value.pid !== 'number') return undefined;
  if (typeof value.token_file !== 'string' || !URL.canParse(value.url)) return undefined;
  return { url: value.url, pid: value.pid, token_file: value.token_file };
}

/** The parsed content of a small file; undefined when it is missing or no JSON. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readSmallFile(path));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${path} cannot be read (${sentenceOf(error)})`, EXIT.failed, { cause: error });
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

function localEndpoint(options: DaemonOptions, runtime: RuntimeInfo | undefined): Endpoint | undefined {
  if (runtime === undefined) return undefined;
  const file = options.tokenFile ?? runtime.token_file;
  return { url: runtime.url.replace(/\/+$/, ''), token: readToken(file), tokenSource: file };
}

function namedEndpoint(options: DaemonOptions, url: string): Endpoint {
  if (options.urlToken !== undefined && options.tokenFile === undefined) {
    return { url, token: options.urlToken, tokenSource: '--url' };
  }
  const file = options.tokenFile ?? join(options.stateDir, TOKEN_FILE);
  return { url, token: readToken(file), tokenSource: file };
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readSmallFile(file).trim();
  } catch (error) {
    const sentence = `There is no token to be read in ${file} (${sentenceOf(error)}). Give its file with --token-file`;
    throw new CommandError(sentence, EXIT.failed, { cause: error });
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandError(`${file} does not hold a token. Give the right file with --token-file`);
}

function readSmallFile(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_SMALL_FILE_BYTES) throw new Error(`it has ${size} bytes, which is too large`);
  return readFileSync(path, 'utf8');
}
