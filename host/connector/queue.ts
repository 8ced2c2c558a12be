// SPDX-License-Identifier: Apache-2.0
// The queue of one STLink: one FIFO for each sender, served by deficit round robin (rule F7), bounded in
// bytes, in packets (each weighs at least WEIGHT_LEAST) and by age of class (rule K1). Before it:
// forwarding.ts, which has checked the pair. After it: the STLink's hop. Invariants: held weight <=
// queueBytes + senders x guarantee; a sender pays with its own packets only, unless it holds the longest
// FIFO. PROTOCOL 4.3, section 9.

import type { RefusalName } from "./counters.ts";

/** One sealed packet. `kind` is its class, PROTOCOL 4.3; `from` the sender's id in hexadecimal. */
export type Packet = { from: string; kind: number; bytes: Uint8Array; sinceMs: number };

export type Refusal = { packet: Packet; reason: RefusalName };

/** What a queue is to its Connector; a fleet's queue is another one. */
export interface PacketQueue {
  readonly heldBytes: number;
  readonly heldPackets: number;
  /** Takes a packet. Refused are: this one, or what made room for it. Replaced: an older wake packet. */
  enqueue(packet: Packet): { refused: Refusal[]; isReplacing: boolean };
  /** The packet whose turn it is, or null. The same one until `dequeue`. */
  peek(): Packet | null;
  /** Removes the packet of the last `peek`. */
  dequeue(): void;
  /** Removes what is older than its class allows. */
  expire(nowMs: number): Refusal[];
  /** Removes everything of one sender (rule T10). */
  purge(from: string): Refusal[];
  /** Other limits from now on. What is held stays. */
  setLimits(limits: QueueLimits): void;
  /** Since when its oldest packet has waited; null while it is empty. */
  oldestSinceMs(): number | null;
  /** Who has something in it. */
  senders(): string[];
}

export type QueueLimits = { queueBytes: number; maxPacketBytes: number };

const CLASS_STREAM = 0;
const CLASS_WAKE = 255;
const STREAM_MS = 120_000;
const WAKE_MS = 24 * 3_600_000;
const DATAGRAM_UNIT_MS = 50;
/** What a packet counts as, at least, so that tiny ones are bounded too: about what holding it costs. */
const WEIGHT_LEAST = 256;

/** How long a packet of a class may wait (rule K1). */
export function classMs(kind: number): number {
  if (kind === CLASS_STREAM) return STREAM_MS;
  return kind === CLASS_WAKE ? WAKE_MS : kind * DATAGRAM_UNIT_MS;
}

type Fifo = { packets: Packet[]; weight: number; deficit: number };

export class MemoryQueue implements PacketQueue {
  #limits: QueueLimits;
  /** FIFOs with something in them, in the order of their turns: the first one is served. */
  readonly #fifos = new Map<string, Fifo>();
  #chosen: { from: string; fifo: Fifo } | null = null;
  #heldWeight = 0;
  heldBytes = 0;
  heldPackets = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  enqueue(packet: Packet): { refused: Refusal[]; isReplacing: boolean } {
    const isReplacing = packet.kind === CLASS_WAKE && this.#dropWake(packet.from);
    const refused = this.#makeRoom(packet);
    if (refused.some((refusal) => refusal.packet === packet)) return { refused, isReplacing };
    const fifo = this.#fifos.get(packet.from) ?? { packets: [], weight: 0, deficit: 0 };
    this.#fifos.set(packet.from, fifo);
    fifo.packets.push(packet);
    this.#count(fifo, packet, 1);
    return { refused, isReplacing };
  }

  peek(): Packet | null {
    this.#chosen ??= this.#choose();
    return this.#chosen?.fifo.packets[0] ?? null;
  }

  dequeue(): void {
    const chosen = this.#chosen;
    const packet = chosen?.fifo.packets.shift();
    if (chosen === null || packet === undefined) return;
    chosen.fifo.deficit -= packet.bytes.length;
    this.#count(chosen.fifo, packet, -1);
    this.#dropEmpty(chosen.from, chosen.fifo);
    this.#chosen = null;
  }

  expire(nowMs: number): Refusal[] {
    const refused: Refusal[] = [];
    for (const [from, fifo] of this.#fifos) {
      const isOld = (packet: Packet) => nowMs - packet.sinceMs >= classMs(packet.kind);
      if (fifo.packets.some(isOld)) this.#drop(from, fifo, isOld, "Aged", refused);
    }
    return refused;
  }

