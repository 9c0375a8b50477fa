import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import type { SshAccessChanges } from '../harness/ssh-access.ts';
import { accessTo, nodeAt } from '../harness/ssh-access.ts';
import { makeKey, type Sshd, startSshd } from '../harness/sshd.ts';

const AMPLE_MS = 25_000;

function fingerprint(publicKeyFile: string): string {
  return execFileSync('ssh-keygen', ['-l', '-f', publicKeyFile], { encoding: 'utf8' }).split(' ')[1] ?? '';
}

describe('the host key of a machine', () => {
  let scratch: Scratch;
  let sshd: Sshd;

  beforeEach(async () => {
    scratch = makeScratch();
    sshd = await startSshd(scratch, { subnet: '127.0.12', addresses: 3 });
  });

  afterEach(async () => {
    await sshd.kill();
    await scratch.remove();
  });

  /** Connects with these lines in known_hosts, and says goodbye. */
  const visit = async (lines: string, changes: SshAccessChanges = {}, address = sshd.addresses[0]) => {
    const known = scratch.path('lines');
    writeFileSync(known, lines);
    const access = accessTo(scratch, sshd, { knownHostsFiles: [known], ...changes });
    (await access.open(nodeAt(sshd, address), AMPLE_MS)).close();
  };

  const address = () => sshd.addresses[0] ?? '';

  it('is refused when it is not known, with its fingerprint and what to do', async () => {
    await expect(visit('')).rejects.toMatchObject({
      name: 'AccessError',
      code: 'host_key_unknown',
      message: expect.stringContaining(fingerprint(`${sshd.hostKeyFile}.pub`)),
    });
    await expect(visit('')).rejects.toThrow(
      `add it to ${scratch.path('lines')} under the name [${address()}]:${sshd.port}`,
    );
    await expect(visit('')).rejects.toThrow('--ssh-host-keys accept-new');
  });

  it('is taken when a hashed line has it', async () => {
    const hashed = scratch.path('hashed');
    writeFileSync(hashed, sshd.knownHost(address()));
    execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' });
    const text = readFileSync(hashed, 'utf8');
    expect(text).toMatch(/^\|1\|/);
    await visit(text);
  });

  it('is taken when a pattern has it', async () => {
    await visit(`[127.0.12.*]:*,!nobody ${sshd.hostKey()}\n`);
  });

  it('is taken when it is known for the standard port', async () => {
    await visit(`${address()} ${sshd.hostKey()}\n`);
  });

  it('is refused when it has changed, with both fingerprints and the line', async () => {
    const other = makeKey(scratch.path('other'));
    const [type, key] = readFileSync(`${other}.pub`, 'utf8').split(' ');
    const refused = visit(`# kept\n\n[${address()}]:${sshd.port} ${type} ${key}\n`);
    await expect(refused).rejects.toMatchObject({ code: 'host_key_changed' });
    await expect(refused).rejects.toThrow(fingerprint(`${sshd.hostKeyFile}.pub`));
    await expect(refused).rejects.toThrow(fingerprint(`${other}.pub`));
    await expect(refused).rejects.toThrow(`${scratch.path('lines')}:3`);
  });

  it.each(['strict', 'accept-new'] as const)('is refused when it is revoked, with %s', async (hostKeys) => {
    const lines = `@revoked * ${sshd.hostKey()}\n${sshd.knownHost(address())}`;
    await expect(visit(lines, { hostKeys })).rejects.toMatchObject({
      code: 'host_key_changed',
      message: expect.stringContaining(`revoked by ${scratch.path('lines')}:1`),
    });
  });

  it('is asked for in the type that is known, when the machine has several', async () => {
    const rsa = makeKey(scratch.path('rsa_key'), 'rsa');
    const two = await startSshd(scratch, { subnet: '127.0.17', config: [`HostKey ${rsa}`] });
    try {
      const [type, key] = readFileSync(`${rsa}.pub`, 'utf8').split(' ');
      const known = scratch.path('rsa_known');
      writeFileSync(known, `[127.0.17.1]:${two.port} ${type} ${key}\n`);
      const access = accessTo(scratch, two, { knownHostsFiles: [known] });
      (await access.open(nodeAt(two), AMPLE_MS)).close();
    } finally {
      await two.kill();
    }
  });

  it('is believed the first time with accept-new, and kept', async () => {
    const accepted = scratch.path('ssh', 'accepted');
    await visit('', { hostKeys: 'accept-new' });
    expect(readFileSync(accepted, 'utf8')).toBe(sshd.knownHost(address()));
    expect(statSync(accepted).mode & 0o777).toBe(0o600);
    await visit('', { hostKeys: 'accept-new' });
    await visit('', { hostKeys: 'strict' });
    expect(readFileSync(accepted, 'utf8')).toBe(sshd.knownHost(address()));
  });

  it('is refused with accept-new when it is another one than before', async () => {
    await visit('', { hostKeys: 'accept-new' });
    await sshd.restartWithNewHostKey();
    await expect(visit('', { hostKeys: 'accept-new' })).rejects.toMatchObject({
      code: 'host_key_changed',
      message: expect.stringContaining(`${scratch.path('ssh', 'accepted')}:1`),
    });
  });

  it('is kept once when many connections meet it at once', async () => {
    const access = accessTo(scratch, sshd, { knownHostsFiles: [], hostKeys: 'accept-new' });
    const visits = sshd.addresses.flatMap((host) => Array<string>(8).fill(host));
    const sessions = await Promise.all(visits.map((host) => access.open(nodeAt(sshd, host), AMPLE_MS)));
    for (const session of sessions) session.close();
    const lines = readFileSync(scratch.path('ssh', 'accepted'), 'utf8').match(/.+\n/g);
    expect(lines?.sort()).toEqual(sshd.addresses.map((host) => sshd.knownHost(host)).sort());
  });

  it('starts a line of its own behind a line that was cut off', async () => {
    const accepted = scratch.path('ssh', 'accepted');
    writeFileSync(accepted, 'half a li');
    await visit('', { hostKeys: 'accept-new' });
    expect(readFileSync(accepted, 'utf8')).toBe(`half a li\n${sshd.knownHost(address())}`);
  });

  it('is refused when it cannot be kept', async () => {
    const accepted = '/proc/nowhere/accepted';
    await expect(visit('', { hostKeys: 'accept-new', acceptedHostsFile: accepted })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(accepted),
    });
  });
});
