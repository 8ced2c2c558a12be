// SPDX-License-Identifier: Apache-2.0
// The typed core's hops: their bytes in and out, how they stand, and what a Connector does with them.
// Before: core-calls.ts. After: core.ts; host/stlink, host/connector. PROTOCOL sections 4 and 9.

import { Status } from "./abi.gen.ts";
import { CoreCalls, EMPTY, ZERO_KEY } from "./core-calls.ts";

/** States of a hop, as `hop_state` gives them. */
export const HopState = { Handshake: 1, Greeting: 2, Up: 3, Closing: 4, Closed: 5 } as const;

export type HopView = { state: number; reason: number; asking: boolean; greeted: boolean };

/** A packet that a Connector is to queue; `packetBytes` gives its bytes. */
export type PacketInfo = {
  ptr: number;
  len: number;
  class: number;
  channel: number;
  names: number;
  to: Uint8Array | null;
};

/** What `hopStep` found. */
export const HopStep = { Idle: 0, More: 1, Packet: 2, Mute: 3 } as const;

export class CoreHops extends CoreCalls {
  /**
   * STLink: begins a hop to a Connector's key. `ticket` is codeId and ticket, 40 bytes (10.2); `place` is the Connector's
   * among the STLink's, 0 to 255: links begin on the first one that is up (7.6).
   */
  hopDial(connectorKey: Uint8Array, psk = ZERO_KEY, ticket?: Uint8Array, place = 0): number {
    this.put(connectorKey, psk, ...(ticket ? [ticket] : []));
    return this.check("hop_open", this.f.hop_open((ticket ? 1 : 0) | (place << 8)));
  }

  /** Connector: takes a hop for a connection that was accepted. */
  hopAccept(): number {
    return this.check("hop_open", this.f.hop_open(0));
  }

  hopFree(hop: number): void {
    this.f.hop_free(hop);
  }

  hopState(hop: number): HopView {
    const word = this.f.hop_state(hop);
    if (word < 0) return { state: HopState.Closed, reason: 0, asking: false, greeted: false };
    return {
      state: word & 0xff,
      reason: (word >> 8) & 0xff,
      asking: (word & 0x10000) !== 0,
      greeted: (word & 0x20000) !== 0,
    };
  }

  /** The status that ended the hop, or 0. */
  hopStatus(hop: number): number {
    return this.f.hop_status(hop);
  }

  /** The key that the other side showed, 32 bytes. */
  hopPeerKey(hop: number): Uint8Array {
    return this.engine.read(this.f.hop_peer_ptr(hop), 32);
  }

  /** What a device showed with TICKET: codeId (8) and ticket (32), zeros when it did not. */
  hopTicket(hop: number): Uint8Array {
    return this.engine.read(this.f.hop_peer_ptr(hop) + 80, 40);
  }

  /** STLink: what DRAIN said: come back after so many milliseconds, or use another Connector; 0: nothing. */
  hopDrainMs(hop: number): number {
    return this.#peerWord(hop, 124);
  }

  /** STLink: how often a link has left this hop, because nobody answered over it (`ConnectorSuspect`). */
  hopSuspected(hop: number): number {
    return this.#peerWord(hop, 128);
  }

  /**
   * STLink: milliseconds since which nothing has come although something is outstanding, once a second hop is to be
   * dialled (rule K7); else 0. To be asked about every half second: a call may have PING sent.
   */
  hopSilentMs(hop: number): number {
    return Math.max(0, this.f.hop_silent(hop));
  }

  /** The largest packet that the STLink on this hop takes, bytes; 0 before its HOP_HELLO. */
  hopMaxPacket(hop: number): number {
    return this.#peerWord(hop, 120);
  }

