// SPDX-License-Identifier: Apache-2.0
// A connection of the simulated network: two ends, a byte stream each way, in order, with latency,
// bandwidth, a bounded number of bytes under way, segments of any size, half-close, reset, a cut at
// any byte, and a line that is dead for a while. Before it: network.ts. After it: whoever reads and
// writes an end. Invariants: bytes under way and unread <= bufferBytes; a reset loses all of them.

import type { SimClock } from "./clock.ts";
import type { Prng } from "./prng.ts";

export type LineOptions = {
  latencyMs: number;
  bytesPerMs: number;
  /** Bytes that one direction holds, from the writer's socket to the reader's. */
  bufferBytes: number;
  /** Largest part of a write that arrives in one piece; the pieces are of random sizes below it. */
  segmentBytes: number;
};

export const LINE: LineOptions = {
  latencyMs: 10,
  bytesPerMs: 10_000,
  bufferBytes: 65_536,
  segmentBytes: 1460,
};

export type EndState = "connecting" | "open" | "reset" | "closed";

/** One direction's bytes. */
class Lane {
  /** what has arrived and was not read */
  readonly arrived: Uint8Array[] = [];
  held = 0;
  delivered = 0;
  freeAtMs = 0;
  ended = false;
  isFinishing = false;
  cutAfter = Number.POSITIVE_INFINITY;
}

/** One end of a connection. */
export class SimConnection {
  state: EndState = "connecting";
  /** Called when there may be something to read, room to write, or an end. */
  onEvent: () => void = () => {};
  /** Opaque to the pipe: who owns the end, for traces. */
  readonly name: string;
  readonly #pipe: SimPipe;
  readonly #out: Lane;
  readonly #in: Lane;

  constructor(name: string, pipe: SimPipe, out: Lane, into: Lane) {
    this.name = name;
    this.#pipe = pipe;
    this.#out = out;
    this.#in = into;
  }

  /** Takes as many bytes as there is room for; returns how many. */
  write(bytes: Uint8Array): number {
    if (this.state !== "open" || this.#out.ended) return 0;
    return this.#pipe.send(this, this.#out, bytes);
  }

  /** The next piece that has arrived, or null. */
  read(): Uint8Array | null {
    const piece = this.#in.arrived.shift();
    if (piece === undefined) return null;
    this.#in.held -= piece.length;
    this.#pipe.roomFor(this);
    return piece;
  }

  /** The other side has half-closed and everything was read. */
  get inputEnded(): boolean {
    return this.#in.ended && this.#in.held === 0;
  }

  /** Bytes that this end has received so far, read or not. */
  get receivedBytes(): number {
    return this.#in.delivered;
  }

  /** Half-close: the other side sees it behind the last byte. */
  end(): void {
    if (this.state === "open") this.#pipe.finish(this.#out);
  }

  /** Ends both directions at once; bytes under way are lost. */
  reset(): void {
    this.#pipe.reset(this);
  }

  /**
   * Gives the end up, behind what was written: what has come unread, or comes from now on, is answered with a
   * reset, as by a kernel whose process has closed the socket.
   */
  close(): void {
    this.#pipe.close(this, this.#out, this.#in);
  }

  /** Resets the connection when `bytes` more have arrived at this end. */
  cutAfter(bytes: number): void {
    this.#in.cutAfter = this.#in.delivered + bytes;
  }
}

/** Both ends of one connection, and the line between them. */
export class SimPipe {
  readonly client: SimConnection;
  readonly server: SimConnection;
  /** While true nothing arrives; it arrives when the line is back, as TCP would repeat it. */
  dead = false;
  readonly #clock: SimClock;
  readonly #prng: Prng;
  readonly #options: LineOptions;
  #waiting: (() => void)[] = [];

