/** Answers about barriers. */
import type { ResultOf } from '../../../api/methods.ts';
import type { BarrierSpec } from '../../../api/spec.ts';
import type { Entry } from '../barrier/barrier.ts';
import { roomOf } from '../barrier/pace.ts';
import { shareOf } from '../barrier/rules.ts';
import { durationText } from '../duration.ts';
import { expectedAt, participantOf } from '../run/barrier-state.ts';
import { softwareAt } from '../run/clusters.ts';
import { INSTALL_BARRIER, type PlannedBarrier, planOf } from '../run/plan.ts';
import { taskParticipant } from '../run/workflow-state.ts';
import type { Member, Run, RunBarrier } from '../state.ts';
import { missingTasks, taskName } from './task-barriers.ts';

type BarrierDetail = ResultOf<'plushGetBarrier'>;

const MAX_ENTRIES = 1000;
const MAX_MISSING = 20;
/** Missing nodes named in a sentence. */
const MAX_NAMED = 3;
/** Names of software in a sentence. */
const MAX_SOFTWARE = 3;

export function barrierDetail(run: Run, planned: PlannedBarrier): BarrierDetail {
  const { spec } = planned;
  const barrier = run.barriers.get(spec.name);
  const { first_ms, opened, waiting, inside, entries } = barrier ?? {};
  return {
    run_id: run.run_id,
    barrier: spec.name,
    type: spec.type,
    state: opened !== undefined || spec.type === 'semaphore' ? 'open' : 'closed',
    rule: ruleOf(spec),
    entered: entries?.size ?? 0,
    expected: expectedAt(run, planned),
    waiting: waiting?.size ?? 0,
    inside: inside?.size ?? 0,
    ...(first_ms === undefined ? {} : { since: new Date(first_ms).toISOString() }),
    ...(opened === undefined ? {} : { opened: new Date(opened.at_ms).toISOString(), cause: opened.cause }),
    ...(barrier === undefined || spec.type !== 'semaphore' ? {} : { concurrency: roomOf(barrier.pace) }),
    entries: barrier === undefined ? [] : entriesOf(barrier),
    missing: missingAt(run, planned, barrier),
    ...(planned.workflows.size === 0 ? {} : { missing_tasks: missingTasks(run, planned, MAX_MISSING).some }),
  };
}

function entriesOf({ entries, waiting, inside }: RunBarrier): BarrierDetail['entries'] {
  const shown = new Set<string>();
  for (const participants of [waiting, inside, entries.keys()]) {
    for (const participant of participants) {
      if (shown.size >= MAX_ENTRIES) break;
      shown.add(participant);
    }
  }
  return [...shown].flatMap((participant) => {
    const entry = entries.get(participant);
    return entry === undefined ? [] : [entryInfo(entry)];
  });
}

function entryInfo({
  participant,
  hostname,
  state,
  at_ms,
  label,
  late,
  fence,
  left_by,
}: Entry): BarrierDetail['entries'][number] {
  return {
    participant,
    ...(hostname === undefined ? {} : { hostname }),
    state,
    entered: new Date(at_ms).toISOString(),
    ...(label === undefined ? {} : { label }),
    ...(late === undefined ? {} : { late }),
    ...(fence === undefined ? {} : { fence }),
    ...(left_by === undefined ? {} : { cause: left_by }),
  };
}

function missingAt(run: Run, planned: PlannedBarrier, barrier: RunBarrier | undefined): string[] {
  return planned.spec === INSTALL_BARRIER ? [] : absentees(run, planned, barrier, MAX_MISSING).names;
}

/** Nodes that take part and have not entered: some by name, and how many. */
function absentees(
  run: Run,
  { spec, components }: PlannedBarrier,
  barrier: RunBarrier | undefined,
  most: number,
): { names: string[]; count: number } {
  const names: string[] = [];
  let count = 0;
  for (const component of components) {
    for (const hostname of run.components.get(component)?.members ?? []) {
      const member = run.members.get(hostname);
      if (member === undefined || barrier?.entries.has(participantOf(member))) continue;
      if (member.absent?.has(spec.name)) continue;
      count += 1;
      if (names.length < most) names.push(hostname);
    }
  }
  return { names, count };
}

/** How a barrier works, and what becomes of latecomers, for a person. */
export function ruleOf(spec: BarrierSpec): string {
  return `${releaseRule(spec)}${lateWords(spec)}`;
}

/** When a barrier releases, for a person: "when all have entered, or earlier when 80 % have or 30 s after the first entry, but not before 60 % have". */
function releaseRule(spec: BarrierSpec): string {
  const { type, rate = 1, interval_ms = 0, concurrency, adaptive, hold_timeout_ms } = spec;
  if (type === 'semaphore') {
    const places = adaptive === undefined ? `${concurrency ?? 1}` : `an adaptive number (${adaptive})`;
    const lease = hold_timeout_ms === undefined ? '' : `, each for at most ${durationText(hold_timeout_ms)}`;
    return `lets ${places} in at a time${lease}`;
  }
  if (spec.manual) return 'releases when plushReleaseBarrier is called';
  const when = whenOf(spec);
  return type === 'throttled'
    ? `releases ${rate} every ${durationText(interval_ms)}, beginning ${when}`
    : `releases ${when}`;
}

/** What becomes of those who enter after the release, where the specification says it. */
function lateWords({ type, late, catchup }: BarrierSpec): string {
  if (late === undefined) return '';
  const fates = {
    pass: type === 'throttled' ? 'stands in line' : 'goes on at once',
    catchup: `skips what lies before barrier "${catchup}"`,
    remove: 'is taken out of the run',
    replace: 'is replaced by another node',
  };
  return `; who comes later ${fates[late]}`;
}

