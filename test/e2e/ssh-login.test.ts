import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import type { NodeSpec } from '../../api/spec.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo, nodeAt, type SshAccessChanges } from '../harness/ssh-access.ts';
import { makeKey, type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

const AMPLE_MS = 25_000;

describe('logging in to a machine', () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let strangeKey: string;
  let encryptedKey: string;

  beforeAll(async () => {
    scratch = makeScratch();
    sshd = await startSshd(scratch, { subnet: '127.0.13' });
    strangeKey = makeKey(scratch.path('strange_key'));
    encryptedKey = makeKey(scratch.path('encrypted_key'), 'ed25519', 'a passphrase');
  });

  afterAll(async () => {
    await sshd.kill();
    await scratch.remove();
  });

  const logIn = async (changes: SshAccessChanges, node: Partial<NodeSpec> = {}) => {
    const session = await accessTo(scratch, sshd, changes).open({ ...nodeAt(sshd), ...node }, AMPLE_MS);
    session.close();
  };

  it('uses the key of the node before the one for all', async () => {
    await logIn({ identityFile: '/no/such/key' }, { ssh_identity: sshd.identityFile });
    const failing = logIn({}, { ssh_identity: strangeKey });
    await expect(failing).rejects.toMatchObject({
      code: 'auth_failed',
      message: expect.stringContaining(strangeKey),
    });
  });

  it('names account and keys when the machine takes none of them', async () => {
    const failing = logIn({ identityFile: strangeKey });
    await expect(failing).rejects.toMatchObject({ name: 'AccessError', code: 'auth_failed' });
    await expect(failing).rejects.toThrow(
      `lets ${sshd.user} in with none of our keys (tried the key ${strangeKey})`,
    );
  });

  it('fails for an account that the machine does not have', async () => {
    await expect(logIn({}, { user: 'nobody-of-that-name' })).rejects.toMatchObject({
      code: 'auth_failed',
      message: expect.stringContaining('nobody-of-that-name'),
    });
  });

  it.each([
    ['a missing one', () => '/no/such/key', 'no_identity', 'is not there'],
    ['a folder', () => scratch.dir, 'no_identity', 'cannot be read'],
    ['an encrypted one', () => encryptedKey, 'auth_failed', 'ssh-add'],
    ['a public one', () => `${strangeKey}.pub`, 'auth_failed', 'public key'],
    ['what is no key at all', () => '/etc/passwd', 'auth_failed', 'no private key'],
  ])('says what is wrong with the key file: %s', async (_kind, file, code, words) => {
    const failing = logIn({ identityFile: file() });
    await expect(failing).rejects.toMatchObject({ name: 'AccessError', code });
    await expect(failing).rejects.toThrow(file());
    await expect(failing).rejects.toThrow(words);
  });

  it('notices an encrypted key in the old format', async () => {
    const file = makeKey(scratch.path('old_key'), 'rsa', '');
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-P', '', '-N', 'secret', '-f', file], {
      stdio: 'ignore',
    });
    await expect(logIn({ identityFile: file })).rejects.toThrow('is encrypted');
  });

  it('reads a key file again when it has changed', async () => {
    const file = scratch.path('changing_key');
    copyFileSync(strangeKey, file);
    const access = accessTo(scratch, sshd, { identityFile: file });
    await expect(access.open(nodeAt(sshd), AMPLE_MS)).rejects.toMatchObject({ code: 'auth_failed' });
    writeFileSync(file, '');
    copyFileSync(sshd.identityFile, file);
    (await access.open(nodeAt(sshd), AMPLE_MS)).close();
  });

  it('tries the default files that are there when nothing is named', async () => {
    const files = ['/no/such/key', encryptedKey, strangeKey, sshd.identityFile];
    await logIn({ identityFile: undefined, defaultIdentityFiles: files });
  });

  it.each(['rsa', 'ecdsa'])('logs in with a key of type %s', async (type) => {
    const file = makeKey(scratch.path(`key_${type}`), type);
    const keys = scratch.path(`authorized_${type}`);
    copyFileSync(`${file}.pub`, keys);
    const other = await startSshd(scratch, {
      subnet: '127.0.18',
      config: [`AuthorizedKeysFile ${keys}`],
      hostKeyType: 'ecdsa',
    });
    try {
      (await accessTo(scratch, other, { identityFile: file }).open(nodeAt(other), AMPLE_MS)).close();
    } finally {
      await other.kill();
    }
  });

  it('says that there is no key when nothing is named or found', async () => {
    await expect(logIn({ identityFile: undefined })).rejects.toMatchObject({
      code: 'no_identity',
      message: expect.stringContaining('--ssh-identity'),
    });
  });

  it('explains itself when the only default file is encrypted', async () => {
    await expect(logIn({ identityFile: undefined, defaultIdentityFiles: [encryptedKey] })).rejects.toThrow(
      encryptedKey,
    );
  });

  describe('with ssh-agent', () => {
    let agent: ChildProcess;
    let agentSocket: string;

    beforeAll(async () => {
      agentSocket = scratch.path('agent');
      agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: 'ignore' });
      await waitFor('ssh-agent', () => existsSync(agentSocket));
    });

    afterAll(() => {
      agent.kill();
    });

    const add = (file: string) =>
      execFileSync('ssh-add', ['-q', file], {
        env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
        stdio: 'ignore',
      });

    it('falls back to the default files when the agent has no key that fits', async () => {
      await logIn({ identityFile: undefined, agentSocket, defaultIdentityFiles: [sshd.identityFile] });
      add(strangeKey);
      await logIn({ identityFile: undefined, agentSocket, defaultIdentityFiles: [sshd.identityFile] });
      await expect(logIn({ identityFile: undefined, agentSocket })).rejects.toMatchObject({
        code: 'auth_failed',
        message: expect.stringContaining(agentSocket),
      });
    });

    it('uses the agent when no file is named', async () => {
      add(sshd.identityFile);
      await logIn({ identityFile: undefined, agentSocket });
    });

    it('says so when the agent does not answer', async () => {
      await expect(logIn({ identityFile: undefined, agentSocket: '/no/such/agent' })).rejects.toMatchObject({
        code: 'no_identity',
        message: expect.stringContaining('/no/such/agent'),
      });
    });
  });
});
