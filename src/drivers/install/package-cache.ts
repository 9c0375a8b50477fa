/**
 * Packages that were here before, by their SHA-256, so that another run moves nothing. The folder lies beside the agent's bundle and
 * is shared by all agents of the machine and account: files come and go whole, by renaming, and are checked at every use.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../agent-error.ts';
import { createFresh } from './work-file.ts';

/** Bytes kept; what was not used for the longest time goes first. */
const MAX_CACHE_BYTES = 1024 ** 3;

export class PackageCache {
  /** @param dir made when it is first written to */
  constructor(
    private readonly dir: string,
    private readonly maxBytes = MAX_CACHE_BYTES,
  ) {}

  /**
   * Copies a package to `file`, where its bytes are here and right.
   * @returns its size; undefined when it must be fetched. @throws the system's error
   */
  async take(sha256: string, file: string): Promise<number | undefined> {
    const kept = join(this.dir, sha256);
    if (!fs.existsSync(kept)) return undefined;
    const part = `${file}.part`;
    const digest = createHash('sha256');
    let size = 0;
    const out = await createFresh(part);
    try {
      for await (const chunk of fs.createReadStream(kept)) {
        digest.update(chunk as Buffer);
        size += (chunk as Buffer).length;
        await out.writeFile(chunk as Buffer);
      }
    } catch (error) {
      fs.rmSync(part, { force: true });
      // Another agent made room in between.
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    } finally {
      await out.close();
    }
    if (digest.digest('hex') !== sha256) {
      fs.rmSync(part, { force: true });
      fs.rmSync(kept, { force: true });
      return undefined;
    }
    fs.utimesSync(kept, new Date(), new Date());
    fs.renameSync(part, file);
    return size;
  }

  /** Keeps a copy of a package. A cache that cannot be written is none, and fails nobody. */
  keep(sha256: string, file: string): void {
    const kept = join(this.dir, sha256);
    const part = join(this.dir, `.${sha256}.${randomBytes(6).toString('hex')}`);
    try {
      const { size } = fs.statSync(file);
      if (size > this.maxBytes || fs.existsSync(kept)) return;
      fs.mkdirSync(this.dir, { recursive: true, mode: 0o700 });
      this.#makeRoom(size);
      fs.copyFileSync(file, part, fs.constants.COPYFILE_FICLONE);
      fs.chmodSync(part, 0o600);
      fs.renameSync(part, kept);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      fs.rmSync(part, { force: true });
    }
  }

  #makeRoom(bytes: number): void {
    const files = fs.readdirSync(this.dir).flatMap((name) => {
      const path = join(this.dir, name);
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ path, size: stat.size, used: stat.mtimeMs }];
    });
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
      if (total + bytes <= this.maxBytes) return;
      fs.rmSync(path, { force: true });
      total -= size;
    }
  }
}
