/** Where a plushd is reached, and with which token. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { RefusedError, sentenceOf, UnreachableError } from './fault.ts';

/** Where a running plushd says how it is reached; it removes the file when it ends. */
const RUNTIME_FILE = 'plushd.json';
const TOKEN_FILE = 'token';

/** Longer files are not ours. */
const MAX_SMALL_FILE_BYTES = 65_536;

/** Names a plushd: by its URL, or by its state folder on this machine. */
export interface Address {
  /**
   * Such as `http://127.0.0.1:4880`; the URL of an RPC path will do, and a token in it as the password
   * (`http://plush:TOKEN@host:4880`). Absent: the plushd that runs on `stateDir`.
   */
  readonly url?: string;
  readonly token?: string;
  /** File with the token. @default the one in the state folder */
  readonly tokenFile?: string;
  /** State folder of a plushd on this machine. @default `$PLUSH_STATE`, `$XDG_STATE_HOME/plush` or `~/.local/state/plush` */
  readonly stateDir?: string;
}

export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Where the token comes from, for messages. */
  readonly tokenSource: string;
}

/** What plushd.json holds. */
export interface Runtime {
  readonly url: string;
  readonly pid: number;
  readonly token_file: string;
}

/**
 * Finds where a plushd serves now. One that was started again may serve on another port, so this is asked anew each time it
 * has gone away.
 *
 * @throws UnreachableError when none runs on the state folder, RefusedError when there is no token to be had, TypeError for
 *   a URL that is none
 */
export function locate(address: Address): Endpoint {
  const stateDir = address.stateDir ?? defaultStateDir(process.env);
  if (address.url !== undefined) {
    const { url, token } = parseUrl(address.url);
    const given = address.token ?? (address.tokenFile === undefined ? token : undefined);
    if (given !== undefined) return { url, token: given, tokenSource: 'the URL or the options' };
    return withToken(url, address.tokenFile ?? join(stateDir, TOKEN_FILE));
  }
  const runtime = readRuntime(stateDir);
  if (runtime === undefined) throw new UnreachableError(`No plushd runs on the state folder ${stateDir}`);
  const url = runtime.url.replace(/\/+$/, '');
  if (address.token !== undefined) return { url, token: address.token, tokenSource: 'the options' };
  return withToken(url, address.tokenFile ?? runtime.token_file);
}

/** The XDG specification has relative paths ignored. */
export function defaultStateDir(env: NodeJS.ProcessEnv): string {
  if (env.PLUSH_STATE !== undefined && env.PLUSH_STATE !== '') return env.PLUSH_STATE;
  const base = env.XDG_STATE_HOME;
  if (base !== undefined && isAbsolute(base)) return join(base, 'plush');
  return join(homedir(), '.local', 'state', 'plush');
}

/**
 * Takes the URL of a plushd and also that of either RPC path, with or without a token in it.
 *
 * @throws TypeError when it is no http or https URL
 */
export function parseUrl(text: string): { readonly url: string; readonly token?: string } {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol) || parsed.hostname === '') {
    throw new TypeError(
      `An http or https URL such as http://127.0.0.1:4880 is needed, and "${text}" is none`,
    );
  }
  const path = parsed.pathname.replace(/\/+$/, '').replace(/\/(rpc|RPC2)$/, '');
  const token = decodeURIComponent(parsed.password);
  return { url: `${parsed.origin}${path}`, ...(token === '' ? {} : { token }) };
}

/** What plushd.json in the folder says; undefined when there is none, or it is not (yet) whole. */
export function readRuntime(stateDir: string): Runtime | undefined {
  const value = readJsonFile(join(stateDir, RUNTIME_FILE)) as Partial<Runtime> | null | undefined;
  if (typeof value?.url !== 'string' || typeof value.pid !== 'number') return undefined;
  if (typeof value.token_file !== 'string' || !URL.canParse(value.url)) return undefined;
  return { url: value.url, pid: value.pid, token_file: value.token_file };
}

/** The parsed content of a small file; undefined when it is missing or no JSON. @throws Error when it cannot be read */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readSmallFile(path));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read (${sentenceOf(error)})`, { cause: error });
  }
}

function withToken(url: string, file: string): Endpoint {
  let token: string;
  try {
    token = readSmallFile(file).trim();
  } catch (error) {
    const sentence = `There is no token to be read in ${file} (${sentenceOf(error)})`;
    throw new RefusedError(sentence, 'token', { cause: error });
  }
  if (/^[\x21-\x7e]+$/.test(token)) return { url, token, tokenSource: file };
  throw new RefusedError(`${file} does not hold a token`, 'token');
}

/** @throws Error when the file is missing, unreadable or too large to be one of ours */
function readSmallFile(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_SMALL_FILE_BYTES) throw new Error(`it has ${size} bytes, which is too large`);
  return readFileSync(path, 'utf8');
}
