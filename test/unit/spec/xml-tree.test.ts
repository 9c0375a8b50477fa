import type { Diagnostic } from '../../../api/spec.ts';
import { readXml, type XmlDocument, type XmlElement } from '../../../src/core/spec/xml-tree.ts';

function documentOf(source: string | Uint8Array): XmlDocument {
  const read = readXml(source);
  if ('diagnostic' in read) throw new Error(`Refused: ${read.diagnostic.message}`);
  return read.document;
}

function refusal(source: string | Uint8Array): Diagnostic {
  const read = readXml(source);
  if (!('diagnostic' in read)) throw new Error('The source was read');
  return read.diagnostic;
}

function place({ line, column }: { line: number; column: number }): string {
  return `${line}:${column}`;
}

/** Every element with its position, its attributes with theirs, and its text. */
function outline(document: XmlDocument): string[] {
  const lines: string[] = [];
  const visit = (element: XmlElement, depth: number): void => {
    const attributes = [...element.attributes].map(([name, value]) => {
      return ` ${name}=${JSON.stringify(value)}@${place(document.position(element, name))}`;
    });
    const text = element.text.trim() === '' ? '' : ` ${JSON.stringify(element.text)}`;
    lines.push(
      `${' '.repeat(depth)}${element.name}@${place(document.position(element))}${attributes.join('')}${text}`,
    );
    for (const child of element.children) visit(child, depth + 1);
  };
  visit(document.root, 0);
  return lines;
}

const SAMPLE = [
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<!-- a comment with <tags> & signs -->',
  '<a',
  '\tone = "1"',
  "   two='&quot;&#65;&#x42;'><b/>text<c",
  'three="a > b"/>',
  '\t<d>x &lt; y<![CDATA[ &lt; ]]></d>',
  '</a>',
  '<?done now?>',
];

const OUTLINE = [
  'a@3:1 one="1"@4:2 two="\\"AB"@5:4 "text\\n\\t\\n"',
  ' b@5:28',
  ' c@5:36 three="a > b"@6:1',
  ' d@7:2 "x < y &lt; "',
];

describe('positions', () => {
  test('count lines and columns from 1, a tab as one column', () => {
    expect(outline(documentOf(SAMPLE.join('\n')))).toEqual(OUTLINE);
  });

  test.each([
    ['carriage return and line feed', '\r\n'],
    ['a lone carriage return', '\r'],
  ])('are the same with lines ended by %s', (_, end) => {
    expect(outline(documentOf(SAMPLE.join(end)))).toEqual(OUTLINE);
  });

  test('are the same behind a byte order mark', () => {
    expect(outline(documentOf(`\uFEFF${SAMPLE.join('\n')}`))).toEqual(OUTLINE);
  });

  test.each(['utf16le', 'utf16be'])('are the same in bytes of %s', (encoding) => {
    const bytes = Buffer.from(`\uFEFF${SAMPLE.join('\n')}`, 'utf16le');
    expect(outline(documentOf(encoding === 'utf16le' ? bytes : bytes.swap16()))).toEqual(OUTLINE);
  });
});

describe('text', () => {
  test('is kept exactly, line ends aside', () => {
    expect(documentOf('<a> x\r\n\ty </a>').root.text).toBe(' x\n\ty ');
  });

  test('from references is not read again', () => {
    expect(documentOf('<a b="&amp;lt;">&amp;amp;&#38;lt;</a>').root.text).toBe('&amp;&lt;');
  });

  test('of an element does not hold that of its children', () => {
    expect(documentOf('<a>1<b>2</b>3<!-- 4 --></a>').root.text).toBe('13');
  });

  test('white space in an attribute becomes spaces, but not where it is written by number', () => {
    expect(documentOf('<a b="1\t2\n3&#10;4"/>').root.attributes.get('b')).toBe('1 2 3\n4');
  });

  test('in ISO-8859-1 is read when the declaration says so', () => {
    const bytes = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>caf\xe9</a>', 'latin1');
    expect(documentOf(bytes).root.text).toBe('café');
  });
});

describe('names', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])('may be %s', (name) => {
    const { root } = documentOf(`<a><${name} ${name}="1"/><${name}>x</${name}></a>`);
    expect(root.children.map((child) => child.name)).toEqual([name, name]);
    expect(root.children[0]?.attributes.get(name)).toBe('1');
  });
});

