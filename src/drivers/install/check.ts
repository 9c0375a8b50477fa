/** Checks of a package's bytes. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { PackageSpec } from '../../../api/spec.ts';
import { AgentError } from '../agent-error.ts';

/** Lower-case hexadecimal SHA-256 of a file, read in chunks. @throws the system's error */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of fs.createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @throws AgentError size_mismatch, hash_mismatch */
export function checkPackage(
  spec: PackageSpec,
  found: { readonly size: number; readonly sha256?: string },
): void {
  if (spec.size !== undefined && spec.size !== found.size) {
    throw new AgentError(
      'size_mismatch',
      `The package ${spec.name} has ${found.size} bytes where the specification says ${spec.size}`,
    );
  }
  checkHash(`The package ${spec.name}`, spec.sha256, found.sha256);
}

/** @throws AgentError hash_mismatch */
export function checkHash(what: string, expected: string | undefined, found: string | undefined): void {
  if (expected === undefined || expected.toLowerCase() === found) return;
  throw new AgentError('hash_mismatch', `${what} has SHA-256 ${found} where ${expected} is expected`);
}
