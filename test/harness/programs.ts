/** Folders of programs for a node's PATH: what is not in them it does not have. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Scratch } from './scratch.ts';

/** A folder with only these of the machine's programs. */
export function pathOf(scratch: Scratch, ...programs: string[]): { readonly PATH: string } {
  const folder = fs.mkdtempSync(join(scratch.dir, 'path-'));
  for (const program of ['sh', ...programs]) {
    const file = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    fs.symlinkSync(file, join(folder, program));
  }
  return { PATH: folder };
}

/** All of the machine's programs but sudo (who is not root must not reach the machine's own packages either) and `without`. */
export function pathWithoutSudo(scratch: Scratch, ...without: string[]): { readonly PATH: string } {
  const folder = fs.mkdtempSync(join(scratch.dir, 'path-'));
  const programs = new Map<string, string>();
  for (const from of `${process.env.PATH}:/usr/sbin:/sbin`.split(':').filter((dir) => fs.existsSync(dir))) {
    for (const name of fs.readdirSync(from)) if (!programs.has(name)) programs.set(name, join(from, name));
  }
  for (const name of ['sudo', ...without]) programs.delete(name);
  for (const [name, file] of programs) fs.symlinkSync(file, join(folder, name));
  return { PATH: folder };
}
