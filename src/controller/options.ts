/** plushd's options: command line over environment (PLUSH_*) over configuration file over defaults. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { NODE_RULES, type NodeRules } from '../core/pool/rules.ts';
import { nearestName } from '../core/suggest.ts';

export interface Options {
  readonly host: string;
  readonly port: number;
  readonly state: string;
  readonly directory?: string;
  /** PlanetLab Central's XML-RPC server. */
  readonly plcUrl: string;
  /** Holds the password of the directory's account there. */
  readonly plcPasswordFile?: string;
  /** Seconds between two queries there. */
  readonly plcInterval: number;
  readonly apps: string;
  readonly sshIdentity?: string;
  /** Command that a node runs before its agent is started. */
  readonly maintenance?: string;
  readonly sshHostKeys: 'strict' | 'accept-new';
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureListen: boolean;
  readonly callbackHosts: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  /** Calls a second of a token that has no rate of its own; 0 is without limit. */
  readonly rateLimit: number;
  readonly maxBodyBytes: number;
  readonly nodeRules: NodeRules;
  readonly logLevel: string;
}

/** A bad option. The message is the one sentence that is shown. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/** Shown by --help, and the list of what is an option at all. */
const KNOWN: Readonly<Record<string, { readonly value?: string; readonly doc: string }>> = {
  listen: { value: 'HOST:PORT', doc: 'where to serve; default 127.0.0.1:4880, port 0 takes a free one' },
  state: { value: 'DIR', doc: 'journal, token, outputs; default $XDG_STATE_HOME/plush' },
  directory: { value: 'FILE', doc: 'directory.xml, read at the start and again on SIGHUP' },
  'plc-url': {
    value: 'URL',
    doc: 'PlanetLab Central, for a directory with its slices; default https://www.planet-lab.org/PLCAPI/',
  },
  'plc-password-file': { value: 'FILE', doc: "the password of the directory's account there" },
  'plc-interval': { value: 'SECONDS', doc: 'how often it is asked, 10 to 86400; default 300' },
  apps: { value: 'DIR', doc: 'the only folder plushLoadApp may read; default: the working directory' },
  'ssh-identity': { value: 'FILE', doc: 'private key; else the SSH agent, else ~/.ssh/id_*' },
  'ssh-host-keys': { value: 'strict|accept-new', doc: 'what to do with unknown host keys; default strict' },
  maintenance: { value: 'COMMAND', doc: 'what a node runs before its agent is started; default nothing' },
  'token-file': { value: 'FILE', doc: "the API's token, made at the first start; default DIR/token" },
  'tls-cert': { value: 'FILE', doc: 'certificate chain (PEM); needed to listen beyond the loopback' },
  'tls-key': { value: 'FILE', doc: 'its private key (PEM)' },
  'insecure-listen': { doc: 'listen beyond the loopback without TLS' },
  'callback-hosts': { value: 'HOST,…', doc: 'hosts that callback URLs may lead to, beside the loopback' },
  'allowed-hosts': {
    value: 'HOST,…',
    doc: 'names by which clients may call, beside the loopback and the listen host',
  },
  'cors-origin': {
    value: 'ORIGIN,…',
    doc: 'origins whose pages may call, such as https://console.example; default none',
  },
  'rate-limit': {
    value: 'N',
    doc: 'calls a second of a made token without a rate of its own; default 2000, 0 for no limit',
  },
  'max-body': { value: 'BYTES', doc: 'largest body of a request, 65536 to 67108864; default 1048576' },
  'failed-time': {
    value: 'SECONDS',
    doc: "how long a node's failed flag stands, 1 to 2592000; default 600",
  },
  'failed-time-short': {
    value: 'SECONDS',
    doc: "the same where the cause was not the node's, 1 to 2592000; default 10",
  },
  'drop-count': {
    value: 'N',
    doc: 'a node that loses its connection so often is marked failed, 1 to 100; default 3',
  },
  'drop-window': { value: 'SECONDS', doc: '… within this time, 10 to 86400; default 600' },
  'hold-time': {
    value: 'SECONDS',
    doc: 'no node is replaced for so long where most fall silent at once, 0 (not at all) to 86400; default 600',
  },
  'hold-percent': { value: 'N', doc: '… which is so many of those that answered, 50 to 100; default 80' },
  topology: { value: 'star', doc: 'how agents are reached; this version has star' },
  degree: { value: 'N', doc: 'children of a node in a tree of agents, 2 to 100; a star has none' },
  'log-level': { value: 'LEVEL', doc: 'error, warn, info or debug; default info' },
  config: { value: 'FILE', doc: 'the same options as a JSON object' },
  help: { doc: 'this text' },
  version: { doc: 'the version' },
};

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];

