/** The state as text and back. Maps and Sets are written as tagged arrays; everything else is plain JSON. */
import type { State } from './state.ts';

/** Version of the fold: grows whenever evolve would make another state of the same facts. */
export const FOLD_VERSION = 3;

const MAP = '$map';
const SET = '$set';

export function encodeState(state: State): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (value instanceof Map) return { [MAP]: [...value] };
    if (value instanceof Set) return { [SET]: [...value] };
    return value;
  });
}

/** @throws SyntaxError for text that encodeState did not write */
export function decodeState(text: string): State {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const keys = Object.keys(value);
    if (keys.length !== 1) return value;
    const entries = (value as Record<string, unknown>)[keys[0] as string];
    // An environment variable of that name has a text for a value, never a list.
    if (!Array.isArray(entries)) return value;
    if (keys[0] === MAP) return new Map(entries as [unknown, unknown][]);
    return keys[0] === SET ? new Set(entries) : value;
  }) as State;
}
