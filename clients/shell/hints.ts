/** What the API advises its callers to do, in the words of the command line. */
import { PlushFault, sentenceOf } from '../typescript/fault.ts';

/** Commands that do what a method does. Every method can be called with `plush call`. */
const COMMANDS: Readonly<Record<string, string>> = {
  plushListNodes: 'plush nodes',
  plushListRuns: 'plush runs',
  plushListTokens: 'plush token list',
  plushLoadApp: 'plush run FILE',
  plushGetOutput: 'plush logs RUN NODE',
  plushReleaseBarrier: 'plush barrier RUN NAME --release',
  plushConnect: 'plush call plushConnect NODE',
  plushAddNode: `plush call plushAddNode '{"hostname": "NODE"}'`,
};

/** What stands for RUN and NODE. */
export interface Names {
  readonly run?: string | undefined;
  readonly node?: string | undefined;
}

/** A hint of the API with commands in place of the methods that it names, ready to be typed where the names are known. */
export function inCommands(hint: string, { run = 'RUN', node = 'NODE' }: Names = {}): string {
  return hint
    .replace('plushLoadApp or plushLoadAppXml', 'plushLoadApp')
    .replace(/^Call (?=plush)/, 'Run ')
    .replace(/\bplush[A-Z]\w*(?:\(\))?/g, (found) => {
      const method = found.replace('()', '');
      const command = COMMANDS[method] ?? `plush call ${method}`;
      return `\`${command.replace(/\bRUN\b/, run).replace(/\bNODE\b/, node)}\``;
    });
}

/** What went wrong, for the person at the terminal. */
export function forPerson(error: unknown): string {
  const sentence = sentenceOf(error);
  if (!(error instanceof PlushFault) || error.hint === '' || !sentence.endsWith(error.hint)) return sentence;
  return sentence.slice(0, -error.hint.length) + inCommands(error.hint);
}
