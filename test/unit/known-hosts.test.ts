import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { KnownHosts, knownHostName } from '../../src/drivers/ssh/known-hosts.ts';
import { KnownHostsFile } from '../../src/drivers/ssh/known-hosts-file.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

/** A key as SSH sends it, in base64: its type, then some bytes. */
function keyOf(type: string, body = 'body'): string {
  const parts = [type, body].flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, Buffer.from(part)];
  });
  return Buffer.concat(parts).toString('base64');
}

const ED25519 = `ssh-ed25519 ${keyOf('ssh-ed25519')}`;
const RSA = `ssh-rsa ${keyOf('ssh-rsa')}`;

function hashed(name: string): string {
  const salt = Buffer.from('a salt of twenty by!');
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

/** Lines found for a name, with a `!` at revoked ones. */
function linesFor(text: string, name: string): string[] {
  return new KnownHosts(text).find(name).map((key) => `${key.revoked ? '!' : ''}${key.line}:${key.type}`);
}

describe('a known_hosts file', () => {
  it('finds a host by each of its names, whatever their case', () => {
    const text = `alpha,Beta,10.0.0.1 ${ED25519}\n`;
    expect(linesFor(text, 'alpha')).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, 'BETA')).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, '10.0.0.1')).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, 'alph')).toEqual([]);
  });

  it('keeps hosts on other ports apart', () => {
    const text = `[alpha]:2222 ${ED25519}\nalpha ${RSA}\n[::1]:2222 ${RSA}\n`;
    expect(linesFor(text, knownHostName('alpha', 2222))).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, knownHostName('alpha', 22))).toEqual(['2:ssh-rsa']);
    expect(linesFor(text, knownHostName('::1', 2222))).toEqual(['3:ssh-rsa']);
  });

  it('gives all keys of a host in the order of the file', () => {
    const text = `a* ${ED25519}\nalpha ${RSA}\n${hashed('alpha')} ${ED25519}\nalpha ${ED25519}\n`;
    expect(linesFor(text, 'alpha')).toEqual(['1:ssh-ed25519', '2:ssh-rsa', '3:ssh-ed25519', '4:ssh-ed25519']);
  });

  it.each([
    ['*.example.org', 'a.example.org', true],
    ['*.example.org', 'example.org', false],
    ['node-?', 'node-7', true],
    ['node-?', 'node-17', false],
    ['*', 'anything', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['**', '', true],
    ['node-*,!node-1', 'node-2', true],
    ['node-*,!node-1', 'node-1', false],
    ['!node-1,node-*', 'node-1', false],
    ['!node-1', 'node-2', false],
    ['[10.0.0.*]:2222', '[10.0.0.9]:2222', true],
    ['10.0.0.[1-9]?', '10.0.0.5x', false],
    ['a.c*', 'abc', false],
  ])('takes the pattern %s for %s: %s', (pattern, name, matches) => {
    expect(linesFor(`${pattern} ${ED25519}`, name)).toEqual(matches ? ['1:ssh-ed25519'] : []);
  });

  it('matches a pattern full of stars without getting lost', () => {
    expect(linesFor(`${'a*'.repeat(200)}b ${ED25519}`, 'a'.repeat(5_000))).toEqual([]);
  });

  it('finds hashed names', () => {
    const text = `${hashed('[alpha]:2222')} ${ED25519}\n`;
    expect(linesFor(text, '[alpha]:2222')).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, '[Alpha]:2222')).toEqual(['1:ssh-ed25519']);
    expect(linesFor(text, 'alpha')).toEqual([]);
  });

  it('tells revoked keys and passes certificate authorities over', () => {
    const text = `@revoked * ${RSA}\n@cert-authority * ${ED25519}\n@new-marker alpha ${ED25519}\nalpha ${ED25519}\n`;
    expect(linesFor(text, 'alpha')).toEqual(['!1:ssh-rsa', '4:ssh-ed25519']);
  });

  it.each([
    ['a comment', `# alpha ${ED25519}`],
    ['an empty line', '   '],
    ['a line cut off', 'alpha ssh-ed25519'],
    ['a key that is no base64', 'alpha ssh-ed25519 ????'],
    ['a key of another type than it says', `alpha ssh-ed25519 ${keyOf('ssh-rsa')}`],
    ['a key cut off', 'alpha ssh-ed25519 AAAAC3Nz'],
    ['a key of the first protocol', 'alpha 1024 35 1234567890'],
    ['a hash of another kind', `|2|c2FsdA==|aGFzaA== ${ED25519}`],
    ['a hash cut off', `|1|c2FsdA== ${ED25519}`],
    ['bytes that are no text', '\u0000\uFFFD\u0001 \u0002'],
  ])('passes over %s', (_what, line) => {
    expect(linesFor(`${line}\nalpha ${RSA}\n`, 'alpha')).toEqual(['2:ssh-rsa']);
  });

  it('takes tabs, comments after the key and the line ends of Windows', () => {
    expect(linesFor(`\talpha\t${ED25519} root@alpha since 2011\r\nalpha ${RSA}\r\n`, 'alpha')).toEqual([
      '1:ssh-ed25519',
      '2:ssh-rsa',
    ]);
  });
});

describe('a known_hosts file on the disk', () => {
  let scratch: Scratch;
  let path: string;

  beforeEach(() => {
    scratch = makeScratch();
    path = scratch.path('known_hosts');
  });

  afterEach(() => scratch.remove());

  const lines = (file: KnownHostsFile, name: string) => file.find(name).map((key) => key.line);

  it('is empty when it is not there', () => {
    expect(lines(new KnownHostsFile(path), 'alpha')).toEqual([]);
    expect(lines(new KnownHostsFile('/etc/passwd/below'), 'alpha')).toEqual([]);
  });

  it('fails when it cannot be read, for it may revoke keys', () => {
    expect(() => new KnownHostsFile(scratch.dir).find('alpha')).toThrow(scratch.dir);
  });

  it('is read again when it has changed', () => {
    const file = new KnownHostsFile(path);
    writeFileSync(path, `alpha ${ED25519}\n`);
    expect(lines(file, 'alpha')).toEqual([1]);
    writeFileSync(path, `# moved\nalpha ${ED25519}\n`);
    expect(lines(file, 'alpha')).toEqual([2]);
  });

  it('has what was added, at once and in the right line, whoever else writes', () => {
    const file = new KnownHostsFile(path);
    file.append(`alpha ${ED25519}`);
    file.append(`beta ${ED25519}`);
    expect([lines(file, 'alpha'), lines(file, 'beta')]).toEqual([[1], [2]]);
    appendFileSync(path, `gamma ${RSA}\n`);
    file.append(`delta ${ED25519}`);
    expect([lines(file, 'gamma'), lines(file, 'delta')]).toEqual([[3], [4]]);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(5);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
