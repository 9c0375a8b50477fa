import { decodeCall } from '../../../src/wire/xmlrpc/decode.ts';
import { callWith, readValue, wireErrorOf } from './documents.ts';

const NOT_WELL_FORMED = { code: -32700, symbol: 'NOT_WELL_FORMED' };
const INVALID_CHARACTER = { code: -32702, symbol: 'INVALID_CHARACTER' };
const INVALID_REQUEST = { code: -32600, symbol: 'INVALID_REQUEST' };

const CALL = '<methodCall><methodName>m</methodName></methodCall>';

const malformed: [what: string, body: string, message: string][] = [
  ['an empty body', '', 'Document has no root element at character 0'],
  ['whitespace alone', ' \n ', 'Document has no root element'],
  ['a comment alone', '<!-- x -->', 'Document has no root element'],
  ['a DOCTYPE', `<!DOCTYPE m>${CALL}`, 'DOCTYPE is not accepted at character 0'],
  [
    'a DOCTYPE with entities',
    `<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "b"><!ENTITY c SYSTEM "file:///etc/passwd">]>${CALL}`,
    'DOCTYPE is not accepted at character 21',
  ],
  ['two roots', CALL + CALL, 'Only one root element is allowed'],
  ['text after the root', `${CALL} more`, 'Text "more" outside the root element at character 52'],
  ['plain text', 'hello', 'Text "hello" outside the root element at character 0'],
  ['an end tag after the root', `${CALL}</methodCall>`, 'Only one root element'],
  ['a body cut off in an element', CALL.slice(0, -13), 'Document ends inside an element'],
  ['a body cut off in text', '<methodCall><methodName>m', 'Document ends inside an element at character 25'],
  ['a body cut off in an end tag', '<methodCall><methodName>m</methodName', 'Unclosed end tag </methodName>'],
  ['a body cut off in a start tag', '<methodCall', 'Malformed tag "<methodCall"'],
  ['a body cut off after "<"', '<methodCall><', 'Tag without a name at character 12'],
  [
    'a tag without a name',
    '<methodCall>< methodName>m</methodName></methodCall>',
    'Tag without a name at character 12',
  ],
  [
    'a tag that starts with a digit',
    '<methodCall><1a></1a></methodCall>',
    'Malformed tag "<1a" at character 12',
  ],
  [
    'mismatched tags',
    '<methodCall><methodName>m</methodname></methodCall>',
    'Expected </methodName> but found "</methodname>"',
  ],
  [
    'an end tag with more than a name',
    '<methodCall><methodName>m</methodName x></methodCall>',
    'Unclosed end tag',
  ],
  ['an unclosed comment', '<!-- x', 'Unclosed comment at character 0'],
  ['two hyphens in a comment', `<!-- a -- b -->${CALL}`, 'Two hyphens inside a comment at character 7'],
  ['an unclosed instruction', '<?pi x', 'Unclosed processing instruction'],
  ['an instruction without a target', `<? x?>${CALL}`, 'Malformed processing instruction'],
  [
    'an unclosed CDATA section',
    '<methodCall><methodName><![CDATA[x',
    'Unclosed CDATA section at character 24',
  ],
  ['other markup', '<methodCall><!ELEMENT x></methodCall>', 'Malformed markup'],
  [
    'an XML declaration that is not first',
    ` <?xml version="1.0"?>${CALL}`,
    'XML declaration must be the very first thing',
  ],
  ['an XML declaration without version', `<?xml encoding="UTF-8"?>${CALL}`, 'Malformed XML declaration'],
  ['an XML declaration of version 2', `<?xml version="2.0"?>${CALL}`, 'Malformed XML declaration'],
  [
    'an XML declaration out of order',
    `<?xml encoding="UTF-8" version="1.0"?>${CALL}`,
    'Malformed XML declaration',
  ],
  ['an attribute without quotes', '<methodCall a=b/>', 'Malformed tag "<methodCall"'],
  ['an attribute with "<"', '<methodCall a="<"/>', 'Malformed tag "<methodCall"'],
  ['an attribute twice', '<methodCall a="1" b="" a="2"/>', 'Attribute "a" twice'],
  ['an attribute with an unknown entity', '<methodCall a="&x;"/>', 'Unknown entity "&x;"'],
  ['attributes without space between them', '<methodCall a="1"b="2"/>', 'Malformed tag'],
];

