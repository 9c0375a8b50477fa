import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { openStateDir, type StateDir, StateDirError } from '../../src/drivers/state-dir.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Script, startScript } from '../harness/script.ts';

const HOLD = `
  import { openStateDir } from './src/drivers/state-dir.ts';
  try {
    const state = openStateDir(process.argv[2]);
    state.writeRuntimeInfo({ url: 'http://127.0.0.1:1', pid: process.pid, token_file: state.file('token') });
    console.log('held');
    process.stdin.once('data', () => {
      state.close();
      process.exit(0);
    });
  } catch (error) {
    console.log(error.code);
    console.log(error.message);
  }
`;

let scratch: Scratch;
let dir: string;
let opened: StateDir | undefined;

beforeEach(() => {
  scratch = makeScratch();
  dir = scratch.path('deep', 'state');
});

afterEach(async () => {
  opened?.close();
  opened = undefined;
  await scratch.remove();
});

function open(path = dir): StateDir {
  opened = openStateDir(path);
  return opened;
}

async function hold(): Promise<Script> {
  const script = startScript(scratch, HOLD, { args: [dir] });
  expect(await script.line(0)).toBe('held');
  return script;
}

const refusal = (code: string, message: string) =>
  expect.objectContaining({ name: 'StateDirError', code, message: expect.stringContaining(message) });

