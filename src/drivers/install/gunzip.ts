/** Software of type gz: one compressed file, which loses its `.gz`. */
import * as fs from 'node:fs';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AgentError, isNoRoom, messageOf } from '../agent-error.ts';
import { MAX_UNPACKED_BYTES } from './bounds.ts';
import { createFresh } from './work-file.ts';

/**
 * Puts what `file` holds beside it under its name without `.gz`, executable by its owner; a name without that ending is replaced.
 * @throws AgentError archive_damaged, failed (over the bound), or the system's error
 */
export async function gunzip(file: string, signal: AbortSignal): Promise<void> {
  const target = file.endsWith('.gz') ? file.slice(0, -'.gz'.length) : file;
  const part = `${file}.unpacked`;
  const out = await createFresh(part);
  try {
    const sink = out.createWriteStream();
    await pipeline(fs.createReadStream(file), createGunzip(), bounded(file), sink, { signal });
    fs.chmodSync(part, 0o700);
    fs.renameSync(part, target);
  } catch (cause) {
    fs.rmSync(part, { force: true });
    if (cause instanceof AgentError || signal.aborted || isNoRoom(cause)) throw cause;
    const message = `${basename(file)} is not a whole gzip file: ${messageOf(cause)}`;
    throw new AgentError('archive_damaged', message, {}, { cause });
  } finally {
    await out.close();
  }
}

function bounded(file: string): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAX_UNPACKED_BYTES) done(null, chunk);
      else done(new AgentError('failed', `${basename(file)} unpacks to over ${MAX_UNPACKED_BYTES} bytes`));
    },
  });
}
