// SPDX-License-Identifier: Apache-2.0
// A map that knows what has been idle longest: the flows of a UDP Route, at either end. Before it:
// source-flows.ts, datagram-mapping.ts. After it: nothing. Invariant: entries stand in the order of
// their last use, so that neither a datagram nor a sweep walks over entries that are in use.

type Entry<V> = { value: V; usedMs: number };

export class IdleMap<K, V> {
  readonly #entries = new Map<K, Entry<V>>();

  get size(): number {
    return this.#entries.size;
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** The value, which counts as used now. */
  use(key: K, nowMs: number): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.set(key, entry.value, nowMs);
    return entry.value;
  }

  set(key: K, value: V, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, usedMs: nowMs });
  }

  /** Removes and returns the value that has been idle longest. */
  takeOldest(): V | undefined {
    for (const [key, { value }] of this.#entries) {
      this.#entries.delete(key);
      return value;
    }
    return undefined;
  }

  /** Removes and returns what was last used before `beforeMs`. */
  takeIdle(beforeMs: number): V[] {
    const idle: V[] = [];
    for (const [key, { value, usedMs }] of this.#entries) {
      if (usedMs >= beforeMs) break;
      this.#entries.delete(key);
      idle.push(value);
    }
    return idle;
  }

  /** Removes and returns the values that `isMeant` says. */
  takeWhere(isMeant: (value: V) => boolean): V[] {
    const meant = [...this.#entries].filter(([, { value }]) => isMeant(value));
    for (const [key] of meant) this.#entries.delete(key);
    return meant.map(([, { value }]) => value);
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }
}
