import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { LineFile } from '../../../src/drivers/line-file.ts';
import { withScratch } from '../../harness/scratch.ts';

const unexpected = (error: unknown) => {
  throw error;
};

describe('a file of lines', () => {
  it('is turned over when it is large, and the oldest goes', async () => {
    await withScratch(async (scratch) => {
      const lines = new LineFile(scratch.path('a.log'), { maxBytes: 20, keep: 2, onLost: unexpected });
      for (const line of ['one', 'two', 'three', 'four', 'five']) {
        lines.add(line.padEnd(12, '.'));
        lines.flush();
      }
      lines.close();
      expect(readdirSync(scratch.dir).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
      const read = (name: string) => readFileSync(scratch.path(name), 'utf8');
      expect([read('a.log'), read('a.log.1'), read('a.log.2')]).toEqual([
        'five........\n',
        'four........\n',
        'three.......\n',
      ]);
      expect(statSync(scratch.path('a.log')).mode & 0o777).toBe(0o600);
    });
  });

  it('goes on at the end of what is there, with the lines of a turn in one write', async () => {
    await withScratch(async (scratch) => {
      const options = { maxBytes: 1000, keep: 1, onLost: unexpected };
      for (const text of ['a', 'b']) {
        const lines = new LineFile(scratch.path('a.log'), options);
        lines.add(`${text}1`);
        lines.add(`${text}2`);
        lines.close();
      }
      expect(readFileSync(scratch.path('a.log'), 'utf8')).toBe('a1\na2\nb1\nb2\n');
    });
  });

  it('tells once that lines are lost, and goes on when it can', async () => {
    await withScratch(async (scratch) => {
      const lost: number[] = [];
      const onLost = (_error: unknown, count: number) => lost.push(count);
      const lines = new LineFile(scratch.path('f', 'a.log'), { maxBytes: 5, keep: 1, onLost });
      lines.add('first');
      lines.flush();
      // Turning over is not possible where the folder is gone, whoever asks.
      rmSync(`${scratch.dir}/f`, { recursive: true, force: true });
      for (const line of ['second', 'third']) {
        lines.add(line);
        lines.flush();
      }
      expect(lost).toEqual([1]);
      scratch.path('f', 'a.log');
      lines.add('fourth');
      lines.close();
      expect(readFileSync(scratch.path('f', 'a.log'), 'utf8')).toBe('\nfourth\n');
    });
  });
});
