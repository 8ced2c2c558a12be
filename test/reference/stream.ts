// SPDX-License-Identifier: Apache-2.0
// One stream inside a link: its two halves and how far its opening has come. PROTOCOL.md 5.5, 6.
// link-streams.ts changes it when frames arrive, link-writer.ts when frames leave, and the
// application holds it as a handle: its number may change while it is not accepted (H7).
// Invariant: waiting -> opening -> open -> ended, never back but from opening to waiting.

import type { Outgoing } from "./channels.ts";
import type { DatagramChannel } from "./connection.ts";
import type { FrameNamed } from "./link-frames.ts";
import type { LinkSession } from "./link-session.ts";
import type { HandshakeState } from "./noise.ts";
import { noWaiting } from "./probing.ts";
import { StreamReceiver } from "./receiving.ts";
import { StreamSender, type UpdateRule } from "./sending.ts";

/** Section 5.3. */
export const KIND = { bytes: 1, datagrams: 2, control: 3 } as const;

/** A frame that is sent until it is answered: OPEN or ACCEPT. */
export interface Repeated<F> {
  frame: F;
  due: boolean;
  answered: boolean;
  /** The link's count of sends when it last went out. */
  order: number;
}

export interface Opening extends Repeated<FrameNamed<"OPEN">> {
  session: LinkSession;
  handshake: HandshakeState;
}

interface StreamOptions {
  number: number;
  opener: boolean;
  kind: number;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
  windowBytes: number;
  updateRule: UpdateRule;
}

export class Stream {
  number: number;
  readonly opener: boolean;
  readonly kind: number;
  readonly bindingId: Uint8Array;
  readonly mappingId: Uint8Array;
  readonly sender: StreamSender;
  readonly receiver: StreamReceiver;
  state: "waiting" | "opening" | "open" | "ended" = "waiting";
  /** The target has answered (accepter: it has said so). */
  connected = false;
  /** Why the stream ended: 0 cleanly, else section 13.2. */
  endReason: number | undefined;
  channel: DatagramChannel | undefined;
  open: Opening | undefined;
  accept: Repeated<FrameNamed<"ACCEPT">> | undefined;
  openAfter = 0;
  attempts = 0;
  ackAt = Number.POSITIVE_INFINITY;
  gapSeen = false;
  wentBackAt = Number.NEGATIVE_INFINITY;
  /** What its probe time-out runs by. */
  waiting = noWaiting();
  /** A channel with keys: what it sends, and how long it lives. */
  outgoing: Outgoing | undefined;

  constructor(options: StreamOptions) {
    this.number = options.number;
    this.opener = options.opener;
    this.kind = options.kind;
    this.bindingId = options.bindingId;
    this.mappingId = options.mappingId;
    this.sender = new StreamSender(options.updateRule);
    this.receiver = new StreamReceiver(options.windowBytes, options.opener);
  }

  /** Whether both sides have said FIN and both know it. */
  get finished(): boolean {
    return this.sender.finAcknowledged && this.receiver.finSeen;
  }

  /** Whether something of it waits for the peer: section 7.2, what the PTO runs for. */
  get wantsPeer(): boolean {
    const handshaking = this.state === "waiting" || this.state === "opening";
    const acceptOut = this.accept !== undefined && !this.accept.answered;
    return handshaking || acceptOut || this.sender.unacknowledged || this.sender.blockedByLimit;
  }

  /** Goes back to what is acknowledged: records, OPEN, ACCEPT. */
  goBack(): void {
    this.sender.goBack();
    if (this.open && !this.open.answered) this.open.due = true;
    if (this.accept && !this.accept.answered) this.accept.due = true;
  }

  /** Whether something that went out before `order` is not acknowledged. */
  lostBefore(order: number): boolean {
    const lost = (sent?: Repeated<unknown>) =>
      sent !== undefined && !sent.answered && !sent.due && sent.order < order;
    return lost(this.open) || lost(this.accept) || this.sender.lostBefore(order);
  }
}
