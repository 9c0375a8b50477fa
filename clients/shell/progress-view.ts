/** A run's progress as a person sees it: lines that scroll, a block that is redrawn, and a summary. Pure. */
import {
  type BlockProgress,
  type MemberPhase,
  type Note,
  phaseCounts,
  type RunProgress,
} from './progress.ts';
import type { BlockLine } from './terminal.ts';
import { clip, clock, count, listNames, plain } from './wording.ts';

/** Characters between the brackets of a bar. */
const BAR_WIDTH = 24;
const NAME_WIDTH = 24;
/** Blocks that have a bar; the rest is one line. */
const MAX_BARS = 12;
/** Losses that have a line in the block. */
const MAX_LOSSES = 4;

const PHASES: readonly MemberPhase[] = ['preparing', 'ready', 'working', 'cleaned'];

/** `00:03 n2 failed: … → n5 takes over`. */
export function noteLine({ atMs, subjects, text }: Note): string {
  const who = subjects.length === 0 ? '' : `${listNames(subjects)} `;
  return `${clock(atMs)} ${who}${text}`;
}

/**
 * The live block.
 *
 * @param elapsedMs since the start of the run
 */
export function blockLines(progress: RunProgress, elapsedMs: number): BlockLine[] {
  const { runId, state, blocks, losses, owed } = progress;
  const lines: BlockLine[] = [{ text: `${runId}  ${state}  ${clock(elapsedMs)}`, colour: 'bold' }];
  lines.push({ text: `  ${count(progress.members.size, 'node')}: ${phaseText(progress)}` });
  const shown = barsOf([...blocks.values()]);
  const width = Math.min(NAME_WIDTH, Math.max(0, ...shown.map(({ name }) => [...name].length)));
  lines.push(...shown.map((block) => barLine(progress, block, width)));
  if (blocks.size > shown.length)
    lines.push({ text: `  and ${count(blocks.size - shown.length, 'block')} more` });
  for (const { hostname, message, replacement } of losses.slice(-MAX_LOSSES)) {
    const then = replacement === undefined ? '' : ` → ${replacement}`;
    lines.push({ text: `  lost ${hostname}${then}: ${plain(message)}`, colour: 'yellow' });
  }
  if (owed.size > 0) lines.push({ text: `  not cleaned yet: ${listNames([...owed])}`, colour: 'yellow' });
  return lines;
}

function phaseText(progress: RunProgress): string {
  const counts = phaseCounts(progress);
  const parts = PHASES.filter((phase) => counts[phase] > 0).map((phase) => `${counts[phase]} ${phase}`);
  return parts.length === 0 ? 'none yet' : parts.join(', ');
}

/** Where there are too many, those that run come first: the others have nothing to tell now. */
function barsOf(blocks: readonly BlockProgress[]): readonly BlockProgress[] {
  if (blocks.length <= MAX_BARS) return blocks;
  const rank = ({ state }: BlockProgress) => ['failed', 'running', 'waiting'].indexOf(state) + 1 || 4;
  const chosen = new Set([...blocks].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_BARS));
  return blocks.filter((block) => chosen.has(block));
}

function barLine(progress: RunProgress, block: BlockProgress, width: number): BlockLine {
  const members = [...progress.members.values()];
  const total = members.filter(({ component }) => component === block.component).length;
  const done = block.completed.size;
  const filled = total === 0 ? 0 : Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * done) / total));
  const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.');
  const extra = [
    ...(block.running.size > 0 ? [`${block.running.size} running`] : []),
    ...(block.failed.size > 0 ? [`${block.failed.size} failed`] : []),
  ];
  const name = clip(plain(block.name), width).padEnd(width);
  const text = `  ${name} [${bar}] ${done}/${total}${extra.length === 0 ? '' : `  ${extra.join(', ')}`}`;
  if (block.failed.size > 0) return { text, colour: 'red' };
  return block.state === 'completed' && done >= total ? { text, colour: 'green' } : { text };
}

/** The last lines about a run that is over. Why it failed is left to the explanation that follows. */
export function summaryLines(run: {
  readonly run_id: string;
  readonly state: string;
  readonly started: string;
  readonly ended?: string;
  readonly message?: string;
  readonly components: readonly { readonly nodes: number }[];
  readonly lost: number;
  readonly missing_outputs?: readonly { readonly path: string }[];
}): string[] {
  const tookMs = Date.parse(run.ended ?? run.started) - Date.parse(run.started);
  const nodes = run.components.reduce((sum, component) => sum + component.nodes, 0);
  const lost = run.lost === 0 ? '' : `, ${run.lost} lost on the way`;
  const verb = run.state === 'aborted' ? 'was aborted' : run.state;
  const why = run.state === 'aborted' && run.message !== undefined ? `: ${plain(run.message)}` : '';
  return [
    `Run ${run.run_id} ${verb} after ${clock(tookMs)} on ${count(nodes, 'node')}${lost}${why}`,
    ...missingLines(run),
    ...(nodes + run.lost === 0 ? [] : [`Its output: plush logs ${run.run_id}`]),
  ];
}

function missingLines({
  run_id,
  missing_outputs = [],
}: {
  readonly run_id: string;
  readonly missing_outputs?: readonly { readonly path: string }[];
}): string[] {
  if (missing_outputs.length === 0) return [];
  const names = listNames(missing_outputs.map(({ path }) => plain(path)));
  return [`Output files that did not come back: ${names}. Why: plush explain ${run_id}`];
}
