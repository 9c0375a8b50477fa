/** The host monitor: samples the machine at intervals (section 3.2 of plush-toit.2011). */
import * as fs from 'node:fs';
import { freemem, loadavg, totalmem } from 'node:os';
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
    const { dir, wanted, onSample, log } = this.options;
    if (!wanted()) return;
    try {
      onSample({
        load1: loadavg()[0] ?? 0,
        memory_free_bytes: availableBytes(),
        memory_total_bytes: totalmem(),
        disk_free_bytes: freeBytes(dir) ?? 0,
      });
    } catch (error) {
      log(`Host monitor: ${messageOf(error)}`);
    }
  }
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
