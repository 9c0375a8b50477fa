import type { EventType, FactBody } from '../../../api/events.ts';
import { foldEvents, phaseCounts, type RunProgress, startProgress } from '../../../clients/shell/progress.ts';
import { blockLines, noteLine, summaryLines } from '../../../clients/shell/progress-view.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const RUN = 'app-1';

function event<T extends EventType>(type: T, seconds: number, body: FactBody<T>): Record<string, unknown> {
  return { seq: 1, time: new Date(START + seconds * 1000).toISOString(), type, ...body };
}

function newProgress(blocks = [{ name: 'work', component: 'workers' }]): RunProgress {
  const counts = {
    component_block: 'all',
    state: 'waiting',
    waiting: 0,
    running: 0,
    completed: 0,
    failed: 0,
  };
  return startProgress({
    run_id: RUN,
    app: 'app',
    started: new Date(START).toISOString(),
    blocks: blocks.map((block) => ({ ...block, ...counts })),
  });
}

const member = (hostname: string, index: number, replaces?: string) => ({
  hostname,
  component: 'workers',
  index,
  ...(replaces === undefined ? {} : { replaces }),
});
const matched = (seconds: number, ...members: ReturnType<typeof member>[]) =>
  event('run_matched', seconds, { run_id: RUN, members });
const started = (seconds: number, node: string) => [
  event('task_ordered', seconds, {
    run_id: RUN,
    task_id: `${RUN}/work/${node}/1`,
    block: 'work',
    hostname: node,
    attempt: 1,
    index: 0,
    count: 2,
  }),
  event('task_started', seconds, { run_id: RUN, task_id: `${RUN}/work/${node}/1`, pid: 7 }),
];
const failed = (seconds: number, hostname: string) =>
  event('member_failed', seconds, {
    run_id: RUN,
    hostname,
    component: 'workers',
    failure: { phase: 'watch', cause: 'lost', message: 'The disk\nis full', attempt: 1 },
  });

const linesOf = (progress: RunProgress, ...events: Record<string, unknown>[]) =>
  foldEvents(progress, events).map(noteLine);

