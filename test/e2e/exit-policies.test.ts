/** Exit policies, monitors and the other wishes of a process, from the specification to real processes and back. */
import { existsSync, readFileSync } from 'node:fs';
import { applicationXml, escaped, type ProcessText } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(2);
});
afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const policy = (on: string, what: string, more = '') => `<exit_policy on="${on}" policy="${what}" ${more}/>`;
const QUICK = 'backoff="50ms"';

function script(name: string, text: string, xml = '', more: Partial<ProcessText> = {}): ProcessText {
  return { name, path: '/bin/sh', args: ['-c', text], xml, ...more };
}

function application(processes: readonly ProcessText[], hosts = 1, xml = ''): string {
  const components = [{ name: 'workers', hosts }];
  return applicationXml({ components, blocks: [{ name: 'all', component: 'workers', processes }], xml });
}

async function explained(run: string, states: readonly string[]) {
  await plushd.waitRun(run, [...states]);
  expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  return plushd.call('plushExplain', run);
}

/** Names of the run's nodes. */
async function nodesOf(run: string): Promise<string[]> {
  return Object.values(await plushd.call('plushGetMatching', run)).flat();
}

/** Fails as often as it is told to, counted in a file beside its working folder. */
const failing = (file: string, times: number) =>
  `echo x >>${file}; echo "start $(wc -l <${file})"; test "$(wc -l <${file})" -gt ${times} || exit 3`;

it('starts a process again until it succeeds', async () => {
  const file = scratch.path('restarts');
  const xml = policy('1-5', 'POLICY_RESTART_PROCESS', `max_restarts="5" ${QUICK}`);
  const run = await plushd.run(application([script('main', failing(file, 2), xml)]));
  const explanation = await explained(run, ['succeeded']);
  expect(readFileSync(file, 'utf8')).toBe('x\nx\nx\n');
  expect(explanation.causes).toMatchObject([{ cause: 'exit_code', action: 'Restarted 2 times' }]);
  const { tasks } = await plushd.call('plushGetBlock', run, 'main');
  expect(tasks).toMatchObject([{ attempt: 3, state: 'completed' }]);
  const events = (await plushd.events()).filter(
    (event) => event.type === 'policy_applied' && event.run_id === run,
  );
  expect(events.map((event) => event.retry_ms)).toEqual([50, 100]);
});

it('fails the run when the restarts are used up, and says so', async () => {
  const xml = policy('any', 'POLICY_RESTART_PROCESS', `max_restarts="2" ${QUICK}`);
  const run = await plushd.run(application([script('main', 'echo why >&2; exit 7', xml)]));
  const { summary, causes } = await explained(run, ['failed']);
  expect(summary).toMatch(/The program exited with code 7 \(restarted 2 times\)/);
  expect(causes[0]?.action).toBe('Restarted 2 times, then the run was ended');
});

it('goes on with a restart that was waited for when the daemon was killed', async () => {
  const file = scratch.path('killed');
  const xml = policy('3', 'POLICY_RESTART_PROCESS', 'backoff="1s"');
  const run = await plushd.run(application([script('main', failing(file, 1), xml)]));
  await waitFor('the first failure', async () =>
    (await plushd.events()).some((event) => event.type === 'policy_applied' && event.run_id === run),
  );
  await plushd.kill();
  await plushd.restart();
  await explained(run, ['succeeded']);
  expect(readFileSync(file, 'utf8')).toBe('x\nx\n');
});

it('begins the application again, with all its files, and stops what runs', async () => {
  const file = scratch.path('again');
  const first = script('first', `echo x >>kept; wc -l <kept >>${file}`);
  const other = script('other', 'test -e kept2 && exit 0; touch kept2; exec sleep 1000');
  const last = script(
    'last',
    'while ! test -e kept2; do sleep 0.05; done; test "$(wc -l <kept)" = 2 || exit 9',
    policy('9', 'POLICY_RESTART_APPLICATION', QUICK),
    {
      after: ['first'],
    },
  );
  const run = await plushd.run(application([first, other, last]));
  const { causes } = await explained(run, ['succeeded']);
  expect(readFileSync(file, 'utf8').split(/\s+/).filter(Boolean)).toEqual(['1', '2']);
  expect(causes).toMatchObject([{ cause: 'exit_code', action: 'The application was begun again once' }]);
});

