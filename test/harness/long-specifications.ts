/** Specifications too long to be read at once, good and bad. */
import { applicationXml } from './application.ts';

/** A correct application of at least so many characters, with three processes in each block. */
export function longApplication(characters: number, name = 'long'): string {
  const blocksOf = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      name: `b${i}`,
      component: `c${i % 10}`,
      processes: Array.from({ length: 3 }, (_, j) => ({
        name: `p${i}-${j}`,
        path: '/bin/sh',
        args: ['-c', 'echo "<done>" & wait'],
        ...(j > 0 && { after: [`p${i}-${j - 1}`] }),
      })),
    }));
  const components = Array.from({ length: 10 }, (_, i) => ({ name: `c${i}`, hosts: 1 }));
  const ofCount = (count: number) => applicationXml({ name, components, blocks: blocksOf(count) });
  // Later blocks have longer names, so there are enough.
  const ofOne = (ofCount(100).length - ofCount(10).length) / 90;
  return ofCount(Math.ceil(characters / ofOne));
}

/** What is no application, with as many mistakes as fit into so many characters. */
export function longNonsense(characters: number): string {
  const element = '<nonsense a="1"/>\n';
  return `<plush><project name="x">\n${element.repeat(characters / element.length)}</project></plush>`;
}
