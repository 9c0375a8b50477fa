/** What a component installs, in the order that its requirements want. */
import type { AppSpec, SoftwareSpec } from '../../../api/spec.ts';

const known = new WeakMap<AppSpec, Map<string, readonly SoftwareSpec[]>>();

/**
 * The software of a component and all that it requires, each once and behind what it requires; else as listed. Worked out once for
 * each specification, since every node of the component asks.
 */
export function softwareOf(app: AppSpec, component: string): readonly SoftwareSpec[] {
  const ofApp = known.get(app) ?? new Map<string, readonly SoftwareSpec[]>();
  known.set(app, ofApp);
  const before = ofApp.get(component);
  if (before !== undefined) return before;
  const wanted = app.components.find(({ name }) => name === component)?.software ?? [];
  const ordered = softwareNamed(app, wanted);
  ofApp.set(component, ordered);
  return ordered;
}

/** The software of those names and all that it requires, in the same order. */
export function softwareNamed(app: AppSpec, wanted: readonly string[]): SoftwareSpec[] {
  return inOrder(new Map(app.software.map((one) => [one.name, one])), wanted);
}

/** Depth first without recursion: a chain of requirements may be as long as the list. */
function inOrder(byName: ReadonlyMap<string, SoftwareSpec>, wanted: readonly string[]): SoftwareSpec[] {
  const ordered: SoftwareSpec[] = [];
  const seen = new Set<string>();
  const open = [...wanted].reverse().map((name) => ({ name, isDone: false }));
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const software = byName.get(top.name);
    if (software === undefined) continue;
    if (top.isDone) {
      ordered.push(software);
      continue;
    }
    if (seen.has(top.name)) continue;
    seen.add(top.name);
    open.push({ name: top.name, isDone: true });
    for (const name of [...(software.requires ?? [])].reverse()) open.push({ name, isDone: false });
  }
  return ordered;
}
