import { parseApplication } from '../../../src/core/spec/application.ts';
import { parseDirectory } from '../../../src/core/spec/directory.ts';
import { readXml } from '../../../src/core/spec/xml-tree.ts';
import { places } from './fixture.ts';

const MEBIBYTE = 1024 * 1024;

/** An application whose process blocks have the given predecessors, by name. */
function applicationOf(blocks: readonly (readonly [string, readonly string[]])[], padding = ''): string {
  const written = blocks.map(([name, predecessors]) => {
    const before = predecessors.map((predecessor) => `<predecessor name="${predecessor}"/>`).join('');
    return `<process_block name="${name}">${before}<process name="p"><path>/bin/true</path>${padding}</process></process_block>\n`;
  });
  return [
    '<plush><project name="big">',
    '<component name="c"><rspec><num_hosts>1</num_hosts></rspec></component>',
    '<application_block name="big"><execution><component_block name="all"><component name="c"/>',
    ...written,
    '</component_block></execution></application_block></project></plush>',
  ].join('\n');
}

/** An application of component blocks on one component, as they are written. */
function executionOf(componentBlocks: string): string {
  const component = '<component name="c"><rspec><num_hosts>1</num_hosts></rspec></component>';
  return `<plush><project name="big">${component}<application_block name="big"><execution>${componentBlocks}</execution></application_block></project></plush>`;
}

/** Blocks b0 … b(count-1), each after the one before it. */
function chain(count: number): [string, string[]][] {
  return Array.from({ length: count }, (_, at) => [`b${at}`, at === 0 ? [] : [`b${at - 1}`]]);
}

describe('large files', () => {
  test('of ten thousand blocks in a row and nearly ten megabytes load', () => {
    const padding = `<cmdline><arg>${'x'.repeat(800)}</arg></cmdline>`;
    const text = applicationOf(chain(10_000), padding);
    expect(text.length).toBeGreaterThan(9 * MEBIBYTE);
    const { app, diagnostics } = parseApplication(text, 'big.xml');
    expect(diagnostics).toEqual([]);
    expect(app?.component_blocks[0]?.blocks).toHaveLength(10_000);
  });

  test('with one ring of ten thousand blocks are told so once, with the ring shortened', () => {
    const ring = chain(10_000);
    ring[0]?.[1].push('b9999');
    const { diagnostics } = parseApplication(applicationOf(ring), 'big.xml');
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.message).toBe(
      'Blocks wait for each other and could never start: ' +
        '"b0" → "b9999" → "b9998" → "b9997" → "b9996" → "b9995" → 9989 more → ' +
        '"b5" → "b4" → "b3" → "b2" → "b1" → "b0"',
    );
  });

  test('with many unknown names list 200 and count the rest', () => {
    const blocks = chain(10_000).map(([name, before]): [string, string[]] => [
      name,
      before.map(() => 'b1000x'),
    ]);
    const { diagnostics } = parseApplication(applicationOf(blocks), 'big.xml');
    expect(diagnostics).toHaveLength(201);
    expect(diagnostics[0]?.message).toMatch(/Did you mean "b1000"\?$/);
    expect(diagnostics.at(-1)).toMatchObject({
      severity: 'error',
      code: 'TOO_MANY_PROBLEMS',
      message: '9799 more problems are not listed; mend these first',
      line: diagnostics.at(-2)?.line,
    });
  });

  test('list an error that comes after hundreds of warnings', () => {
    const component = '<rspec><num_hosts>1</num_hosts></rspec></component>';
    const unused = Array.from({ length: 300 }, (_, at) => `<component name="u${at}">${component}`).join('\n');
    const text = applicationOf([['b', ['missing']]]).replace(
      '<component name="c">',
      `${unused}<component name="c">`,
    );
    const { app, diagnostics } = parseApplication(text, 'big.xml');
    expect(app).toBeUndefined();
    expect(diagnostics.filter(({ code }) => code === 'UNKNOWN_BLOCK')).toHaveLength(1);
    expect(diagnostics).toHaveLength(201);
  });

  test('with every block after every other are one ring', () => {
    const names = Array.from({ length: 150 }, (_, at) => `b${at}`);
    const blocks = names.map((name): [string, string[]] => [name, names.filter((other) => other !== name)]);
    const { diagnostics } = parseApplication(applicationOf(blocks), 'big.xml');
    expect(diagnostics.map(({ code }) => code)).toEqual(['CYCLE']);
    expect(diagnostics[0]?.message).toMatch(/"b0" → "b1" → "b0"$/);
  });

  test('of ten thousand barriers that all components share are told who waits for whom', () => {
    const component = '<component name="c"/>';
    const blocks = Array.from({ length: 10_000 }, (_, at) => {
      const barrier = `<barrier_block name="b${at}"><predecessor name="b${(at + 1) % 10_000}"/><barrier name="all"/></barrier_block>`;
      return `<component_block name="c${at}">${component}${barrier}</component_block>`;
    });
    const { diagnostics } = parseApplication(executionOf(blocks.join('\n')), 'big.xml');
    expect(diagnostics.map(({ code }) => code)).toEqual(['CYCLE']);
  });

  test('of a few lines that come to millions of blocks or tasks are refused', () => {
    const cluster = (at: number): string =>
      `<cluster name="c${at}"><rspec><num_hosts>1</num_hosts></rspec><execution><process name="p"><path>p</path></process></execution></cluster>`;
    const clusters = Array.from({ length: 500 }, (_, at) => cluster(at)).join('');
    const uses = '<configuration name="k"/>'.repeat(5000);
    const older = `<plush><project name="p"><configuration name="k">${clusters}</configuration><application name="a"><execution>${uses}</execution></application></project></plush>`;
    expect(parseApplication(older, 'a.xml').diagnostics.map(({ code }) => code)).toEqual(['TOO_LARGE']);
    const workflow = (at: number): string =>
      `<workflow_block name="w${at}" num_tasks="100000"><process_block name="p${at}"><process name="p"><path>p</path></process></process_block></workflow_block>`;
    const workflows = `<component_block name="b"><component name="c"/>${[0, 1, 2].map(workflow).join('')}</component_block>`;
    const { diagnostics } = parseApplication(executionOf(workflows), 'a.xml');
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'The workflows up to here come to 300000 tasks; all together may have 200000',
    ]);
    const gate = '<barrier_block name="g"><barrier name="g"/></barrier_block>';
    const meeting = workflow(0)
      .replace('100000', '20001')
      .replace('</workflow_block>', `${gate}</workflow_block>`);
    const many = parseApplication(
      executionOf(`<component_block name="b"><component name="c"/>${meeting}</component_block>`),
      'a.xml',
    );
    expect(many.diagnostics.map(({ message }) => message)).toEqual([
      'barrier_block "g" is in a workflow of 20001 tasks; with a barrier inside it may have 20000, since they go on all at once',
    ]);
  });

  test.each([
    ['one text', `<a>${'x'.repeat(10_000_000)}</a>`],
    ['white space in a tag', `<a${' '.repeat(10_000_000)}/>`],
    ['line ends', `<a>${'\r\n'.repeat(5_000_000)}</a>`],
    ['references', `<a>${'&amp;'.repeat(1_900_000)}</a>`],
    ['comments', `<a>${'<!-- -->'.repeat(1_200_000)}</a>`],
    ['quotes', `<a b="${"'".repeat(10_000_000)}"/>`],
    ['instructions', `${'<?x?>'.repeat(1_000_000)}<a/>`],
  ])('of nothing but %s are read', (_, text) => {
    expect('document' in readXml(text)).toBe(true);
  });

  test.each([
    ['less-than signs', '<'.repeat(10_000_000)],
    ['ampersands', `<a>${'&'.repeat(10_000_000)}</a>`],
    ['equals signs', `<a ${'='.repeat(10_000_000)}/>`],
    ['roots', '<a/>'.repeat(2_000_000)],
    ['closing tags', '</a>'.repeat(2_000_000)],
    ['white space', ' '.repeat(10_000_000)],
    ['half quotes', `<a ${'b="'.repeat(3_000_000)}`],
  ])('of nothing but %s are refused', (_, text) => {
    expect('diagnostic' in readXml(text)).toBe(true);
  });
});

