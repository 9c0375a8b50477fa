/** Results of a command on many nodes, equal ones folded into one with a count. */

/** How a command went, whatever the node. */
export interface CommandResult {
  readonly exit_code?: number;
  readonly signal?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** What was printed, where the text is not exactly that. */
  readonly raw?: { readonly stdout?: Uint8Array; readonly stderr?: Uint8Array };
  readonly stdout_cut: boolean;
  readonly stderr_cut: boolean;
  /** A symbol, where there is no exit code of the command's own. */
  readonly cause?: string;
  readonly message?: string;
}

interface Folded {
  readonly result: CommandResult;
  nodes: string[];
  sorted: boolean;
}

/** Outputs that are the same for all of them are kept once; beyond the bound, an output is kept as cut to nothing. */
export class ResultFold {
  /** Kept, in UTF-16 units. */
  size = 0;
  succeeded = 0;
  failed = 0;
  readonly #maxSize: number;
  readonly #folded = new Map<string, Folded>();
  #order: Folded[] | undefined;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  add(hostname: string, given: CommandResult): void {
    if (isSuccess(given)) this.succeeded += 1;
    else this.failed += 1;
    this.#order = undefined;
    const known = this.#folded.get(keyOf(given));
    if (known === undefined) this.#keep(hostname, given);
    else join(known, hostname);
  }

  /** Most nodes first; those with as many in the order in which they came. */
  list(): readonly { readonly result: CommandResult; readonly nodes: readonly string[] }[] {
    this.#order ??= [...this.#folded.values()].sort((a, b) => b.nodes.length - a.nodes.length);
    return this.#order;
  }

  /** Up to `most` names of a result's nodes, in order. */
  names(folded: { readonly nodes: readonly string[] }, most: number): string[] {
    const own = folded as Folded;
    if (!own.sorted) own.nodes.sort();
    own.sorted = true;
    return own.nodes.slice(0, most);
  }

  #keep(hostname: string, given: CommandResult): void {
    const { stdout = NOTHING, stderr = NOTHING } = given.raw ?? {};
    const size = given.stdout.length + given.stderr.length + stdout.length + stderr.length;
    const isTooMuch = size > 0 && this.size + size > this.#maxSize;
    const result = isTooMuch ? withoutOutput(given) : given;
    const known = isTooMuch ? this.#folded.get(keyOf(result)) : undefined;
    if (known !== undefined) {
      join(known, hostname);
      return;
    }
    if (!isTooMuch) this.size += size;
    this.#folded.set(keyOf(result), { result, nodes: [hostname], sorted: true });
  }
}

const NOTHING = new Uint8Array();

/** The command ended by itself with exit code 0. */
function isSuccess({ exit_code, cause }: CommandResult): boolean {
  return exit_code === 0 && cause === undefined;
}

function join(folded: Folded, hostname: string): void {
  folded.nodes.push(hostname);
  folded.sorted = false;
}

function withoutOutput({ raw: _raw, ...result }: CommandResult): CommandResult {
  return {
    ...result,
    stdout: '',
    stderr: '',
    stdout_cut: result.stdout_cut || result.stdout !== '',
    stderr_cut: result.stderr_cut || result.stderr !== '',
  };
}

/** Equal for equal results alone: the lengths tell where stdout ends. */
function keyOf(result: CommandResult): string {
  const { exit_code, signal, cause, message, stdout, stderr, stdout_cut, stderr_cut } = result;
  const head = [exit_code ?? null, signal ?? null, cause ?? null, message ?? null, stdout_cut, stderr_cut];
  const raw = [textOf(result.raw?.stdout), textOf(result.raw?.stderr)];
  const lengths = [stdout, stderr, ...raw].map((one) => one.length);
  return `${JSON.stringify([...head, ...lengths])}${stdout}${stderr}${raw.join('')}`;
}

/** One character a byte. */
function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
}
