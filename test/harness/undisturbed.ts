import { rmSync, writeFileSync } from 'node:fs';
import { shellApplication } from './application.ts';
import type { Plushd } from './plushd.ts';
import type { Scratch } from './scratch.ts';
import { waitFor } from './wait.ts';

const GROUP = 'undisturbed';
const NODES = 2;

/**
 * Runs `trouble` while another run is under way on nodes of its own, and fails when that run notices anything of it, or the
 * daemon answers no more.
 */
export async function undisturbed<T>(
  plushd: Plushd,
  scratch: Scratch,
  trouble: () => Promise<T>,
): Promise<T> {
  const go = scratch.path('undisturbed', 'go');
  rmSync(go, { force: true });
  await plushd.addLocalNodes(NODES, GROUP, GROUP);
  const script = `until [ -e ${go} ]; do sleep 0.1; done; echo done`;
  const other = await plushd.run(
    shellApplication(script, NODES, {
      name: GROUP,
      components: [{ name: 'workers', hosts: NODES, group: GROUP }],
    }),
  );
  await plushd.waitRun(other, ['running']);
  const tasks = async () => (await plushd.call('plushGetBlock', other, 'main')).tasks;
  const before = await waitFor('the other run to have its processes', async () => {
    const found = await tasks();
    return found.every((task) => task.state === 'running' && task.pid !== undefined) && found;
  });
  try {
    const result = await trouble();
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
    expect(await plushd.call('plushGetRun', other)).toMatchObject({ state: 'running', lost: 0 });
    expect(await tasks()).toEqual(before);
    return result;
  } finally {
    writeFileSync(go, '');
    await plushd.waitRun(other);
    expect(plushd.logText()).not.toContain('Call failed');
  }
}
