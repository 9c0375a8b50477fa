/** The commands and options of `plush`. */
import { Command, CommanderError, Option } from 'commander';
import { nodeStates, runStates } from '../../api/schemas.ts';
import { barrierCommand } from './barrier-command.ts';
import { callCommand } from './call-command.ts';
import { explainCommand } from './explanation.ts';
import { CommandError, EXIT } from './failure.ts';
import { nodesCommand, runsCommand } from './list-commands.ts';
import { type LogsRequest, logsCommand } from './logs-command.ts';
import { daemonOptions, environmentName, PASSED_OPTIONS, type RawOptions } from './options.ts';
import { planCommand } from './plan-command.ts';
import { type Interrupts, runCommand } from './run-command.ts';
import type { Context } from './session.ts';
import { type ShellRequest, shellCommand } from './shell-command.ts';
import { checkCommand } from './specification.ts';
import { statusCommand } from './status-command.ts';
import type { Terminal } from './terminal.ts';
import { createTokenCommand, listTokensCommand, revokeTokenCommand, wantedToken } from './token-command.ts';

/** What `plush` runs in. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  /** Absolute path of bin/plushd. */
  readonly daemonProgram: string;
  readonly version: string;
}

/**
 * Does what the words of a command line say.
 *
 * @param words without the program's name
 * @returns the exit code
 * @throws CommandError, PlushFault, RefusedError, UnreachableError
 */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.ok;
  const done = (code: number) => {
    exitCode = code;
  };
  const program = makeProgram(surroundings, done);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    // commander has printed its sentence, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  return exitCode;
}

function makeProgram(surroundings: Surroundings, done: (code: number) => void): Command {
  const { terminal, version } = surroundings;
  const program = new Command('plush')
    .description(
      'Runs distributed applications: prepares nodes over SSH, starts, watches, repairs, cleans up.',
    )
    .usage('[options] COMMAND …')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or with a command its help')
    .enablePositionalOptions()
    .showHelpAfterError('(plush --help lists the commands and options)')
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.remark(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'plush: ')),
    })
    .exitOverride()
    .helpCommand('help [COMMAND]', 'print the help of a command');
  for (const option of daemonFlags({ isHidden: false })) program.addOption(option);
  addRun(program, surroundings, done);
  addLists(program, surroundings, done);
  addLogs(program, surroundings, done);
  addShell(program, surroundings, done);
  addQuestions(program, surroundings, done);
  addTokens(program, surroundings, done);
  return program;
}

/** Options about the daemon; they may stand before the command or behind it. */
function daemonFlags({ isHidden }: { isHidden: boolean }): Option[] {
  const own = [
    new Option('--state <DIR>', 'state folder (default: $XDG_STATE_HOME/plush or ~/.local/state/plush)'),
    new Option('--url <URL>', 'the plushd to talk to (default: the one that runs on the state folder)'),
    new Option('--token-file <FILE>', 'file with its token (default: the one that plushd names)'),
  ];
  // From the environment only once, or what was written before the command would be outdone by it.
  if (!isHidden) for (const option of own) option.env(environmentName(option.long ?? ''));
  const passed = PASSED_OPTIONS.map(({ flag, placeholder, help }) =>
    new Option(`${flag} <${placeholder}>`, help).helpGroup('Options for a plushd that has to be started:'),
  );
  return [...own, ...passed].map((option) => (isHidden ? option.hideHelp() : option));
}

/** A command that also takes the options about the daemon, unless it has one of the same name. */
function addCommand(program: Command, name: string, description: string, own: readonly Option[]): Command {
  const command = program.command(name).description(description);
  for (const option of own) command.addOption(option);
  const taken = new Set(own.map((option) => option.name()));
  for (const option of daemonFlags({ isHidden: true })) {
    if (!taken.has(option.name())) command.addOption(option);
  }
  return command;
}

/** @param own names of options that are the command's, though the daemon has one of that name */
function contextOf(
  program: Command,
  options: RawOptions,
  surroundings: Surroundings,
  own: readonly string[] = [],
): Context {
  const behind = Object.fromEntries(Object.entries(options).filter(([key]) => !own.includes(key)));
  return {
    terminal: surroundings.terminal,
    daemonProgram: surroundings.daemonProgram,
    options: daemonOptions({ ...program.opts(), ...behind }),
  };
}

function addRun(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  addCommand(program, 'run', 'run an application and follow it until it is over', [
    new Option('-o, --output', 'show what the tasks print, each line with its node'),
    new Option('-d, --directory <FILE>', 'the directory of nodes, for a plushd that has to be started'),
  ])
    .argument('<FILE>', 'the application specification (XML)')
    .addHelpText(
      'after',
      '\nExit code: 0 succeeded, 1 failed, 2 the specification has errors, 130 aborted by Ctrl-C.',
    )
    .action(async (file: string, options: RawOptions) => {
      const context = contextOf(program, options, surroundings);
      done(await runCommand(context, surroundings.interrupts, file, options.output === true));
    });
}

