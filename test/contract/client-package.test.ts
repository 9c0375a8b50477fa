/** Both client libraries as their users have them: the examples of their pages, and the package of the TypeScript one. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPlush, type Plushd, startPlushd } from '../harness/plushd.ts';
import { Program } from '../harness/program.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const ROOT = join(__dirname, '..', '..');
const CLIENTS = join(ROOT, 'clients');
const MODULE = join(CLIENTS, 'python', 'plush.py');

jest.setTimeout(60_000);

/** Programs of a page, each with what it prints. */
function examples(page: string, language: string): [name: string, program: string, output: string][] {
  const text = readFileSync(page, 'utf8');
  const pattern = new RegExp(`\`\`\`${language}\n(.*?)\`\`\`\n\n\`\`\`text\n(.*?)\`\`\``, 'gs');
  const found = [...text.matchAll(pattern)].map(([, program = '', output = ''], index) => {
    const chapter = [...text.slice(0, text.indexOf(program)).matchAll(/^## (.*)$/gm)].at(-1)?.[1] ?? '';
    return [`${chapter} (${index + 1})`, program, output] as [string, string, string];
  });
  expect(found.length).toBe([...text.matchAll(new RegExp(`\`\`\`${language}\n`, 'g'))].length);
  return found;
}

/** What the package says it brings along; `ws` has its types elsewhere, and they are not needed. */
const BROUGHT = ['ws', '@sinclair/typebox', '@types/node'];

/** A project of a user that has the package and what it brings along, as npm would lay it down. */
function makeProject(scratch: Scratch): void {
  const packed = scratch.path('node_modules', '@plush', 'client');
  for (const part of ['dist', 'package.json', 'samples']) {
    cpSync(join(CLIENTS, 'typescript', part), join(packed, part), { recursive: true });
  }
  const { dependencies } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies).sort()).toEqual([...BROUGHT].sort());
  for (const name of BROUGHT) {
    symlinkSync(join(ROOT, 'node_modules', name), scratch.path('node_modules', ...name.split('/')));
  }
  writeFileSync(scratch.path('package.json'), '{"type":"module"}');
}

const languages = {
  js: {
    page: join(CLIENTS, 'typescript', 'README.md'),
    run: (scratch: Scratch, program: string) => {
      writeFileSync(scratch.path('example.mjs'), program);
      return [process.execPath, scratch.path('example.mjs')];
    },
  },
  python: {
    page: join(CLIENTS, 'python', 'README.md'),
    run: (scratch: Scratch, program: string) => {
      writeFileSync(scratch.path('example.py'), program);
      return ['python3', scratch.path('example.py')];
    },
  },
};

describe.each(Object.entries(languages))('the examples in %s', (language, { page, run }) => {
  let scratch: Scratch;
  let plushd: Plushd;

  beforeAll(async () => {
    scratch = makeScratch();
    plushd = await startPlushd({ scratch });
    makeProject(scratch);
  });

  afterAll(async () => {
    await plushd.close();
    await scratch.remove();
  });

  test.each(examples(page, language))('%s prints what the page says', async (_name, program, output) => {
    const env = { PLUSH_STATE: scratch.path('state'), PYTHONPATH: join(CLIENTS, 'python') };
    const example = new Program(run(scratch, program), { ...env, PYTHONDONTWRITEBYTECODE: '1' });
    const code = await example.ended;
    expect({ code, out: example.out, err: example.err }).toEqual({ code: 0, out: output, err: '' });
  });
});

const CONSUMER = `
import { type BarrierStanding, enterBarrier } from '@plush/client/barrier';
import { type EventOf, PlushClient, PlushFault, type ResultOf, startCallbackServer } from '@plush/client';

const client = new PlushClient({ url: 'http://127.0.0.1:1', token: 'x' });
export const node: Promise<ResultOf<'plushGetNode'>> = client.call('plushGetNode', 'first');
export const expires: string | undefined = (await node).lease?.expires;
export const names: string[] = (await client.call('plushGetMatching', 'run'))['workers'] ?? [];
// @ts-expect-error no such method
void client.call('plushGetNodes', 'first');
// @ts-expect-error a number is no name
void client.call('plushGetNode', 7);
// @ts-expect-error a struct has the members that the table gives it, and no others
void client.call('plushAddNode', { hostname: 'first', nickname: 'one' });
// @ts-expect-error hostname is required
void client.call('plushAddNode', {});
// @ts-expect-error a parameter is missing
void client.call('plushGetNode');

for await (const event of client.events({ topics: ['run'] })) {
  if (event.type === 'run_ended') {
    const ended: EventOf<'run_ended'> = event;
    const outcome: 'succeeded' | 'failed' | 'aborted' = ended.outcome;
    console.log(outcome);
  } else if (event.type === 'gap') console.log(event.first + 1);
  // @ts-expect-error not every event has an outcome
  else console.log(event.outcome);
}
// @ts-expect-error no such topic
client.events({ topics: ['weather'] });

await startCallbackServer({
  sendResourceMatching: (matching, event) => console.log(matching['workers']?.length, event?.seq),
  // @ts-expect-error its parameter is a string
  sendHostStatus: (host: number) => console.log(host),
});
export const fence = async (): Promise<BarrierStanding['fence']> => (await enterBarrier('one at a time')).fence;
// @ts-expect-error no such option
void enterBarrier('ready', { lable: 'x' });
export const hint = (error: unknown) => (error instanceof PlushFault && error.symbol === 'NODE_NOT_FOUND' ? error.hint : '');
`;

test('a TypeScript program has its calls, events and callbacks checked against the table', async () => {
  await buildPlush();
  const scratch = makeScratch();
  try {
    makeProject(scratch);
    writeFileSync(scratch.path('consumer.ts'), CONSUMER);
    const compilerOptions = {
      ...{ strict: true, noEmit: true, allowJs: true, checkJs: true, types: ['node'] },
      ...{ target: 'es2022', module: 'nodenext', skipLibCheck: false, exactOptionalPropertyTypes: true },
    };
    const include = ['consumer.ts', 'samples/*.mjs'];
    cpSync(join(CLIENTS, 'typescript', 'samples'), scratch.path('samples'), { recursive: true });
    writeFileSync(scratch.path('tsconfig.json'), JSON.stringify({ compilerOptions, include }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const checked = await promisify(execFile)(process.execPath, [tsc, '-p', scratch.dir]).catch(
      (error: { stdout: string }) => error,
    );
    expect(checked.stdout).toBe('');
  } finally {
    await scratch.remove();
  }
});

test('plush.py keeps to the syntax of Python 3.9, and needs nothing but the standard library', async () => {
  const program = [
    'import ast, glob, sys',
    'texts = {path: open(path, encoding="utf-8").read() for path in sys.argv[1:]}',
    'trees = [ast.parse(text, path, feature_version=(3, 9)) for path, text in texts.items()]',
    'nodes = [node for tree in trees for node in ast.walk(tree)]',
    'names = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}',
    'names |= {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}',
    'print(sorted(names - set(getattr(sys, "stdlib_module_names", names - {"plush", "plush_methods"}))))',
  ].join('\n');
  const samples = ['broker', 'monitor', 'run_and_wait'].map((name) =>
    join(CLIENTS, 'python', 'samples', `${name}.py`),
  );
  const barrier = join(CLIENTS, 'python', 'plush_barrier.py');
  const stub = join(CLIENTS, 'python', 'plush_methods.pyi');
  const { stdout } = await promisify(execFile)('python3', ['-c', program, MODULE, barrier, stub, ...samples]);
  expect(stdout).toBe("['plush', 'plush_methods']\n");
});
