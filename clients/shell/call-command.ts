import type { MethodName } from '../../api/methods.ts';
import type { Daemon } from './daemon.ts';
import { CommandError, EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';

/** Ends a daemon, so none is started for it. */
const QUIT: MethodName = 'plushQuit';

/** Answers a page for people. */
const HELP: MethodName = 'system.methodHelp';

/** `plush call`: one call, its answer as JSON, or as the page that it is. */
export function callCommand(context: Context, method: string, words: readonly string[]): Promise<number> {
  if (method === '') throw new CommandError('call takes the name of a method', EXIT.usage);
  const work = async (daemon: Daemon) => {
    const answer = await daemon.callByName(method, words.map(argument));
    const isPage = method === HELP && typeof answer === 'string';
    context.terminal.print(isPage ? answer : (JSON.stringify(answer, null, 2) ?? 'null'));
    return EXIT.ok;
  };
  return withDaemon(context, method === QUIT ? 'none' : 'keep', work);
}

/** A word that is JSON is what it says; every other is a string, so that names need no quotes. */
export function argument(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return word; // a name, mostly
  }
}
