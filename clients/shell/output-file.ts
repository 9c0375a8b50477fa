import type { Caller } from '../typescript/client.ts';
import type { ByteTarget } from './byte-target.ts';

/** Bytes asked for at once: in base64 they stay below what clients accept. */
const PAGE_BYTES = 262_144;

/** Copies a file that came back from a node, byte by byte as it is there. @throws PlushFault NO_OUTPUT, CommandError */
export async function copyFile(
  caller: Caller,
  run: string,
  node: string,
  file: string,
  target: ByteTarget,
): Promise<void> {
  for (let offset = 0, isOver = false; !isOver; ) {
    const page = { file, offset, limit: PAGE_BYTES, encoding: 'base64' } as const;
    const { data, end, eof } = await caller.call('plushGetOutput', run, node, page);
    if (data !== '') target.write(Buffer.from(data, 'base64'));
    isOver = eof || end === offset;
    offset = end;
  }
  target.finish();
}
