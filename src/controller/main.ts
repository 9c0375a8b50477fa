/** Entry of plushd: options, signals, ready line, exit codes (docs/operating.md). */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { messageOf } from '../drivers/agent-error.ts';
import { HttpFaceError } from '../drivers/http/face.ts';
import { StateDirError } from '../drivers/state-dir.ts';
import { TokenFileError } from '../drivers/token-file.ts';
import { Daemon } from './daemon.ts';
import { helpText, OptionError, readOptions } from './options.ts';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** This file is dist/plushd.js when it runs; the package's description is one folder up. */
function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A file that was built together with the daemon's own, and is beside it. @throws OptionError */
function builtBeside(file: string, name: 'agent.cjs' | 'spec-thread.js'): string {
  const path = join(dirname(file), name);
  if (!existsSync(path)) throw new OptionError(`${path}, a part of plushd, is missing: run npm run build`);
  return path;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env, process.cwd());
  if (options === 'help') {
    process.stdout.write(helpText());
    return;
  }
  const version = packageVersion();
  if (options === 'version') {
    process.stdout.write(`plushd ${version}\n`);
    return;
  }
  const log = pino({ level: options.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
  const own = fileURLToPath(import.meta.url);
  const daemon = new Daemon({
    options,
    version,
    bundleFile: builtBeside(own, 'agent.cjs'),
    specThreadFile: builtBeside(own, 'spec-thread.js'),
    log,
    onEnd: (exitCode) => process.exit(exitCode),
  });
  const stop = () => {
    daemon.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: messageOf(error) }, 'Stopping went wrong');
        process.exit(EXIT_FAILURE);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    try {
      if (daemon.renewCertificate())
        log.info({ certificate: options.tlsCert }, 'The certificate was read again');
    } catch (error) {
      log.error({ err: messageOf(error) }, 'The certificate was not read again; the former one stays');
    }
    daemon.loadDirectory().then(
      () => {
        if (options.directory !== undefined)
          log.info({ directory: options.directory }, 'The directory was read again');
      },
      (error: unknown) =>
        log.error({ err: messageOf(error) }, 'The directory was not read again; the pool stays as it was'),
    );
  });
  const { url, token_file, warnings } = await daemon.start();
  for (const warning of warnings) log.warn({}, warning);
  if (options.insecureListen)
    log.warn({ listen: options.host }, 'The API is served without TLS: tokens cross the network in clear');
  process.stdout.write(`${JSON.stringify({ ready: true, url, token_file, pid: process.pid })}\n`);
}

/** What is wrong with a state folder that no later start finds otherwise by itself. */
const UNUSABLE: ReadonlySet<StateDirError['code']> = new Set([
  'not_a_folder',
  'not_makeable',
  'not_writable',
]);

/** Whether an option, or what it names, is the cause, so that the same start again can only fail again. */
function isUsage(error: unknown): boolean {
  if (error instanceof HttpFaceError) return error.code === 'bad_certificate';
  if (error instanceof StateDirError) return UNUSABLE.has(error.code);
  return error instanceof OptionError || error instanceof TokenFileError;
}

main().catch((error: unknown) => {
  process.stderr.write(`plushd: ${messageOf(error)}\n`);
  process.exit(isUsage(error) ? EXIT_USAGE : EXIT_FAILURE);
});