const malformedText: [what: string, content: string, message: string][] = [
  ['an unknown entity', 'a&nbsp;b', 'Unknown entity "&nbsp;" in the text'],
  ['an unknown entity in a long text', `${'&amp;'.repeat(400)}&nbsp;`, 'Unknown entity "&nbsp;" in the text'],
  ['an ampersand that ends a long text', `${'&amp;'.repeat(400)}&`, 'Unknown entity "&"'],
  ['an entity without a semicolon', 'a&amp b', 'Unknown entity "&amp"'],
  ['an ampersand', 'a & b', 'Unknown entity "&"'],
  ['a reference without digits', '&#;', 'Unknown entity "&#;"'],
  ['a reference with an upper-case X', '&#X41;', 'Unknown entity "&#X41;"'],
  ['"]]>" in text', 'a]]>b', 'Text contains "]]>"'],
];

const forbiddenText: [what: string, content: string, message: string][] = [
  ['NUL', 'a\u0000', 'Character U+0000 is not allowed in XML'],
  ['a control character', '\u001b[1m', 'Character U+001B is not allowed in XML'],
  ['a control character in CDATA', '<![CDATA[\u0008]]>', 'Character U+0008'],
  ['a noncharacter', '\uffff', 'Character U+FFFF'],
  ['a reference to NUL', '&#0;', 'Reference "&#0;" names no XML character'],
  ['a reference to a control character', '&#x1B;', 'Reference "&#x1B;"'],
  ['a reference to a surrogate', '&#xD83D;&#xDE00;', 'Reference "&#xD83D;"'],
  ['a reference beyond Unicode', '&#x110000;', 'Reference "&#x110000;"'],
  ['a reference with many digits', `&#${'9'.repeat(400)};`, 'names no XML character'],
];

const invalidCalls: [what: string, body: string, message: string][] = [
  ['a response', '<methodResponse/>', 'Element "methodResponse" where <methodCall> belongs at character 0'],
  ['an empty call', '<methodCall/>', 'Missing <methodName>'],
  [
    'a call without a name',
    '<methodCall><params/></methodCall>',
    'Element "params" where <methodName> belongs',
  ],
  ['an empty name', '<methodCall><methodName> </methodName></methodCall>', 'Empty <methodName>'],
  [
    'an element in the name',
    '<methodCall><methodName>m<b/></methodName></methodCall>',
    'Element "b" where the end of <methodName> belongs',
  ],
  [
    'two names',
    '<methodCall><methodName>m</methodName><methodName>n</methodName></methodCall>',
    'where <params> belongs',
  ],
  [
    'parameters twice',
    '<methodCall><methodName>m</methodName><params/><params/></methodCall>',
    'where the end of <methodCall> belongs',
  ],
  [
    'text between elements',
    '<methodCall>x<methodName>m</methodName></methodCall>',
    'Text "x" between elements at character 12',
  ],
  [
    'CDATA between elements',
    '<methodCall><![CDATA[ ]]><methodName>m</methodName></methodCall>',
    'CDATA between elements',
  ],
];

const invalidParams: [what: string, params: string, message: string][] = [
  ['a value outside a parameter', '<value/>', 'Element "value" where <param> belongs'],
  ['an empty parameter', '<param/>', 'Missing <value>'],
  ['a parameter with two values', '<param><value/><value/></param>', 'where the end of <param> belongs'],
  ['text in a parameter', '<param>x</param>', 'Text "x" between elements'],
];