describe('what is not XML is refused where the fault is:', () => {
  test.each([
    ['nothing', '', '1:1 The file is empty'],
    ['white space', ' \n ', '1:1 The file is empty'],
    ['JSON', '\n{"a": 1}', '2:1 The file begins with "{" where an element was expected: it is not XML'],
    ['a comment alone', '<!-- x -->', '1:1 The file has no element in it'],
    ['an unclosed element', '<a>\n  <b>', '2:3 Element b is not closed before the end of the file'],
    ['wrong nesting', '<a>\n<b></a></b>', '2:4 Closing tag </a> was expected to be </b>, opened in line 2'],
    ['a closing tag too many', '<a/></a>', '1:5 Closing tag </a> has no opening tag'],
    [
      'a second root',
      '<a></a>\n<b/>',
      '2:1 A second root element, b, follows the first: one file has one root',
    ],
    ['text after the root', '<a/> x', '1:6 Text follows the end of the root element, beginning with "x"'],
    ['a tag cut off', '<a>\n<b c="1"', '2:1 Tag is not closed before the end of the file'],
    ['a value cut off', '<a b="1', '1:6 Quote is not closed'],
    ['a tag in a tag', '<a <b/>', '1:1 Tag is not closed: "<" stands where ">" was expected'],
    [
      'a missing quote',
      '<a b="1>\n<c d="2"/></a>',
      '1:6 "<" is not allowed in a quoted value: write "&lt;", or close the quote before it',
    ],
    [
      'a value without quotes',
      '<a b=1/>',
      '1:4 "b=1/" is not an attribute: write name="value" after a space',
    ],
    ['an attribute alone', '<a b/>', '1:4 "b/" is not an attribute: write name="value" after a space'],
    [
      'attributes without a space',
      '<a b="1"c="2"/>',
      '1:9 "c=\\"2\\"/" is not an attribute: write name="value" after a space',
    ],
    ['an attribute twice', '<a b="1" b="2"/>', "1:10 Attribute 'b' is repeated"],
    ['a bad name', '<a><1/></a>', "1:6 Tag '1' is an invalid name"],
    ['a less-than sign in text', '<a>1 < 2</a>', '1:6 Tag is not closed: "<" stands where ">" was expected'],
    [
      'an ampersand in text',
      '<a>\nx & y</a>',
      '2:3 "&" does not begin a reference: write "&amp;" for the character',
    ],
    [
      'an ampersand in a value',
      '<a x="1"\n b="x & y"/>',
      '2:2 "&" does not begin a reference: write "&amp;" for the character',
    ],
    [
      'an HTML entity',
      '<a>\n <b>&nbsp;</b></a>',
      '2:2 Entity &nbsp; is not defined; known are &amp; &lt; &gt; &quot; &apos; and &#number;',
    ],
    ['NUL by number', '<a>&#0;</a>', '1:1 Reference &#0; is not a character that XML allows'],
    [
      'half a character by number',
      '<a>&#xD800;</a>',
      '1:1 Reference &#xD800; is not a character that XML allows',
    ],
    ['NUL', '<a>\n\0</a>', '2:1 Character U+0000 is not allowed in XML. Is this a binary file?'],
    [
      'half a character',
      '<a>\uD800</a>',
      '1:4 Character U+D800 is not allowed in XML. Is this a binary file?',
    ],
    ['an unclosed comment', '<a><!-- </a>', '1:4 Comment is not closed'],
    ['dashes in a comment', '<a><!-- x -- y --></a>', '1:11 "--" is not allowed inside a comment'],
    ['unclosed CDATA', '<a><![CDATA[ </a>', '1:4 CDATA section is not closed'],
    ['CDATA outside', '<![CDATA[x]]><a/>', '1:1 A CDATA section stands outside the root element'],
    [
      'an instruction inside',
      '<a><?php x ?></a>',
      '1:4 Processing instruction "php" is not allowed inside an element',
    ],
    [
      'a late declaration',
      '\n<?xml version="1.0"?><a/>',
      '2:1 The XML declaration may stand only at the very beginning of the file',
    ],
  ])('%s', (_, source, expected) => {
    const { code, line, column, message } = refusal(source);
    expect(`${line}:${column} ${message}`).toBe(expected);
    expect(code).toBe('NOT_XML');
  });

  test('a program in machine code', () => {
    expect(refusal(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x01, 0x00, 0x00]))).toMatchObject({
      code: 'NOT_XML',
    });
  });

  test('bytes that are not UTF-8', () => {
    const diagnostic = refusal(Buffer.from('<a>\n  \xe9</a>', 'latin1'));
    expect(place(diagnostic)).toBe('2:3');
    expect(diagnostic.message).toMatch(/^The file is not UTF-8 text/);
  });

  test('an encoding that is not known', () => {
    const diagnostic = refusal(Buffer.from('<?xml version="1.0" encoding="EBCDIC-US"?><a/>'));
    expect(diagnostic.message).toMatch(/names the encoding "EBCDIC-US", which is not read/);
  });
});

describe('entity definitions', () => {
  test('are refused unread, though they would grow a billionfold', () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      return `<!ENTITY lol${level + 1} "${`&lol${level};`.repeat(10)}">`;
    });
    const bomb = `<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol0 "lol">${levels.join('')}]>\n<lolz>&lol9;</lolz>`;
    const diagnostic = refusal(bomb);
    expect(place(diagnostic)).toBe('2:1');
    expect(diagnostic.message).toMatch(/DOCTYPE .* not allowed/);
  });

  test('are refused when they name a file', () => {
    const source = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>';
    expect(refusal(source)).toMatchObject({ code: 'NOT_XML', line: 1, column: 1 });
  });
});
