// SPDX-License-Identifier: Apache-2.0
// Memory for the copies of packets that wait in queues. Large packets come and go by the thousand each second, and
// a fresh buffer for each keeps the garbage collector busy; so theirs are used again. Before it: forwarding.ts takes
// a packet out of a hop. After it: forwarding.ts gives the buffer back once the next hop has it. A buffer that is never
// given back is only garbage.

/** Free buffers that are kept: what a few senders have under way. */
const KEPT_MOST = 64;

export class PacketBuffers {
  readonly #wholeBytes: number;
  readonly #free: ArrayBuffer[] = [];

  constructor(maxPacketBytes: number) {
    this.#wholeBytes = maxPacketBytes;
  }

  /** A copy of a packet of at most `maxPacketBytes`. Those of half of that and more get a whole buffer. */
  copy(packet: Uint8Array): Uint8Array {
    if (packet.length < this.#wholeBytes / 2) return packet.slice();
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#wholeBytes);
    const bytes = new Uint8Array(buffer, 0, packet.length);
    bytes.set(packet);
    return bytes;
  }

  /** Nobody uses this copy any more. */
  giveBack({ buffer }: Uint8Array): void {
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === this.#wholeBytes;
    if (isWhole && this.#free.length < KEPT_MOST) this.#free.push(buffer);
  }
}
