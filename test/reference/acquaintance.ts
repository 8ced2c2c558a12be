// SPDX-License-Identifier: Apache-2.0
// What two tables know of each other: the linkIds, and the limits of HELLO. PROTOCOL.md 5.4 (S1).
// link-streams.ts asks for each arriving packet, link-writer.ts for each HELLO that it writes.
// Invariants: a session's HELLO is proven only by that session; until then frames of the peer, other
// than those that need no table, have no effect.

import { equal, isZero } from "./bytes.ts";
import type { FrameNamed, LinkFrame } from "./link-frames.ts";
import type { LinkSession } from "./link-session.ts";
import { checkHello, UNKNOWN_PEER } from "./link-settings.ts";
import { ProtocolError } from "./status.ts";

const NO_LINK_ID = new Uint8Array(8);
const STRANGERS_FRAMES: LinkFrame["type"][] = ["HELLO", "OPEN", "PROBE", "PONG", "GOODBYE"];

export class Acquaintance {
  readonly linkId: Uint8Array;
  peerLinkId: Uint8Array | undefined;
  limits = { ...UNKNOWN_PEER };

  constructor(linkId: Uint8Array) {
    this.linkId = linkId;
  }

  /** The peer's linkId if this session has shown it, else zeros: what HELLO says (5.4). */
  nameFor(session: LinkSession): Uint8Array {
    return session.heardHello && this.peerLinkId ? this.peerLinkId : NO_LINK_ID;
  }

  /** A packet without HELLO: its sender has seen mine. Throws `NoHello` before its own. */
  takeHelloless(session: LinkSession): void {
    if (!session.heardHello) throw new ProtocolError("NoHello");
    session.provenHello = true;
  }

  /** Takes a HELLO; returns whether the peer's table is another one than before. */
  takeHello(hello: FrameNamed<"HELLO">): boolean {
    checkHello(hello);
    const isNew = this.peerLinkId !== undefined && !equal(hello.myLinkId, this.peerLinkId);
    this.peerLinkId = hello.myLinkId;
    this.limits = {
      maxPacket: hello.maxPacket,
      maxRecord: hello.maxRecord,
      maxInFlight: hello.maxInFlight,
      pendingOpens: hello.maxPendingOpens,
    };
    return isNew;
  }

  /** Takes the HELLO's `yourLinkId`; `NoHello` if it names a table of mine that is gone. */
  takeName(yourLinkId: Uint8Array, session: LinkSession): void {
    if (equal(yourLinkId, this.linkId)) {
      session.provenHello = true;
      return;
    }
    if (!isZero(yourLinkId)) throw new ProtocolError("NoHello");
  }
}

/** Whether the frame may be taken: before the peer has my linkId only those that need no table. */
export function mayTake(type: LinkFrame["type"], session: LinkSession): boolean {
  return session.provenHello || STRANGERS_FRAMES.includes(type);
}
