/** What a component wants its nodes to measure (section 3.1 of plush-toit.2011), against the host monitor's samples. */
import type { ComponentSpec, Metric, Requirement } from '../../../api/spec.ts';
import type { HostSample } from '../task.ts';

/** The newest sample of a node, where it is recent; what the controller hears beside the journal, and so part of an input's moment. */
export type HostReadings = (hostname: string) => HostSample | undefined;

export const NO_READINGS: HostReadings = () => undefined;

/** What is known of a node: `known` where all of the requirements could be checked and hold. */
export type Verdict = 'known' | 'unknown' | Requirement;

/** How a requirement's text begins. */
export const AT_LEAST = 'at least ';
export const AT_MOST = 'at most ';

/** The first requirement that a sample does not meet, with the one of its bounds that it breaks; `unknown` where a value is missing. */
export function judge({ requirements = [] }: ComponentSpec, sample: HostSample | undefined): Verdict {
  let isKnown = true;
  for (const requirement of requirements) {
    const value = measuredValue(requirement.metric, sample);
    const broken = value === undefined ? undefined : brokenBy(requirement, value);
    if (broken !== undefined) return broken;
    if (value === undefined) isKnown = false;
  }
  return isKnown ? 'known' : 'unknown';
}

function brokenBy({ metric, min, max }: Requirement, value: number): Requirement | undefined {
  if (min !== undefined && value < min) return { metric, min };
  return max !== undefined && value > max ? { metric, max } : undefined;
}

function measuredValue(metric: Metric, sample: HostSample | undefined): number | undefined {
  if (sample === undefined) return undefined;
  const { load1, cpus, memory_free_bytes, memory_total_bytes, disk_free_bytes } = sample;
  switch (metric) {
    case 'load':
      return load1;
    case 'load_per_cpu':
      return cpus === undefined || cpus === 0 ? undefined : load1 / cpus;
    case 'free_memory':
      return memory_free_bytes;
    case 'total_memory':
      return memory_total_bytes;
    case 'free_disk':
      return disk_free_bytes;
    case 'cpus':
      return cpus;
  }
}

const UNITS: { readonly [M in Metric]: string } = {
  load: 'load',
  load_per_cpu: 'load per processor',
  free_memory: 'free memory',
  free_disk: 'free disk space',
  total_memory: 'memory',
  cpus: 'processors',
};

const BYTES: ReadonlySet<Metric> = new Set(['free_memory', 'free_disk', 'total_memory']);

/** "at least 8 GiB of free memory", "at most a load of 2", "at least 4 processors" */
export function requirementText({ metric, min, max }: Requirement): string {
  const low = min === undefined ? [] : [`${AT_LEAST}${amount(metric, min)}`];
  const high = max === undefined ? [] : [`${AT_MOST}${amount(metric, max)}`];
  return [...low, ...high].join(' and ');
}

/** "The node has 2 GiB of free memory, and component "w" wants at least 8 GiB of free memory" */
export function unmetSentence(component: string, requirement: Requirement, sample: HostSample): string {
  const has = amount(requirement.metric, measuredValue(requirement.metric, sample) ?? 0);
  return `The node has ${has}, and component "${component}" wants ${requirementText(requirement)}`;
}

function amount(metric: Metric, value: number): string {
  if (BYTES.has(metric)) return `${bytesText(value)} of ${UNITS[metric]}`;
  if (metric === 'cpus') return `${value} ${value === 1 ? 'processor' : UNITS.cpus}`;
  return `a ${UNITS[metric]} of ${Math.round(value * 100) / 100}`;
}

const PREFIXES = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** "1.5 GiB" */
export function bytesText(value: number): string {
  let scaled = value;
  let prefix = 0;
  while (scaled >= 1024 && prefix < PREFIXES.length - 1) {
    scaled /= 1024;
    prefix += 1;
  }
  return `${Math.round(scaled * 10) / 10} ${PREFIXES[prefix]}`;
}
