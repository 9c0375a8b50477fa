import { type Caller, createAuthenticate } from '../../src/drivers/http/auth.ts';

const owner: Caller = { name: 'owner', scopes: new Set(['admin']) };
const broker: Caller = { name: 'broker', scopes: new Set(['broker']) };
const authenticate = createAuthenticate([
  { token: 'owner:token', caller: owner },
  { token: 'broker-tok', caller: broker },
]);
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('the Authorization header', () => {
  it.each([
    ['Bearer owner:token', owner],
    ['bearer   broker-tok  ', broker],
    ['BEARER broker-tok', broker],
    [basic('plush:broker-tok'), broker],
    [basic(':owner:token'), owner],
    [basic('any user at all:owner:token').replace('Basic', 'bAsIc'), owner],
  ])('%s is known', (header, caller) => {
    expect(authenticate(header)).toBe(caller);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'owner:token',
    'Bearer owner:toke',
    'Bearer owner:token2',
    'Bearer owner:tokeN',
    'Digest owner:token',
    'Basic owner:token',
    'Basic ',
    'Basic !!!',
    basic('owner:toke'),
    basic('no colon'),
    basic(':'),
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer ownér:token',
  ])('%s is nobody', (header) => {
    expect(authenticate(header)).toBeUndefined();
  });

  it('cannot be checked against an empty token', () => {
    expect(() => createAuthenticate([{ token: '', caller: owner }])).toThrow(RangeError);
  });

  it('lets nobody in where there are no tokens', () => {
    expect(createAuthenticate([])('Bearer ')).toBeUndefined();
  });
});
