import { resolve } from 'node:path';
import { defaultStateDir, parseUrl } from '../typescript/endpoint.ts';
import { CommandError, EXIT } from './failure.ts';

/** An option that `plush` hands on to a plushd that it starts. */
interface PassedOption {
  /** As commander names it. */
  readonly key: string;
  readonly flag: string;
  readonly placeholder: string;
  readonly isPath: boolean;
  readonly help: string;
}

/** Options of plushd that make sense for a private daemon. */
export const PASSED_OPTIONS: readonly PassedOption[] = [
  {
    key: 'directory',
    flag: '--directory',
    placeholder: 'FILE',
    isPath: true,
    help: 'the directory of nodes',
  },
  { key: 'apps', flag: '--apps', placeholder: 'DIR', isPath: true, help: 'the folder plushLoadApp may read' },
  {
    key: 'sshIdentity',
    flag: '--ssh-identity',
    placeholder: 'FILE',
    isPath: true,
    help: 'private key for the nodes',
  },
  {
    key: 'sshHostKeys',
    flag: '--ssh-host-keys',
    placeholder: 'MODE',
    isPath: false,
    help: 'strict, or accept-new: which host keys are taken',
  },
  {
    key: 'plcUrl',
    flag: '--plc-url',
    placeholder: 'URL',
    isPath: false,
    help: 'PlanetLab Central, for a directory with its slices',
  },
  {
    key: 'plcPasswordFile',
    flag: '--plc-password-file',
    placeholder: 'FILE',
    isPath: true,
    help: "the password of the directory's account there",
  },
  {
    key: 'plcInterval',
    flag: '--plc-interval',
    placeholder: 'SECONDS',
    isPath: false,
    help: 'how often it is asked',
  },
  { key: 'config', flag: '--config', placeholder: 'FILE', isPath: true, help: 'options of plushd as a file' },
];

/** The environment variable that stands for an option, of plush and plushd alike: --token-file is PLUSH_TOKEN_FILE. */
export function environmentName(flag: string): string {
  return `PLUSH_${flag.replace(/^--/, '').toUpperCase().replaceAll('-', '_')}`;
}

/** Values as commander hands them over: from before the command and from behind it. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** Where to find the daemon, and how to start one. */
export interface DaemonOptions {
  /** Absolute path of the state folder. */
  readonly stateDir: string;
  /** Without a slash at its end; present when the caller names a daemon, and then none is ever started. */
  readonly url?: string;
  /** Token out of the URL. */
  readonly urlToken?: string;
  /** Absolute path. */
  readonly tokenFile?: string;
  /** Options that were given for a daemon, by flag; paths are absolute. */
  readonly passed: Readonly<Record<string, string>>;
}

/**
 * @param raw as parsed; a later definition (behind the command) goes before an earlier one
 * @throws CommandError (usage) for a URL that is none
 */
export function daemonOptions(raw: RawOptions, env: NodeJS.ProcessEnv = process.env): DaemonOptions {
  const given = (key: string) => (typeof raw[key] === 'string' ? raw[key] : undefined);
  const passed: Record<string, string> = {};
  for (const { key, flag, isPath } of PASSED_OPTIONS) {
    const value = given(key);
    if (value !== undefined) passed[flag] = isPath ? resolve(value) : value;
  }
  const tokenFile = given('tokenFile');
  const url = given('url');
  return {
    stateDir: resolve(given('state') ?? defaultStateDir(env)),
    ...(url === undefined ? {} : namedDaemon(url)),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) }),
    passed,
  };
}

/** @throws CommandError for a URL that is none */
function namedDaemon(text: string): { url: string; urlToken?: string } {
  try {
    const { url, token } = parseUrl(text);
    return { url, ...(token === undefined ? {} : { urlToken: token }) };
  } catch (cause) {
    throw new CommandError(
      `--url takes an http or https URL, such as http://127.0.0.1:4880, and "${text}" is none`,
      EXIT.usage,
      { cause },
    );
  }
}
