/** The subscriptions of WebSockets, and how far each has come, for those who ask how events are delivered. */

import type { Topic } from '../../api/events.ts';

export interface SocketStanding {
  readonly subscription_id: string;
  readonly caller: string;
  readonly topics?: readonly Topic[];
  readonly details: boolean;
  readonly since: string;
  /** Every event up to this number was handed to the socket, or was not wanted. */
  readonly delivered: number;
}

export class SocketSubscriptions {
  readonly #all = new Map<string, SocketStanding>();

  get size(): number {
    return this.#all.size;
  }

  /** In no order that means anything. */
  list(): SocketStanding[] {
    return [...this.#all.values()];
  }

  add(standing: SocketStanding): void {
    this.#all.set(standing.subscription_id, standing);
  }

  remove(subscription_id: string): void {
    this.#all.delete(subscription_id);
  }

  /** A subscription has come to an event; one that has ended stays so. */
  reached(subscription_id: string, seq: number): void {
    const standing = this.#all.get(subscription_id);
    if (standing !== undefined) this.#all.set(subscription_id, { ...standing, delivered: seq });
  }
}
