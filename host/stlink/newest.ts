// SPDX-License-Identifier: Apache-2.0
// Datagrams that wait for their channel to open or their target's name to resolve: the newest few, none
// of them too old in the end. Before it: datagram-binding.ts, flow-socket.ts. After it: the channel or
// the socket. PROTOCOL 8.1 ("keep the newest few"), rule U4.

/** As many as the clients of one resolver send before the first handshake is done. */
const MOST = 64;
const MOST_BYTES = 131_072;

type Held = { flow: number; bytes: Uint8Array; atMs: number };

export class Newest {
  #held: Held[] = [];
  #heldBytes = 0;

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Keeps a datagram; returns how many older ones had to go for it. */
  hold(flow: number, bytes: Uint8Array, atMs: number): number {
    this.#held.push({ flow, bytes, atMs });
    this.#heldBytes += bytes.length;
    let gone = 0;
    while (this.#held.length > MOST || (this.#heldBytes > MOST_BYTES && this.#held.length > 1)) {
      this.#heldBytes -= this.#held.shift()?.bytes.length ?? 0;
      gone += 1;
    }
    return gone;
  }

  /** Forgets what was put before `sinceMs`; returns how many. */
  dropOlder(sinceMs: number): number {
    let gone = 0;
    while (this.#held[0] !== undefined && this.#held[0].atMs < sinceMs) {
      this.#heldBytes -= this.#held.shift()?.bytes.length ?? 0;
      gone += 1;
    }
    return gone;
  }

  /** Gives back what is kept, the oldest first. */
  take(): readonly Held[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }
}