  #peerWord(hop: number, at: number): number {
    const bytes = this.engine.read(this.f.hop_peer_ptr(hop) + at, 4);
    return new DataView(bytes.buffer).getUint32(0, true);
  }

  /**
   * Where bytes of any hop's wire may land before they are given to `hopPut`, which then copies nothing but what
   * completes a record; undefined where the engine's memory is out of reach. Valid from `start` to `stop`.
   */
  hopLanding(): Uint8Array | undefined {
    return this.engine
      .view?.()
      .subarray(this.f.landing_ptr(), this.f.landing_ptr() + this.started.hopBufferBytes);
  }

  /** Gives bytes of the wire; returns how many were taken (0: later). */
  hopPut(hop: number, bytes: Uint8Array): number {
    const room = this.f.hop_rx_room(hop);
    const ptr = this.f.hop_rx_ptr(hop);
    if (room <= 0 || ptr <= 0) return 0;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.engine.write(ptr, part);
    this.check("hop_rx_commit", this.f.hop_rx_commit(hop, part.length));
    return part.length;
  }

  /** Deals with one record: HopStep, or the status that ended the hop. */
  hopStep(hop: number): number {
    return this.f.hop_rx_step(hop);
  }

  /** Connector: whom the last HopStep.Mute is about (null: a channel without a name), and for how many seconds (K3). */
  muteInfo(): { from: Uint8Array | null; seconds: number } {
    const { to, names } = this.packetInfo();
    return { from: to, seconds: names };
  }

  /** The packet of the last HopStep.Packet. */
  packetInfo(): PacketInfo {
    const bytes = this.look(this.info, 24);
    const word = new DataView(bytes.buffer, bytes.byteOffset, 24);
    const idPtr = word.getUint32(20, true);
    return {
      ptr: word.getUint32(0, true),
      len: word.getUint32(4, true),
      class: word.getUint32(8, true),
      channel: word.getUint32(12, true),
      names: word.getUint32(16, true),
      to: idPtr === 0 ? null : this.engine.read(idPtr, 16),
    };
  }

  /** The bytes of that packet, where they are until the hop's next step. */
  packetBytes({ ptr, len }: PacketInfo): Uint8Array {
    return this.look(ptr, len);
  }

  /**
   * Bytes to be written to the wire now, in the module's memory; empty when there are none. They stay there until
   * `hopSent` or `hopFree`, whatever becomes of the hop: whoever writes them ends the write before it frees the hop.
   */
  hopReady(hop: number): Uint8Array {
    const ready = this.f.hop_tx_fill(hop);
    return ready <= 0 ? EMPTY : this.look(this.f.hop_tx_ptr(hop), ready);
  }

  /** The first `len` bytes of `hopReady` are written. */
  hopSent(hop: number, len: number): void {
    this.f.hop_tx_consume(hop, len);
  }

  /** Bytes to be written to the wire now, a copy; empty when there are none. */
  hopTake(hop: number, most = 65_536): Uint8Array {
    const bytes = this.hopReady(hop).slice(0, most);
    if (bytes.length > 0) this.hopSent(hop, bytes.length);
    return bytes;
  }

  /** Connector: answers a hop that asks, with the PSK of its key (zeros for an unknown one). */
  hopAnswer(hop: number, psk = ZERO_KEY): void {
    this.put(psk);
    this.check("hop_answer", this.f.hop_answer(hop));
  }

  /** Connector: admits a greeted hop. */
  hopAdmit(hop: number, id: Uint8Array, queueBytes: number): void {
    this.put(id);
    this.check("hop_admit", this.f.hop_admit(hop, queueBytes));
  }

  /** Ends a hop with a reason (13.2): REFUSED before admission, CLOSE after it. */
  hopClose(hop: number, reason: number): void {
    this.f.hop_close(hop, reason);
  }

  hopDrain(hop: number, afterMs: number): void {
    this.f.hop_drain(hop, afterMs);
  }

  /** Connector: DROPPED with `reason`, or a hint: "away", "back". */
  hopTell(hop: number, channel: number, what: number | "away" | "back"): void {
    this.f.hop_tell(hop, channel, what === "away" ? -1 : what === "back" ? -2 : what);
  }

  /** Connector: forwards a packet from an id. False: no credit, room or buffer now. */
  forward(hop: number, kind: number, from: Uint8Array, packet: Uint8Array): boolean {
    const ptr = this.f.forward_ptr(hop, packet.length);
    if (ptr <= 0) return false;
    this.engine.write(ptr, packet);
    this.put(from);
    return this.f.forward_commit(hop, kind, packet.length) === Status.Ok;
  }
}
