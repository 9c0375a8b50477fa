import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import type { SshAccessOptions } from '../../src/drivers/ssh/access.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { accessTo, nodeAt } from '../harness/ssh-access.ts';
import { makeKey, type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

const AMPLE_MS = 25_000;

describe('logging in to a machine', () => {
  let scratch: Scratch;
  let sshd: Sshd;

  beforeAll(async () => {
    scratch = makeScratch();
    sshd = await startSshd(scratch, { subnet: '127.0.13', config: ['MaxAuthTries 3'] });
  });

  afterAll(async () => {
    await sshd.kill();
    await scratch.remove();
  });

  const logIn = async (options: Omit<Partial<SshAccessOptions>, 'identityFile'> & { identityFile?: string | undefined }) => {
    const { identityFile, ...rest } = { ...accessOptions(), ...options };
    const access = accessTo(scratch, sshd, rest);
    const node = { ...nodeAt(sshd), ...(identityFile === undefined ? {} : { ssh_identity: identityFile }) };
    (await access.open(node, AMPLE_MS)).close();
  };
});