const invalidValues: [what: string, content: string, message: string][] = [
  ['an unknown type', '<integer>1</integer>', 'Element "integer" where a type of XML-RPC belongs'],
  ['a type in capitals', '<INT>1</INT>', 'where a type of XML-RPC belongs'],
  ['an unknown prefix', '<x:int>1</x:int>', 'where a type of XML-RPC belongs'],
  ['a type named like an object method', '<constructor/>', 'where a type of XML-RPC belongs'],
  ['a serialized Java object', '<ex:serializable>rO0=</ex:serializable>', 'where a type of XML-RPC belongs'],
  ['two types', '<int>1</int><int>2</int>', 'where the end of <value> belongs'],
  ['text before a type', 'x<int>1</int>', 'Text "x" beside a typed value'],
  ['text after a type', '<int>1</int>x', 'Text "x" between elements'],
  ['an element in a scalar', '<int><b/></int>', 'Element "b" where the end of <int> belongs'],
  ['an empty int', '<int/>', '"" is not a valid int'],
  ['an int with a fraction', '<int>1.0</int>', '"1.0" is not a valid int'],
  ['an int with an exponent', '<int>1e3</int>', '"1e3" is not a valid int'],
  ['an int in hexadecimal', '<int>0x10</int>', 'is not a valid int'],
  ['an int with a space inside', '<int>1 2</int>', 'is not a valid int'],
  ['an int in other digits', '<int>١</int>', 'is not a valid int'],
  ['an int with a no-break space', '<int>\u00a01</int>', 'is not a valid int'],
  ['an int over 32 bits', '<int>2147483648</int>', '"2147483648" is not a valid int'],
  ['an int under 32 bits', '<i4>-2147483649</i4>', 'is not a valid i4'],
  ['a very long int', `<int>${'9'.repeat(10_000)}</int>`, 'is not a valid int'],
  ['an i1 over 8 bits', '<i1>128</i1>', 'is not a valid i1'],
  ['an i2 under 16 bits', '<ex:i2>-32769</ex:i2>', 'is not a valid ex:i2'],
  ['an i8 over 64 bits', '<i8>9223372036854775808</i8>', 'is not a valid i8'],
  ['an i8 under 64 bits', '<i8>-9223372036854775809</i8>', 'is not a valid i8'],
  ['a boolean in words', '<boolean>true</boolean>', '"true" is not a valid boolean'],
  ['a boolean of 2', '<boolean>2</boolean>', 'is not a valid boolean'],
  ['an empty double', '<double/>', 'is not a valid double'],
  ['a double of a point', '<double>.</double>', 'is not a valid double'],
  ['infinity', '<double>inf</double>', '"inf" is not a valid double'],
  ['not a number', '<double>NaN</double>', 'is not a valid double'],
  ['a double out of range', '<double>1e999</double>', 'is not a valid double'],
  ['a double with a comma', '<double>1,5</double>', 'is not a valid double'],
  ['a nil with content', '<nil>x</nil>', '"x" is not a valid nil'],
  ['base64 with other characters', '<base64>ab_-</base64>', 'is not a valid base64'],
  ['base64 without its padding', '<base64>QQ</base64>', 'is not a valid base64'],
  ['base64 with padding inside', '<base64>QQ==QQ==</base64>', 'is not a valid base64'],
  ['base64 of padding alone', '<base64>====</base64>', 'is not a valid base64'],
  ['an empty date', '<dateTime.iso8601/>', 'is not a valid dateTime.iso8601'],
  [
    'a date without a time',
    '<dateTime.iso8601>19980717</dateTime.iso8601>',
    'is not a valid dateTime.iso8601',
  ],
  ['a date with one dash', '<dateTime.iso8601>1998-0717T14:08:55</dateTime.iso8601>', 'is not a valid'],
  ['month 13', '<dateTime.iso8601>19981317T14:08:55</dateTime.iso8601>', 'is not a valid'],
  ['the 30th of February', '<dateTime.iso8601>20240230T14:08:55</dateTime.iso8601>', 'is not a valid'],
  ['hour 24', '<dateTime.iso8601>19980717T24:00:00</dateTime.iso8601>', 'is not a valid'],
  ['second 60', '<dateTime.iso8601>19980717T23:59:60</dateTime.iso8601>', 'is not a valid'],
  ['a zone of 99 hours', '<dateTime.iso8601>19980717T23:59:00+99</dateTime.iso8601>', 'is not a valid'],
  [
    'a date that its zone takes out of range',
    '<dateTime.iso8601>99991231T23:59:59-01</dateTime.iso8601>',
    'is not a valid',
  ],
  ['an array without data', '<array/>', 'Missing <data>'],
  ['an array with data twice', '<array><data/><data/></array>', 'where the end of <array> belongs'],
  [
    'an array of anything but values',
    '<array><data><int>1</int></data></array>',
    'Element "int" where <value> belongs',
  ],
  ['text in an array', '<array><data>x</data></array>', 'Text "x" between elements'],
  ['a struct of anything but members', '<struct><value/></struct>', 'Element "value" where <member> belongs'],
  ['an empty member', '<struct><member/></struct>', 'Missing <name>'],
  [
    'a member without a name',
    '<struct><member><value/></member></struct>',
    'Element "value" where <name> belongs',
  ],
  ['a member without a value', '<struct><member><name>a</name></member></struct>', 'Missing <value>'],
  [
    'a member with two names',
    '<struct><member><name>a</name><name>b</name><value/></member></struct>',
    'Element "name" where <value> belongs',
  ],
  [
    'a member with two values',
    '<struct><member><name>a</name><value/><value/></member></struct>',
    'where the end of <member> belongs',
  ],
  [
    'a member twice',
    '<struct><member><name>a</name><value/></member><member><name>&#97;</name><value/></member></struct>',
    'Struct has member "a" twice',
  ],
  [
    'a __proto__ twice',
    '<struct><member><name>__proto__</name><value/></member><member><name>__proto__</name><value/></member></struct>',
    'Struct has member "__proto__" twice',
  ],
];

