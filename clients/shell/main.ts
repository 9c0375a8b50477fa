/** Entry of `plush`. It is bundled to dist/plush.js, whence the paths below start. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RefusedError } from '../typescript/fault.ts';
import { CommandError, EXIT } from './failure.ts';
import { forPerson } from './hints.ts';
import { runProgram } from './program.ts';
import { makeTerminal } from './terminal.ts';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `plush logs RUN | head`: the reader has what it wanted.
    if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
    process.exit(EXIT.failed); // a full disk, say: there is nowhere left to say so
  });
}

try {
  process.exitCode = await runProgram(process.argv.slice(2), {
    terminal: makeTerminal(process.stdout, process.stderr, process.env),
    interrupts: {
      listen: (onInterrupt) => {
        process.on('SIGINT', onInterrupt);
        return () => process.off('SIGINT', onInterrupt);
      },
      leave: (exitCode) => process.exit(exitCode),
    },
    daemonProgram: fileURLToPath(new URL('../bin/plushd', import.meta.url)),
    version: manifest.version,
  });
} catch (error) {
  const isToken = error instanceof RefusedError && error.reason === 'token';
  const hint = isToken ? '. Give the file of the right one with --token-file' : '';
  process.stderr.write(`plush: ${forPerson(error)}${hint}\n`);
  process.exitCode = error instanceof CommandError ? error.exitCode : EXIT.failed;
}