export function helpText(): string {
  const rows = Object.entries(KNOWN).map(([name, { value, doc }]) => {
    const left = `  --${name}${value === undefined ? '' : ` ${value}`}`;
    return `${left.padEnd(38)}${doc}`;
  });
  return [
    'plushd [options]',
    '',
    'The Plush controller: serves the API and runs applications on nodes.',
    '',
    ...rows,
    '',
  ].join('\n');
}

type Raw = Record<string, string>;

/**
 * Reads the options.
 * @returns `help` or `version` where only that was asked for
 * @throws OptionError
 */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Options | 'help' | 'version' {
  const line = fromArguments(args);
  if (line.help !== undefined) return 'help';
  if (line.version !== undefined) return 'version';
  const variables = fromEnvironment(env);
  const configFile = line.config ?? variables.config;
  const raw: Raw = {
    ...(configFile === undefined ? {} : fromFile(resolve(cwd, configFile))),
    ...variables,
    ...line,
  };
  return build(raw, env, cwd);
}

function fromArguments(args: readonly string[]): Raw {
  const raw: Raw = {};
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] as string;
    if (!arg.startsWith('--'))
      throw new OptionError(`plushd takes no argument "${arg}"; plushd --help lists the options`);
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const known = optionOf(name, '--');
    if (known.value === undefined) {
      if (equals >= 0) throw new OptionError(`--${name} takes no value`);
      raw[name] = 'true';
    } else if (equals >= 0) {
      raw[name] = arg.slice(equals + 1);
    } else {
      i += 1;
      const value = args[i];
      if (value === undefined) throw new OptionError(`--${name} needs a value: --${name} ${known.value}`);
      raw[name] = value;
    }
  }
  return raw;
}

function optionOf(name: string, prefix: string): { readonly value?: string } {
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known !== undefined) return known;
  const near = nearestName(name, Object.keys(KNOWN));
  throw new OptionError(
    `There is no option ${prefix}${name}${near === undefined ? '; plushd --help lists the options' : `; did you mean ${prefix}${near}?`}`,
  );
}

function fromEnvironment(env: NodeJS.ProcessEnv): Raw {
  const raw: Raw = {};
  for (const name of Object.keys(KNOWN)) {
    const value = env[`PLUSH_${name.toUpperCase().replaceAll('-', '_')}`];
    if (value !== undefined && value !== '' && name !== 'help' && name !== 'version') raw[name] = value;
  }
  return raw;
}

