/** Listens to packages on their way: what they move together goes to the core, and is forgotten with the run. */
import {
  type Flow,
  hear,
  keepInside,
  type Measured,
  newFlow,
  type Progress,
  progressOf,
} from '../core/barrier/flow.ts';
import { isTransferring, transferOf, transfersOf } from '../core/run/transfers.ts';
import type { State } from '../core/state.ts';
import type { Arrived } from '../core/views/barriers.ts';
import { monotonicMs } from '../drivers/clock.ts';

/** Reports after which it is looked who is not inside any more. */
const TIDY_REPORTS = 1_000;

export class Transfers {
  readonly #state: () => State | undefined;
  readonly #onMeasured: (measured: Measured & { readonly run_id: string }) => void;
  readonly #flows = new Map<string, Flow>();
  #reports = 0;

  constructor(
    state: () => State | undefined,
    onMeasured: (measured: Measured & { readonly run_id: string }) => void,
  ) {
    this.#state = state;
    this.#onMeasured = onMeasured;
  }

  /** A node tells how far it is. What is told of another run than its own, or out of its turn, counts for nothing. */
  heard(hostname: string, run_id: string, progress: Progress): void {
    const run = this.#state()?.runs.get(run_id);
    const standing = run && transfersOf(run);
    const participant = run && transferOf(run, hostname);
    if (standing === undefined || participant === undefined) return;
    this.#reports += 1;
    if (this.#reports % TIDY_REPORTS === 0) this.#tidy();
    const flow = this.#flows.get(run_id) ?? newFlow();
    this.#flows.set(run_id, flow);
    const measured = hear(flow, participant, progress, standing, monotonicMs());
    if (measured !== undefined) this.#onMeasured({ run_id, ...measured });
  }

  /** How far a node's packages are; undefined where nothing is under way, or it tells nothing. */
  readonly progress: Arrived = (run_id, hostname) => {
    const run = this.#state()?.runs.get(run_id);
    const flow = this.#flows.get(run_id);
    const participant = run && transferOf(run, hostname);
    return flow === undefined || participant === undefined ? undefined : progressOf(flow, participant);
  };

  #tidy(): void {
    for (const [run_id, flow] of this.#flows) {
      const run = this.#state()?.runs.get(run_id);
      const { inside = 0, waiting = 0 } = (run && transfersOf(run)) ?? {};
      if (run === undefined || inside + waiting === 0) this.#flows.delete(run_id);
      else keepInside(flow, (participant) => isTransferring(run, participant));
    }
  }
}
