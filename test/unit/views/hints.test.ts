import { COMMON_INSTALL_CAUSES, FINAL_CAUSES } from '../../../src/core/limits.ts';
import { hintFor, hints } from '../../../src/core/views/hints.ts';
import type { AccessCause } from '../../../src/drivers/access.ts';
import type { InstallCause, TaskCause } from '../../../src/wire/agent.ts';

/** A cause of a driver that has no hint does not compile here; the core may not import the drivers' types itself. */
const covered: { readonly [C in AccessCause | InstallCause | TaskCause]: string } = hints;

describe('hints', () => {
  it('has a sentence for each cause that the drivers, the agent and the limits name', () => {
    const causes = [...Object.keys(covered), ...FINAL_CAUSES, ...COMMON_INSTALL_CAUSES];
    for (const cause of causes) {
      expect(Object.keys(hints)).toContain(cause);
      expect(hintFor(cause)).toMatch(/^\S.*\.$/);
    }
  });

  it('answers something for a cause that only another version knows', () => {
    expect(hintFor('of_a_later_version')).toMatch(/\.$/);
    expect(hintFor('toString')).toMatch(/\.$/);
    expect(hintFor('INTERNAL')).toMatch(/defect/);
  });
});
