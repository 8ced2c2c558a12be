// SPDX-License-Identifier: Apache-2.0
// Long sequences of frames that are almost right, in an order that is not, while the application reads
// and writes and hops break: no trap, and afterwards a peer that starts anew finds a core that works.
// Everything follows from the seed in the test's name. PROTOCOL.md 5 to 8; rules F10, S8.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat } from "../reference/bytes.ts";
import type { LinkFrame } from "../reference/link-frames.ts";
import { type Random, randomBelow, seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID } from "../reference/world.ts";
import type { Pipe } from "./core-ends.ts";
import { StreamBench } from "./hostile-streams.ts";
import type { ReferencePipe } from "./reference-ends.ts";

afterEach(() => watchSeals());

const SEEDS = 40;
const STEPS = 120;
const MINUTE_MS = 60_000;
const NUMBERS = [0n, 1n, 2n, 5n, 100n, 2n ** 32n, 2n ** 64n - 1n];
const RECORDS = [0x41, 0x42, 0x43, 0x44, 0x45, 0x46];

/** A hostile peer that draws its frames from a seed. */
class Hostile {
  readonly bench = new StreamBench();
  private readonly random: Random;
  private readonly pipes: [Pipe, ReferencePipe][];

  constructor(seed: string) {
    this.random = seededRandom(seed);
    const { bench } = this;
    this.pipes = [[bench.mine, bench.theirs], bench.second, bench.connect("b", 2)];
  }

  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  /** One packet, and something of the application; false when the link has ended by a violation. */
  step(): boolean {
    const { bench } = this;
    const link = bench.reference.peer.linkTo(bench.core.id);
    if (!link.canSend) bench.world.wire.pass(5000);
    else if (bench.say(...this.frames()).includes("PeerViolation")) return false;
    this.application();
    if (this.below(30) === 0) bench.world.wire.pass(this.below(40_000));
    if (this.below(60) === 0) this.breakHop();
    return true;
  }

  // A frame that takes the rest of its packet stands last.
  private frames(): LinkFrame[] {
    const frames: LinkFrame[] = [];
    for (let left = 1 + this.below(3); left > 0; left--) {
      const frame = this.frame();
      frames.push(frame);
      if (frame.type === "STREAM" || frame.type === "DATAGRAM") break;
    }
    return frames;
  }

  private frame(): LinkFrame {
    const stream = this.stream();
    const limit = this.number();
    const next = this.below(30) === 0 ? this.number() : 0n;
    switch (this.below(12)) {
      case 0:
        return { type: "ACK", stream, flags: this.below(4), next, limit };
      case 1:
        return this.open(this.below(40) === 0 ? stream : stream | 1, limit);
      case 2:
        return { type: "ACCEPT", stream, load: 0, limit, version: 1, message: this.random(1152) };
      case 3:
        return { type: "RESET", stream, reason: this.below(256) };
      case 4:
        return { type: "PROBE", token: this.below(1000) };
      case 5:
        return { type: "PONG", token: this.below(1000), load: 0 };
      case 6:
        return { type: "RESUME" };
      case 7:
        return this.hello();
      case 8:
        return { type: "STREAM", stream, number: limit, record: this.random(17 + this.below(200)) };
      case 9:
        return this.datagram(stream);
      default:
        return this.record();
    }
  }

  private stream(): number {
    const numbers = this.pipes.map(([, theirs]) => theirs.stream.number);
    return this.below(4) === 0 ? this.below(30) : (numbers[this.below(numbers.length)] ?? 0);
  }

  private number(): bigint {
    return NUMBERS[this.below(NUMBERS.length)] ?? 0n;
  }

  private open(stream: number, limit: bigint): LinkFrame {
    const ids = { bindingId: BINDING_ID, mappingId: MAPPING_ID };
    const message = concat(this.random(32), new Uint8Array(1184));
    const version = this.below(8) === 0 ? 2 : 1;
    const config = { epoch: this.below(2), serial: 0n };
    return {
      type: "OPEN",
      stream,
      kind: this.below(5),
      ...ids,
      ...config,
      limit,
      version,
      message,
    };
  }

  private hello(): LinkFrame {
    const odd = this.below(60) === 0;
    const change = odd ? { maxPacket: this.below(65_536), maxRecord: this.below(65_536) } : {};
    const myLinkId = this.below(8) === 0 ? { myLinkId: this.random(8) } : {};
    return this.bench.hello({ maxPendingOpens: this.below(6), ...change, ...myLinkId });
  }

  private record(): LinkFrame {
    const [, theirs] = this.pipes[this.below(2)] ?? this.bench.second;
    if (theirs.stream.state !== "open") return { type: "RESUME" };
    const bytes = this.random(this.below(2) === 0 ? this.below(3) : this.below(1500));
    return this.bench.record(theirs, RECORDS[this.below(RECORDS.length)] ?? 0, bytes);
  }

  private datagram(stream: number): LinkFrame {
    const channel = this.pipes[2]?.[1].stream.channel;
    const flow = this.below(4);
    if (!channel || this.below(3) === 0) {
      const counter = BigInt(this.below(100));
      return { type: "DATAGRAM", stream, flow, counter, sealed: this.random(16 + this.below(99)) };
    }
    const { counter, sealed } = channel.seal(flow, this.random(this.below(1400)));
    return { type: "DATAGRAM", stream: this.stream(), flow, counter, sealed };
  }

  private application(): void {
    const pipe = this.bench.core.offered[this.below(this.bench.core.offered.length)];
    if (!pipe || pipe.ended || this.below(3) > 0) return;
    const what = this.below(40);
    if (!pipe.connected) pipe.accept();
    else if (pipe === this.pipes[2]?.[0]) pipe.readDatagram();
    else if (what === 0) pipe.reset(12);
    else if (what === 1) pipe.fin();
    else pipe.write(pipe.read().subarray(0, 500));
  }

  private breakHop(): void {
    const { world, core } = this.bench;
    world.hangUp(core);
    world.dial(core);
    world.wire.pass(1000);
  }

  /** The peer starts anew: all of its old streams end, and a new one carries bytes. */
  recovers(): boolean {
    const { bench } = this;
    const { world, core } = bench;
    world.wire.pass(2 * MINUTE_MS);
    const peer = world.restart("b");
    world.wire.run(() => peer.welcomed, 10_000);
    if (core.closed) world.dial(core);
    world.wire.pass(2 * MINUTE_MS);
    for (const pipe of [...core.offered, bench.second[0]]) {
      if (!pipe.ended) pipe.reset(12);
      pipe.read();
    }
    world.wire.pass(10_000);
    const ended = [...core.offered, bench.second[0]].every((pipe) => pipe.ended);
    const [mine, theirs] = bench.connect("b");
    return ended && bench.carries(mine, theirs);
  }
}

describe("a core", () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    it(`works after the hostile sequence of seed ${seed}`, () => {
      const hostile = new Hostile(`sequence ${seed}`);
      for (let step = 0; step < STEPS && hostile.step(); step++);
      expect(hostile.recovers()).toBe(true);
    });
  }
});