describe('the bounds', () => {
  test('of size refuse one byte more than ten mebibytes', () => {
    const at = Buffer.alloc(10 * MEBIBYTE, 0x20);
    at.write('<a/>');
    expect('document' in readXml(at)).toBe(true);
    const read = readXml(Buffer.concat([at, Buffer.from(' ')]));
    expect(read).toMatchObject({ diagnostic: { code: 'TOO_LARGE', line: 1, column: 1 } });
  });

  test('of depth allow 64 elements within each other', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect('document' in readXml(nested(64))).toBe(true);
    expect(readXml(nested(65))).toMatchObject({ diagnostic: { code: 'TOO_DEEP', line: 1, column: 193 } });
    expect(readXml('<a>'.repeat(1_000_000))).toMatchObject({ diagnostic: { code: 'TOO_DEEP' } });
  });

  test('of count allow 200,000 elements', () => {
    const many = (count: number): string => `<a>${'<b/>'.repeat(count - 1)}</a>`;
    expect('document' in readXml(many(200_000))).toBe(true);
    expect(readXml(many(200_001))).toMatchObject({ diagnostic: { code: 'TOO_LARGE' } });
  });

  test('of attributes allow 256 on an element', () => {
    const many = (count: number): string =>
      `<a ${Array.from({ length: count }, (_, at) => `a${at}="&amp;"`).join(' ')}/>`;
    expect('document' in readXml(many(256))).toBe(true);
    expect(readXml(many(257))).toMatchObject({ diagnostic: { code: 'TOO_LARGE' } });
  });

  test('of a process refuse more arguments than an order to an agent can carry', () => {
    const args = `<cmdline>${`<arg>${'x'.repeat(1000)}</arg>`.repeat(300)}</cmdline>`;
    const { diagnostics } = parseApplication(applicationOf([['b', []]], args), 'a.xml');
    expect(places(diagnostics)).toEqual(['4:25 TOO_LARGE']);
  });

  test('of names allow 255 characters', () => {
    const named = (length: number) => parseApplication(applicationOf([['n'.repeat(length), []]]), 'a.xml');
    expect(named(255).app).toBeDefined();
    expect(places(named(256).diagnostics)).toEqual(['4:16 TOO_LARGE']);
  });

  test('of a directory allow ten thousand local nodes in all', () => {
    const directory = (count: number): string =>
      `<plush>${'<resource_manager type="local" count="5000" name="a"/>'}<resource_manager type="local" count="${count}"/></plush>`;
    expect(parseDirectory(directory(5000), 'd.xml').nodes).toHaveLength(10_000);
    expect(places(parseDirectory(directory(5001), 'd.xml').diagnostics)).toEqual(['1:93 TOO_LARGE']);
  });
});
