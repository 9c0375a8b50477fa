/** The host monitor: samples the machine at intervals (section 3.2 of plush-toit.2011). */
import * as fs from 'node:fs';
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os';
import { isNearlyFull } from '../core/agent/disk-room.ts';
import { messageOf } from '../drivers/agent-error.ts';
import { diskRoom } from '../drivers/install/room.ts';
import type { HostSample } from '../wire/agent.ts';

const SAMPLE_MS = 10_000;
/** How often the disk alone is looked at: a program fills it in less than the time between two samples. */
const DISK_LOOK_MS = 1_000;

export interface MonitorOptions {
  /** Folder whose file system counts. */
  readonly dir: string;
  /** Whether anybody listens; nothing is sampled otherwise. */
  readonly wanted: () => boolean;
  readonly onSample: (sample: HostSample) => void;
  readonly log: (message: string) => void;
}

export class HostMonitor {
  /** As the newest sample told it. */
  #wasNearlyFull = false;

  constructor(private readonly options: MonitorOptions) {
    setInterval(() => this.sample(), SAMPLE_MS).unref();
    setInterval(() => this.#lookAtDisk(), DISK_LOOK_MS).unref();
  }

  /** Takes a sample now. */
  sample(): void {
    if (!this.options.wanted()) return;
    const sample = this.read();
    if (sample !== undefined) this.options.onSample(sample);
  }

  /** A disk that becomes nearly full, or has room again, is told at once. */
  #lookAtDisk(): void {
    if (!this.options.wanted()) return;
    try {
      const room = diskRoom(this.options.dir);
      if (room === undefined) return;
      if (isNearlyFull(room.freeBytes, room.totalBytes) !== this.#wasNearlyFull) this.sample();
    } catch {
      // The next sample logs what is the matter.
    }
  }

  /** What the machine measures now; undefined where it does not tell. */
  read(): HostSample | undefined {
    const { dir, log } = this.options;
    try {
      const room = diskRoom(dir);
      this.#wasNearlyFull = room !== undefined && isNearlyFull(room.freeBytes, room.totalBytes);
      return {
        load1: loadavg()[0] ?? 0,
        cpus: processors(),
        memory_free_bytes: availableBytes(),
        memory_total_bytes: totalmem(),
        disk_free_bytes: room?.freeBytes ?? 0,
        ...(room !== undefined && { disk_total_bytes: room.totalBytes }),
        ...networkBytes(),
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

/** What all interfaces but the loopback have received and sent; nothing where the system does not tell. */
function networkBytes(): Pick<HostSample, 'network_received_bytes' | 'network_sent_bytes'> {
  let lines: string[];
  try {
    lines = fs.readFileSync('/proc/net/dev', 'latin1').split('\n').slice(2);
  } catch {
    return {}; // Not Linux.
  }
  let received = 0;
  let sent = 0;
  for (const line of lines) {
    const [name = '', counters = ''] = line.split(':');
    // Eight counters of what came, and then those of what went; bytes are the first of each.
    const counts = counters.trim().split(/\s+/).map(Number);
    if (name.trim() === 'lo' || counts.length < 9) continue;
    received += counts[0] ?? 0;
    sent += counts[8] ?? 0;
  }
  return { network_received_bytes: received, network_sent_bytes: sent };
}
