/** The secrets and passwords of callback subscribers: in a file for the owner alone, so that the journal need only name them. */
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { readJson } from './files/atomic.ts';
import { replaceFile } from './replace-file.ts';

const REFERENCE_BYTES = 9;

/** What goes with calls to one subscriber. */
export interface Credentials {
  /** Key of the signature. */
  readonly secret?: string;
  /** `user:password` for HTTP Basic. */
  readonly userinfo?: string;
}

export class CallbackSecrets {
  readonly #file: string;
  readonly #known: Map<string, Credentials>;

  /** A file that is not there, or was cut off, holds nothing. @throws the system's error for one that cannot be read */
  constructor(file: string) {
    this.#file = file;
    const found = readJson(file);
    const isObject = typeof found === 'object' && found !== null && !Array.isArray(found);
    this.#known = new Map(isObject ? Object.entries(found as Record<string, Credentials>) : []);
    if (found !== undefined) chmodSync(file, 0o600);
  }

  /** Keeps them durably, and answers the name to ask for them by. @throws the system's error */
  keep(credentials: Credentials): string {
    const reference = randomBytes(REFERENCE_BYTES).toString('base64url');
    this.#known.set(reference, credentials);
    try {
      this.#write();
    } catch (error) {
      this.#known.delete(reference);
      throw error;
    }
    return reference;
  }

  get(reference: string): Credentials | undefined {
    return this.#known.get(reference);
  }

  /** @throws the system's error */
  forget(reference: string): void {
    if (this.#known.delete(reference)) this.#write();
  }

  /** Forgets what a daemon that was killed kept for nobody. @throws the system's error */
  keepOnly(references: ReadonlySet<string>): void {
    const before = this.#known.size;
    for (const reference of this.#known.keys()) {
      if (!references.has(reference)) this.#known.delete(reference);
    }
    if (this.#known.size < before) this.#write();
  }

  #write(): void {
    replaceFile(this.#file, `${JSON.stringify(Object.fromEntries(this.#known))}\n`);
  }
}
