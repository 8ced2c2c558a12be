// SPDX-License-Identifier: Apache-2.0
// What a transcript does to one instance of the core, verb by verb (PROTOCOL section 15), on any
// engine. Before: player.ts, which reads a transcript, and make/recorder.ts, which writes one. After:
// host/core/engine.ts. Knows the boundary and no protocol.
// Invariant: each verb leaves its return value in `result`; below zero is a status.

import * as abi from "../../host/core/abi.gen.ts";
import type { CoreEngine } from "../../host/core/engine.ts";

/** Cuts what arrives into what is put at once. */
export type Cut = (bytes: Uint8Array) => Uint8Array[];

export const WHOLE: Cut = (bytes) => [bytes];
export const BY_BYTE: Cut = (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** What a Connector is to queue, or to mute. */
export type Seen =
  | {
      what: "packet";
      hop: number;
      kind: number;
      channel: number;
      id: Uint8Array;
      bytes: Uint8Array;
    }
  | { what: "mute"; hop: number; channel: number; seconds: number; id: Uint8Array };

/** Index of each size by its name in the ABI, `SIZE_` left out: what `size NAME N` sets. */
const SIZE_INDEX: ReadonlyMap<string, number> = new Map(
  Object.entries(abi).flatMap(([name, value]) =>
    name.startsWith("SIZE_") && name !== "SIZE_COUNT" ? [[name.slice(5), value as number]] : [],
  ),
);

/** More steps than any work has. */
const MAX_STEPS = 2000;
const NONE = new Uint8Array(0);
const STEP_PACKET = 2;
const STEP_MUTE = 3;
const HOP_CLOSED = 5;

export class Machine {
  readonly engine: CoreEngine;
  /** What the last verb returned. */
  result = 0;
  /** Packets and mutes that arrived and nobody has taken yet. */
  readonly seen: Seen[] = [];
  readonly #cut: Cut;
  readonly #arg: number;
  readonly #sizes = new Uint32Array(abi.SIZE_COUNT);
  #now = 0;
  #isStarted = false;

  constructor(engine: CoreEngine, cut: Cut = WHOLE) {
    this.engine = engine;
    this.#cut = cut;
    this.#arg = engine.call("arg_ptr");
  }

  /** A size of the instance; what is not set is 0, and the memory as it is. */
  size(name: string, value: number): void {
    const index = SIZE_INDEX.get(name);
    if (index === undefined) throw new Error(`no size ${name}`);
    this.#sizes[index] = value;
  }

  /** 32 bytes of entropy. */
  seed(bytes: Uint8Array): void {
    this.engine.write(this.engine.call("entropy_ptr"), bytes);
    this.result = this.engine.call("feed", 0, 0);
  }

  now(ms: number): void {
    this.#now = ms;
    if (this.#isStarted) this.result = this.engine.call("tick", ms | 0);
  }

  start(role: "stlink" | "connector"): void {
    const memoryAt = abi.SIZE_MEMORY_BYTES;
    if (this.#sizes[memoryAt] === 0) this.#sizes[memoryAt] = this.engine.memoryBytes();
    this.engine.write(this.engine.call("sizes_ptr"), new Uint8Array(this.#sizes.buffer));
    const number = role === "stlink" ? abi.ROLE_STLINK : abi.ROLE_CONNECTOR;
    this.result = this.engine.call("start", number, this.#now | 0);
    this.#isStarted = this.result === 0;
  }

  arg(bytes: Uint8Array): void {
    this.engine.write(this.#arg, bytes);
    this.result = 0;
  }

  /** Bytes where a code or a configuration is put. */
  config(bytes: Uint8Array): void {
    this.engine.write(this.engine.call("config_ptr"), bytes);
    this.result = 0;
  }

  call(name: string, args: readonly number[]): void {
    this.result = this.engine.call(name, ...args);
  }

  work(): void {
    for (let i = 0; i < MAX_STEPS; i++) if (this.engine.call("work") !== 1) return;
    throw new Error("work does not come to an end");
  }

  /** Bytes of a hop's wire: put as the cut says, dealt with after each put. Empty: what waits. */
  rx(hop: number, bytes: Uint8Array): void {
    this.result = 0;
    if (bytes.length === 0) this.#deal(hop);
    for (const piece of this.#cut(bytes)) {
      for (let rest = piece; rest.length > 0; ) {
        const taken = this.#put(hop, rest);
        if (taken === 0) return;
        rest = rest.subarray(taken);
        this.#deal(hop);
      }
    }
  }

  /** How many were taken; none when the hop is closed. */
  #put(hop: number, bytes: Uint8Array): number {
    const room = this.engine.call("hop_rx_room", hop);
    const ptr = this.engine.call("hop_rx_ptr", hop);
    if (room <= 0 || ptr <= 0) {
      if ((this.engine.call("hop_state", hop) & 0xff) === HOP_CLOSED) return 0;
      throw new Error(`hop ${hop} takes no bytes`);
    }
    const part = bytes.subarray(0, room);
    this.engine.write(ptr, part);
    const status = this.engine.call("hop_rx_commit", hop, part.length);
    if (status < 0) throw new Error(`hop_rx_commit returned ${status}`);
    return part.length;
  }

  #deal(hop: number): void {
    for (let i = 0; i < MAX_STEPS; i++) {
      const step = this.engine.call("hop_rx_step", hop);
      if (step === STEP_PACKET || step === STEP_MUTE) this.#see(hop, step);
      if (step > 0) continue;
      if (step < 0) this.result = step;
      return;
    }
    throw new Error("the hop's records do not come to an end");
  }

  #see(hop: number, step: number): void {
    const at = this.engine.call("packet_info_ptr");
    const words = new Uint32Array(this.engine.read(at, 24).buffer);
    const [ptr = 0, len = 0, kind = 0, channel = 0, seconds = 0, idPtr = 0] = words;
    const id = idPtr === 0 ? NONE : this.engine.read(idPtr, 16);
    if (step === STEP_MUTE) {
      this.seen.push({ what: "mute", hop, channel, seconds, id });
      return;
    }
    this.seen.push({ what: "packet", hop, kind, channel, id, bytes: this.engine.read(ptr, len) });
  }

  /** Everything that is ready for a hop's wire. */
  tx(hop: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < MAX_STEPS; i++) {
      const ready = this.engine.call("hop_tx_fill", hop);
      if (ready < 0) this.result = ready;
      if (ready <= 0) return Buffer.concat(parts);
      parts.push(this.engine.read(this.engine.call("hop_tx_ptr", hop), ready));
      this.engine.call("hop_tx_consume", hop, ready);
    }
    throw new Error("the hop's output does not come to an end");
  }

  /** Connector: a packet of class `kind` from the id in the argument area. 0: done; 1: not now. */
  forward(hop: number, kind: number, packet: Uint8Array): void {
    const ptr = this.engine.call("forward_ptr", hop, packet.length);
    this.result = ptr === 0 ? 1 : ptr;
    if (ptr <= 0) return;
    this.engine.write(ptr, packet);
    this.result = this.engine.call("forward_commit", hop, kind, packet.length);
  }

  /** Bytes from the application, as one record. */
  in(stream: number, bytes: Uint8Array): void {
    this.engine.write(this.engine.call("in_ptr"), bytes);
    this.result = this.engine.call("in_commit", stream, bytes.length);
  }

  /** Every byte that the application can take. */
  out(stream: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < MAX_STEPS; i++) {
      const len = this.engine.call("out_len", stream);
      if (len <= 0) return Buffer.concat(parts);
      parts.push(this.engine.read(this.engine.call("out_ptr", stream), len));
      this.engine.call("out_consume", stream, len);
    }
    throw new Error("the stream's output does not come to an end");
  }

  datagram(stream: number, flow: number, bytes: Uint8Array): void {
    this.engine.write(this.engine.call("in_ptr"), bytes);
    this.result = this.engine.call("datagram_commit", stream, flow, bytes.length, this.#now | 0);
  }

  /** The oldest datagram that has arrived, or null. */
  takeDatagram(stream: number): { flow: number; bytes: Uint8Array } | null {
    const len = this.engine.call("datagram_out", stream);
    if (len < 0) return null;
    const bytes = this.engine.read(this.engine.call("in_ptr"), len);
    return { flow: this.engine.call("datagram_flow"), bytes };
  }
}