it('ends the application as succeeded, and stops the other nodes', async () => {
  const text = 'test "$PLUSH_INDEX" = 0 && exit 0; exec sleep 1000';
  const xml = policy('0', 'POLICY_END_APPLICATION');
  const run = await plushd.run(application([script('main', text, xml)], 2));
  const { summary } = await explained(run, ['succeeded']);
  expect(summary).toMatch(/succeeded: block "main" on node-\d ended the application/);
});

it('goes on without a process that is ignored, and without its followers on that node', async () => {
  const main = script(
    'main',
    'test "$PLUSH_INDEX" = 0',
    policy('any', 'POLICY_IGNORE') + policy('0', 'POLICY_CONTINUE'),
  );
  const next = script('next', 'echo ran', '', { after: ['main'] });
  const run = await plushd.run(application([main, next], 2));
  const { summary, nodes } = await explained(run, ['succeeded']);
  expect(summary).toBe('All 2 nodes completed, but for a process whose end was ignored.');
  expect(nodes.map((node) => node.state).sort()).toEqual(['done', 'failed']);
  const block = await plushd.call('plushGetBlock', run, 'next');
  expect(block).toMatchObject({ state: 'completed', completed: 1 });
});

it('carries out a policy of the application for all processes', async () => {
  const run = await plushd.run(application([script('main', 'exit 4')], 1, policy('4', 'POLICY_CONTINUE')));
  await explained(run, ['succeeded']);
});

it('restarts a process that its monitor has given up', async () => {
  const file = scratch.path('sick');
  const monitor = `<liveness_monitor type="command" interval="1s" failures="1" ${QUICK}>test -e ${escaped(file)}</liveness_monitor>`;
  const text = `if test -e ${file}.first; then touch ${file}; exit 0; else touch ${file}.first; exec sleep 1000; fi`;
  const run = await plushd.run(application([script('main', text, monitor)]));
  const { causes } = await explained(run, ['succeeded']);
  expect(causes).toMatchObject([{ cause: 'liveness', action: 'Restarted once' }]);
  const told = (await plushd.events()).filter(
    (event) => event.type === 'task_unhealthy' && event.run_id === run,
  );
  expect(told).toHaveLength(1);
  expect(existsSync(file)).toBe(true);
});

it('fails the run with the cause timeout, and with a hint that is about programs', async () => {
  const text = 'trap "" TERM; sleep 1000 & while :; do sleep 0.05; done';
  const xml = '<timeout>200ms</timeout><stop_grace>100ms</stop_grace>';
  const run = await plushd.run(application([script('main', text, xml)]));
  const { causes } = await explained(run, ['failed']);
  expect(causes).toMatchObject([
    {
      cause: 'timeout',
      phase: 'watch',
      message: 'The process ran longer than its timeout of 200 ms and was stopped',
    },
  ]);
  expect(causes[0]?.hint).toMatch(/longer timeout/);
});

it('gives a process its standard input, and tells an account that is not there', async () => {
  const run = await plushd.run(application([script('main', 'cat', '<stdin>a &lt;b&gt; $HOME\n</stdin>')]));
  await explained(run, ['succeeded']);
  const [node = ''] = await nodesOf(run);
  expect(await plushd.output(run, node)).toBe('a <b> $HOME\n');
  const other = await plushd.run(application([script('main', 'true', '<user>no-such-one</user>')]));
  const { causes } = await explained(other, ['failed']);
  expect(causes).toMatchObject([{ cause: 'user_not_found', phase: 'start' }]);
});

it('gives a process the grace of its specification when the run is aborted', async () => {
  const file = scratch.path('grace');
  const text = `trap "sleep 0.3; echo told >${file}; exit 0" INT; echo ready; while :; do sleep 0.05; done`;
  const xml = '<stop_signal>SIGINT</stop_signal><stop_grace>10s</stop_grace>';
  const run = await plushd.run(application([script('main', text, xml)]));
  await waitFor('the program to be ready', async () => {
    const [node = ''] = await nodesOf(run);
    const page = await plushd.call('plushGetOutput', run, node).catch(() => undefined);
    return page?.data === 'ready\n';
  });
  await plushd.call('plushAbortRun', run);
  await explained(run, ['aborted']);
  expect(readFileSync(file, 'utf8')).toBe('told\n');
});