function whenOf({ type, percent, timeout_ms, knee, min_percent, min_wait_ms }: BarrierSpec): string {
  const all = 'when all have entered';
  if (type === 'traditional') return all;
  const ways = [
    ...(percent === undefined ? [] : [`when ${percent} % have`]),
    ...(timeout_ms === undefined ? [] : [`${durationText(timeout_ms)} after the first entry`]),
    ...(knee === undefined ? [] : [`at the knee (${knee})`]),
  ];
  if (ways.length === 0) return all;
  const minima = [
    ...(min_percent === undefined ? [] : [`${min_percent} % have`]),
    ...(min_wait_ms === undefined ? [] : [`${durationText(min_wait_ms)} have passed`]),
  ];
  const least = minima.length === 0 ? '' : `, but not before ${minima.join(' and ')}`;
  return `${all}, or earlier ${ways.join(' or ')}${least}`;
}

/** What a node waits for at a barrier. */
export function barrierWait(run: Run, name: string): string {
  const planned = planOf(run.spec).barriers.get(name);
  const barrier = run.barriers.get(name);
  if (planned === undefined || barrier === undefined) return `barrier "${name}"`;
  const { spec } = planned;
  if (spec.type === 'semaphore')
    return `its turn at barrier "${name}" (${barrier.inside.size} of ${roomOf(barrier.pace)} places are taken)`;
  if (barrier.opened !== undefined) return `its turn at barrier "${name}", which ${releaseRule(spec)}`;
  const expected = expectedAt(run, planned);
  const counts = `${barrier.entries.size} of ${expected} have entered`;
  if (spec.manual) return `barrier "${name}" to be released by plushReleaseBarrier (${counts})`;
  const share =
    spec.type !== 'traditional' && spec.percent !== undefined
      ? `, ${shareOf(spec.percent, expected)} suffice`
      : '';
  return `barrier "${name}" (${counts}${share})`;
}

/** ": n4, n5, n6 and 7 more are missing": who has not come to a barrier that waits for them; one walk over its nodes. */
export function missingWords(run: Run, name: string): string {
  const planned = planOf(run.spec).barriers.get(name);
  const barrier = run.barriers.get(name);
  if (planned === undefined || barrier === undefined || planned.spec.type === 'semaphore') return '';
  // Where tasks enter for themselves, nobody knows which of them will.
  if (barrier.opened !== undefined || barrier.byTask) return '';
  const nodes = absentees(run, planned, barrier, MAX_NAMED);
  const tasks = missingTasks(run, planned, MAX_NAMED - nodes.names.length);
  const names = [...nodes.names, ...tasks.some.map(taskName)];
  const count = nodes.count + tasks.count;
  const awaited = expectedAt(run, planned) - barrier.entries.size;
  if (count === 0 || awaited <= 0) return '';
  const more = count - names.length;
  const last = more > 0 ? `${more} more` : (names.pop() as string);
  const who = names.length === 0 ? last : `${names.join(', ')} and ${last}`;
  if (awaited < count) return `: ${awaited} of ${who} must come`;
  return `: ${who} ${count === 1 ? 'is' : 'are'} missing`;
}

/** How many bytes of its packages a node has, as it told last; undefined where it does not fetch now, or tells nothing. */
export type Arrived = (
  run_id: string,
  hostname: string,
) => { readonly bytes: number; readonly total?: number } | undefined;

/** What a node that is to install waits for: its packages, or its turn to get them. */
export function installWait(run: Run, member: Member, arrived?: Arrived): string {
  const barrier = run.barriers.get(INSTALL_BARRIER.name);
  const isInLine = barrier?.entries.get(participantOf(member))?.state === 'waiting';
  if (!isInLine)
    return `software to be installed${softwareNames(run, member)}${arrivedWords(run, member, arrived)}`;
  return `its turn to fetch software (${barrier?.inside.size ?? 0} others do)`;
}

/** " (3.1 of 10 MB have come)" */
function arrivedWords({ run_id }: Run, { hostname }: Member, arrived: Arrived | undefined): string {
  const { bytes, total } = arrived?.(run_id, hostname) ?? {};
  if (bytes === undefined) return '';
  return ` (${megabytes(bytes)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB have come)`;
}

/** Millions, to a tenth where they are few. */
function megabytes(bytes: number): string {
  const millions = bytes / 1e6;
  return String(millions < 100 ? Math.round(millions * 10) / 10 : Math.round(millions));
}

/** ": tool, data and 3 more" */
function softwareNames(run: Run, { component, index }: Member): string {
  const names = softwareAt(run.spec, component, index).map(({ name }) => name);
  if (names.length === 0) return '';
  const more = names.length - MAX_SOFTWARE;
  return `: ${names.slice(0, MAX_SOFTWARE).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Whom a process may have entered for: its node, itself, or the workflow's task that it is for. */
function participantsOf(run: Run, member: Member, block: string): string[] {
  const own = [participantOf(member), participantOf(member, block)];
  const workflow = planOf(run.spec).steps.get(block)?.workflow.name;
  const number = workflow === undefined ? undefined : member.work?.get(workflow)?.number;
  return workflow === undefined || number === undefined
    ? own
    : [...own, participantOf(member, workflow), taskParticipant(workflow, number)];
}

/** The barrier at which a task of the member waits, for the node or for itself, and since when. */
export function taskAtBarrier(run: Run, member: Member, task_id: string, block: string): string | undefined {
  for (const barrier of run.barriers.values()) {
    for (const participant of participantsOf(run, member, block)) {
      const entry = barrier.entries.get(participant);
      if (entry?.state === 'waiting' && entry.task_id === task_id) return barrier.name;
    }
  }
  return undefined;
}
