/** A program of a test as a process of its own, with what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from './wait.ts';

export class Program {
  out = '';
  err = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  /** @param env in place of this process's own variables that begin with PLUSH_ */
  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PLUSH_'));
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, {
      env: { ...Object.fromEntries(own), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject).once('close', resolve);
    });
  }

  /** Lines of its standard output that are whole. */
  get lines(): string[] {
    return this.out.split('\n').slice(0, -1);
  }

  /** Waits until its output has it; when it ends instead, the error has all that it printed. */
  async says(text: string | RegExp): Promise<void> {
    const pattern = new RegExp(text);
    let isOver = false;
    this.ended.finally(() => {
      isOver = true;
    });
    await waitFor(`"${pattern.source}"`, () => pattern.test(this.out + this.err) || isOver).catch(
      () => false,
    );
    if (!pattern.test(this.out + this.err)) {
      throw new Error(`It did not say ${pattern.source}, but:\n${this.out}${this.err}`);
    }
  }

  /** Sends a signal and answers the exit code. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}
