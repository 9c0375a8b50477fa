/** XML-RPC clients and servers of other languages: what they are called with, and whether this machine has them. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeScratch } from './scratch.ts';

const SCRIPTS = join(__dirname, '..', 'contract', 'clients');
const RUN_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 16 << 20;

export interface ForeignProgram {
  /** Also the name of its recording. */
  readonly name: string;
  /** Debian's packages that have it. */
  readonly packages: string;
  /** Ends with 0 where the program and its library are installed. */
  readonly probe: readonly [command: string, ...args: string[]];
  /** The program's arguments come after these. A name with an extension is a file of test/contract/clients. */
  readonly command: readonly [command: string, ...args: string[]];
}

export interface ForeignClient extends ForeignProgram {
  /** It refuses characters beyond U+FFFF, both ways. */
  readonly basicPlane?: boolean;
}

const PYTHON = { packages: 'python3', probe: ['python3', '-c', 'import xmlrpc.client'] } as const;
const FRONTIER = { packages: 'libfrontier-rpc-perl', probe: ['perl', '-MFrontier::Daemon', '-e1'] } as const;
const RPC_XML = { packages: 'librpc-xml-perl', probe: ['perl', '-MRPC::XML::Server', '-e1'] } as const;
const RUBY = {
  packages: 'ruby ruby-xmlrpc ruby-webrick',
  probe: ['ruby', '-e', 'require "xmlrpc/server"'],
} as const;
const PHP = {
  packages: 'php-cli php-xmlrpc',
  probe: ['php', '-r', 'exit(extension_loaded("xmlrpc") ? 0 : 1);'],
} as const;
const NPM = { packages: 'nodejs', probe: ['node', '--version'] } as const;
const XMLRPC_C = {
  packages: 'libxmlrpc-core-c3-dev',
  probe: ['xmlrpc-c-config', 'client', '--libs'],
} as const;

export const FOREIGN_CLIENTS: readonly ForeignClient[] = [
  { name: 'python', command: ['python3', 'python.py'], ...PYTHON },
  { name: 'perl-frontier', command: ['perl', 'frontier.pl'], basicPlane: true, ...FRONTIER },
  { name: 'perl-rpc-xml', command: ['perl', 'rpc_xml.pl'], ...RPC_XML },
  { name: 'ruby', command: ['ruby', 'ruby.rb'], ...RUBY },
  { name: 'php', command: ['php', 'php.php'], ...PHP },
  { name: 'npm', command: ['node', 'npm.mjs'], ...NPM },
  { name: 'xmlrpc-c', command: ['xmlrpc_c.c'], basicPlane: true, ...XMLRPC_C },
];

/** They take the port to listen on as `PORT`. */
export const FOREIGN_SERVERS: readonly ForeignProgram[] = [
  { name: 'python-server', command: ['python3', 'python_server.py', 'PORT'], ...PYTHON },
  { name: 'perl-frontier-server', command: ['perl', 'frontier_server.pl', 'PORT'], ...FRONTIER },
  { name: 'perl-rpc-xml-server', command: ['perl', 'rpc_xml_server.pl', 'PORT'], ...RPC_XML },
  { name: 'ruby-server', command: ['ruby', 'ruby_server.rb', 'PORT'], ...RUBY },
  { name: 'php-server', command: ['php', '-S', '127.0.0.1:PORT', 'php_server.php'], ...PHP },
  { name: 'npm-server', command: ['node', 'npm_server.mjs', 'PORT'], ...NPM },
];

/** The command line of xmlrpc-c, which Debian has with the library's headers. */
export const XMLRPC_COMMAND: ForeignProgram = {
  name: 'xmlrpc-command',
  packages: 'libxmlrpc-core-c3-dev',
  probe: ['sh', '-c', 'command -v xmlrpc'],
  command: ['xmlrpc'],
};

/** Prints the contract of a server, found out by introspection with Frontier::Client. */
export const API2TXT: ForeignProgram = {
  name: 'xml-rpc-api2txt',
  packages: 'xmlrpc-api-utils libfrontier-rpc-perl',
  probe: ['sh', '-c', 'command -v xml-rpc-api2txt && perl -MFrontier::Client -e1'],
  command: ['xml-rpc-api2txt'],
};

/**
 * Whether a program can be run here. Where everything has to be tested (CI=true, as .ci/run sets it) a missing one is an
 * error; elsewhere its recording stands in for it.
 */
export function isInstalled({ name, probe: [command, ...args], packages }: ForeignProgram): boolean {
  const { status } = spawnSync(command, args, { stdio: 'ignore', timeout: PROBE_TIMEOUT_MS });
  if (status !== 0 && process.env.CI === 'true') {
    throw new Error(`${name} is missing: install Debian's ${packages}`);
  }
  return status === 0;
}

/** Runs a program to its end and answers its output. @throws Error with what it wrote to standard error */
export async function runForeign(program: ForeignProgram, args: readonly string[]): Promise<string> {
  const scratch = makeScratch();
  try {
    const [command, ...own] = await commandOf(program, scratch.path('client'));
    const { stdout } = await promisify(execFile)(command, [...own, ...args], {
      timeout: RUN_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      env: foreignEnvironment(),
    });
    return stdout;
  } finally {
    await scratch.remove();
  }
}

/** Dates mean UTC on the wire, but some libraries turn them into local time. */
export function foreignEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', PYTHONIOENCODING: 'utf-8' };
}

/** The command line of a script, with whole paths; a program in C is compiled to `binary` first. */
export async function commandOf(program: ForeignProgram, binary: string): Promise<[string, ...string[]]> {
  const [command, ...args] = program.command.map((word) =>
    /^\w+\.\w+$/.test(word) ? join(SCRIPTS, word) : word,
  ) as [string, ...string[]];
  if (!command.endsWith('.c')) return [command, ...args];
  const libraries = ['-lxmlrpc_client', '-lxmlrpc', '-lxmlrpc_util'];
  await promisify(execFile)('gcc', ['-o', binary, command, ...libraries], { timeout: RUN_TIMEOUT_MS });
  return [binary, ...args];
}
