/** plushExplain: why a run or a node is as it is, for a person (engine.md, "Why, when something goes wrong"). */
import type { ResultOf } from '../../../api/methods.ts';
import { outageSentence } from '../pool/outage.ts';
import type { HostReadings } from '../pool/requirements.ts';
import { flagEndMs } from '../pool/rules.ts';
import { toldShortfall } from '../pool/shortfall.ts';
import { Rejection } from '../rejection.ts';
import { planOf } from '../run/plan.ts';
import { isOver, type Member, type PoolNode, type Run, type State } from '../state.ts';
import type { Arrived } from './barriers.ts';
import { type Cause, causesOf, taskFailure } from './failures.ts';
import { hintFor } from './hints.ts';
import { missedCausesIn, missedCausesOf, missedPhrase } from './missed.ts';
import { nearlyFullSentences } from './nearly-full.ts';
import { nodeFailure, nodeSince, nodeState } from './nodes.ts';
import { fitting, MAX_PAGE_BYTES } from './page.ts';
import { degradations, placesIn } from './service.ts';
import { untidyCausesIn, untidyCausesOf, untidyPhrase } from './untidy.ts';
import { preparedOf, sinceOf, waitingIn, waitsForWhom } from './waiting.ts';
import { weigh } from './weight.ts';

type Explanation = ResultOf<'plushExplain'>;
type NodeEntry = Explanation['nodes'][number];

const MAX_NODES = 1000;
/** Names of lost nodes in a sentence. */
const MAX_NAMES = 3;

/**
 * @param subject a run's id or a node's name
 * @param hosts what the host monitors tell, which is not journalled
 * @throws Rejection SUBJECT_NOT_FOUND
 */
export function explain(state: State, subject: string, arrived?: Arrived, hosts?: HostReadings): Explanation {
  const run = state.runs.get(subject);
  const full = nearlyFullSentences(run === undefined ? [subject] : runningOn(run), hosts);
  if (run !== undefined) return explainRun(state, run, full);
  const node = state.nodes.get(subject);
  if (node !== undefined) return explainNode(state, node, full, arrived);
  throw new Rejection('SUBJECT_NOT_FOUND', `"${subject}" is neither a run nor a node`, { subject });
}

/** Whose disks matter to a run: none where it is over. */
const runningOn = (run: Run): Iterable<string> => (isOver(run) ? [] : run.members.keys());

function explainRun(state: State, run: Run, full: readonly string[]): Explanation {
  const places = placesIn(run);
  const waiting = waitingIn(state, run);
  const rest = {
    subject: run.run_id,
    kind: 'run',
    state: run.state,
    summary: [summaryOf(run, waiting), ...outageOf(state, run), ...full].join(' '),
    causes: [...causesOf(run), ...missedCausesOf(run), ...untidyCausesOf(run)],
    shortfalls: (run.ending?.shortfalls ?? []).map(toldShortfall),
    waiting: [...places, ...waiting],
  };
  return { ...rest, nodes: fitting(entriesOf(state, run), MAX_PAGE_BYTES - weigh(rest, MAX_PAGE_BYTES)) };
}

function summaryOf(run: Run, waiting: Explanation['waiting']): string {
  const { run_id, ending } = run;
  const head = `Run ${run_id}`;
  const why = ending === undefined ? '' : lowerFirst(ending.message);
  const sentences: string[] = [];
  if (run.state === 'succeeded' || (ending?.outcome === 'succeeded' && run.state === 'ending')) {
    const size = run.members.size;
    const lost = lossSentence(run);
    if (ending?.cause === 'end_application') return withFullStop(`${head} succeeded: ${why}`);
    const all = `${size === 1 ? 'The node completed' : `All ${size} nodes completed`}${ignoredPhrase(run)}`;
    return `${[all, lost, missedPhrase(run), untidyPhrase(run)].filter(Boolean).join('; ')}.`;
  }
  if (run.state === 'failed') sentences.push(`${head} failed: ${why}`);
  else if (run.state === 'aborted') sentences.push(`${head} was aborted: ${why}`);
  else if (run.state === 'ending') sentences.push(`${head} is ending (${ending?.outcome}): ${why}`);
  else if (run.state === 'deploying')
    sentences.push(`${head} is being deployed: ${preparedOf(run)} nodes are prepared`);
  else sentences.push(...runningSentences(run));
  // One loss stands in the reason already; several deserve a count, and so does a loss the run survived.
  const lost = lossSentence(run);
  if (lost !== undefined && (lostOf(run).length > 1 || ending === undefined))
    sentences.push(upperFirst(lost));
  const [most] = waiting;
  if (most !== undefined) {
    sentences.push(
      most.nodes === 1
        ? `Node ${most.examples[0]} waits for ${most.waits_for}`
        : `${most.nodes} nodes wait for ${most.waits_for.replace(/^its /, 'their ')}`,
    );
  }
  return sentences.map(withFullStop).join(' ');
}

