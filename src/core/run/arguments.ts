/** Arguments as a task gets them, with what is only known when it starts. */
import type { ProcessSpec, Substitution } from '../../../api/spec.ts';

/** What substitutions are replaced with. */
export interface Known {
  readonly node: string;
  /** The node's place in the component, from 0, and their number. */
  readonly index: number;
  readonly count: number;
  /** The label with which the node entered a barrier; empty where it had none. */
  readonly labelAt: (barrier: string) => string;
  /** The number of the workflow's task, or its file; empty outside of workflows. */
  readonly workflowTask: string;
}

/** A substitution with a flag becomes two arguments (figure 18 of plush-toit.2011). */
export function argumentsOf(process: ProcessSpec, known: Known): string[] {
  return process.args.flatMap((arg) => {
    if (typeof arg === 'string') return [arg];
    const value = replacement(arg, known);
    return arg.flag === undefined ? [value] : [arg.flag, value];
  });
}

function replacement({ type, id }: Substitution, known: Known): string {
  switch (type) {
    case 'node':
      return known.node;
    case 'index':
      return String(known.index);
    case 'count':
      return String(known.count);
    case 'barrier':
      return known.labelAt(id ?? '');
    case 'workflow':
      return known.workflowTask;
  }
}