  constructor(clock: SimClock, prng: Prng, options: LineOptions, names: [string, string]) {
    this.#clock = clock;
    this.#prng = prng;
    this.#options = options;
    const up = new Lane();
    const down = new Lane();
    this.client = new SimConnection(names[0], this, up, down);
    this.server = new SimConnection(names[1], this, down, up);
  }

  get isOver(): boolean {
    return isOver(this.client) && isOver(this.server);
  }

  /** Both ends may be used from now on. */
  open(): void {
    this.client.state = "open";
    this.server.state = "open";
  }

  other(end: SimConnection): SimConnection {
    return end === this.client ? this.server : this.client;
  }

  /** The line is back: what waited for it arrives now. */
  revive(): void {
    this.dead = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  send(from: SimConnection, lane: Lane, bytes: Uint8Array): number {
    const room = Math.min(this.#options.bufferBytes - lane.held, bytes.length);
    let done = 0;
    while (done < room) {
      const piece = this.#prng.between(1, Math.min(room - done, this.#options.segmentBytes));
      this.#launch(from, lane, new Uint8Array(bytes.subarray(done, done + piece)));
      done += piece;
    }
    return done;
  }

  #launch(from: SimConnection, lane: Lane, piece: Uint8Array): void {
    const { latencyMs, bytesPerMs } = this.#options;
    lane.held += piece.length;
    lane.freeAtMs = Math.max(lane.freeAtMs, this.#clock.nowMs) + piece.length / bytesPerMs;
    this.#later(lane.freeAtMs + latencyMs, () => this.#arrive(this.other(from), lane, piece));
  }

  #arrive(end: SimConnection, lane: Lane, piece: Uint8Array): void {
    if (end.state === "closed") return this.#tell(this.other(end));
    if (end.state !== "open" || this.other(end).state === "reset") return;
    const left = lane.cutAfter - lane.delivered;
    const part = piece.length > left ? piece.subarray(0, left) : piece;
    lane.delivered += part.length;
    if (part.length > 0) lane.arrived.push(part);
    end.onEvent();
    if (piece.length >= left) this.cut();
  }

  /** Something was read at `end`: the other side may write again. */
  roomFor(end: SimConnection): void {
    const writer = this.other(end);
    this.#later(this.#clock.nowMs + this.#options.latencyMs, () => {
      if (writer.state === "open") writer.onEvent();
    });
  }

  finish(lane: Lane): void {
    if (lane.isFinishing) return;
    lane.isFinishing = true;
    const at = Math.max(lane.freeAtMs, this.#clock.nowMs) + this.#options.latencyMs;
    this.#later(at, () => {
      lane.ended = true;
      this.client.onEvent();
      this.server.onEvent();
    });
  }

  reset(by: SimConnection): void {
    if (isOver(by)) return;
    by.state = "reset";
    this.#tell(this.other(by));
  }

  close(by: SimConnection, out: Lane, into: Lane): void {
    if (isOver(by)) return;
    if (into.arrived.length > 0) return this.reset(by);
    if (by.state === "open") this.finish(out);
    by.state = "closed";
  }

  /** The other side's reset is on its way to this end. */
  #tell(end: SimConnection): void {
    if (isOver(end)) return;
    const tell = () => this.#end(end);
    if (this.dead) this.#waiting.push(tell);
    else this.#clock.after(this.#options.latencyMs, tell);
  }

  /** Something between the two is gone: each end learns of it at once, bytes under way are lost. */
  cut(): void {
    this.#end(this.client);
    this.#end(this.server);
  }

  #end(end: SimConnection): void {
    if (isOver(end)) return;
    end.state = "reset";
    end.onEvent();
  }

  /** Runs at `atMs`, or when the line is back; in order, because the lanes' times rise. */
  #later(atMs: number, run: () => void): void {
    this.#clock.after(atMs - this.#clock.nowMs, () => {
      if (this.dead) this.#waiting.push(run);
      else run();
    });
  }
}

function isOver(end: SimConnection): boolean {
  return end.state === "reset" || end.state === "closed";
}
