// SPDX-License-Identifier: Apache-2.0
// Joins engines by byte pipes under a fake clock: each pipe moves bytes whole, in random splits or
// byte by byte, with a delay. For tests of the reference and for tests of another engine against
// it: whatever has the calls of HopEnd can stand at either end. PROTOCOL.md section 4.1.
// Invariant: a pipe neither loses nor reorders bytes; it ends when one side has closed.

import type { HopEnd } from "./peer.ts";
import { type Random, randomBelow } from "./random.ts";

/** How a pipe cuts what it carries. */
export type Cut = "whole" | "random" | "byte";

interface InFlight {
  bytes: Uint8Array;
  at: number;
}

/** One direction of a connection. */
class Pipe {
  private readonly flight: InFlight[] = [];
  private readonly from: HopEnd;
  private readonly to: HopEnd;

  constructor(from: HopEnd, to: HopEnd) {
    this.from = from;
    this.to = to;
  }

  get nextAt(): number {
    return this.flight[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  collect(at: number): void {
    const bytes = this.from.send();
    if (bytes.length > 0) this.flight.push({ bytes, at });
  }

  deliver(now: number, pieces: (bytes: Uint8Array) => Uint8Array[]): boolean {
    let moved = false;
    while (this.nextAt <= now) {
      const { bytes } = this.flight.shift() as InFlight;
      for (const piece of pieces(bytes)) this.to.receive(piece);
      moved = true;
    }
    return moved;
  }
}

interface Joint {
  ends: [HopEnd, HopEnd];
  pipes: [Pipe, Pipe];
}

/** A clock and the connections that live by it. */
export class Wire {
  now: number;
  private readonly cut: Cut;
  private readonly random: Random;
  private readonly latencyMs: number;
  private joints: Joint[] = [];

  constructor(options: { cut?: Cut; random: Random; latencyMs?: number; now?: number }) {
    this.cut = options.cut ?? "whole";
    this.random = options.random;
    this.latencyMs = options.latencyMs ?? 1;
    this.now = options.now ?? 0;
  }

  /** Connects two ends until `cutOff` or until one has closed. */
  join(a: HopEnd, b: HopEnd): void {
    this.joints.push({ ends: [a, b], pipes: [new Pipe(a, b), new Pipe(b, a)] });
  }

  /** Loses the connections of `end` with what is on the way. */
  cutOff(end: HopEnd): void {
    this.joints = this.joints.filter((joint) => !joint.ends.includes(end));
  }

  /** Runs until `done`, at most `limitMs` of the clock; returns whether it is done. */
  run(done: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (this.now <= end) {
      this.settle();
      if (done()) return true;
      // The application may have given something to be sent.
      const nextAt = this.settle();
      if (nextAt === Number.POSITIVE_INFINITY) return false;
      this.now = Math.max(this.now + 1, Math.min(nextAt, end + 1));
    }
    return false;
  }

  /** Lets `ms` pass. */
  pass(ms: number): void {
    this.run(() => false, ms);
  }

  // Everything that can happen at this moment; returns when something can happen next.
  private settle(): number {
    for (let moved = true; moved; ) {
      moved = false;
      for (const { ends, pipes } of this.joints) {
        for (const end of ends) end.tick(this.now);
        for (const pipe of pipes) pipe.collect(this.now + this.latencyMs);
        for (const pipe of pipes) {
          moved = pipe.deliver(this.now, (bytes) => this.pieces(bytes)) || moved;
        }
      }
    }
    this.dropClosed();
    return this.nextAt();
  }

  private nextAt(): number {
    const ticks = this.joints.flatMap(({ ends }) => ends.map((end) => end.tick(this.now)));
    const flights = this.joints.flatMap(({ pipes }) => pipes.map((pipe) => pipe.nextAt));
    return Math.min(Number.POSITIVE_INFINITY, ...ticks, ...flights);
  }

  private dropClosed(): void {
    this.joints = this.joints.filter(({ ends, pipes }) => {
      const closed = ends.some((end) => end.closed);
      const empty = pipes.every((pipe) => pipe.nextAt === Number.POSITIVE_INFINITY);
      return !(closed && empty);
    });
  }

  private pieces(bytes: Uint8Array): Uint8Array[] {
    if (this.cut === "whole") return [bytes];
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; ) {
      const length = this.cut === "byte" ? 1 : 1 + randomBelow(this.random, 700);
      pieces.push(bytes.subarray(offset, offset + length));
      offset += length;
    }
    return pieces;
  }
}
