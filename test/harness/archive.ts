/** Tar archives member by member, also such as no tool would make. */
import { type Header, pack } from 'tar-stream';

export type Entry = Partial<Header> & { readonly name: string; readonly body?: string };

/** A tar archive with exactly these members. */
export async function tarOf(...entries: readonly Entry[]): Promise<Buffer> {
  const packer = pack();
  for (const { body, ...header } of entries)
    packer.entry({ mode: 0o755, mtime: new Date(0), ...header }, body ?? '');
  packer.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of packer) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
