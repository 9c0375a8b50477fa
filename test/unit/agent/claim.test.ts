import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { claimFolder } from '../../../src/agent/claim.ts';
import { identify, type ProcessIdentity, readBootId } from '../../../src/drivers/tasks/processes.ts';
import { makeScratch, type Scratch } from '../../harness/scratch.ts';

const BOOT = readBootId();
const ME = identify(process.pid, BOOT) as ProcessIdentity;
let scratch: Scratch;
let children: ChildProcess[];

beforeEach(() => {
  scratch = makeScratch();
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await scratch.remove();
});

/** A live process to claim for. */
function other(): ProcessIdentity {
  const child = spawn('sleep', ['1000']);
  children.push(child);
  return identify(child.pid as number, BOOT) as ProcessIdentity;
}

const silent = () => Promise.resolve(false);
const answering = () => Promise.resolve(true);

test('gives a folder without claims', async () => {
  expect(await claimFolder(scratch.dir, ME, silent)).toBe(true);
});

test('yields to a live holder that answers, and puts nothing in its way', async () => {
  expect(await claimFolder(scratch.dir, other(), silent)).toBe(true);
  expect(await claimFolder(scratch.dir, ME, answering)).toBe(false);
  expect(fs.readdirSync(scratch.path('claims'))).toEqual(['1']);
});

test('waits for a holder that does not answer until it ends', async () => {
  await claimFolder(scratch.dir, other(), silent);
  let asked = 0;
  const mine = claimFolder(scratch.dir, ME, async () => {
    asked += 1;
    if (asked === 2) children[0]?.kill('SIGKILL');
    return false;
  });
  expect(await mine).toBe(true);
  expect(fs.readdirSync(scratch.path('claims'))).toEqual(['2']);
});

test('does not take a claim for live whose pid belongs to another process or boot now', async () => {
  fs.mkdirSync(scratch.path('claims'));
  fs.writeFileSync(scratch.path('claims', '3'), JSON.stringify({ ...ME, start: '1' }));
  fs.writeFileSync(scratch.path('claims', '4'), JSON.stringify({ ...ME, boot_id: 'earlier' }));
  fs.writeFileSync(scratch.path('claims', '5'), 'cut o');
  expect(await claimFolder(scratch.dir, ME, answering)).toBe(true);
  expect(fs.readdirSync(scratch.path('claims'))).toEqual(['6']);
});

test('gives one of many claims at the same moment the folder', async () => {
  const all = Array.from({ length: 8 }, () => claimFolder(scratch.dir, other(), answering));
  expect((await Promise.all(all)).filter(Boolean)).toHaveLength(1);
});
