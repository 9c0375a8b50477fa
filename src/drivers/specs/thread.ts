/** Entry of the thread that reads specifications (spec-reader.ts): one text after another, each answered. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../agent-error.ts';
import { readHere, type SpecAnswer, type SpecText } from './readers.ts';

function answerTo({ kind, source, fileName }: SpecText): SpecAnswer {
  try {
    return { reading: readHere(kind, source, fileName) };
  } catch (error) {
    return { defect: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) };
  }
}

parentPort?.on('message', (text: SpecText) => parentPort?.postMessage(answerTo(text)));
