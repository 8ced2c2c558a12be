// SPDX-License-Identifier: Apache-2.0
// The reference's STLink with as much of a core's face as the Commander of the control* tests needs, so
// that devices, which are cores, meet a second implementation there. Before it: test/reference/peer.ts.
// After it: control-world.ts. Invariant: nothing here knows the protocol.

import { type Core, HopState, type Peer as KnownPeer, StreamFlag } from "../../host/core/core.ts";
import { concat } from "../reference/bytes.ts";
import { Peer } from "../reference/peer.ts";
import type { Random } from "../reference/random.ts";
import { STATUS } from "../reference/status.ts";
import type { Stream } from "../reference/stream.ts";

/** What of a core a member of the world is asked for. */
export type CoreFace = Pick<
  Core,
  | "tick"
  | "work"
  | "flags"
  | "feed"
  | "takeDrop"
  | "hopDial"
  | "hopFree"
  | "hopState"
  | "hopTake"
  | "hopPut"
  | "hopStep"
  | "linkAdd"
  | "streamNext"
  | "streamFlags"
  | "streamConnected"
  | "streamRelease"
  | "streamTake"
  | "streamPut"
> & { streamInfo(stream: number): { link: number; kind: number } };

export interface ReferenceOptions {
  id: Uint8Array;
  staticSecret: Uint8Array;
  connectorKey: Uint8Array;
  random: Random;
}

/** A stream, what has been read of it, and whether its end has been told. */
type Held = { stream: Stream; link: number; bytes: Uint8Array; isTold: boolean };

/** Its links are numbered as they were added, its streams as they were opened. */
export class ReferenceCore implements CoreFace {
  readonly #peer: Peer;
  readonly #ids: Uint8Array[] = [];
  readonly #held: Held[] = [];
  readonly #counted = new Map<string, number>();
  #seen = 0;

  constructor(options: ReferenceOptions, now: number) {
    // A Commander has no configuration: version 0.
    const settings = { epoch: 0, serial: 0n };
    const room = { channels: 16, handshakeBurst: 8, peers: [] };
    this.#peer = new Peer({ ...options, ...room, settings }, now);
  }

  tick(now: number): number {
    return Math.max(1, Math.min(1000, this.#peer.tick(now) - now));
  }

  work(): boolean {
    return false;
  }

  flags(): number {
    return 0;
  }

  feed(): void {}

  /** What was dropped, a kind at a time. */
  takeDrop(): number {
    for (const id of this.#ids) {
      for (const [status, count] of this.#peer.linkTo(id).counters) {
        const name = `${id} ${status}`;
        if (this.#counted.get(name) === count) continue;
        this.#counted.set(name, count);
        return STATUS[status];
      }
    }
    return 0;
  }

  hopDial(): number {
    this.#peer.connect();
    return 0;
  }

  hopFree(): void {
    this.#peer.disconnect();
  }

  hopState() {
    const { welcomed, closed } = this.#peer;
    const state = welcomed ? HopState.Up : closed ? HopState.Closed : HopState.Handshake;
    return { state, reason: 0, asking: false, greeted: welcomed };
  }

  hopTake(): Uint8Array {
    return this.#peer.send();
  }

  hopPut(_hop: number, bytes: Uint8Array): number {
    this.#peer.receive(bytes);
    return bytes.length;
  }

  hopStep(): number {
    return 0;
  }

  linkAdd(peer: KnownPeer): number {
    this.#peer.know(peer);
    const name = `${peer.id}`;
    const known = this.#ids.findIndex((id) => `${id}` === name);
    return known >= 0 ? known : this.#ids.push(peer.id) - 1;
  }

  /** The next stream with bytes that have not been taken, or with an end that has not been told. */
  streamNext(): number {
    this.#takeEvents();
    return this.#held.findIndex((held) => {
      if (held.isTold) return false;
      const bytes = this.#peer.read(held.stream);
      held.bytes = concat(held.bytes, bytes);
      held.isTold = held.stream.state === "ended";
      return bytes.length > 0 || !held.stream.connected || held.isTold;
    });
  }

  streamFlags(stream: number): number {
    const { state, connected } = this.#at(stream).stream;
    if (state === "ended") return StreamFlag.Closed;
    return connected ? StreamFlag.Connected | StreamFlag.Readable : StreamFlag.Offered;
  }

  streamInfo(stream: number): { link: number; kind: number } {
    const { link, stream: held } = this.#at(stream);
    return { link, kind: held.kind };
  }

  streamConnected(stream: number): void {
    this.#peer.connected(this.#at(stream).stream);
  }

  streamRelease(): number {
    return 0;
  }

  streamTake(stream: number): Uint8Array {
    const held = this.#at(stream);
    const { bytes } = held;
    held.bytes = new Uint8Array(0);
    return bytes;
  }

  streamPut(stream: number, bytes: Uint8Array): number {
    const held = this.#at(stream);
    return held.stream.state === "ended" ? 0 : this.#peer.write(held.stream, bytes);
  }

  #at(stream: number): Held {
    const held = this.#held[stream];
    if (!held) throw new Error(`no stream ${stream}`);
    return held;
  }

  #takeEvents(): void {
    for (const event of this.#peer.events.slice(this.#seen)) {
      if (event.type !== "open") continue;
      const { stream } = event;
      const link = this.#ids.findIndex((id) => this.#peer.hasStream(id, stream));
      this.#held.push({ stream, link, bytes: new Uint8Array(0), isTold: false });
    }
    this.#seen = this.#peer.events.length;
  }
}
