import { checkHostname, checkUserName, hostPart, isIpAddress } from '../../../src/core/pool/hostname.ts';

describe('the name of a node', () => {
  test.each([
    'host',
    'host.example.org',
    'host.example.org.',
    'under_score-1',
    'host:1',
    'host:65535',
    '10.0.0.1:22',
    '[::1]',
    '[2001:db8::1]:15400',
    '[::ffff:10.0.0.1]:22',
    '[1:2:3:4:5:6:7:8]',
    '[::]',
  ])('may be %s', (text) => {
    expect(checkHostname(text)).toBeUndefined();
  });

  test.each([
    ['', 'is empty'],
    ['a b', 'has a space'],
    ['a\u0000', 'may have only'],
    ['a/b', 'may have only'],
    ['../a', 'may have only'],
    ['..', 'has an empty part'],
    ['a..b', 'has an empty part'],
    ['-a', 'begins with "-"'],
    ['user@host', 'may have only'],
    ['hôte', 'may have only'],
    [':22', 'has no host'],
    ['host:', 'needs a port'],
    ['host:0', 'needs a port'],
    ['host:65536', 'needs a port'],
    ['host:+22', 'needs a port'],
    ['host:22:22', 'more than one colon'],
    ['::1', 'more than one colon'],
    ['[::1', 'without "]"'],
    ['[::1]22', 'after "]"'],
    ['[::1]:', 'needs a port'],
    ['[host]', 'other than an IPv6 address'],
    ['[1:2:3:4:5:6:7]', 'other than an IPv6 address'],
    ['[1::2::3]', 'other than an IPv6 address'],
    ['[12345::]', 'other than an IPv6 address'],
    ['[::10.0.0.256]', 'other than an IPv6 address'],
    ['[]', 'other than an IPv6 address'],
    ['a'.repeat(64), 'longer than 63'],
    ['a.'.repeat(128), 'longer than 255'],
  ])('may not be %j', (text, reason) => {
    expect(checkHostname(text)).toContain(reason);
  });

  test.each([
    ['host', 'host'],
    ['host:22', 'host'],
    ['[::1]', '::1'],
    ['[::1]:22', '::1'],
  ])('%s has the host %s', (name, host) => {
    expect(hostPart(name)).toBe(host);
  });
});

test('a user name has no option, space or path in it', () => {
  expect(['albrecht', 'first.last', 'me@domain', 'svc$'].map(checkUserName)).toEqual(
    Array(4).fill(undefined),
  );
  for (const name of ['', '-l', 'a b', 'a/b', 'a;b', 'a\n', 'x'.repeat(65)])
    expect(checkUserName(name)).toBeDefined();
});

test('an IP address is recognised without port or brackets', () => {
  expect(['10.0.0.1', '::1', 'fe80::1'].map(isIpAddress)).toEqual([true, true, true]);
  expect(['10.0.0', '10.0.0.1:2', '[::1]', 'host', ''].map(isIpAddress)).toEqual(Array(5).fill(false));
});