/** What is suspected, where nodes of the run are silent. */
function outageOf(state: State, run: Run): string[] {
  const sentence = outageSentence(state);
  if (sentence === undefined || run.ending !== undefined) return [];
  const isHit = [...state.contact.silent.keys()].some((hostname) => run.members.has(hostname));
  return isHit ? [withFullStop(sentence)] : [];
}

/** ", but for 2 processes whose end was ignored" */
function ignoredPhrase(run: Run): string {
  let ignored = 0;
  for (const { policy, times } of run.handled?.values() ?? []) if (policy === 'ignore') ignored += times;
  if (ignored === 0) return '';
  return `, but for ${ignored === 1 ? 'a process' : `${ignored} processes`} whose end was ignored`;
}

function runningSentences(run: Run): string[] {
  const head = `Run ${run.run_id}`;
  if (run.service === undefined) return [`${head} is running: ${finishedOf(run)} nodes are finished`];
  const below = degradations(run);
  return [`${head} is running${below.length === 0 ? '' : ', degraded'}`, ...below];
}

function finishedOf(run: Run): string {
  let finished = 0;
  for (const component of run.components.values()) finished += component.finished;
  return `${finished} of ${run.members.size}`;
}

/** Members lost before the end, without those that failed with the run for the same reason. */
function lostOf(run: Run): readonly Member[] {
  return run.past.filter((member) => member.failure?.cause !== run.ending?.cause);
}

/** "1 node was lost on the way: n2 (Nothing listens on …)" */
function lossSentence(run: Run): string | undefined {
  const lost = lostOf(run);
  const [first] = lost;
  if (first === undefined) return undefined;
  const names = lost.slice(0, MAX_NAMES).map((member) => member.hostname);
  const all = lost.length + (run.service?.forgotten ?? 0);
  const more = all - names.length;
  const who = more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
  const reason = all === 1 ? ` (${first.failure?.message})` : '';
  return `${lossesOf(run, all)} on the way: ${who}${reason}`;
}

/** In a service the same node may come back and be lost again. */
function lossesOf({ service }: Run, all: number): string {
  if (all === 1) return '1 node was lost';
  return service === undefined ? `${all} nodes were lost` : `Nodes were lost ${all} times`;
}

/** Failed nodes first, since not all may find room. */
const ORDER = ['failed', 'waiting', 'running', 'stopped', 'done'];

function entriesOf(state: State, run: Run): NodeEntry[] {
  // A node that came back is told of as it is now.
  const past = run.past.filter((member) => !run.members.has(member.hostname));
  const entries = [...past, ...run.members.values()].map((member) => entryOf(state, run, member));
  entries.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return entries.slice(0, MAX_NODES);
}

/** The one state of a node in a run. */
function entryOf(state: State, run: Run, member: Member): NodeEntry {
  const { hostname, component } = member;
  const failure = member.failure ?? taskFailure(member);
  if (failure !== undefined) {
    const { phase, cause, number, exit_code, signal } = failure;
    return {
      hostname,
      component,
      state: 'failed',
      phase,
      cause,
      ...(number === undefined ? {} : { number }),
      ...(exit_code === undefined ? {} : { exit_code }),
      ...(signal === undefined ? {} : { signal }),
    };
  }
  return { hostname, component, ...progressOf(state, run, member), ...lastExit(member) };
}

function progressOf(state: State, run: Run, member: Member): { state: string; phase: string } {
  const phase = phaseOf(state, member);
  if (run.ending?.outcome === 'succeeded' || hasCompleted(run, member)) {
    return { state: member.phase === 'done' ? 'done' : 'waiting', phase: 'clean' };
  }
  if (run.ending !== undefined)
    return { state: isOver(run) || member.phase === 'done' ? 'stopped' : 'waiting', phase };
  const works = [...member.tasks.values()].some(
    (task) => task.state === 'running' || task.state === 'ordered',
  );
  return { state: works ? 'running' : 'waiting', phase };
}

function hasCompleted(run: Run, member: Member): boolean {
  const done = member.completed.size + (member.skipped?.size ?? 0);
  return done === planOf(run.spec).ofComponent.get(member.component)?.length;
}

function phaseOf(state: State, member: Member): string {
  if (member.phase === 'finishing' || member.phase === 'done') return 'clean';
  if (member.phase === 'working') return 'watch';
  if (member.phase === 'ready') return 'start';
  return state.nodes.get(member.hostname)?.link === 'connected' ? 'install' : 'bootstrap';
}

