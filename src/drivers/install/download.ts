/** Fetches a package over HTTP or HTTPS into a file. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { dirname } from 'node:path';
import type { PackageSpec } from '../../../api/spec.ts';
import { AgentError, errorCode, messageOf } from '../agent-error.ts';
import { checkPackage } from './check.ts';
import type { TransferProgress } from './progress.ts';
import { explainNoRoom } from './room.ts';
import { createFresh } from './work-file.ts';

const MAX_REDIRECTS = 5;

export interface DownloadOptions {
  /** Longest time without a byte, from the beginning of the connection on. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Learns of what comes. @default nobody does */
  readonly progress?: TransferProgress;
}

/**
 * Fetches `spec.path` into `file`, which is there only when its bytes are complete and right.
 * @returns its size. @throws AgentError download_*, hash_mismatch, size_mismatch, disk_full
 */
export async function download(spec: PackageSpec, file: string, options: DownloadOptions): Promise<number> {
  const part = `${file}.part`;
  try {
    const { response, url } = await follow(parseUrl(spec.path), options);
    const found = await save(response, { spec, part, url, options });
    checkPackage(spec, found);
    fs.renameSync(part, file);
    return found.size;
  } catch (error) {
    fs.rmSync(part, { force: true });
    throw error;
  }
}

/** The answer that is not a redirect. */
async function follow(
  first: URL,
  options: DownloadOptions,
): Promise<{ response: http.IncomingMessage; url: URL }> {
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await get(url, options);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return { response, url };
    response.destroy();
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
      const reason = response.statusMessage || http.STATUS_CODES[statusCode] || '';
      throw new AgentError('download_refused', `${statusCode} ${reason} for ${show(url)}`.replace('  ', ' '));
    }
    url = parseUrl(headers.location, url);
  }
  throw new AgentError('download_refused', `More than ${MAX_REDIRECTS} redirects from ${show(first)}`);
}

/** Settles with the answer's head. */
function get(url: URL, { stallMs, signal }: DownloadOptions): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const asked = request(url, { agent: false, signal, headers: { 'user-agent': 'plush', accept: '*/*' } });
    const timer = setTimeout(() => asked.destroy(stalled(url, stallMs)), stallMs);
    asked.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    // Stays: an aborted request tells its error after its response too, and nobody else listens.
    asked.on('error', (error) => {
      clearTimeout(timer);
      reject(error instanceof AgentError ? error : failed(url, error));
    });
    asked.end();
  });
}

interface Saving {
  readonly spec: PackageSpec;
  readonly part: string;
  readonly url: URL;
  readonly options: DownloadOptions;
}

async function save(
  response: http.IncomingMessage,
  { spec, part, url, options: { stallMs, progress } }: Saving,
): Promise<{ size: number; sha256?: string }> {
  const announced = contentLength(response);
  progress?.expect(announced ?? spec.size);
  const hash = spec.sha256 === undefined ? undefined : createHash('sha256');
  let size = 0;
  const timer = setTimeout(() => response.destroy(stalled(url, stallMs)), stallMs);
  try {
    const out = await createFresh(part);
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        progress?.add(chunk.length);
        if (spec.size !== undefined && size > spec.size) checkPackage(spec, { size });
        hash?.update(chunk);
        await out.writeFile(chunk);
        timer.refresh();
      }
    } finally {
      await out.close();
    }
  } catch (error) {
    throw describe(error, { url, part, size, announced });
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
  if (announced !== undefined && size < announced) throw incomplete(url, size, announced);
  return hash === undefined ? { size } : { size, sha256: hash.digest('hex') };
}

function describe(
  error: unknown,
  at: { url: URL; part: string; size: number; announced: number | undefined },
): unknown {
  if (error instanceof AgentError) return error;
  const explained = explainNoRoom(error, dirname(at.part), at.announced);
  if (explained !== error) return explained;
  const broken = errorCode(error) === 'ECONNRESET';
  return broken ? incomplete(at.url, at.size, at.announced) : failed(at.url, error);
}

function contentLength(response: http.IncomingMessage): number | undefined {
  const text = response.headers['content-length'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function parseUrl(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new AgentError('download_failed', `${JSON.stringify(text)} is not a URL`, {}, { cause });
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new AgentError('download_failed', `${show(url)} is neither http nor https`);
}

/** A URL for a message: without user and password. */
function show(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

function failed(url: URL, cause: unknown): AgentError {
  return new AgentError('download_failed', `Cannot fetch ${show(url)}: ${messageOf(cause)}`, {}, { cause });
}

function stalled(url: URL, stallMs: number): AgentError {
  return new AgentError('download_stalled', `No byte for ${stallMs / 1000} s from ${show(url)}`);
}

function incomplete(url: URL, size: number, announced: number | undefined): AgentError {
  const of = announced === undefined ? '' : ` of ${announced}`;
  return new AgentError(
    'download_incomplete',
    `The connection ended after ${size}${of} bytes of ${show(url)}`,
  );
}
