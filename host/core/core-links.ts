// SPDX-License-Identifier: Apache-2.0
// The typed core's links: peers and their sessions. Before: core-hops.ts. After: core.ts; host/stlink.
// PROTOCOL section 5.

import { ZERO_KEY } from "./core-calls.ts";
import { CoreHops } from "./core-hops.ts";

export type Peer = {
  id: Uint8Array;
  key: Uint8Array;
  nextKey?: Uint8Array;
  psk?: Uint8Array;
  pskName?: Uint8Array;
};

export class CoreLinks extends CoreHops {
  /** Adds a peer or changes its keys; returns the link. */
  linkAdd(peer: Peer): number {
    const none = new Uint8Array(8);
    this.put(
      peer.id,
      peer.key,
      peer.nextKey ?? ZERO_KEY,
      peer.psk ?? ZERO_KEY,
      peer.pskName ?? none,
    );
    return this.check("link_add", this.f.link_add());
  }

  linkRemove(link: number, reason: number): void {
    this.check("link_remove", this.f.link_remove(link, reason));
  }

  /** Wishes for a session without a stream. */
  linkConnect(link: number): void {
    this.check("link_connect", this.f.link_connect(link));
  }
}
