// SPDX-License-Identifier: Apache-2.0
// The queue of one STLink at a Connector, as PROTOCOL section 9 states it (rules F7, K1): one FIFO
// for each sender, served by deficit round robin, limits in bytes, count and age. Before it: packets
// that the Connector's core opened. After it: `forward`. Nothing here knows a socket or a core.
// Invariants: a sender that holds at most two packets is never refused; order of a sender is kept.

/** Class of message 1 (4.3): only the newest of each sender is kept. */
const CLASS_WAKE = 255;
const WAKE_MS = 86_400_000;
const STREAM_MS = 120_000;
const DATAGRAM_UNIT_MS = 50;

export type QueueLimits = { bytes: number; packets: number; maxPacketBytes: number };

export type QueuedPacket = {
  from: string;
  fromId: Uint8Array;
  /** The sender's hop and channel, for DROPPED. */
  hop: number;
  channel: number;
  class: number;
  bytes: Uint8Array;
  atMs: number;
};

type Fifo = { packets: QueuedPacket[]; bytes: number; deficit: number };

/** How long a packet of a class may wait, PROTOCOL 4.3. */
function ageLimitMs(kind: number): number {
  if (kind === CLASS_WAKE) return WAKE_MS;
  return kind === 0 ? STREAM_MS : kind * DATAGRAM_UNIT_MS;
}

export class Queue {
  readonly #limits: QueueLimits;
  readonly #fifos = new Map<string, Fifo>();
  #turns: string[] = [];
  #bytes = 0;
  #count = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get senders(): string[] {
    return [...this.#fifos.keys()];
  }

  /** Takes a packet. Returns the packet that was refused for it, which may be itself, or null. */
  enqueue(packet: QueuedPacket): QueuedPacket | null {
    if (packet.class === CLASS_WAKE) this.#dropWake(packet.from);
    const fifo = this.#fifoOf(packet.from);
    fifo.packets.push(packet);
    this.#add(fifo, packet.bytes.length, 1);
    if (this.#bytes <= this.#limits.bytes && this.#count <= this.#limits.packets) return null;
    return this.#refuse();
  }

  /** The packet whose turn it is; it stays until `dequeue`. */
  first(): QueuedPacket | null {
    for (let visits = 0; visits < 64; visits++) {
      const name = this.#turns[0];
      if (name === undefined) return null;
      const fifo = this.#fifos.get(name) as Fifo;
      const packet = fifo.packets[0] as QueuedPacket;
      if (fifo.deficit >= packet.bytes.length) return packet;
      fifo.deficit += this.#limits.maxPacketBytes;
      if (fifo.deficit < packet.bytes.length) this.#turns.push(this.#turns.shift() as string);
    }
    return null;
  }

  /** Takes away what `first` gave; the next sender's turn comes when the quantum is used up. */
  dequeue(): void {
    const name = this.#turns[0] as string;
    const fifo = this.#fifos.get(name) as Fifo;
    const packet = fifo.packets.shift() as QueuedPacket;
    fifo.deficit -= packet.bytes.length;
    this.#add(fifo, -packet.bytes.length, -1);
    const next = fifo.packets[0];
    if (next === undefined) this.#forget(name);
    else if (fifo.deficit < next.bytes.length) this.#turns.push(this.#turns.shift() as string);
  }

  /** Removes and returns the packets that are past their class. */
  expire(nowMs: number): QueuedPacket[] {
    return this.#remove((packet) => nowMs - packet.atMs > ageLimitMs(packet.class));
  }

  /** The sender's hop is gone: nobody is told any more what becomes of its packets. */
  forgetHop(hop: number): void {
    for (const fifo of this.#fifos.values()) {
      for (const packet of fifo.packets) if (packet.hop === hop) packet.hop = -1;
    }
  }

  /** Removes and returns everything of a sender (rule T10). */
  purge(from: string): QueuedPacket[] {
    return this.#remove((packet) => packet.from === from);
  }

  #remove(isOver: (packet: QueuedPacket) => boolean): QueuedPacket[] {
    const removed: QueuedPacket[] = [];
    for (const [name, fifo] of [...this.#fifos]) {
      const over = fifo.packets.filter(isOver);
      if (over.length === 0) continue;
      fifo.packets = fifo.packets.filter((packet) => !isOver(packet));
      for (const packet of over) this.#add(fifo, -packet.bytes.length, -1);
      removed.push(...over);
      if (fifo.packets.length === 0) this.#forget(name);
    }
    return removed;
  }

  #dropWake(from: string): void {
    const fifo = this.#fifos.get(from);
    const at = fifo?.packets.findIndex((packet) => packet.class === CLASS_WAKE) ?? -1;
    if (fifo === undefined || at < 0) return;
    const [old] = fifo.packets.splice(at, 1);
    this.#add(fifo, -(old as QueuedPacket).bytes.length, -1);
    if (fifo.packets.length === 0) this.#forget(from);
  }

  /** The newest packet of the longest FIFO goes, but nobody's guaranteed two (rule F7). */
  #refuse(): QueuedPacket | null {
    const guaranteed = 2 * this.#limits.maxPacketBytes;
    let longest: [string, Fifo] | null = null;
    for (const entry of this.#fifos) {
      if (entry[1].bytes <= guaranteed && entry[1].packets.length <= 2) continue;
      if (longest === null || entry[1].bytes > longest[1].bytes) longest = entry;
    }
    if (longest === null) return null;
    const [name, fifo] = longest;
    const refused = fifo.packets.pop() as QueuedPacket;
    this.#add(fifo, -refused.bytes.length, -1);
    if (fifo.packets.length === 0) this.#forget(name);
    return refused;
  }

  #fifoOf(from: string): Fifo {
    const known = this.#fifos.get(from);
    if (known !== undefined) return known;
    const fifo: Fifo = { packets: [], bytes: 0, deficit: 0 };
    this.#fifos.set(from, fifo);
    this.#turns.push(from);
    return fifo;
  }

  #forget(name: string): void {
    this.#fifos.delete(name);
    this.#turns = this.#turns.filter((turn) => turn !== name);
  }

  #add(fifo: Fifo, bytes: number, packets: number): void {
    fifo.bytes += bytes;
    this.#bytes += bytes;
    this.#count += packets;
  }
}
