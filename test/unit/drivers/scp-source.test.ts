import { parseScpSource } from '../../../src/drivers/nodes/packages.ts';

describe('parseScpSource', () => {
  test.each([
    ['host:/a/b.tar', { host: 'host', path: '/a/b.tar' }],
    ['host:b.tar', { host: 'host', path: 'b.tar' }],
    ['me@host:/a b/c.tar', { host: 'host', user: 'me', path: '/a b/c.tar' }],
    ['[::1]:/a', { host: '[::1]', path: '/a' }],
    ['scp://host/a/b', { host: 'host', path: '/a/b' }],
    ['scp://me@host:2222/a', { host: 'host', user: 'me', port: 2222, path: '/a' }],
    ['scp://me@[::1]:2222/a', { host: '[::1]', user: 'me', port: 2222, path: '/a' }],
  ])('reads %s', (text, source) => {
    expect(parseScpSource(text)).toEqual(source);
  });

  test.each(['/a/b.tar', 'b.tar', 'dir/with:colon', ''])('takes %j for none', (text) => {
    expect(parseScpSource(text)).toBeUndefined();
  });
});
