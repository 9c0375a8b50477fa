import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeState, encodeState } from '../../src/core/snapshot.ts';
import { carryOut } from './commands.ts';
import { parseScript, printScript } from './script.ts';
import { foldFacts, World } from './world.ts';

/** `UPDATE_SCENARIOS=1` writes the traces into the files; what changed is then read as a diff. */
const isUpdate = process.env.UPDATE_SCENARIOS === '1';

const files = readdirSync(__dirname).filter((name) => name.endsWith('.txt'));

describe('the core', () => {
  it.each(files)('does what %s says, fact by fact and effect by effect', (file) => {
    const path = join(__dirname, file);
    const text = readFileSync(path, 'utf8');
    const world = new World();
    const paragraphs = parseScript(text).map(({ lines, trace }) =>
      trace === undefined ? { lines } : { lines, trace: carryOut(world, lines) },
    );
    expect(foldFacts(world.facts)).toEqual(world.state);
    expect(decodeState(encodeState(world.state))).toEqual(world.state);
    if (isUpdate) writeFileSync(path, printScript(paragraphs));
    else expect(printScript(paragraphs)).toBe(text);
  });
});