const json = () => new Option('--json', 'print JSON');

function addLists(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  addCommand(program, 'nodes', 'list the nodes of the pool', [
    new Option('--group <GROUP>', 'only this group'),
    new Option('--state <STATE>', `only these: ${nodeStates.join(', ')}`),
    json(),
  ]).action(async (options: RawOptions) => {
    const context = contextOf(program, options, surroundings, ['state']);
    const filter = { ...strings(options, ['group']), ...wantedState(options, nodeStates) };
    done(await nodesCommand(context, filter, options.json === true));
  });
  addCommand(program, 'runs', 'list the runs, newest first', [
    new Option('--app <NAME>', 'only runs of this application'),
    new Option('--state <STATE>', `only these: ${runStates.join(', ')}`),
    json(),
  ]).action(async (options: RawOptions) => {
    const context = contextOf(program, options, surroundings, ['state']);
    const filter = { ...strings(options, ['app']), ...wantedState(options, runStates) };
    done(await runsCommand(context, filter, options.json === true));
  });
}

function wantedState<T extends string>({ state: given }: RawOptions, known: readonly T[]): { state?: T } {
  if (given === undefined) return {};
  const state = known.find((one) => one === given);
  if (state !== undefined) return { state };
  throw new CommandError(
    `--state behind this command is one of ${known.join(', ')}. The state folder goes before the command: plush --state DIR …`,
    EXIT.usage,
  );
}

function strings<K extends string>(options: RawOptions, keys: readonly K[]): { [key in K]?: string } {
  const given = keys.filter((key) => typeof options[key] === 'string');
  return Object.fromEntries(given.map((key) => [key, options[key]])) as { [key in K]?: string };
}

function addLogs(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  addCommand(program, 'logs', 'print what the tasks of a run have written', [
    new Option('--stderr', 'their stderr, in place of their stdout'),
    new Option('--follow', 'go on until the run is over'),
    new Option('--block <BLOCK>', 'only this block'),
    new Option('--raw', 'the bytes as they are, also what is no text; needs NODE'),
    new Option('--file <PATH>', 'a file that came back from NODE (output in the specification), as it is'),
    new Option('-o, --output <FILE>', 'write the bytes to FILE, as they are; needs NODE'),
  ])
    .argument('<RUN>', 'id of the run')
    .argument('[NODE]', 'only this node; without it every line begins with its node')
    .action(async (run: string, node: string | undefined, options: RawOptions) => {
      done(await logsCommand(contextOf(program, options, surroundings), logsRequest(run, node, options)));
    });
}

/** @throws CommandError (usage) */
function logsRequest(run: string, node: string | undefined, options: RawOptions): LogsRequest {
  const { block, file, output } = strings(options, ['block', 'file', 'output']);
  const raw = options.raw === true || output !== undefined;
  if (node === undefined && (raw || file !== undefined))
    throw new CommandError('--raw, --file and --output need the name of a node behind the run', EXIT.usage);
  const others = [
    ...(block === undefined ? [] : ['--block']),
    ...(options.stderr === true ? ['--stderr'] : []),
    ...(options.follow === true ? ['--follow'] : []),
  ];
  if (file !== undefined && others.length > 0)
    throw new CommandError(`--file is no output of a task: leave ${others.join(' and ')} out`, EXIT.usage);
  return {
    run,
    ...(node === undefined ? {} : { node }),
    ...(block === undefined ? {} : { block }),
    ...(file === undefined ? {} : { file }),
    ...(output === undefined ? {} : { output }),
    stream: options.stderr === true ? 'stderr' : 'stdout',
    follow: options.follow === true,
    raw,
  };
}

const MAX_TIMEOUT_S = 3600;

function addShell(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  addCommand(program, 'shell', 'run a command line on nodes, and fold what is the same', [
    new Option('--group <GROUP>', 'on the nodes of this group'),
    new Option('--nodes <NODES>', 'on these nodes, with commas between them (default: on all)'),
    new Option('--timeout <SECONDS>', `time for it on each node, 1 to ${MAX_TIMEOUT_S} (default: 60)`),
    json(),
  ])
    .argument('<COMMAND...>', 'the command line; several words are put together with blanks')
    .passThroughOptions()
    .addHelpText('after', '\nExit code: 0 only if it ended with exit code 0 on every node.')
    .action(async (words: string[], options: RawOptions) => {
      const context = contextOf(program, options, surroundings);
      done(await shellCommand(context, shellRequest(words, options), options.json === true));
    });
}

