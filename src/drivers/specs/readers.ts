/** What is read of specifications, on whichever thread. */
import { parseApplication } from '../../core/spec/application.ts';
import { parseDirectory } from '../../core/spec/directory.ts';

const READERS = { application: parseApplication, directory: parseDirectory } as const;

/** The languages. */
export type SpecKind = keyof typeof READERS;

/** What comes of a text of that language; it crosses threads as it is. */
export type Reading<K extends SpecKind> = ReturnType<(typeof READERS)[K]>;

/** A text on its way to the thread. */
export interface SpecText {
  readonly kind: SpecKind;
  readonly source: string | Uint8Array;
  /** Named in messages about the file as a whole. */
  readonly fileName: string;
}

/** The thread's answer: what was read, or the trace of a defect of ours. */
export type SpecAnswer = { readonly reading: Reading<SpecKind> } | { readonly defect: string };

/** Reads a text here and now. */
export function readHere<K extends SpecKind>(
  kind: K,
  source: string | Uint8Array,
  fileName: string,
): Reading<K> {
  return READERS[kind](source, fileName) as Reading<K>;
}
