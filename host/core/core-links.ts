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

/** How a link stands. */
export type LinkView = {
  /** A session that may be used; a handshake under way; or neither. */
  session: "none" | "handshake" | "up";
  /** The hop that its packets go over, or -1. */
  hop: number;
  /** Smoothed round trip and its variation, milliseconds; null before the first sample. */
  roundTrip: { srttMs: number; rttvarMs: number } | null;
  /** Sealed bytes that are out and not acknowledged. */
  inFlightBytes: number;
  /** PROBEs and messages 1 in a row without an answer. */
  unanswered: number;
  /** Open streams of the peer in sixteenths of its limit (rule D10). */
  peerLoad: number;
  packetsIn: number;
  packetsOut: number;
  /** Packets that were dropped, and why the last one was: a status, or 0. */
  dropped: number;
  lastDrop: number;
  handshakes: number;
};

const SESSION_STATES = ["none", "handshake", "up"] as const;

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

  /** Ends a link's streams on both sides with `reason`: GOODBYE goes out when it can. */
  linkGoodbye(link: number, reason: number): void {
    this.check("link_goodbye", this.f.link_goodbye(link, reason));
  }

  /** Removes a peer at once and tells it nothing; its streams are gone, without news. */
  linkRemove(link: number, reason: number): void {
    this.check("link_remove", this.f.link_remove(link, reason));
  }

  /** Wishes for a session without a stream. */
  linkConnect(link: number): void {
    this.check("link_connect", this.f.link_connect(link));
  }

  /** The link of a peer's id, or -1. */
  linkFind(id: Uint8Array): number {
    this.put(id);
    return Math.max(-1, this.f.link_find());
  }

  /** How a link stands: sessions, round trips, counters. */
  linkInfo(link: number): LinkView {
    this.check("link_info", this.f.link_info(link));
    const view = new DataView(this.engine.read(this.arg, 40).buffer);
    const word = (at: number): number => view.getUint32(at, true);
    return {
      session: SESSION_STATES[view.getUint8(0)] ?? "none",
      hop: view.getInt32(4, true),
      roundTrip: view.getUint8(2) === 0 ? null : { srttMs: word(12), rttvarMs: word(16) },
      inFlightBytes: word(8),
      unanswered: view.getUint8(3),
      peerLoad: view.getUint8(1),
      packetsIn: word(20),
      packetsOut: word(24),
      dropped: word(28),
      handshakes: word(32),
      lastDrop: view.getInt32(36, true),
    };
  }

  /** Asks the Connectors to refuse the peer's packets for so many seconds (K3); returns on how many hops. */
  linkMute(link: number, seconds: number): number {
    return this.check("link_mute", this.f.link_mute(link, seconds));
  }
}