/** @throws CommandError (usage) */
function shellRequest(words: readonly string[], options: RawOptions): ShellRequest {
  const { nodes, group, timeout } = strings(options, ['nodes', 'group', 'timeout']);
  if (nodes !== undefined && group !== undefined)
    throw new CommandError('Give --nodes or --group, not both', EXIT.usage);
  const names = nodes?.split(',').filter((name) => name !== '');
  if (names?.length === 0) throw new CommandError('--nodes takes names with commas between them', EXIT.usage);
  const isTime = timeout === undefined || (/^\d{1,4}$/.test(timeout) && isWithin(Number(timeout)));
  if (!isTime) throw new CommandError(`--timeout takes seconds from 1 to ${MAX_TIMEOUT_S}`, EXIT.usage);
  return {
    command: words.join(' '),
    ...(names === undefined ? {} : { nodes: names }),
    ...(group === undefined ? {} : { group }),
    ...(timeout === undefined ? {} : { timeout_s: Number(timeout) }),
  };
}

const isWithin = (seconds: number) => seconds >= 1 && seconds <= MAX_TIMEOUT_S;

function addQuestions(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  addCommand(program, 'explain', 'say why a run or a node is as it is', [json()])
    .argument('<RUN|NODE>', 'id of the run, or name of the node')
    .action(async (subject: string, options: RawOptions) => {
      done(await explainCommand(contextOf(program, options, surroundings), subject, options.json === true));
    });
  addCommand(program, 'plan', 'say what a run would do now, without starting it', [json()])
    .argument('<FILE|APP>', 'an application specification (XML), or the name of a loaded application')
    .addHelpText(
      'after',
      '\nExit code: 0 it could run, 1 nodes are missing, 2 the specification has errors. Nothing is loaded or changed.',
    )
    .action(async (subject: string, options: RawOptions) => {
      done(await planCommand(contextOf(program, options, surroundings), subject, options.json === true));
    });
  addCommand(program, 'barrier', 'show a barrier of a run, or release it', [
    new Option('--release', 'release all that have entered; who enters later is late'),
    new Option('--node <NODE...>', 'with --release: only these nodes'),
    json(),
  ])
    .argument('<RUN>', 'id of the run')
    .argument('<NAME>', 'name of the barrier')
    .action(async (run: string, barrier: string, options: RawOptions) => {
      const nodes = Array.isArray(options.node) ? (options.node as string[]) : [];
      const order = { run, barrier, release: options.release === true, nodes };
      done(await barrierCommand(contextOf(program, options, surroundings), order, options.json === true));
    });
  addCommand(program, 'check', 'check specifications without loading them', [json()])
    .argument('<FILE...>', 'application specifications (XML)')
    .action(async (files: string[], options: RawOptions) => {
      done(await checkCommand(contextOf(program, options, surroundings), files, options.json === true));
    });
  addCommand(program, 'status', 'say how plushd is', [json()]).action(async (options: RawOptions) => {
    done(await statusCommand(contextOf(program, options, surroundings), options.json === true));
  });
  addCommand(program, 'call', 'call a method of the API and print its answer as JSON', [])
    .argument('<METHOD>', 'such as plushListNodes; system.listMethods lists them')
    .argument('[JSON...]', 'its parameters; a word that is no JSON is taken as a string')
    .passThroughOptions()
    .action(async (method: string, words: string[], options: RawOptions) => {
      done(await callCommand(contextOf(program, options, surroundings), method, words));
    });
}

function addTokens(program: Command, surroundings: Surroundings, done: (code: number) => void): void {
  const tokens = program.command('token').description('make, list and revoke tokens of the API');
  addCommand(tokens, 'create', 'make a token and print it, once', [
    new Option('--scope <SCOPES>', 'what it may do: some of read, broker, operate, admin, with commas'),
    new Option('--expires <TIME>', 'until when: 90m, 12h, 30d, or a time (default: until it is revoked)'),
    new Option('--rate <N>', 'calls a second; 0 for no limit (default: --rate-limit of plushd)'),
    json(),
  ])
    .argument('<NAME>', 'whom it is for; also the owner of the nodes that it adds')
    .action(async (name: string, options: RawOptions) => {
      const wanted = wantedToken(name, strings(options, ['scope', 'expires', 'rate']), Date.now());
      done(
        await createTokenCommand(contextOf(program, options, surroundings), wanted, options.json === true),
      );
    });
  addCommand(tokens, 'list', 'list the tokens', [json()]).action(async (options: RawOptions) => {
    done(await listTokensCommand(contextOf(program, options, surroundings), options.json === true));
  });
  addCommand(tokens, 'revoke', 'end a token, and what it has open', [])
    .argument('<NAME>', 'its name')
    .action(async (name: string, options: RawOptions) => {
      done(await revokeTokenCommand(contextOf(program, options, surroundings), name));
    });
}
