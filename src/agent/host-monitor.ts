/** The host monitor: samples the machine at intervals (section 3.2 of plush-toit.2011). */
import * as fs from 'node:fs';
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os';
import { messageOf } from '../drivers/agent-error.ts';
import { freeBytes } from '../drivers/install/room.ts';
import type { HostSample } from '../wire/agent.ts';

const SAMPLE_MS = 10_000;

export interface MonitorOptions {
  /** Folder whose file system counts. */
  readonly dir: string;
  /** Whether anybody listens; nothing is sampled otherwise. */
  readonly wanted: () => boolean;
  readonly onSample: (sample: HostSample) => void;
  readonly log: (message: string) => void;
}

export class HostMonitor {
  constructor(private readonly options: MonitorOptions) {
    setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  /** Takes a sample now. */
  sample(): void {
    if (!this.options.wanted()) return;
    const sample = this.read();
    if (sample !== undefined) this.options.onSample(sample);
  }

  /** What the machine measures now; undefined where it does not tell. */
  read(): HostSample | undefined {
    const { dir, log } = this.options;
    try {
      return {
        load1: loadavg()[0] ?? 0,
        cpus: processors(),
        memory_free_bytes: availableBytes(),
        memory_total_bytes: totalmem(),
        disk_free_bytes: freeBytes(dir) ?? 0,
      };
    } catch (error) {
      log(`Host monitor: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** Node.js before 18.14 does not tell what it may use, but what there is. */
function processors(): number {
  return typeof availableParallelism === 'function' ? availableParallelism() : cpus().length;
}

/** Memory that programs can have without swapping; what the kernel merely calls free leaves out its caches. */
function availableBytes(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/meminfo', 'latin1'))?.[1];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem(); // Not Linux.
  }
}
