import { checkCallbackUrl } from '../../../src/controller/callback-url.ts';
import { Fault } from '../../../src/controller/fault.ts';

test.each([
  'nonsense',
  'http://%zz:b@127.0.0.1/',
  'http://127.0.0.1/\r\nX-Other: y',
  'http://127.0.0.1/a b',
  'http://127.0.0.1\\@example.org/',
  ' http://127.0.0.1/',
])('a callback URL like %s is refused in our words alone, without those of the library', (url) => {
  let thrown: unknown;
  try {
    checkCallbackUrl(url, []);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Fault);
  expect(thrown).toMatchObject({ symbol: 'BAD_URL', details: undefined });
});
