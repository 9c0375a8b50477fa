/** Nodes whose disks are nearly full, by their host monitors: a report before it is a failure. */
import { isNearlyFull } from '../agent/disk-room.ts';
import { bytesText, type HostReadings } from '../pool/requirements.ts';

const MAX_NAMES = 3;

/** "The disk of n1 is nearly full (12 MiB of 1 GiB are free)."; nothing where all have room, or do not tell. */
export function nearlyFullSentences(hostnames: Iterable<string>, hosts: HostReadings | undefined): string[] {
  if (hosts === undefined) return [];
  const full: string[] = [];
  let count = 0;
  for (const hostname of hostnames) {
    const sample = hosts(hostname);
    if (sample === undefined || !isNearlyFull(sample.disk_free_bytes, sample.disk_total_bytes)) continue;
    count += 1;
    const { disk_free_bytes: free, disk_total_bytes: total = 0 } = sample;
    if (count <= MAX_NAMES) full.push(`${hostname} (${bytesText(free)} of ${bytesText(total)} are free)`);
  }
  if (count === 0) return [];
  if (count === 1) return [`The disk of ${full[0]?.replace(' (', ' is nearly full (')}.`];
  const more = count > MAX_NAMES ? ` and ${count - MAX_NAMES} more` : '';
  return [`The disks of ${count} nodes are nearly full: ${full.join(', ')}${more}.`];
}
