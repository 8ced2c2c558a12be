// SPDX-License-Identifier: Apache-2.0
// An application's connection through the tunnel, both of its ends, and the oracle of what each end
// may see. Before it: world.ts tells an end that its stream has news. After it: the core's stream
// calls. Invariants, at every byte: what arrives is the other end's bytes, in order, from the first
// on, at the right STLink from the right peer; after a clean FIN exactly all; else a reason.

import { CoreError, StreamFlag } from "../../host/core/core.ts";
import type { SimClock } from "../../host/net/sim/clock.ts";
import type { SimStlink } from "../../host/net/sim/stlink.ts";
import { SimFailure } from "./failure.ts";
import { patternAt, patternStart } from "./pattern.ts";

/** What the two applications do. */
export type FlowPlan = {
  opener: string;
  accepter: string;
  upBytes: number;
  downBytes: number;
  /** The accepter sends back what it reads; downBytes is upBytes. */
  isEcho: boolean;
  /** The opener reads nothing before it has written everything. */
  writesFirst: boolean;
  /** Largest piece that an application writes, and its rest between two pieces. */
  pieceBytes: number;
  writePauseMs: number;
  /** An application's rest after each read: a slow reader. */
  readPauseMs: number;
  /** How long the accepter's target takes to answer, and the reason if it refuses. */
  connectMs: number;
  refusal: number;
  /** An end resets when it has read so many bytes. */
  reset: { by: "opener" | "accepter"; afterBytes: number } | null;
  holdMs: number;
};

export const PLAN: FlowPlan = {
  opener: "A",
  accepter: "B",
  upBytes: 5000,
  downBytes: 5000,
  isEcho: false,
  writesFirst: false,
  pieceBytes: 4096,
  writePauseMs: 0,
  readPauseMs: 0,
  connectMs: 0,
  refusal: 0,
  reset: null,
  holdMs: 0,
};

/** RESET record: the application reset its connection (13.2). */
const APPLICATION = 12;
const BYTES = 1;

export type EndState = "waiting" | "open" | "closed" | "gone";

/** One end of a flow. */
export class FlowEnd {
  readonly flow: Flow;
  readonly isOpener: boolean;
  readonly node: SimStlink;
  state: EndState = "waiting";
  handle = -1;
  life = 0;
  reason = 0;
  sent = 0;
  got = 0;
  finSent = false;
  finSeen = false;
  connected = false;
  /** Of an OPEN that its opener has given up: no byte may ever come here. */
  isStray = false;
  readonly total: number;
  readonly #start: number;
  #resting = { read: false, write: false };

  constructor(flow: Flow, isOpener: boolean, node: SimStlink) {
    this.flow = flow;
    this.isOpener = isOpener;
    this.node = node;
    this.total = isOpener ? flow.plan.upBytes : flow.plan.downBytes;
    const direction = isOpener || flow.plan.isEcho ? "up" : "down";
    this.#start = patternStart(`${flow.name}/${direction}`);
  }

  get other(): FlowEnd {
    return this.isOpener ? this.flow.accepter : this.flow.opener;
  }

  get isOver(): boolean {
    return this.state === "closed" || this.state === "gone";
  }

  get text(): string {
    const { flow, isOpener, node, state, reason, sent, got } = this;
    const progress = `sent ${sent} of ${this.total}, got ${got} of ${this.other.total}`;
    return `${flow.name} ${isOpener ? "opener" : "accepter"} ${node.name}: ${state} ${reason}, ${progress}`;
  }

  attach(handle: number): void {
    this.state = "open";
    this.handle = handle;
    this.life = this.node.life;
    if (this.flow.plan.holdMs > 0) this.node.core.streamHold(handle, this.flow.plan.holdMs);
  }

  /** The STLink of this end has lost its state. */
  vanish(): void {
    if (!this.isOver) this.state = "gone";
  }

  /** Something may have changed: read, write, see the end. */
  news(): void {
    if (this.state !== "open" || this.life !== this.node.life) return;
    this.#read();
    if (this.#mayReset()) return;
    this.#write();
    this.#seeEnd();
  }

  #mayReset(): boolean {
    const { reset } = this.flow.plan;
    if (reset === null || (reset.by === "opener") !== this.isOpener) return false;
    if (this.got < reset.afterBytes || this.flow.wasReset || !this.connected) return false;
    this.flow.wasReset = true;
    this.node.core.streamReset(this.handle, APPLICATION);
    this.#seeEnd();
    return true;
  }

  #read(): void {
    const { core } = this.node;
    const flags = core.streamFlags(this.handle);
    if (flags & StreamFlag.Connected && !this.connected) this.connected = true;
    if (this.#resting.read || (this.flow.plan.writesFirst && this.isOpener && !this.finSent))
      return;
    for (;;) {
      const bytes = core.streamTake(this.handle);
      if (bytes.length === 0) break;
      this.#check(bytes);
      if (this.flow.plan.readPauseMs > 0) {
        this.#rest("read", this.flow.plan.readPauseMs);
        return;
      }
    }
    if (core.streamFlags(this.handle) & StreamFlag.Fin && !this.finSeen) this.#seeFin();
  }

