/** What the processes of a command line carry in their environment, so that all of them are found. */

const MARK = 'PLUSH_SHELL';
const ID = 'PLUSH_OPERATION';

/** Names of the variables. */
export const SHELL_VARIABLES = [MARK, ID];

/** Entry that every process of any command line carries. */
export const SHELL_MARK = `${MARK}=1`;

/** Entry that every process of one command line carries. */
export function operationMark(id: string): string {
  return `${ID}=${id}`;
}