function fromFile(file: string): Raw {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new OptionError(
      `The configuration file ${file} cannot be used: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new OptionError(`The configuration file ${file} must hold a JSON object`);
  }
  const raw: Raw = {};
  for (const [name, value] of Object.entries(content)) {
    optionOf(name, `${file}: `);
    if (value !== false) raw[name] = Array.isArray(value) ? value.join(',') : String(value);
  }
  return raw;
}

function build(raw: Raw, env: NodeJS.ProcessEnv, cwd: string): Options {
  const { host, port } = address(raw.listen ?? '127.0.0.1:4880');
  const path = (name: string) => (raw[name] === undefined ? undefined : resolve(cwd, raw[name]));
  const apps = path('apps') ?? cwd;
  if (!isFolder(apps)) throw new OptionError(`--apps ${apps} is not a folder`);
  for (const name of ['directory', 'plc-password-file', 'ssh-identity', 'tls-cert', 'tls-key']) {
    const file = path(name);
    if (file !== undefined && !isFile(file))
      throw new OptionError(`--${name} ${file} is not a readable file`);
  }
  if ((raw['tls-cert'] === undefined) !== (raw['tls-key'] === undefined)) {
    throw new OptionError('--tls-cert and --tls-key go together');
  }
  if ((raw.topology ?? 'star') !== 'star')
    throw new OptionError(`--topology ${raw.topology} is not in this version, which has star`);
  const insecureListen = flag(raw, 'insecure-listen');
  if (!isLoopback(host) && raw['tls-cert'] === undefined && !insecureListen) {
    throw new OptionError(
      `--listen ${raw.listen} is open to the network: give --tls-cert and --tls-key, or --insecure-listen to do without`,
    );
  }
  const degree = Number(raw.degree ?? 12);
  if (!Number.isInteger(degree) || degree < 2 || degree > 100) {
    throw new OptionError(`--degree is a number from 2 to 100, not "${raw.degree}"`);
  }
  const state =
    path('state') ?? join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'plush');
  const optional = <K extends string>(key: K, value: string | undefined) =>
    (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
  return {
    host,
    port,
    state,
    apps,
    sshHostKeys: choice(raw, 'ssh-host-keys', ['strict', 'accept-new'] as const, 'strict'),
    insecureListen,
    callbackHosts: hosts(raw, 'callback-hosts'),
    allowedHosts: hosts(raw, 'allowed-hosts'),
    corsOrigins: list(raw['cors-origin']).map(origin),
    rateLimit: number(raw, 'rate-limit', { least: 0, most: 1_000_000, usual: 2_000 }),
    maxBodyBytes: number(raw, 'max-body', { least: 64 << 10, most: 64 << 20, usual: 1 << 20 }),
    nodeRules: nodeRules(raw),
    plcUrl: plcUrl(raw['plc-url'] ?? 'https://www.planet-lab.org/PLCAPI/'),
    plcInterval: number(raw, 'plc-interval', { least: 10, most: 86_400, usual: 300 }),
    logLevel: choice(raw, 'log-level', LEVELS, 'info'),
    ...optional('directory', path('directory')),
    ...optional('plcPasswordFile', path('plc-password-file')),
    ...optional('sshIdentity', path('ssh-identity')),
    ...optional('maintenance', raw.maintenance?.trim() === '' ? undefined : raw.maintenance),
    ...optional('tokenFile', path('token-file')),
    ...optional('tlsCert', path('tls-cert')),
    ...optional('tlsKey', path('tls-key')),
  };
}

function address(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new OptionError(`--listen ${text} is not HOST:PORT with a port from 0 to 65535`);
  }
  const host = (match[1] as string).replace(/^\[|\]$/g, '');
  return { host: host === '' ? '127.0.0.1' : host, port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function flag(raw: Raw, name: string): boolean {
  const value = raw[name];
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1') return true;
  throw new OptionError(`${name} is either true or false, not "${value}"`);
}

function choice<T extends string>(raw: Raw, name: string, allowed: readonly T[], fallback: T): T {
  const value = raw[name];
  if (value === undefined) return fallback;
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new OptionError(`--${name} is one of ${allowed.join(', ')}, not "${value}"`);
}

function number(
  raw: Raw,
  name: string,
  { least, most, usual }: { readonly least: number; readonly most: number; readonly usual: number },
): number {
  const text = raw[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
  throw new OptionError(`--${name} is a number from ${least} to ${most}, not "${text}"`);
}

function nodeRules(raw: Raw): NodeRules {
  const ms = (name: string, least: number, most: number, usualMs: number) =>
    1000 * number(raw, name, { least, most, usual: usualMs / 1000 });
  return {
    failedMs: ms('failed-time', 1, 2_592_000, NODE_RULES.failedMs),
    failedShortMs: ms('failed-time-short', 1, 2_592_000, NODE_RULES.failedShortMs),
    dropCount: number(raw, 'drop-count', { least: 1, most: 100, usual: NODE_RULES.dropCount }),
    dropWindowMs: ms('drop-window', 10, 86_400, NODE_RULES.dropWindowMs),
    holdMs: ms('hold-time', 0, 86_400, NODE_RULES.holdMs),
    holdPercent: number(raw, 'hold-percent', { least: 50, most: 100, usual: NODE_RULES.holdPercent }),
  };
}

/** Names and addresses as a URL has them; what could match no host is refused, since it would allow none in silence. */
function hosts(raw: Raw, name: string): string[] {
  return list(raw[name]).map((text) => {
    const bare = text.replace(/^\[(.*)\]$/, '$1');
    const url = isIP(bare) === 6 ? `http://[${bare}]` : `http://${bare}`;
    const isPlain = isIP(bare) === 6 || /^[^\s.:/\\?#@*%[\]][^\s:/\\?#@*%[\]]*$/.test(bare);
    if (isPlain && URL.canParse(url)) return new URL(url).hostname.replace(/^\[|\]$/g, '');
    throw new OptionError(
      `--${name} takes names or addresses such as console.example, each without scheme, port, path, * and range, and "${text}" is none`,
    );
  });
}

/** As a browser writes it: scheme and host in lower case, the port only where it is not the scheme's own, no path. */
function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWhole =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
  if (isWhole && url.username === '' && url.hash === '') return url.origin;
  throw new OptionError(`--cors-origin takes origins such as https://console.example, and "${text}" is none`);
}

/** The account's password goes there in every call: never in clear over a network, nor into logs as part of the URL. */
function plcUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new OptionError(`--plc-url is a URL such as https://www.planet-lab.org/PLCAPI/, not "${text}"`);
  if (url.username !== '' || url.password !== '')
    throw new OptionError(
      '--plc-url takes no user and password: those are <user> in the directory and --plc-password-file',
    );
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw new OptionError(
      `--plc-url ${text} would send the password in clear: it takes https beyond the loopback`,
    );
  return url.href;
}

function list(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false; // there, but not for this user
  }
}
