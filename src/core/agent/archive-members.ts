/**
 * Whether an archive stays inside the folder it is unpacked in. Rules, each of which alone is not enough:
 *
 * - no member is absolute or has a `..`;
 * - no member lies below a symbolic link of the same archive (an archive made from a folder never has that);
 * - a symbolic link is relative and its target has `..` only at its beginning, no more of them than the link lies deep: with
 *   the rule above a link's folder is where its name says, so by induction every chain of links ends inside;
 * - a hard link names a member path as above, and one to a symbolic link obeys the link's rule at its own place;
 * - no devices and no pipes.
 */
export type MemberType = 'file' | 'directory' | 'symlink' | 'link' | 'special';

export interface Member {
  readonly name: string;
  readonly type: MemberType;
  /** Target of a link. */
  readonly target?: string;
}

interface Link {
  readonly name: string;
  readonly segments: readonly string[];
  readonly target: string;
}

/** Collects members and tells the first that breaks a rule. */
export class ArchiveMembers {
  readonly #symlinks = new Map<string, string[]>();
  readonly #hardLinks: Link[] = [];
  readonly #folders = new Set<string>();

  /** Folders that members lie in, relative, without duplicates. */
  get folders(): Iterable<string> {
    return this.#folders;
  }

  /** One sentence about what is wrong with the member; undefined when nothing is. */
  add(member: Member): string | undefined {
    const segments = segmentsOf(member.name);
    if (segments === undefined) return `Member ${show(member.name)} leads out of the folder`;
    if (member.type === 'special') return `Member ${show(member.name)} is a device or a pipe`;
    if (segments.length > 1) this.#folders.add(segments.slice(0, -1).join('/'));
    const target = member.target ?? '';
    if (member.type === 'symlink') {
      const path = segments.join('/');
      this.#symlinks.set(path, [...(this.#symlinks.get(path) ?? []), target]);
      return linkProblem(member.name, segments, target);
    }
    if (member.type === 'link') {
      if (segmentsOf(target) === undefined) {
        return `Hard link ${show(member.name)} to ${show(target)} leads out of the folder`;
      }
      this.#hardLinks.push({ name: member.name, segments, target });
    }
    return undefined;
  }

  /** What is wrong with the archive as a whole, after its last member. */
  finish(): string | undefined {
    for (const link of this.#hardLinks) {
      const target = segmentsOf(link.target) ?? [];
      if (target.length > 1) this.#folders.add(target.slice(0, -1).join('/'));
      for (const symlink of this.#symlinks.get(target.join('/')) ?? []) {
        const problem = linkProblem(link.name, link.segments, symlink);
        if (problem !== undefined) return problem;
      }
    }
    if (this.#symlinks.size === 0) return undefined;
    for (const folder of this.#folders) {
      const through = this.#linkAbove(folder);
      if (through !== undefined)
        return `Member below ${show(folder)} passes through the link ${show(through)}`;
    }
    return undefined;
  }

  #linkAbove(folder: string): string | undefined {
    for (let end = folder.indexOf('/'); ; end = folder.indexOf('/', end + 1)) {
      const path = end === -1 ? folder : folder.slice(0, end);
      if (this.#symlinks.has(path)) return path;
      if (end === -1) return undefined;
    }
  }
}

function linkProblem(name: string, segments: readonly string[], target: string): string | undefined {
  const depth = segments.length - 1;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  let up = 0;
  while (steps[up] === '..') up += 1;
  const escapes = target.startsWith('/') || up > depth || steps.includes('..', up);
  return escapes ? `Link ${show(name)} to ${show(target)} leads out of the folder` : undefined;
}

function segmentsOf(name: string): string[] | undefined {
  if (name.startsWith('/') || name.includes('\0')) return undefined;
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  return segments.includes('..') ? undefined : segments;
}

/** A name for a message: short, and quoted so that odd characters show. */
function show(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
