// SPDX-License-Identifier: Apache-2.0
// The simulated network: names that listen, connections between names, lines that die and come back.
// Before it: STLinks dial, Connectors listen. After it: pipe.ts carries the bytes. A dial to a name
// that does not listen is refused after one latency; over a dead line it hangs until that is back.

import type { SimClock } from "./clock.ts";
import { type LineOptions, type SimConnection, SimPipe } from "./pipe.ts";
import type { Prng } from "./prng.ts";

type Established = { pipe: SimPipe; from: string; to: string };

export class SimNetwork {
  readonly #clock: SimClock;
  readonly #prng: Prng;
  readonly #listeners = new Map<string, (connection: SimConnection, from: string) => void>();
  readonly #dead = new Set<string>();
  #connections: Established[] = [];

  constructor(clock: SimClock, prng: Prng) {
    this.#clock = clock;
    this.#prng = prng;
  }

  listen(name: string, accept: (connection: SimConnection, from: string) => void): void {
    this.#listeners.set(name, accept);
  }

  /** The name refuses from now on; its connections are the caller's to end. */
  unlisten(name: string): void {
    this.#listeners.delete(name);
  }

  /** A connection that opens, or is refused, some time later; `onEvent` of the returned end says so. */
  dial(from: string, to: string, options: LineOptions): SimConnection {
    const pipe = new SimPipe(this.#clock, this.#prng, options, [`${from}>${to}`, `${to}<${from}`]);
    const entry: Established = { pipe, from, to };
    this.#connections = this.#connections.filter((kept) => !kept.pipe.isOver);
    this.#connections.push(entry);
    pipe.dead = this.#isDead(from, to);
    this.#clock.after(options.latencyMs, () => this.#establish(entry));
    return pipe.client;
  }

  #establish(entry: Established): void {
    const { pipe, from, to } = entry;
    if (pipe.client.state !== "connecting") return;
    if (pipe.dead) {
      this.#clock.after(100, () => this.#establish(entry));
      return;
    }
    const accept = this.#listeners.get(to);
    if (accept === undefined) {
      pipe.client.state = "reset";
      pipe.client.onEvent();
      return;
    }
    pipe.open();
    accept(pipe.server, from);
    pipe.client.onEvent();
  }

  /** Nothing gets through between two names, either way, until `revive`. */
  kill(a: string, b: string): void {
    this.#dead.add(lineName(a, b));
    for (const { pipe, from, to } of this.#connections) {
      if (lineName(from, to) === lineName(a, b)) pipe.dead = true;
    }
  }

  revive(a: string, b: string): void {
    this.#dead.delete(lineName(a, b));
    for (const { pipe, from, to } of this.#connections) {
      if (pipe.dead && lineName(from, to) === lineName(a, b)) pipe.revive();
    }
  }

  /** Live connections of a name, as client or server; the ends are those of the dialling side. */
  connectionsOf(name: string): SimPipe[] {
    const mine = this.#connections.filter(({ from, to }) => from === name || to === name);
    return mine.map(({ pipe }) => pipe).filter((pipe) => !pipe.isOver);
  }

  #isDead(a: string, b: string): boolean {
    return this.#dead.has(lineName(a, b));
  }
}

function lineName(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
