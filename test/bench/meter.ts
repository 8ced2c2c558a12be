// SPDX-License-Identifier: Apache-2.0
// An engine that counts what each call into the core costs: instructions on the rv32 engines,
// milliseconds on the others. The benches put it between an engine (host/core/engine.ts) and the
// typed core, so that whole handshakes and transfers are charged call by call.
// Invariant: calls made inside `unmetered` cost nothing and leave no trace in the numbers.

import type { CoreEngine, CoreFunction, EngineName } from "../../host/core/engine.ts";
import { Rv32Engine } from "../../host/core/engine-rv32.ts";

export type Cost = { total: number; calls: number; longest: number; longestCall: string };

export class MeteredEngine implements CoreEngine {
  readonly name: EngineName;
  readonly inner: CoreEngine;
  /** Called after each metered call, unmetered itself: to look at RAM, or to give code back. */
  onCall: ((name: string) => void) | undefined;
  #cost = noCost();
  #byCall = new Map<string, Cost>();
  #isPaused = false;

  constructor(inner: CoreEngine) {
    this.inner = inner;
    this.name = inner.name;
  }

  /** The cost of all calls since the last take. */
  take(): Cost {
    const cost = this.#cost;
    this.#cost = noCost();
    this.#byCall = new Map();
    return cost;
  }

  /** Cost of one export since the last take. */
  costOf(name: string): Cost {
    return this.#byCall.get(name) ?? noCost();
  }

  unmetered<T>(look: () => T): T {
    const was = this.#isPaused;
    this.#isPaused = true;
    try {
      return look();
    } finally {
      this.#isPaused = was;
    }
  }

  call(name: string, ...args: number[]): number {
    return this.#metered(name, () => this.inner.call(name, ...args));
  }

  bind(name: string): CoreFunction {
    const bound = this.inner.bind(name);
    return (...args) => this.#metered(name, () => bound(...args));
  }

  #metered(name: string, call: () => number): number {
    if (this.#isPaused) return call();
    const startedMs = performance.now();
    const result = call();
    const elapsedMs = performance.now() - startedMs;
    const isExact = this.inner instanceof Rv32Engine;
    const cost = isExact ? Number(this.inner.lastInstructions) : elapsedMs;
    charge(this.#cost, name, cost);
    let own = this.#byCall.get(name);
    if (own === undefined) {
      own = noCost();
      this.#byCall.set(name, own);
    }
    charge(own, name, cost);
    if (this.onCall !== undefined) this.unmetered(() => this.onCall?.(name));
    return result;
  }

  read(ptr: number, len: number): Uint8Array {
    return this.inner.read(ptr, len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    this.inner.write(ptr, bytes);
  }

  memoryBytes(): number {
    return this.inner.memoryBytes();
  }

  growTo(bytes: number): void {
    this.inner.growTo?.(bytes);
  }

  close(): void {
    this.inner.close();
  }
}

function noCost(): Cost {
  return { total: 0, calls: 0, longest: 0, longestCall: "" };
}

function charge(cost: Cost, name: string, amount: number): void {
  cost.total += amount;
  cost.calls += 1;
  if (amount <= cost.longest) return;
  cost.longest = amount;
  cost.longestCall = name;
}
