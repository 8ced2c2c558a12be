// SPDX-License-Identifier: Apache-2.0
// The fake clock: a heap of events in order of time, then of arrival. Nothing in a simulated world
// waits for real time. Before it: every part that wants something later. After it: whoever calls
// `step` in a loop. Invariant: time never goes back, and events of one moment keep their order.

export type SimTimer = { readonly atMs: number; run: (() => void) | null };

type Event = SimTimer & { readonly order: number };

export class SimClock {
  /** Milliseconds since the world began; not always whole. */
  nowMs = 0;
  /** Events that have run. */
  steps = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  /** Runs `run` after `ms`; 0 means later in this moment. */
  after(ms: number, run: () => void): SimTimer {
    const event: Event = { atMs: this.nowMs + Math.max(ms, 0), run, order: this.#order++ };
    this.#heap.push(event);
    this.#up(this.#heap.length - 1);
    return event;
  }

  cancel(timer: SimTimer | null): void {
    if (timer !== null) timer.run = null;
  }

  /** Runs the next event. False when there is none, or none before `untilMs`: then time is there. */
  step(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.#removeFirst();
      if (next.run === null) continue;
      this.nowMs = next.atMs;
      this.steps++;
      next.run();
      return true;
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop() as Event;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(from: number): void {
    const heap = this.#heap;
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i] as Event, heap[parent] as Event)) return;
      swap(heap, i, parent);
      i = parent;
    }
  }

  #down(from: number): void {
    const heap = this.#heap;
    let i = from;
    for (;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && before(heap[child] as Event, heap[least] as Event))
          least = child;
      }
      if (least === i) return;
      swap(heap, i, least);
      i = least;
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}

function swap(heap: Event[], i: number, j: number): void {
  const kept = heap[i] as Event;
  heap[i] = heap[j] as Event;
  heap[j] = kept;
}
