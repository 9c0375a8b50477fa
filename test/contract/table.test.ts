/** The contract table against everything that is made from it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callbacks } from '../../api/callbacks.ts';
import { events } from '../../api/events.ts';
import { faults } from '../../api/faults.ts';
import { methodHelp, methodSignature } from '../../api/help.ts';
import { type MethodName, methodTable, type Parameter } from '../../api/methods.ts';
import { apiPage, openrpc } from '../../api/openrpc.ts';
import { pythonStub } from '../../api/python-stub.ts';

const ROOT = join(__dirname, '..', '..');
const names = Object.keys(methodTable) as MethodName[];
const XML_RPC_TYPES = ['string', 'int', 'double', 'boolean', 'struct', 'array'];

/** Figure 4 of plush-toit.2011: name → types of the parameters. */
const FIGURE_4: Readonly<Record<string, readonly string[]>> = {
  plushAddNode: ['struct'],
  plushRemoveNode: ['string'],
  plushTestConnection: [],
  plushCreateResources: [],
  plushLoadApp: ['string'],
  plushRunApp: [],
  plushDisconnectApp: ['string'],
  plushQuit: [],
  plushFailHost: ['string'],
  setXmlRpcClientUrl: ['string'],
};

describe('the contract table', () => {
  test.each(Object.entries(FIGURE_4))('has %s with the parameters of figure 4', (name, types) => {
    expect(
      methodSignature(name as MethodName)
        .at(-1)
        ?.slice(1),
    ).toEqual(types);
  });

  test('has the callbacks of figure 4 with their parameters', () => {
    const parameters = Object.entries(callbacks).map(([name, { params }]) => [
      name,
      params.map((p) => p.schema.type),
    ]);
    expect(Object.fromEntries(parameters)).toEqual({
      sendPlanetLabSlices: [],
      sendSliceNodes: ['string'],
      sendApplicationExit: [],
      sendHostStatus: ['string'],
      sendBlockStatus: ['string'],
      sendResourceMatching: ['object'],
    });
  });

  test.each(names)('documents %s, its parameters and its faults', (name) => {
    const {
      doc,
      params,
      faults: symbols,
      result,
    } = methodTable[name] as {
      doc: string;
      params: readonly Parameter[];
      faults: readonly string[];
      result: object;
    };
    expect(doc).toMatch(/^[A-Z"].*\.$/s);
    expect(result).toBeDefined();
    for (const param of params) expect(param.doc).not.toBe('');
    for (const symbol of symbols) expect(Object.keys(faults)).toContain(symbol);
    const firstOptional = params.findIndex((param) => param.optional);
    if (firstOptional >= 0) expect(params.slice(firstOptional).every((param) => param.optional)).toBe(true);
  });

  test.each(names)('says of every member that %s takes what it is', (name) => {
    const help = methodHelp(name);
    const taken = help.slice(0, help.lastIndexOf('\nAnswers ')).split('\n');
    const undescribed = taken.filter((line) => /^ *\w+ \([^:]*\)$/.test(line));
    expect(undescribed).toEqual([]);
  });

  test('tells the members within members, their bounds and what may be left out', () => {
    expect(methodHelp('plushAddNode').split('\n')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ {2}ssh_port \(int, 1 to 65535, optional\): .*default 22$/),
        expect.stringMatching(/^ {2}type \("ssh" or "local", optional\): /),
        expect.stringMatching(/^ {2}lease \(struct, optional\): /),
        expect.stringMatching(/^ {4}expires \(string, optional\): ISO 8601/),
        expect.stringMatching(
          /^ {2}properties \(struct of strings \(at most 4096 characters each\) or doubles or booleans, at most 100/,
        ),
      ]),
    );
    expect(methodHelp('plushListNodes').split('\n')).toEqual(
      expect.arrayContaining([
        '  nodes (array of structs)',
        '    failure (struct, optional)',
        '      phase ("match", "bootstrap", "install", "start", "watch" or "clean")',
      ]),
    );
    expect(methodHelp('plushValidateApp')).toContain(
      'Answers array of structs\n  severity ("error" or "warning")\n  code (string)\n',
    );
    expect(methodHelp('plushSubscribe')).toMatch(
      / {2}topics \(array of "control", .*, 1 to 16, optional\): /,
    );
    expect(methodHelp('plushGetMatching')).toContain('Answers struct of arrays of strings');
  });

  test('tells of each event, and of gap, the types of its members', () => {
    const page = apiPage();
    for (const type of Object.keys(events)) expect(page).toContain(`\n${type}: `);
    expect(page).toContain('\n  retry_ms (int, optional): ');
    expect(page).toMatch(/\ngap: .*has no time.*\n {2}seq \(int\).*\n {2}type \("gap"\)\n {2}first \(int\)/);
  });

  test.each(names)('gives %s a signature of XML-RPC types, an array of arrays', (name) => {
    for (const signature of methodSignature(name)) {
      for (const type of signature) expect(XML_RPC_TYPES).toContain(type);
    }
    expect(methodHelp(name)).toContain(name);
  });

  test('gives each fault a number of its own', () => {
    const codes = Object.values(faults).map((fault) => fault.code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test('documents every event', () => {
    for (const { doc } of Object.values(events)) expect(doc).toMatch(/\.$/);
  });

  test('stands in api/openrpc.json and docs/api.md as it is', () => {
    const published = join(ROOT, 'api', 'openrpc.json');
    expect(existsSync(published)).toBe(true);
    expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(openrpc());
    expect(readFileSync(join(ROOT, 'docs', 'api.md'), 'utf8')).toBe(apiPage());
    expect(readFileSync(join(ROOT, 'clients', 'python', 'plush_methods.pyi'), 'utf8')).toBe(pythonStub());
  });
});
