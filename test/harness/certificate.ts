import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A certificate for localhost and 127.0.0.1 that it has signed itself, as the files DIR/NAME.pem and DIR/NAME.key. */
export function makeCertificate(dir: string, name = 'cert'): { cert: Buffer; key: Buffer } {
  const [cert, key] = [`${dir}/${name}.pem`, `${dir}/${name}.key`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
