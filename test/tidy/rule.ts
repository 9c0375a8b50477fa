import type { Import, Project, Unit } from './project.ts';

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** One habit of the house, and small projects that break it. */
export interface Rule {
  /** Reads on from "the project …". */
  readonly name: string;
  find(project: Project): Finding[];
  /** Projects, path → text; `find` must find exactly one thing in the whole of each. */
  readonly broken: readonly Readonly<Record<string, string>>[];
}

/** A rule looked up in each TypeScript file whose path matches. */
export function inUnits(paths: RegExp, find: (unit: Unit) => Finding[]): (project: Project) => Finding[] {
  return (project) => project.units.filter((unit) => paths.test(unit.path)).flatMap(find);
}

/** A rule looked up in each import of the TypeScript files whose path matches. */
export function inImports(
  paths: RegExp,
  find: (used: Import, unit: Unit) => string | undefined,
): (project: Project) => Finding[] {
  return inUnits(paths, (unit) =>
    unit.imports.flatMap((used) => {
      const message = find(used, unit);
      return message === undefined ? [] : [{ path: unit.path, line: used.line, message }];
    }),
  );
}