describe('the state folder', () => {
  it('is made with the folders above it, for its owner only', () => {
    const state = open(`${dir}/a/b`);
    expect(state.path).toBe(`${dir}/a/b`);
    expect(statSync(state.path).mode & 0o777).toBe(0o700);
    expect(state.warnings).toEqual([]);
    for (const name of readdirSync(state.path)) {
      expect([name, statSync(state.file(name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it('keeps the mode of a folder that was there, and warns where others may write', () => {
    mkdirSync(dir);
    chmodSync(dir, 0o777);
    expect(open().warnings).toEqual([expect.stringContaining(`chmod go-w ${dir}`)]);
    expect(statSync(dir).mode & 0o777).toBe(0o777);
  });

  it('is refused when it is a file or lies below one', () => {
    writeFileSync(dir, '');
    expect(() => open()).toThrow(refusal('not_a_folder', `${dir} is a file`));
    expect(() => open(`${dir}/below`)).toThrow(refusal('not_a_folder', 'Give --state a folder.'));
  });

  it('is refused at once where no folder can be made', () => {
    expect(() => open('/proc/x')).toThrow(refusal('not_makeable', '/proc/x cannot be made'));
    expect(() => open('/proc/x/y')).toThrow(refusal('not_makeable', 'Give --state another folder.'));
  });

  it('is refused when this user may not write there', async () => {
    mkdirSync(dir);
    chmodSync(dir, 0o555);
    // Root may write anywhere, so the process becomes somebody else once its code is loaded.
    const unprivileged = `
      import Database from 'better-sqlite3';
      import { openStateDir } from './src/drivers/state-dir.ts';
      new Database(':memory:').close();
      if (process.getuid() === 0) process.setuid(65534);
      try {
        openStateDir(process.argv[2]);
      } catch (error) {
        console.log(error.code + ' ' + error.message);
      }
    `;
    chmodSync(scratch.dir, 0o755);
    const script = startScript(scratch, unprivileged, { args: [dir] });
    const line = await script.line(0);
    expect(line).toContain('not_writable');
    expect(line).toContain(`The state folder ${dir} cannot be written`);
  });

  it.each(['journal.db', 'audit.log', 'outputs'])(
    "is refused when it holds another user's %s, and says so",
    async (name) => {
      mkdirSync(dir);
      if (name === 'outputs') mkdirSync(`${dir}/${name}`);
      else writeFileSync(`${dir}/${name}`, '');
      writeFileSync(`${dir}/lock`, '');
      for (const [path, mode] of [
        [scratch.dir, 0o755],
        [scratch.path('deep'), 0o755],
        [dir, 0o777],
        [`${dir}/lock`, 0o666],
        [`${dir}/${name}`, 0o500],
      ] as const)
        chmodSync(path, mode);
      const other = `
        import Database from 'better-sqlite3';
        import { openStateDir } from './src/drivers/state-dir.ts';
        new Database(':memory:').close();
        if (process.getuid() === 0) process.setuid(65534);
        try {
          openStateDir(process.argv[2]);
        } catch (error) {
          console.log(error.code + ' ' + error.message);
        }
      `;
      const script = startScript(scratch, other, { args: [dir] });
      expect(await script.line(0)).toBe(
        `not_writable The state folder ${dir} holds ${name}, which this user may not read and write. Start plushd as the user whose folder it is, or give --state another folder.`,
      );
    },
  );

  it('is refused when its lock is a file of something else', () => {
    mkdirSync(dir);
    writeFileSync(`${dir}/lock`, 'no database at all, but a text\n'.repeat(100));
    expect(() => open()).toThrow(refusal('damaged', `${dir}/lock`));
  });
});

describe('the lock', () => {
  it('keeps a second daemon out and names the first one', async () => {
    const first = await hold();
    expect(() => open()).toThrow(
      refusal(
        'in_use',
        `Another plushd (pid ${first.process.pid}) uses the state folder ${dir}. Stop it, or give --state another folder.`,
      ),
    );
    const second = startScript(scratch, HOLD, { args: [dir] });
    expect(await second.line(0)).toBe('in_use');
    expect(await second.line(1)).toContain(`(pid ${first.process.pid})`);
    first.process.stdin?.write('end\n');
    expect((await first.ended).code).toBe(0);
    expect(open().path).toBe(dir);
  });

  it('is free once its holder is killed, without a stale file in the way', async () => {
    const first = await hold();
    expect(existsSync(`${dir}/plushd.json`)).toBe(true);
    first.process.kill('SIGKILL');
    await first.ended;
    open();
    expect(existsSync(`${dir}/plushd.json`)).toBe(false);
    expect(readFileSync(`${dir}/lock.pid`, 'utf8')).toBe(`${process.pid}\n`);
  });

  it('does not pass to the children of a killed holder', async () => {
    const script = startScript(
      scratch,
      `
        import { spawn } from 'node:child_process';
        import { openStateDir } from './src/drivers/state-dir.ts';
        openStateDir(process.argv[2]);
        const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
        console.log(child.pid);
        setInterval(() => {}, 1000);
      `,
      { args: [dir] },
    );
    const child = Number(await script.line(0));
    try {
      script.process.kill('SIGKILL');
      await script.ended;
      expect(open().path).toBe(dir);
    } finally {
      process.kill(child, 'SIGKILL');
    }
  });

  it('keeps a second opener of the same process out as well', () => {
    open();
    expect(() => openStateDir(dir)).toThrow(refusal('in_use', `(pid ${process.pid})`));
    expect(() => openStateDir(dir)).toThrow(StateDirError);
  });

  it('lets exactly one of several contenders in', async () => {
    const scripts = Array.from({ length: 4 }, () => startScript(scratch, HOLD, { args: [dir] }));
    const results = await Promise.all(scripts.map((script) => script.line(0)));
    for (const script of scripts) if (script.lines[0] === 'held') script.process.stdin?.write('end\n');
    await Promise.all(scripts.map((script) => script.ended));
    expect(results.sort()).toEqual(['held', 'in_use', 'in_use', 'in_use']);
  });
});

describe('the runtime information', () => {
  it('is one private JSON file, replaced whole, and goes with the daemon', () => {
    const state = open();
    const file = state.file('plushd.json');
    expect(existsSync(file)).toBe(false);
    const info = { url: 'http://127.0.0.1:4880', pid: 4711, token_file: state.file('token') };
    state.writeRuntimeInfo({ ...info, pid: 1 });
    state.writeRuntimeInfo(info);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(info);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir).sort()).toEqual(['lock', 'lock.pid', 'plushd.json']);
    state.close();
    state.close();
    expect(readdirSync(dir)).toEqual(['lock']);
  });
});
