// SPDX-License-Identifier: Apache-2.0
// What becomes of a packet at a Connector: it is checked and put into the queue of the STLink that it is
// for, or refused with a hint to its sender; each STLink's hop pulls from its own queue as far as its
// credit goes. Before it: connector.ts, which reads the hops. After it: the queues, and the hop that a
// packet leaves by. Invariant: every packet is queued or counted under a named reason. PROTOCOL 4.2,
// section 9; rules K1, K3, T10.

import { Reason } from "../core/abi.gen.ts";
import type { Core, PacketInfo } from "../core/core.ts";
import { hex } from "../service/hex.ts";
import { type Counters, count, REFUSALS, type RefusalName } from "./counters.ts";
import type { ConnectorOptions } from "./options.ts";
import { PacketBuffers } from "./packet-buffers.ts";
import type { Place } from "./place.ts";
import type { Packet, Refusal } from "./queue.ts";
import type { Seat } from "./seat.ts";

export class Forwarding {
  readonly #core: Core;
  readonly #options: ConnectorOptions;
  readonly #counters: Counters;
  readonly #buffers: PacketBuffers;
  /** This seat has something to write. */
  readonly #serve: (seat: Seat) => void;

  constructor(options: ConnectorOptions, counters: Counters, serve: (seat: Seat) => void) {
    this.#core = options.core;
    this.#options = options;
    this.#counters = counters;
    this.#buffers = new PacketBuffers(options.sizes.maxPacketBytes);
    this.#serve = serve;
  }

  /** The checks in the order of PROTOCOL section 9; `from` is the hop's place, which nobody states (K3). */
  take(seat: Seat, info: PacketInfo, sinceMs: number): void {
    const { place: from } = seat;
    if (from === null) return;
    this.#counters.countIn(info.len);
    seat.notePackets(info.len);
    from.packetsIn += 1;
    from.bytesIn += info.len;
    // Refused or not, a packet is paid for by who sent it.
    const isWithinRate = from.spend(info.len, sinceMs);
    if (info.to === null) {
      this.#countRefused(from, "UnknownChannel");
      this.#core.hopTell(seat.hop, info.channel, Reason.UnknownChannel);
      return;
    }
    const id = hex(info.to);
    seat.noteChannel(info.channel, id);
    const to = from.resolve(id);
    if (info.len > this.#options.sizes.maxPacketBytes) return this.#refuse(from, id, "TooBig");
    if (to === undefined || !from.isPairedWith(to)) return this.#refuse(from, id, "NotPaired");
    if (to.isMuted(from.id, sinceMs)) return this.#refuse(from, id, "Muted");
    if (!isWithinRate) return this.#refuse(from, id, "RateLimited");
    const bytes = this.#buffers.copy(this.#core.packetBytes(info));
    this.#enqueue(to, { from: from.id, kind: info.class, bytes, sinceMs });
  }

  #enqueue(to: Place, packet: Packet): void {
    const { refused, isReplacing } = to.queue.enqueue(packet);
    if (isReplacing) this.#counters.replaced += 1;
    this.#refuseAll(to, refused);
    this.#options.onPacket?.(packet.from, to.id, packet.bytes.length, packet.kind);
    if (to.seat !== null) return this.#serve(to.seat);
    to.toldAway ??= new Set();
    if (to.toldAway.has(packet.from)) return;
    to.toldAway.add(packet.from);
    this.#tell(to.resolve(packet.from), to.id, "away");
  }

  /** Packets that were for `to`. */
  #refuseAll(to: Place, refused: readonly Refusal[]): void {
    for (const { packet, reason } of refused) {
      const from = to.resolve(packet.from);
      if (from === undefined) count(this.#counters.refused, reason);
      else this.#refuse(from, to.id, reason);
    }
  }

  #refuse(from: Place, to: string, name: RefusalName): void {
    this.#countRefused(from, name);
    this.#tell(from, to, REFUSALS[name]);
  }

  #countRefused(from: Place, name: RefusalName): void {
    count(this.#counters.refused, name);
    count(from.refused, name);
  }

  #tell(whom: Place | undefined, about: string, what: number | "away" | "back"): void {
    const seat = whom?.seat ?? null;
    if (seat?.tell(about, what)) this.#serve(seat);
  }

  /** One packet of its queue into the hop, as far as credit and room go. */
  pull(seat: Seat): void {
    const { place } = seat;
    if (place === null) return;
    this.#skipTooBig(place, seat.maxPacketBytes);
    const packet = place.queue.peek();
    if (packet === null) return;
    const { from, kind, bytes } = packet;
    const sender = place.resolve(from)?.idBytes ?? Buffer.from(from, "hex");
    if (!this.#core.forward(seat.hop, kind, sender, bytes)) return;
    place.queue.dequeue();
    this.#buffers.giveBack(bytes);
    place.packetsOut += 1;
    place.bytesOut += bytes.length;
    this.#counters.countOut(bytes.length);
  }

  /** A packet may have waited for a hop that took larger ones. */
  #skipTooBig(place: Place, mostBytes: number): void {
    for (;;) {
      const packet = place.queue.peek();
      if (packet === null || packet.bytes.length <= mostBytes) return;
      place.queue.dequeue();
      this.#refuseAll(place, [{ packet, reason: "TooBig" }]);
    }
  }

  /** `place` has a hop again: whoever was told that it is away, or has packets waiting, is told. */
  tellBack(place: Place): void {
    for (const sender of new Set([...(place.toldAway ?? []), ...place.queue.senders()])) {
      this.#tell(place.resolve(sender), place.id, "back");
    }
    place.toldAway = null;
  }

  /** Packets past their class. */
  expire(place: Place, nowMs: number): void {
    this.#refuseAll(place, place.queue.expire(nowMs));
  }

  /** Everything from and to an STLink that is no longer admitted (rule T10). */
  purge(place: Place): void {
    const neighbours = place.neighbours?.values() ?? [];
    for (const other of [...place.tenancy.places.values(), ...neighbours]) {
      this.#refuseAll(other, other.queue.purge(place.id));
    }
    for (const sender of place.queue.senders()) {
      this.#refuseAll(place, place.queue.purge(sender));
    }
  }

  purgeUnpaired(place: Place): void {
    for (const sender of place.queue.senders()) {
      const from = place.resolve(sender);
      if (from?.isPairedWith(place)) continue;
      this.#refuseAll(place, place.queue.purge(sender));
    }
  }
}