  purge(from: string): Refusal[] {
    const refused: Refusal[] = [];
    const fifo = this.#fifos.get(from);
    if (fifo !== undefined) this.#drop(from, fifo, () => true, "Purged", refused);
    return refused;
  }

  setLimits(limits: QueueLimits): void {
    this.#limits = limits;
  }

  senders(): string[] {
    return [...this.#fifos.keys()];
  }

  oldestSinceMs(): number | null {
    let oldest: number | null = null;
    // Packets of one sender stand in the order in which they came.
    for (const { packets } of this.#fifos.values()) {
      const [first] = packets;
      if (first !== undefined) oldest = Math.min(oldest ?? first.sinceMs, first.sinceMs);
    }
    return oldest;
  }

  /** Deficit round robin: each turn adds one quantum; a FIFO is served while its deficit lasts. */
  #choose(): { from: string; fifo: Fifo } | null {
    for (const [from, fifo] of this.#fifos) {
      const [first] = fifo.packets;
      if (first !== undefined && fifo.deficit >= first.bytes.length) return { from, fifo };
      // Its turn is over: it goes to the end with a fresh quantum, which any packet fits in. The walk
      // comes to it again there, so it ends.
      fifo.deficit += this.#limits.maxPacketBytes;
      this.#fifos.delete(from);
      this.#fifos.set(from, fifo);
    }
    return null;
  }

  /** Refuses the newest packets of the longest FIFO until `packet` fits; it may be `packet` itself. */
  #makeRoom(packet: Packet): Refusal[] {
    const refused: Refusal[] = [];
    const own = (this.#fifos.get(packet.from)?.weight ?? 0) + weightOf(packet);
    const guarantee = 2 * this.#limits.maxPacketBytes;
    while (this.#heldWeight + weightOf(packet) > this.#limits.queueBytes) {
      const [from, fifo] = this.#longest() ?? [packet.from, null];
      if (fifo === null || from === packet.from || fifo.weight <= Math.max(own, guarantee)) {
        // The longest FIFO would be the packet's own; within its guarantee it is taken all the same.
        if (own > guarantee) refused.push({ packet, reason: "QueueFull" });
        return refused;
      }
      const newest = fifo.packets.pop() as Packet;
      this.#count(fifo, newest, -1);
      if (this.#chosen?.fifo === fifo) this.#chosen = null;
      this.#dropEmpty(from, fifo);
      refused.push({ packet: newest, reason: "QueueFull" });
    }
    return refused;
  }

  #longest(): [string, Fifo] | null {
    let longest: [string, Fifo] | null = null;
    for (const entry of this.#fifos) {
      if (longest === null || entry[1].weight > longest[1].weight) longest = entry;
    }
    return longest;
  }

  /** Only the newest wake packet of each sender is kept (rule K1). */
  #dropWake(from: string): boolean {
    const fifo = this.#fifos.get(from);
    if (fifo === undefined) return false;
    const index = fifo.packets.findIndex((packet) => packet.kind === CLASS_WAKE);
    const [older] = index < 0 ? [] : fifo.packets.splice(index, 1);
    if (older === undefined) return false;
    this.#count(fifo, older, -1);
    this.#chosen = null;
    this.#dropEmpty(from, fifo);
    return true;
  }

  #drop(
    from: string,
    fifo: Fifo,
    isOver: (packet: Packet) => boolean,
    reason: RefusalName,
    refused: Refusal[],
  ): void {
    for (const packet of fifo.packets.filter(isOver)) {
      this.#count(fifo, packet, -1);
      refused.push({ packet, reason });
    }
    fifo.packets = fifo.packets.filter((packet) => !isOver(packet));
    this.#chosen = null;
    this.#dropEmpty(from, fifo);
  }

  #dropEmpty(from: string, fifo: Fifo): void {
    if (fifo.packets.length === 0) this.#fifos.delete(from);
  }

  #count(fifo: Fifo, packet: Packet, sign: 1 | -1): void {
    fifo.weight += sign * weightOf(packet);
    this.#heldWeight += sign * weightOf(packet);
    this.heldBytes += sign * packet.bytes.length;
    this.heldPackets += sign;
  }
}

function weightOf({ bytes }: Packet): number {
  return Math.max(bytes.length, WEIGHT_LEAST);
}
