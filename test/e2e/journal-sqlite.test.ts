import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { Journal, NewRecord } from '../../src/drivers/journal.ts';
import { openSqliteJournal } from '../../src/drivers/journal-sqlite.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { startScript } from '../harness/script.ts';

const facts = (count: number, text = ''): NewRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    time: '2024-05-06T07:08:09.123Z',
    type: 'counted',
    body: { index, text },
  }));

const refusal = (code: string, ...parts: string[]) =>
  expect.objectContaining({
    name: 'JournalError',
    code,
    message: expect.stringMatching(parts.map((part) => `(?=.*${part})`).join('')),
  });

let scratch: Scratch;
let file: string;
let journal: Journal | undefined;

beforeEach(() => {
  scratch = makeScratch();
  file = scratch.path('state', 'journal.db');
});

afterEach(async () => {
  journal?.close();
  journal = undefined;
  await scratch.remove();
});

function open(): Journal {
  journal = openSqliteJournal(file);
  return journal;
}

function reopen(): Journal {
  journal?.close();
  return open();
}

describe('the file of the journal', () => {
  it('keeps records, snapshot and cursors when it is closed and opened', () => {
    open().append(facts(3));
    journal?.saveSnapshot({ seq: 2, version: 1, rows: ['tw', 'o'] });
    journal?.setCursor('kept', 2);
    journal?.setCursor('removed', 1);
    journal?.append(facts(1));
    journal?.removeCursor('removed');
    const again = reopen();
    expect([again.first, again.last]).toEqual([1, 4]);
    expect(Array.from(again.read(0), ({ seq, body }) => [seq, body.index])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
    ]);
    expect(again.loadSnapshot()).toMatchObject({ seq: 2, version: 1 });
    expect([...(again.loadSnapshot()?.rows ?? [])]).toEqual(['tw', 'o']);
    expect([again.cursor('kept'), again.cursor('removed')]).toEqual([2, undefined]);
    expect(again.append(facts(1))).toBe(5);
  });

  it('knows its first and last number again after compaction, also when no record is left', () => {
    open().append(facts(5));
    journal?.saveSnapshot({ seq: 5, version: 1, rows: ['five'] });
    journal?.compact(3);
    expect([reopen().first, journal?.last]).toEqual([4, 5]);
    journal?.compact(5);
    expect([reopen().first, journal?.last]).toEqual([6, 5]);
    expect(journal?.append(facts(1))).toBe(6);
    expect(Array.from(reopen().read(0), ({ seq }) => seq)).toEqual([6]);
  });

  it('of the first format opens with its records and cursors, without its snapshot', () => {
    open().append(facts(3));
    journal?.setCursor('reader', 2);
    journal?.close();
    const older = new Database(file);
    older.exec(`
      DROP TABLE snapshot_rows;
      ALTER TABLE snapshot ADD COLUMN state TEXT NOT NULL DEFAULT '';
      INSERT INTO snapshot (only, seq, version, state) VALUES (1, 3, 2, 'old');
    `);
    older.pragma('user_version = 1');
    older.close();
    expect([open().first, journal?.last, journal?.cursor('reader')]).toEqual([1, 3, 2]);
    expect(journal?.loadSnapshot()).toBeUndefined();
    journal?.saveSnapshot({ seq: 3, version: 3, rows: ['new'] });
    expect([...(reopen().loadSnapshot()?.rows ?? [])]).toEqual(['new']);
  });

  it('and the files beside it are for their owner only, also where an older one was open to others', () => {
    open().append(facts(1));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    journal?.close();
    chmodSync(file, 0o644);
    open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('may be left empty by a crash before its first table', () => {
    writeFileSync(file, '');
    expect(open().append(facts(1))).toBe(1);
  });

  it('needs an existing folder', () => {
    rmSync(dirname(file), { recursive: true });
    expect(open).toThrow(refusal('io', file, 'could not be opened', 'ENOENT'));
  });

  it('is refused when it is another kind of file, and is left as it is', () => {
    writeFileSync(file, 'Dear diary, '.repeat(1_000));
    expect(open).toThrow(refusal('damaged', file, 'move it away'));
    expect(readFileSync(file, 'utf8')).toBe('Dear diary, '.repeat(1_000));
  });

  it('is refused when it is the database of another program, and is left as it is', () => {
    const other = new Database(file);
    other.exec('CREATE TABLE songs (name TEXT)');
    other.close();
    const before = readFileSync(file);
    expect(open).toThrow(refusal('foreign', file, 'another program'));
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is refused when a newer version wrote it', () => {
    open();
    journal?.close();
    const newer = new Database(file);
    newer.pragma('user_version = 99');
    newer.close();
    expect(open).toThrow(refusal('foreign', file, 'newer Plush', '99'));
  });

  it('is refused when one of its tables is missing', () => {
    open();
    journal?.close();
    const broken = new Database(file);
    broken.exec('DROP TABLE cursors');
    broken.close();
    expect(open).toThrow(refusal('damaged', file, 'cursors'));
  });
});

describe('a damaged file', () => {
  beforeEach(() => {
    open().append(facts(2_000, 'x'.repeat(100)));
    journal?.close();
  });

  it('is refused when its head is overwritten', () => {
    const bytes = readFileSync(file);
    bytes.fill(0xff, 0, 100);
    writeFileSync(file, bytes);
    expect(open).toThrow(refusal('damaged', file));
  });

  it('is told by the reader that meets the overwritten part', () => {
    const bytes = readFileSync(file);
    bytes.fill(0xff, 60_000, 120_000);
    writeFileSync(file, bytes);
    expect(() => [...open().read(0)]).toThrow(refusal('damaged', file));
  });

  it('is told when it was cut off', () => {
    truncateSync(file, 40_000);
    expect(() => [...open().read(0)]).toThrow(refusal('damaged', file));
  });

  it('is told when a record is missing in the middle', () => {
    const database = new Database(file);
    database.exec('DELETE FROM records WHERE seq = 700');
    database.close();
    const seen: number[] = [];
    expect(() => {
      for (const { seq } of open().read(0)) seen.push(seq);
    }).toThrow(refusal('damaged', 'record 700'));
    expect(seen.length).toBe(699);
  });

  it('is told when a body is no JSON', () => {
    const database = new Database(file);
    database.exec("UPDATE records SET body = '{' WHERE seq = 5");
    database.close();
    expect(() => [...open().read(0)]).toThrow(refusal('damaged', file));
  });

  it('loses only an unfinished append when the end of its write-ahead log is cut off', () => {
    const script = new Database(file);
    script.pragma('journal_mode = DELETE');
    script.close();
    open().append(facts(1));
    journal?.append(facts(10, 'y'.repeat(10_000)));
    // A copy of both files is what a power failure in mid-append leaves.
    const torn = scratch.path('torn', 'journal.db');
    writeFileSync(torn, readFileSync(file));
    const wal = readFileSync(`${file}-wal`);
    writeFileSync(`${torn}-wal`, wal.subarray(0, wal.length - 5_000));
    const survivor = openSqliteJournal(torn);
    expect(survivor.last).toBe(2_001);
    expect(survivor.append(facts(1))).toBe(2_002);
    survivor.close();
  });
});

describe('a second opener', () => {
  it('is refused while the first has the journal open, in this process and in another', async () => {
    open().append(facts(1));
    expect(() => openSqliteJournal(file)).toThrow(refusal('locked', file));
    const script = startScript(scratch, OPEN, { args: [file] });
    expect(await script.line(0)).toBe('locked');
    await script.ended;
    journal?.append(facts(1));
    journal?.close();
    const free = startScript(scratch, OPEN, { args: [file] });
    expect(await free.line(0)).toBe('last 2');
    await free.ended;
  });
});

const OPEN = `
  import { openSqliteJournal } from './src/drivers/journal-sqlite.ts';
  try {
    const journal = openSqliteJournal(process.argv[2]);
    console.log('last ' + journal.last);
    journal.close();
  } catch (error) {
    console.log(error.code);
  }
`;

describe('a process killed while it appends', () => {
  const APPEND = `
    import { writeSync } from 'node:fs';
    import { openSqliteJournal } from './src/drivers/journal-sqlite.ts';
    const journal = openSqliteJournal(process.argv[2]);
    for (;;) {
      const size = 1 + (journal.last % 7);
      const first = journal.append(Array.from({ length: size }, (_, index) => (
        { time: '2024-05-06T07:08:09.123Z', type: 'counted', body: { index, size, text: 'x'.repeat(500) } }
      )));
      journal.setCursor('reader', first);
      writeSync(1, first + size - 1 + '\\n');
    }
  `;

  it('leaves every acknowledged record and no part of an append, three times in a row', async () => {
    let before = 0;
    for (const count of [1, 40, 400]) {
      const script = startScript(scratch, APPEND, { args: [file] });
      await script.line(count);
      script.process.kill('SIGKILL');
      expect((await script.ended).signal).toBe('SIGKILL');
      const acknowledged = Number(script.lines.at(-1));

      const survivor = reopen();
      expect(survivor.last).toBeGreaterThanOrEqual(acknowledged);
      expect(acknowledged).toBeGreaterThan(before);
      let seq = 0;
      let left = 0;
      for (const record of survivor.read(0)) {
        seq += 1;
        expect(record.seq).toBe(seq);
        if (left === 0) left = record.body.size as number;
        left -= 1;
      }
      expect([seq, left]).toEqual([survivor.last, 0]);
      expect(survivor.cursor('reader') ?? 0).toBeLessThanOrEqual(acknowledged);
      before = survivor.last;
      survivor.close();
    }
  });
});

describe('a full disk', () => {
  const FILL = `
    import { openSqliteJournal } from './src/drivers/journal-sqlite.ts';
    const journal = openSqliteJournal(process.argv[2]);
    const record = { time: '2024-05-06T07:08:09.123Z', type: 'counted', body: { text: 'x'.repeat(10_000) } };
    const tryOnce = () => {
      try {
        journal.append([record, record, record]);
        return 'ok';
      } catch (error) {
        return error.code;
      }
    };
    let result = 'ok';
    while (result === 'ok') result = tryOnce();
    for (let index = 0; result === 'disk_full' && index < 1000; index += 1) journal.setCursor('reader', index);
    console.log(JSON.stringify({ result, last: journal.last, again: tryOnce() }));
    process.stdin.once('data', () => {
      console.log(JSON.stringify({ result: tryOnce(), last: journal.last }));
      journal.close();
      process.exit(0);
    });
  `;
  const LIMITED = ['sh', '-c', 'ulimit -f 2048; exec "$0" "$@"'];

  it('of the process (its largest file size) ends writing, and nothing of the failed append is there', async () => {
    const script = startScript(scratch, FILL, { args: [file], prefix: LIMITED });
    const full = JSON.parse(await script.line(0));
    expect(full).toEqual({ result: 'io', last: full.last, again: 'io' });
    expect(full.last % 3).toBe(0);
    script.process.kill('SIGKILL');
    await script.ended;
    const survivor = open();
    expect(survivor.last).toBe(full.last);
    expect([...survivor.read(0)].length).toBe(full.last);
    expect(survivor.append(facts(1))).toBe(full.last + 1);
  });

  /** Whether this machine lets us have a small disk of our own; root outside a container mostly may. */
  const small = scratchDisk();
  if (small !== undefined) {
    it('refuses appends with disk_full, whole, and takes them again once there is room', async () => {
      const disk = small(scratch.path('disk', 'x'));
      try {
        writeFileSync(`${disk.dir}/ballast`, Buffer.alloc(1024 * 1024));
        file = `${disk.dir}/journal.db`;
        const script = startScript(scratch, FILL, { args: [file] });
        const full = JSON.parse(await script.line(0));
        expect(full).toEqual({ result: 'disk_full', last: full.last, again: 'disk_full' });
        rmSync(`${disk.dir}/ballast`);
        script.process.stdin?.write('room\n');
        expect(JSON.parse(await script.line(1))).toEqual({ result: 'ok', last: full.last + 3 });
        expect((await script.ended).code).toBe(0);
        const survivor = open();
        expect(survivor.last).toBe(full.last + 3);
        expect([...survivor.read(0)].length).toBe(full.last + 3);
        expect(survivor.cursor('reader')).toBe(999);
        survivor.close();
      } finally {
        journal?.close();
        disk.unmount();
      }
    });
  }
});

function scratchDisk(): ((path: string) => { dir: string; unmount(): void }) | undefined {
  const mount = (path: string) => {
    const dir = dirname(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'plush-test', dir], { stdio: 'pipe' });
    return { dir, unmount: () => void execFileSync('umount', ['-l', dir]) };
  };
  const probe = makeScratch();
  try {
    if (spawnSync('mount', ['-V']).status !== 0) return undefined;
    mount(probe.path('x')).unmount();
    return mount;
  } catch {
    return undefined; // not allowed here: the limit of the process stands for the disk
  } finally {
    rmSync(probe.dir, { recursive: true, force: true });
  }
}