/** How the member's last task that is over ended. */
function lastExit(member: Member): Pick<NodeEntry, 'exit_code' | 'signal'> {
  const task = [...member.tasks.values()].findLast(
    (one) => one.exit_code !== undefined || one.signal !== undefined,
  );
  return {
    ...(task?.exit_code === undefined ? {} : { exit_code: task.exit_code }),
    ...(task?.signal === undefined ? {} : { signal: task.signal }),
  };
}

function explainNode(
  state: State,
  node: PoolNode,
  full: readonly string[],
  arrived: Arrived | undefined,
): Explanation {
  const { hostname } = node.spec;
  const run = runOf(state, node);
  const member = run?.members.get(hostname) ?? run?.past.findLast((past) => past.hostname === hostname);
  const waits_for = waitsForWhom(state, node, arrived);
  const isMember = member !== undefined && run?.members.get(hostname) === member;
  const since = isMember ? sinceOf(state, member) : (node.away ?? node.since);
  const waiting = waits_for === undefined ? [] : [{ waits_for, nodes: 1, since, examples: [hostname] }];
  return {
    subject: hostname,
    kind: 'node',
    state: nodeState(node),
    summary: [nodeSummary(state, node, run, member, waits_for), ...full].join(' '),
    causes: nodeCauses(node, run, member),
    shortfalls: [],
    waiting,
    nodes: run === undefined || member === undefined ? [] : [entryOf(state, run, member)],
  };
}

/** The run that uses the node, or else the newest that did. */
function runOf(state: State, node: PoolNode): Run | undefined {
  if (node.run_id !== undefined) return state.runs.get(node.run_id);
  const { hostname } = node.spec;
  let newest: Run | undefined;
  for (const run of state.runs.values()) {
    if (run.members.has(hostname) || run.lost.has(hostname)) newest = run;
  }
  return newest;
}

function nodeSummary(
  state: State,
  node: PoolNode,
  run: Run | undefined,
  member: Member | undefined,
  waits_for: string | undefined,
): string {
  const { hostname } = node.spec;
  const failure = nodeFailure(node);
  const why = failure === undefined ? '' : `: ${lowerFirst(failure.message)}`;
  const sentences = [`Node ${hostname} is ${nodeState(node)} since ${nodeSince(node)}${why}`];
  if (run !== undefined && member !== undefined) {
    const entry = entryOf(state, run, member);
    const own = member.failure ?? taskFailure(member);
    if (own !== undefined && own.message !== failure?.message)
      sentences.push(`In run ${run.run_id} it failed: ${lowerFirst(own.message)}`);
    else if (own !== undefined) sentences.push(`Run ${run.run_id} lost it`);
    else sentences.push(`Its state in run ${run.run_id} is ${entry.state}`);
  } else {
    sentences.push('No run uses it');
  }
  if (waits_for !== undefined) sentences.push(`It waits for ${waits_for}`);
  return sentences.map(withFullStop).join(' ');
}

function nodeCauses(node: PoolNode, run: Run | undefined, member: Member | undefined): Cause[] {
  const ofRun = run === undefined ? [] : causesOf(run);
  const failures = [
    nodeFailure(node),
    member?.failure,
    member === undefined ? undefined : taskFailure(member),
  ];
  const causes = new Map<string, Cause>();
  for (const failure of failures) {
    if (failure === undefined || causes.has(failure.cause)) continue;
    const { cause, phase } = failure;
    const inRun = ofRun.find((one) => one.cause === cause && one.phase === phase);
    causes.set(failure.cause, {
      cause: failure.cause,
      phase: failure.phase,
      message: failure.message,
      nodes: 1,
      examples: [node.spec.hostname],
      action: (node.failed?.failure.cause === cause ? undefined : inRun?.action) ?? nodeAction(node),
      hint: hintFor(failure.cause, failure.phase, failure.exit_code),
      failure: { ...failure },
    });
  }
  return [
    ...causes.values(),
    ...missedCausesIn(member),
    ...untidyCausesIn(member === undefined ? [] : [member]),
  ];
}

function nodeAction(node: PoolNode): string {
  if (node.failed !== undefined) {
    const until = new Date(flagEndMs(node.failed)).toISOString();
    return `No run takes the node before ${until}`;
  }
  if (node.lease_over !== undefined) return 'No run takes the node before it is added again with a new lease';
  return 'The node is asked again when a run needs it';
}

function withFullStop(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The sentence as it goes on after a colon. Names in capitals stay as they are. */
function lowerFirst(sentence: string): string {
  return /^[A-Z][a-z ]/.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
}

function upperFirst(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
