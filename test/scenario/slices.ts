/** PlanetLab's slices as words of a scenario. */
import type { SliceAnswer, SlicePort } from '../../src/core/pool/slice.ts';

/** slices=mit:1000,ucsd:1001 */
export function slicesOf(settings: ReadonlyMap<string, string>): { slices?: SlicePort[] } {
  const text = settings.get('slices');
  if (text === undefined) return {};
  return { slices: text.split(',').map((word) => ({ ...readSlice(word) })) };
}

/** mit:1000 is a slice that PlanetLab Central does not show; mit:1000:a,b/dbg one with the nodes a and b, b in state dbg */
export function readSlice(word: string): SliceAnswer {
  const [slice = '', port, nodes] = word.split(':');
  return {
    slice,
    port: Number(port),
    found: nodes !== undefined,
    nodes: (nodes ?? '')
      .split(',')
      .filter((node) => node !== '')
      .map((node) => ({ hostname: node.split('/')[0] ?? '', boot_state: node.split('/')[1] ?? 'boot' })),
  };
}
