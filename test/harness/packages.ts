/** A web server for packages, and archives to put there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Scratch } from './scratch.ts';

/** Bytes sent of a file that stalls. */
const STALLED_BYTES = 1024;

export interface PackageServer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[];
  /** Serves bytes under a name; returns their URL. */
  serve(name: string, bytes: Buffer | string): string;
  /** Serves a file of which only the beginning ever comes, until `release`; returns its URL. */
  serveStalled(name: string, bytes: Buffer): string;
  /** Serves zeros as long as anybody takes them; returns their URL. */
  serveEndless(name: string): string;
  /** Lets the rest of what stalls go. */
  release(): void;
  close(): Promise<void>;
}

export async function startPackageServer(): Promise<PackageServer> {
  const files = new Map<string, { bytes: Buffer; stalls: boolean }>();
  const requests: string[] = [];
  const endless = new Set<string>();
  const stalled = new Map<ServerResponse, Buffer>();
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (endless.has(request.url ?? '')) {
      response.writeHead(200);
      const block = Buffer.alloc(1 << 16);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
      return;
    }
    const file = files.get(request.url ?? '');
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': file.bytes.length });
    if (!file.stalls) {
      response.end(file.bytes);
      return;
    }
    response.write(file.bytes.subarray(0, STALLED_BYTES));
    stalled.set(response, file.bytes.subarray(STALLED_BYTES));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const add = (name: string, bytes: Buffer | string, stalls: boolean): string => {
    files.set(`/${name}`, { bytes: Buffer.from(bytes), stalls });
    return `${url}/${name}`;
  };
  return {
    url,
    requests,
    serve: (name, bytes) => add(name, bytes, false),
    serveStalled: (name, bytes) => add(name, bytes, true),
    serveEndless(name) {
      endless.add(`/${name}`);
      return `${url}/${name}`;
    },
    release() {
      for (const file of files.values()) file.stalls = false;
      for (const [response, rest] of stalled) response.end(rest);
      stalled.clear();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An archive with one folder `name` that holds the files, all of them executable. */
export function makeTar(scratch: Scratch, name: string, files: Readonly<Record<string, string>>): Buffer {
  const dir = scratch.path('tar', name);
  for (const [file, text] of Object.entries(files)) {
    const path = join(dir, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o755 });
  }
  const archive = scratch.path('tar', `${name}.tar`);
  execFileSync('tar', ['-C', scratch.path('tar'), '-cf', archive, name]);
  const bytes = readFileSync(archive);
  rmSync(dir, { recursive: true });
  return bytes;
}
