// SPDX-License-Identifier: Apache-2.0
// Tells a thing of each kind at most once a minute: connections and datagrams fail by the thousand.
// Before it: Bindings and Mappings. After it: the log. Counters tell the rest.

import type { Clock } from "../net/world.ts";

const MINUTE_MS = 60_000;

export class Seldom {
  readonly #clock: Clock;
  readonly #warn: (text: string) => void;
  readonly #toldMs = new Map<string, number>();

  constructor(clock: Clock, warn: (text: string) => void) {
    this.#clock = clock;
    this.#warn = warn;
  }

  warn(kind: string, text: () => string): void {
    const now = this.#clock.now();
    const before = this.#toldMs.get(kind);
    if (before !== undefined && now - before < MINUTE_MS) return;
    this.#toldMs.set(kind, now);
    this.#warn(text());
  }
}
