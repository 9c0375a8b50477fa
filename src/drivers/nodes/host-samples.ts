/** The newest sample of each node's host monitor, and how old it is. */
import { isNearlyFull } from '../../core/agent/disk-room.ts';
import type { HostSample } from '../../wire/agent.ts';
import { monotonicMs } from '../clock.ts';
import type { Log } from '../log.ts';

/** A host monitor tells something every 10 s. */
const RECENT_MS = 60_000;

export class HostSamples {
  readonly #known = new Map<string, { readonly sample: HostSample; readonly atMs: number }>();

  constructor(private readonly log: Log) {}

  set(hostname: string, sample: HostSample | undefined): void {
    if (sample === undefined) return;
    if (isFull(sample) && !isFull(this.get(hostname)))
      this.log.warn({ hostname, free_bytes: sample.disk_free_bytes }, "The node's disk is nearly full");
    this.#known.set(hostname, { sample, atMs: monotonicMs() });
  }

  delete(hostname: string): void {
    this.#known.delete(hostname);
  }

  get(hostname: string): HostSample | undefined {
    return this.#known.get(hostname)?.sample;
  }

  /** Undefined where it is too old to tell how the node is now. */
  recent(hostname: string): HostSample | undefined {
    const known = this.#known.get(hostname);
    return known === undefined || monotonicMs() - known.atMs > RECENT_MS ? undefined : known.sample;
  }
}

function isFull(sample: HostSample | undefined): boolean {
  return sample !== undefined && isNearlyFull(sample.disk_free_bytes, sample.disk_total_bytes);
}