describe('the XML-RPC reader refuses as not well formed', () => {
  it.each(malformed)('%s', (_what, body, message) => {
    const error = wireErrorOf(() => decodeCall(Buffer.from(body)));
    expect(error).toMatchObject({ ...NOT_WELL_FORMED, message: expect.stringContaining(message) });
  });

  it.each(malformedText)('%s', (_what, content, message) => {
    const error = wireErrorOf(() => readValue(`<string>${content}</string>`));
    expect(error).toMatchObject({ ...NOT_WELL_FORMED, message: expect.stringContaining(message) });
    expect(wireErrorOf(() => readValue(content))).toMatchObject(NOT_WELL_FORMED);
  });
});

describe('the XML-RPC reader refuses as outside XML', () => {
  it.each(forbiddenText)('%s', (_what, content, message) => {
    const error = wireErrorOf(() => readValue(`<string>${content}</string>`));
    expect(error).toMatchObject({ ...INVALID_CHARACTER, message: expect.stringContaining(message) });
  });
});

describe('the XML-RPC reader refuses as no valid call', () => {
  it.each(invalidCalls)('%s', (_what, body, message) => {
    const error = wireErrorOf(() => decodeCall(Buffer.from(body)));
    expect(error).toMatchObject({ ...INVALID_REQUEST, message: expect.stringContaining(message) });
  });

  it.each(invalidParams)('%s', (_what, params, message) => {
    const error = wireErrorOf(() => decodeCall(callWith(params)));
    expect(error).toMatchObject({ ...INVALID_REQUEST, message: expect.stringContaining(message) });
  });

  it.each(invalidValues)('%s', (_what, content, message) => {
    const error = wireErrorOf(() => readValue(content));
    expect(error).toMatchObject({ ...INVALID_REQUEST, message: expect.stringContaining(message) });
    expect(error.message).toMatch(/ at character \d+$/);
  });
});

describe('a message of the XML-RPC reader', () => {
  it('quotes a bounded piece of the input', () => {
    const error = wireErrorOf(() => readValue(`<int>${'x'.repeat(100_000)}</int>`));
    expect(error.message.length).toBeLessThan(120);
  });
});
