/** Links that are on the disk before an archive is unpacked. */
import * as fs from 'node:fs';
import { join } from 'node:path';

/** What is wrong with a folder of the archive that on the disk is a symbolic link already, or lies below one. */
export function throughLink(cwd: string, folders: Iterable<string>): string | undefined {
  const kinds = new Map<string, 'absent' | 'link' | 'plain'>();
  for (const folder of folders) {
    let path = '';
    for (const segment of folder.split('/')) {
      path = path === '' ? segment : `${path}/${segment}`;
      let kind = kinds.get(path);
      if (kind === undefined) {
        const stat = fs.lstatSync(join(cwd, path), { throwIfNoEntry: false });
        kind = stat === undefined ? 'absent' : stat.isSymbolicLink() ? 'link' : 'plain';
        kinds.set(path, kind);
      }
      if (kind === 'absent') break;
      if (kind === 'link')
        return `Member below ${JSON.stringify(folder)} passes through the link ${JSON.stringify(path)}`;
    }
  }
  return undefined;
}