  #check(bytes: Uint8Array): void {
    if (this.isStray) throw new SimFailure(`${this.text}: bytes for an OPEN that was given up`);
    const from = this.other;
    const end = this.got + bytes.length;
    const start = this.flow.plan.isEcho ? this.#start : from.#start;
    if (end > from.sent)
      throw new SimFailure(`${this.text}: ${end} bytes arrived, more were never sent`);
    const expected = patternAt(start, this.got, bytes.length);
    if (Buffer.compare(bytes, expected) !== 0) {
      throw new SimFailure(`${this.text}: wrong bytes at ${this.got}`);
    }
    this.got = end;
    this.flow.progressAtMs = this.flow.clock.nowMs;
    this.flow.onProgress(this);
  }

  #seeFin(): void {
    this.finSeen = true;
    if (!this.other.finSent || this.got !== this.other.total) {
      throw new SimFailure(`${this.text}: FIN after ${this.got} of ${this.other.total} bytes`);
    }
  }

  #write(): void {
    const { core } = this.node;
    const { plan } = this.flow;
    if (this.finSent || !this.connected) return;
    while (!this.#resting.write) {
      const ready = plan.isEcho && !this.isOpener ? this.got - this.sent : this.total - this.sent;
      if (ready === 0) break;
      const piece = patternAt(this.#start, this.sent, Math.min(ready, plan.pieceBytes));
      // The other end may see bytes in the same call only if they are counted first.
      const put = core.streamPut(this.handle, piece);
      if (put === 0) break;
      this.sent += put;
      this.flow.progressAtMs = this.flow.clock.nowMs;
      if (plan.writePauseMs > 0) this.#rest("write", plan.writePauseMs);
    }
    if (this.sent === this.total && !this.#resting.write) this.#fin();
  }

  #fin(): void {
    if (this.node.core.streamFlags(this.handle) & StreamFlag.Closed) return;
    this.node.core.streamFin(this.handle);
    this.finSent = true;
    // Whoever wrote first may read now.
    this.#read();
  }

  #seeEnd(): void {
    const { core } = this.node;
    if (!(core.streamFlags(this.handle) & StreamFlag.Closed)) return;
    const { reason } = core.streamInfo(this.handle);
    if (reason === 0 && this.#resting.read) return;
    if (reason === 0 && !(this.finSeen && this.finSent)) {
      throw new SimFailure(`${this.text}: closed without a reason and without both FINs`);
    }
    this.reason = reason;
    this.state = "closed";
    core.streamRelease(this.handle);
    this.flow.onEnd(this);
  }

  #rest(what: "read" | "write", ms: number): void {
    this.#resting[what] = true;
    const { life } = this;
    this.flow.clock.after(ms, () => {
      this.#resting[what] = false;
      if (life !== this.node.life) return;
      this.news();
      this.node.wake();
    });
  }
}

/** Both ends. */
export class Flow {
  readonly name: string;
  readonly plan: FlowPlan;
  readonly clock: SimClock;
  readonly opener: FlowEnd;
  accepter: FlowEnd;
  /** Ends of OPENs that the opener made again under a new number (rule H7). */
  readonly strays: FlowEnd[] = [];
  readonly id: Uint8Array;
  wasReset = false;
  progressAtMs = 0;
  onProgress: (end: FlowEnd) => void = () => {};
  onEnd: (end: FlowEnd) => void = () => {};

  constructor(name: string, number: number, plan: FlowPlan, clock: SimClock, nodes: SimStlink[]) {
    const [opener, accepter] = nodes as [SimStlink, SimStlink];
    this.name = name;
    this.plan = plan;
    this.clock = clock;
    this.id = new Uint8Array(16).fill(0xf1);
    new DataView(this.id.buffer).setUint32(0, number, true);
    this.opener = new FlowEnd(this, true, opener);
    this.accepter = new FlowEnd(this, false, accepter);
    this.progressAtMs = clock.nowMs;
  }

  get isOver(): boolean {
    // An OPEN that never came has no accepter's end.
    const accepted = this.accepter.isOver || this.accepter.state === "waiting";
    return this.opener.isOver && accepted && this.strays.every((stray) => stray.isOver);
  }

  get ends(): FlowEnd[] {
    return [this.opener, this.accepter];
  }

  /** Opens it at the opener's core. False: no room for a stream now. */
  open(): boolean {
    const { node } = this.opener;
    node.core.clock(node.nowMs);
    try {
      const handle = node.core.streamOpen(
        node.link(this.accepter.node.name),
        BYTES,
        this.id,
        this.id,
      );
      this.opener.attach(handle);
      node.wake();
      return true;
    } catch (error) {
      if (error instanceof CoreError && error.code === "NoStreamSlot") return false;
      throw error;
    }
  }

  /** The accepter's core offers it. Returns the end; `answer` is to follow. */
  offered(handle: number): FlowEnd {
    if (this.accepter.state !== "waiting") {
      this.accepter.isStray = true;
      this.strays.push(this.accepter);
      this.accepter = new FlowEnd(this, false, this.accepter.node);
    }
    this.accepter.attach(handle);
    return this.accepter;
  }

  /** The target answers, or refuses, after a while. */
  answer(end: FlowEnd): void {
    const { node, handle, life } = end;
    const { connectMs, refusal } = this.plan;
    const run = (): void => {
      if (life !== node.life || end.state !== "open") return;
      if (node.core.streamFlags(handle) & StreamFlag.Offered) {
        if (refusal > 0) node.core.streamReset(handle, refusal);
        else node.core.streamConnected(handle);
      }
      end.news();
      node.wake();
    };
    if (connectMs === 0) run();
    else this.clock.after(connectMs, run);
  }
}
