import { type EdgeOrNode, placeKey } from './edge-or-node.ts';

/** A map keyed by places in the graph, in the order they were added. */
export class EdgeOrNodeMap<V> {
  readonly #entries = new Map<string, readonly [EdgeOrNode, V]>();

  /** The value of a place, or undefined. */
  get(place: EdgeOrNode): V | undefined {
    return this.#entries.get(placeKey(place))?.[1];
  }

  /** Whether a place has a value. */
  has(place: EdgeOrNode): boolean {
    return this.#entries.has(placeKey(place));
  }

  /** Sets or replaces the value of a place. */
  set(place: EdgeOrNode, value: V): void {
    this.#entries.set(placeKey(place), [place, value]);
  }

  /** Places with their values. */
  entries(): readonly (readonly [EdgeOrNode, V])[] {
    return [...this.#entries.values()];
  }
}
