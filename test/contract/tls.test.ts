/** TLS of a real plushd: what it serves, what it refuses, and a new certificate without a restart. */
import { renameSync } from 'node:fs';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { makeCertificate } from '../harness/certificate.ts';
import { type Plushd, runPlushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const scratch = makeScratch();
let plushd: Plushd;
let cert: Buffer;

beforeAll(async () => {
  cert = makeCertificate(scratch.dir, 'first').cert;
  const files = ['--tls-cert', scratch.path('first.pem'), '--tls-key', scratch.path('first.key')];
  plushd = await startPlushd({ scratch, args: files });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** Resolves with a connection, or rejects as TLS does. */
function dial(options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const port = Number(new URL(plushd.url).port);
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert, ...options });
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

const nameOf = ({ subject }: PeerCertificate) => subject.CN;

describe('plushd with a certificate', () => {
  it('answers calls of a client that checks it', async () => {
    expect(plushd.url).toMatch(/^https:/);
    const socket = await dial();
    const body = '<methodCall><methodName>plushTestConnection</methodName></methodCall>';
    const head = `POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${plushd.token}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    socket.write(head + body);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toContain('Hello World');
  });

  it('speaks TLS 1.2 and later only', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await dial({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(dial(old)).rejects.toThrow(/alert|version|reset/i);
  });

  it('serves a new certificate after SIGHUP, and keeps it where the next is none', async () => {
    const before = await dial();
    expect(nameOf(before.getPeerCertificate())).toBe('first');
    cert = makeCertificate(scratch.dir, 'second').cert;
    for (const end of ['pem', 'key']) renameSync(scratch.path(`second.${end}`), scratch.path(`first.${end}`));
    process.kill(plushd.pid, 'SIGHUP');
    await waitFor('the new certificate', async () => {
      const socket = await dial();
      const name = nameOf(socket.getPeerCertificate());
      socket.destroy();
      return name === 'second';
    });
    expect(before.destroyed).toBe(false);
    before.destroy();
    makeCertificate(scratch.dir, 'third');
    renameSync(scratch.path('third.key'), scratch.path('first.key'));
    process.kill(plushd.pid, 'SIGHUP');
    await waitFor('the refusal', () => plushd.logText().includes('The certificate was not read again'));
    (await dial()).destroy();
  });
});

describe('an address that the network reaches', () => {
  const listen = ['--listen', '0.0.0.0:0', '--state', scratch.path('open')];

  it('is refused without a certificate', async () => {
    const end = await runPlushd(listen);
    expect([end.code, end.stdout]).toEqual([2, '']);
    expect(end.stderr).toMatch(/0\.0\.0\.0:0 is open to the network: give --tls-cert and --tls-key/);
  });

  it('is served without one where that is asked for, with a warning', async () => {
    const open = makeScratch();
    const daemon = await startPlushd({ scratch: open, args: ['--listen', '0.0.0.0:0', '--insecure-listen'] });
    try {
      expect(await daemon.call('plushTestConnection')).toBe('Hello World');
      await waitFor('the warning', () => daemon.logText().includes('tokens cross the network in clear'));
    } finally {
      await daemon.close();
      await open.remove();
    }
  });
});