describe('the progress of a run', () => {
  it('says of a workflow which task is begun again, and because of which knee', () => {
    const of = { run_id: RUN, block: 'crunch', hostname: 'n1' };
    const order = (attempt: number, number: number) =>
      event('task_ordered', 5, {
        ...of,
        block: 'part',
        task_id: `${RUN}/part/n1/${attempt}/${number}`,
        attempt,
        index: 0,
        count: 2,
        number,
      });
    const lines = linesOf(
      newProgress(),
      matched(0, member('n1', 0)),
      event('workflow_knee', 4, { run_id: RUN, block: 'crunch', done: 60, total: 98, again: 20 }),
      event('workflow_task_started', 5, {
        ...of,
        number: 7,
        attempt: 2,
        cause: 'straggler',
        kneed: 60,
        total: 98,
      }),
      order(2, 7),
      event('task_exited', 6, {
        run_id: RUN,
        task_id: `${RUN}/part/n1/2/7`,
        number: 7,
        outcome: 'failed',
        exit_code: 3,
      }),
      order(3, 7),
      event('workflow_task_started', 7, { ...of, number: 9, attempt: 2, cause: 'returned' }),
    );
    expect(lines.slice(1)).toEqual([
      '00:04 knee of crunch: 60 of 98 tasks are done, 20 may begin again elsewhere',
      '00:05 n1 starts task 7 of crunch again: late at the knee (60 of 98 done)',
      '00:06 n1 part (task 7) failed: exit code 3',
      '00:05 n1 starts part (task 7) again, attempt 3',
      '00:07 n1 takes task 9 of crunch over',
    ]);
  });

  it('tells a loss and its replacement in one line', () => {
    const progress = newProgress();
    const lines = linesOf(
      progress,
      matched(0, member('n1', 0), member('n2', 1)),
      failed(3, 'n2'),
      matched(3, member('n5', 1, 'n2')),
    );
    expect(lines).toEqual(['00:00 workers: n1, n2', '00:03 n2 failed: The disk is full → n5 takes over']);
    expect([...progress.members.keys()]).toEqual(['n1', 'n5']);
    expect(progress.losses).toEqual([{ hostname: 'n2', message: 'The disk\nis full', replacement: 'n5' }]);
  });

  it('tells that nodes fell silent at once, and when that is over', () => {
    const progress = newProgress();
    const until = '2026-01-01T00:10:00.000Z';
    const lines = linesOf(
      progress,
      matched(0, member('n1', 0)),
      event('outage_suspected', 3, {
        silent: 9,
        of: 10,
        until,
        message: '9 of 10 nodes fell silent at once',
      }),
      event('outage_over', 70, { cause: 'answering', message: 'Nodes answer again after 67 s' }),
    );
    expect(lines.slice(1)).toEqual([
      '00:03 9 of 10 nodes fell silent at once',
      '01:10 Nodes answer again after 67 s',
    ]);
  });

  it('tells a loss once, though the connection went first', () => {
    const progress = newProgress();
    const gone = event('node_disconnected', 3, {
      hostname: 'n2',
      cause: 'auth_failed',
      message: 'Refused',
      attempt: 1,
    });
    const failure = { phase: 'bootstrap', cause: 'auth_failed', message: 'Refused', attempt: 1 } as const;
    const lost = event('member_failed', 3, { run_id: RUN, hostname: 'n2', component: 'workers', failure });
    foldEvents(progress, [matched(0, member('n2', 1))]);
    expect(linesOf(progress, gone, lost)).toEqual(['00:03 n2 failed: Refused']);
  });

  it('tells a replacement that comes later in a line of its own', () => {
    const progress = newProgress();
    linesOf(progress, matched(0, member('n2', 1)), failed(3, 'n2'));
    expect(linesOf(progress, matched(9, member('n5', 1, 'n2')))).toEqual(['00:09 n5 takes over from n2']);
  });

  it('folds what happens to many nodes at once into one line', () => {
    const progress = newProgress();
    const names = Array.from({ length: 9 }, (_, index) => `n${index}`);
    foldEvents(progress, [matched(0, ...names.map((name, index) => member(name, index)))]);
    const installed = names.map((hostname) =>
      event('member_installed', 1, { run_id: RUN, hostname, bytes: 0 }),
    );
    expect(linesOf(progress, ...installed)).toEqual(['00:01 n0, n1, n2, n3, n4 and 4 more prepared']);
    expect(phaseCounts(progress)).toEqual({ preparing: 0, ready: 9, working: 0, cleaned: 0 });
  });

  it('counts tasks that run, complete and fail', () => {
    const progress = newProgress();
    foldEvents(progress, [
      matched(0, member('n1', 0), member('n2', 1)),
      ...started(1, 'n1'),
      ...started(1, 'n2'),
    ]);
    expect(phaseCounts(progress)).toMatchObject({ working: 2 });
    const ends = [
      event('task_exited', 2, {
        run_id: RUN,
        task_id: `${RUN}/work/n1/1`,
        outcome: 'completed',
        exit_code: 0,
      }),
      event('task_exited', 2, {
        run_id: RUN,
        task_id: `${RUN}/work/n2/1`,
        outcome: 'failed',
        exit_code: 3,
        stderr_tail: ['first', 'no such file', ''],
      }),
    ];
    expect(linesOf(progress, ...ends)).toEqual([
      '00:02 n1 completed work',
      '00:02 n2 work failed: exit code 3 (no such file)',
    ]);
    expect(blockLines(progress, 2000).map(({ text }) => text)).toEqual([
      'app-1  deploying  00:02',
      '  2 nodes: 2 ready',
      '  work [############............] 1/2  1 failed',
    ]);
  });

  it('passes over other runs, foreign nodes and events it does not know', () => {
    const progress = newProgress();
    const events = [
      event('run_ended', 1, { run_id: 'other', outcome: 'failed' }),
      event('node_disconnected', 1, { hostname: 'foreign', cause: 'x', message: 'Gone', attempt: 0 }),
      { seq: 2, time: 'no time', type: 'constructor', run_id: RUN },
      { seq: 3, time: 'no time', type: 'of_the_future', run_id: RUN },
    ];
    expect(linesOf(progress, ...events)).toEqual([]);
    expect(progress.outcome).toBeUndefined();
  });

  it('goes on behind a gap, with tasks and blocks it never heard of', () => {
    const progress = newProgress([]);
    foldEvents(progress, [
      { type: 'gap', seq: 5 },
      matched(0, member('n1', 0)),
      event('task_started', 1, { run_id: RUN, task_id: `${RUN}/late/n1/2` }),
    ]);
    expect(progress.hasGap).toBe(true);
    expect(progress.tasks.get(`${RUN}/late/n1/2`)).toMatchObject({ block: 'late', hostname: 'n1' });
    expect([...progress.blocks.keys()]).toEqual(['late']);
  });

  it('knows that the run is over, and which nodes are owed a cleaning', () => {
    const progress = newProgress();
    foldEvents(progress, [
      matched(0, member('n1', 0), member('n2', 1)),
      event('run_ending', 4, { run_id: RUN, outcome: 'aborted', cause: 'c', message: 'Asked to' }),
      event('member_cleaned', 5, { run_id: RUN, hostname: 'n1', owed: true }),
      event('member_cleaned', 5, { run_id: RUN, hostname: 'n2', owed: false }),
      event('run_ended', 5, { run_id: RUN, outcome: 'aborted' }),
    ]);
    expect(progress).toMatchObject({ state: 'aborted', outcome: 'aborted', message: 'Asked to' });
    expect(blockLines(progress, 5000).map(({ text }) => text)).toContain('  not cleaned yet: n1');
    foldEvents(progress, [event('node_cleaned', 9, { hostname: 'n1', run_id: RUN })]);
    expect(progress.owed.size).toBe(0);
  });

  it('shows the blocks that matter where there are too many for bars', () => {
    const names = Array.from({ length: 40 }, (_, index) => `b${index}`);
    const progress = newProgress(names.map((name) => ({ name, component: 'workers' })));
    foldEvents(progress, [
      event('block_changed', 1, { run_id: RUN, block: 'b33', component: 'workers', state: 'running' }),
    ]);
    const texts = blockLines(progress, 0).map(({ text }) => text);
    expect(texts.some((text) => text.includes('b33'))).toBe(true);
    expect(texts.at(-1)).toBe('  and 28 blocks more');
  });
});

describe('the summary', () => {
  const run = { run_id: RUN, started: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T01:02:03.000Z' };

  it('says how long it took and on how many nodes', () => {
    const [line] = summaryLines({
      ...run,
      state: 'succeeded',
      components: [{ nodes: 2 }, { nodes: 1 }],
      lost: 1,
    });
    expect(line).toBe('Run app-1 succeeded after 1:02:03 on 3 nodes, 1 lost on the way');
  });

  it('names output files that did not come back', () => {
    const missing_outputs = ['a', 'b'].map((path) => ({ path }));
    const lines = summaryLines({ ...run, state: 'succeeded', components: [], lost: 0, missing_outputs });
    expect(lines[1]).toBe('Output files that did not come back: a, b. Why: plush explain app-1');
  });

  it('says why a run was aborted', () => {
    const [line] = summaryLines({ ...run, state: 'aborted', message: 'Asked to', components: [], lost: 0 });
    expect(line).toBe('Run app-1 was aborted after 1:02:03 on 0 nodes: Asked to');
  });
});
