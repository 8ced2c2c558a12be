// SPDX-License-Identifier: Apache-2.0
// Datagrams that wait for their channel to open or their target's name to resolve: the newest few, none
// of them too old in the end. Before it: datagram-binding.ts, datagram-mapping.ts. After it: the channel
// or the socket. PROTOCOL 8.1 ("keep the newest few"), rule U4.

/** As many as a resolver or a call's first packets make at once. */
const MOST = 16;

type Held = { flow: number; bytes: Uint8Array; atMs: number };

export class Newest {
  #held: Held[] = [];

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Keeps a datagram. False: the oldest had to go for it. */
  hold(flow: number, bytes: Uint8Array, atMs: number): boolean {
    this.#held.push({ flow, bytes, atMs });
    if (this.#held.length <= MOST) return true;
    this.#held.shift();
    return false;
  }

  /** Forgets what was put before `sinceMs`; returns how many. */
  dropOlder(sinceMs: number): number {
    const before = this.#held.length;
    this.#held = this.#held.filter(({ atMs }) => atMs >= sinceMs);
    return before - this.#held.length;
  }

  /** Gives back what is kept, the oldest first. */
  take(): readonly Held[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }
}
