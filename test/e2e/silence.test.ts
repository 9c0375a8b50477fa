/** Silence: of an agent, which is noticed, and of the daemon itself, which is no fault of its agents. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { letPass, waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

/** Longer than an agent may be silent. */
const STANDSTILL_MS = 12_000;
/** Longer than the time between two looks of the daemon at a link. */
const HEARTBEAT_MS = 4_000;

let scratch: Scratch;
let plushd: Plushd;
let run: string;
let node: string;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(1);
  const note = `echo "$PLUSH_TASK" >>${scratch.dir}/starts`;
  run = await plushd.run(shellApplication(`${note}; until [ -e ${scratch.dir}/go ]; do sleep 0.05; done`));
  await waitFor('the program', () => starts().length === 1);
  node = (await plushd.call('plushGetMatching', run)).workers?.[0] ?? '';
});

afterEach(async () => {
  await plushd?.close();
  await scratch.remove();
});

function starts(): string[] {
  const file = scratch.path('starts');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function agent(): number {
  const pid = plushd.agentPid(node);
  if (pid === undefined) throw new Error(`No agent of ${node} lives`);
  return pid;
}

async function disconnections(): Promise<number> {
  return (await plushd.events()).filter(({ type }) => type === 'node_disconnected').length;
}

/** Lets the program end, and the run with it, after the one start that there was. */
async function finish(): Promise<void> {
  writeFileSync(scratch.path('go'), '');
  await plushd.waitRun(run);
  expect(starts().length).toBe(1);
}

describe('an agent that falls silent', () => {
  it('is noticed, and goes on where it was when it speaks again', async () => {
    const pid = agent();
    killProcess(pid, 'SIGSTOP');
    const isNoticed = async () => (await plushd.call('plushGetNode', node)).waits_for?.includes('silent');
    await waitFor('the silence to be noticed', isNoticed, 40_000);
    killProcess(pid, 'SIGCONT');
    await waitFor('its link', async () => (await plushd.call('plushGetNode', node)).state === 'connected');
    expect(agent()).toBe(pid);
    await finish();
  });
});

describe('a daemon that stands still', () => {
  it('does not take that for the silence of its agents', async () => {
    killProcess(plushd.pid, 'SIGSTOP');
    await letPass(STANDSTILL_MS);
    killProcess(plushd.pid, 'SIGCONT');
    // Looks at the links once more: a link that it gave up would have been told by then.
    await letPass(HEARTBEAT_MS);
    expect(await disconnections()).toBe(0);
    await finish();
  });
});
