// SPDX-License-Identifier: Apache-2.0
// The stream table of one link: what arriving frames do, the probe time-out, the hold time.
// PROTOCOL.md 5.3 to 5.5 and 7. link.ts opens the packets below; link-writer.ts makes the answers
// out of the state that stands here (F3); the application talks to Stream handles through peer.ts.
// Invariants: at most one of each control frame is pending; nothing here waits for a reader (F2).

import { Acquaintance, mayTake } from "./acquaintance.ts";
import { compare } from "./bytes.ts";
import { Channels, Outgoing, retireOlder } from "./channels.ts";
import { connectionKeys, DatagramChannel, newConnectionHandshake } from "./connection.ts";
import type { Opened } from "./link.ts";
import { decodeLinkFrames, type FrameNamed, type LinkFrame } from "./link-frames.ts";
import type { LinkSession } from "./link-session.ts";
import type { LinkStreamsOptions, OpenRequest, StreamSettings } from "./link-settings.ts";
import { drawEphemerals } from "./noise.ts";
import { acceptOf, openOf } from "./opening.ts";
import { noWaiting, Probing, type Waiting } from "./probing.ts";
import { ProtocolError, REASON } from "./status.ts";
import { KIND, Stream } from "./stream.ts";

const VERSION = 1;
const ACK_DELAY_MS = 25;
const PENALTY_MS = 60_000;
const REMEMBER_MS = 2000;
const CONFIG_BEHIND_MS = 1000;
const MOST_ATTEMPTS = 8;
const CLEAN_ENDS = 8;
const NONE = new Uint8Array(8);
const KINDS: number[] = Object.values(KIND);

interface CleanEnd {
  stream: number;
  next: number;
}

export class LinkStreams {
  readonly settings: StreamSettings;
  readonly acquaintance: Acquaintance;
  readonly probing: Probing;
  readonly channels = new Channels();
  readonly streams = new Map<number, Stream>();
  /** Streams without a number yet, in the order in which they will be opened. */
  readonly waiting: Stream[] = [];
  /** Finished streams, so that a late frame gets an ACK and not RESET(Unknown). */
  readonly remembered = new Map<number, { until: number; next: number; limit: number }>();
  /** ACKs for streams that have ended cleanly and are remembered no other way (5.4). */
  readonly endAcksDue: CleanEnd[] = [];
  /** Counts every record, OPEN, ACCEPT and PROBE that is sent. */
  order = 0;
  helloDue = false;
  ackAllDue = false;
  resumeDue = false;
  pongDue: number | undefined;
  goodbyeDue: number | undefined;
  readonly resetsDue = new Map<number, number>();
  silentUntil = Number.NEGATIVE_INFINITY;
  now: number;
  private readonly options: LinkStreamsOptions;
  private readonly parity: number;
  private readonly seen = new Set<number>();
  private cleanEnds: CleanEnd[] = [];
  private nextNumber: number;
  private heardAt: number;

  constructor(options: LinkStreamsOptions, now: number) {
    this.options = options;
    this.settings = options.settings;
    this.acquaintance = new Acquaintance(options.random(8));
    this.parity = compare(options.ownId, options.peerId) < 0 ? 0 : 1;
    this.nextNumber = this.parity;
    this.now = now;
    this.heardAt = now;
    const { keepAliveMs, holdMs } = options.settings;
    this.probing = new Probing(Math.min(keepAliveMs, holdMs / 4), now);
  }

  /** Whether the link has a reason to have a session. */
  get wantsSession(): boolean {
    return this.streams.size > 0 || this.waiting.length > 0 || this.goodbyeDue !== undefined;
  }

  /** All streams that have not ended. */
  all(): Stream[] {
    return [...this.streams.values(), ...this.waiting];
  }

  /** A new stream; its OPEN goes when a session and a place among the pending ones are there. */
  create(request: OpenRequest): Stream {
    const stream = this.newStream(-1, true, request);
    if (this.all().length === 0) this.heardAt = this.now;
    this.waiting.push(stream);
    return stream;
  }

  /** Takes the frames of one packet (5.3). */
  receive({ session, frames }: Opened): void {
    this.heardAt = this.now;
    if (this.now < this.silentUntil) return;
    try {
      this.takeFrames(session, frames);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.options.count(error.status);
      if (error.status === "PeerViolation") this.violate();
    }
  }

  /** Application: gives up a stream. */
  reset(stream: Stream, reason: number = REASON.Application): void {
    if (stream.state === "ended") return;
    if (stream.state === "open" && stream.kind !== KIND.datagrams) {
      stream.sender.reset(reason);
      return;
    }
    if (stream.state === "open") this.endChannel(stream, reason);
    else {
      if (stream.state !== "waiting") this.resetsDue.set(stream.number, reason);
      this.end(stream, reason);
    }
  }

  // RESET goes beside a PROBE until that is answered.
  private endChannel(stream: Stream, reason: number): void {
    this.channels.end(stream.number, reason, this.now);
    this.probing.due = true;
    this.end(stream, reason);
  }

  /** The hop has come up (7.3). */
  hopUp(): void {
    if (this.streams.size === 0) return;
    this.ackAllDue = true;
    this.resumeDue = true;
  }

  /** DROPPED or BACK: the PTO fires now, at most once per round trip (D5). */
  hint(): void {
    this.probing.hint(this.now, this.waits);
  }

  /** Ends all streams here; the peer learns by GOODBYE if `say`. */
  endAll(reason: number, say = false): void {
    for (const stream of this.all()) this.end(stream, reason);
    if (say) this.goodbyeDue = reason;
  }

  /** A session of the link is gone: an OPEN that it carried has to be made again (H7). */
  sessionsChanged(holds: (session: LinkSession) => boolean): void {
    for (const stream of this.all()) {
      const gone = stream.open && stream.state === "opening" && !holds(stream.open.session);
      if (gone) this.openAgain(stream, REASON.SessionGone);
    }
  }

  /** A new session is current: HELLO goes at once, from either side. */
  sessionStarted(): void {
    this.helloDue = true;
    for (const stream of this.all()) this.progress(stream);
  }

  /** Sets the clock and does what is due; returns when to come again. */
  tick(now: number, canSend: boolean): number {
    this.now = now;
    this.expire();
    if (!canSend) {
      for (const stream of this.all()) stream.waiting = noWaiting();
      return this.streams.size > 0 ? this.heardAt + this.settings.holdMs : Number.POSITIVE_INFINITY;
    }
    this.armPto();
    this.probing.tick(now, this.heardAt, this.waits);
    return this.nextDeadline();
  }

  /** Takes the first waiting stream that may be opened now, and gives it its number. */
  nextToOpen(session: LinkSession): Stream | undefined {
    const pending = [...this.streams.values()].filter((one) => one.state === "opening").length;
    if (!session.heardHello || pending >= this.acquaintance.limits.pendingOpens) return undefined;
    const index = this.waiting.findIndex((stream) => stream.openAfter <= this.now);
    const [stream] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (stream) this.startOpen(stream, session);
    return stream;
  }

  /** Something of the stream has been acknowledged: its PTO starts afresh. */
  progress(stream: Stream): void {
    stream.waiting = noWaiting();
    this.probing.progress();
    this.armPto();
  }

  /** Lets the PTO run for each stream that wants something of the peer. */
  armPto(): void {
    for (const stream of this.all()) {
      if (stream.wantsPeer) stream.waiting.since = Math.min(stream.waiting.since, this.now);
      else stream.waiting = noWaiting();
    }
  }

  private get waits(): Waiting[] {
    return [...this.all().map(({ waiting }) => waiting), ...this.channels.waits];
  }

  private takeFrames(session: LinkSession, frames: Uint8Array): void {
    let first = true;
    for (const frame of decodeLinkFrames(frames)) {
      if (first && frame.type !== "HELLO") this.acquaintance.takeHelloless(session);
      first = false;
      if (mayTake(frame.type, session)) this.takeFrame(frame, session);
      else this.options.count("NoHello");
    }
  }

  private takeFrame(frame: LinkFrame, session: LinkSession): void {
    switch (frame.type) {
      case "HELLO":
        return this.takeHello(frame, session);
      case "OPEN":
        return this.takeOpen(frame, session);
      case "PROBE":
        this.ackAllDue = true;
        this.pongDue = frame.token;
        return;
      case "PONG":
        return this.takePong(frame.token);
      case "RESUME":
        this.ackAllDue = true;
        return this.goBackAll();
      case "GOODBYE":
        return this.endAll(frame.reason || REASON.PeerLost);
      default:
        this.takeStreamFrame(frame);
    }
  }

  private takeHello(hello: FrameNamed<"HELLO">, session: LinkSession): void {
    if (this.acquaintance.takeHello(hello)) this.forgetPeer();
    const first = !session.heardHello;
    session.heardHello = true;
    this.acquaintance.takeName(hello.yourLinkId, session);
    if (!first) return;
    this.goBackAll();
    this.ackAllDue = true;
    if (!this.probing.roundTrip.sampled) this.probing.due = true;
  }

  private forgetPeer(): void {
    for (const stream of [...this.streams.values()]) {
      // Where nothing was accepted nothing is lost.
      if (stream.state === "opening") this.openAgain(stream, REASON.PeerLost);
      else this.end(stream, REASON.PeerLost);
    }
    this.seen.clear();
    this.remembered.clear();
    this.cleanEnds = [];
    this.resetsDue.clear();
    this.probing.forget();
    this.channels.forget();
  }

  private takeOpen(frame: FrameNamed<"OPEN">, session: LinkSession): void {
    if (frame.stream % 2 === this.parity) throw new ProtocolError("PeerViolation");
    const known = this.streams.get(frame.stream);
    if (known?.accept) {
      known.accept.due = true;
      return;
    }
    if (this.seen.has(frame.stream)) {
      this.resetsDue.set(frame.stream, REASON.Unknown);
      return;
    }
    if (this.unanswered >= this.settings.maxPendingOpens) return;
    this.seen.add(frame.stream);
    const refusal = this.refusal(frame);
    if (refusal === undefined) this.acceptOpen(frame, session);
    else this.resetsDue.set(frame.stream, refusal);
  }

  // OPENs whose ACCEPT has not left yet.
  private get unanswered(): number {
    return [...this.streams.values()].filter(({ accept }) => accept?.order === 0).length;
  }

  private refusal(frame: FrameNamed<"OPEN">): number | undefined {
    const { epoch, serial, maxStreams } = this.settings;
    if (frame.version !== VERSION || !KINDS.includes(frame.kind)) return REASON.BadRecord;
    const newer = frame.epoch > epoch || (frame.epoch === epoch && frame.serial > serial);
    // A Commander has no configuration (10.3).
    if (newer && frame.kind !== KIND.control) return REASON.ConfigBehind;
    if (this.streams.size >= maxStreams) return REASON.TooManyStreams;
    return this.options.admit(frame);
  }

  private acceptOpen(frame: FrameNamed<"OPEN">, session: LinkSession): void {
    const stream = this.newStream(frame.stream, false, frame);
    const handshake = newConnectionHandshake(
      false,
      this.context(stream, session),
      drawEphemerals(this.options.random),
    );
    try {
      handshake.readMessage(frame.message);
    } catch {
      this.resetsDue.set(frame.stream, REASON.BadRecord);
      return;
    }
    const message = handshake.writeMessage();
    this.attach(stream, connectionKeys(handshake.split(), false));
    stream.sender.limit = Number(frame.limit);
    stream.accept = acceptOf(stream, message);
    this.streams.set(stream.number, stream);
    this.options.emit({ type: "open", stream });
  }

  private startOpen(stream: Stream, session: LinkSession): void {
    stream.number = this.nextNumber;
    this.nextNumber += 2;
    const ephemerals = drawEphemerals(this.options.random);
    const handshake = newConnectionHandshake(true, this.context(stream, session), ephemerals);
    stream.open = openOf(stream, this.settings, session, handshake);
    stream.state = "opening";
    this.streams.set(stream.number, stream);
  }

  // Nothing of the application has left yet, so the stream can be made under a new number.
  private openAgain(stream: Stream, reason: number, afterMs = 0): void {
    this.streams.delete(stream.number);
    if (++stream.attempts >= MOST_ATTEMPTS) {
      this.end(stream, reason);
      return;
    }
    stream.open = undefined;
    stream.state = "waiting";
    stream.openAfter = this.now + afterMs;
    this.waiting.push(stream);
  }

  private takeStreamFrame(
    frame: FrameNamed<"ACK" | "ACCEPT" | "RESET" | "STREAM" | "DATAGRAM">,
  ): void {
    const stream = this.streams.get(frame.stream);
    if (!stream) {
      this.takeForUnknown(frame);
      return;
    }
    if (frame.type === "RESET") this.takeReset(stream, frame.reason);
    else if (frame.type === "ACCEPT") this.takeAccept(stream, frame);
    else if (frame.type === "ACK") this.takeAck(stream, frame);
    else if (frame.type === "STREAM") this.takeRecord(stream, frame);
    else this.takeDatagram(stream, frame);
    const { takenReset } = stream.sender;
    if (stream.state === "ended") return;
    if (takenReset !== undefined) this.finish(stream, takenReset);
    else if (stream.finished) this.finish(stream, 0);
  }

  private takeForUnknown(
    frame: FrameNamed<"ACK" | "ACCEPT" | "RESET" | "STREAM" | "DATAGRAM">,
  ): void {
    if (frame.type === "RESET") return;
    const late = this.remembered.get(frame.stream);
    const end = this.cleanEnds.find(({ stream }) => stream === frame.stream);
    if (late) {
      late.until = this.rememberUntil();
      if (frame.type === "STREAM") this.ackAllDue = true;
    } else if (!end) {
      this.resetsDue.set(frame.stream, REASON.Unknown);
    } else if (frame.type === "STREAM" && frame.number >= end.next) {
      this.resetsDue.set(frame.stream, REASON.PeerLost);
    } else if (frame.type !== "ACK") {
      this.endAcksDue.push(end);
    }
  }

  private rememberUntil(): number {
    return this.now + Math.max(REMEMBER_MS, 4 * this.probing.roundTrip.pto());
  }

  private takeReset(stream: Stream, reason: number): void {
    const early = stream.state === "opening" && stream.opener;
    if (early && reason === REASON.ConfigBehind) {
      this.openAgain(stream, reason, CONFIG_BEHIND_MS);
      return;
    }
    // It has let go of an ACCEPT that I have not had (12), or has never seen my OPEN.
    if (early && (reason === REASON.Unknown || reason === REASON.PeerLost)) {
      this.openAgain(stream, reason);
      return;
    }
    // The peer has let the stream go. With DATA of mine unacknowledged that may as well be its hold
    // time, and must not look like a clean end (D8).
    const clean = stream.sender.onlyFinMissing && stream.receiver.finSeen;
    const unknown = clean ? 0 : REASON.PeerLost;
    this.end(stream, reason === REASON.Unknown ? unknown : reason || REASON.PeerLost);
  }

  private takeAccept(stream: Stream, frame: FrameNamed<"ACCEPT">): void {
    if (!stream.opener) throw new ProtocolError("PeerViolation");
    stream.ackAt = this.now;
    if (!stream.open || stream.state !== "opening") return;
    const { handshake } = stream.open;
    try {
      if (frame.version !== VERSION) throw new ProtocolError("BadVersion");
      handshake.readMessage(frame.message);
    } catch {
      this.resetsDue.set(stream.number, REASON.BadRecord);
      this.end(stream, REASON.BadRecord);
      return;
    }
    stream.open.answered = true;
    stream.sender.limit = Number(frame.limit);
    this.attach(stream, connectionKeys(handshake.split(), true));
    this.progress(stream);
  }

  private takeAck(stream: Stream, frame: FrameNamed<"ACK">): void {
    if (stream.state === "opening") {
      if (stream.open) stream.open.answered = true;
      return;
    }
    if (stream.accept) stream.accept.answered = true;
    const freed = stream.sender.acknowledge(frame.next);
    if (freed?.sends === 1) this.probing.roundTrip.sample(this.now - freed.sentAt);
    const raised = Number(frame.limit) > stream.sender.limit;
    stream.sender.limit = Math.max(stream.sender.limit, Number(frame.limit));
    if (freed || raised) this.progress(stream);
    const again = this.now - stream.wentBackAt >= this.probing.roundTrip.srtt;
    if ((frame.flags & 1) === 0 || !again) return;
    stream.wentBackAt = this.now;
    stream.sender.goBack();
  }

  private takeRecord(stream: Stream, frame: FrameNamed<"STREAM">): void {
    // Before its ACCEPT has come there is no key and nothing that may be acknowledged.
    if (stream.state !== "open") return;
    if (stream.accept) stream.accept.answered = true;
    try {
      this.applyRecord(stream, stream.receiver.take(frame.number, frame.record));
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.status !== "BadRecord") throw error;
      this.options.count("BadRecord");
      this.resetsDue.set(stream.number, REASON.BadRecord);
      this.end(stream, REASON.BadRecord);
    }
  }

  private applyRecord(stream: Stream, taken: string): void {
    if (taken === "reset") {
      this.finish(stream, stream.receiver.resetReason || REASON.PeerLost);
      this.ackAllDue = true;
      return;
    }
    if (taken === "gap") stream.gapSeen = true;
    if (taken === "connected") {
      stream.connected = true;
      this.options.emit({ type: "connected", stream });
    }
    const unacknowledged = stream.receiver.buffered + stream.receiver.ungranted;
    const { maxRecord } = this.acquaintance.limits;
    const most = Math.min(this.settings.windowBytes / 4, 2 * maxRecord);
    const soon = taken !== "taken" || unacknowledged >= most;
    this.ackWithin(stream, soon ? 0 : ACK_DELAY_MS);
  }

  private takeDatagram(stream: Stream, frame: FrameNamed<"DATAGRAM">): void {
    if (stream.accept) stream.accept.answered = true;
    if (!stream.channel) return;
    const { flow, counter, sealed } = frame;
    const bytes = stream.channel.open(flow, counter, sealed);
    if (stream.outgoing) stream.outgoing.used = Math.max(stream.outgoing.used, Number(counter) + 1);
    if (!stream.channel.hasHeard) retireOlder(stream, this.streams.values(), this.now);
    stream.channel.hasHeard = true;
    this.options.emit({ type: "datagram", stream, flow, bytes });
  }

  private takePong(token: number): void {
    const order = this.probing.answered(token, this.now);
    if (order === undefined) return;
    this.channels.confirmed(order);
    for (const stream of this.all()) if (stream.lostBefore(order)) stream.goBack();
  }

  /** Sends an ACK of `stream` at the latest after `ms`. */
  ackWithin(stream: Stream, ms: number): void {
    stream.ackAt = Math.min(stream.ackAt, this.now + ms);
  }

  private attach(stream: Stream, keys: { send: Uint8Array; receive: Uint8Array }): void {
    stream.state = "open";
    if (stream.kind === KIND.datagrams) {
      stream.channel = new DatagramChannel(keys, this.settings.replayWindow);
      stream.outgoing = new Outgoing(this.now);
      return;
    }
    stream.sender.attach(keys.send, this.now);
    stream.receiver.attach(keys.receive);
  }

  private finish(stream: Stream, reason: number): void {
    const { next } = stream.receiver;
    const limit = stream.receiver.grant();
    this.remembered.set(stream.number, { until: this.rememberUntil(), next, limit });
    if (reason === 0) this.cleanEnds.push({ stream: stream.number, next });
    this.cleanEnds = this.cleanEnds.slice(-CLEAN_ENDS);
    this.ackAllDue = true;
    this.end(stream, reason);
  }

  private end(stream: Stream, reason: number): void {
    const index = this.waiting.indexOf(stream);
    if (index >= 0) this.waiting.splice(index, 1);
    this.streams.delete(stream.number);
    stream.state = "ended";
    stream.endReason = reason;
    this.options.emit({ type: "ended", stream });
  }

  private violate(): void {
    this.endAll(REASON.PeerViolation, true);
    this.silentUntil = this.now + PENALTY_MS;
  }

  private goBackAll(): void {
    for (const stream of this.all()) stream.goBack();
  }

  private expire(): void {
    for (const [number, { until }] of this.remembered) {
      if (until <= this.now) this.remembered.delete(number);
    }
    if (this.now - this.heardAt >= this.settings.holdMs) this.endAll(REASON.HoldExpired);
    for (const stream of this.all()) {
      const isOver = stream.outgoing?.tick(this.now, stream.opener) ?? false;
      if (isOver) this.endChannel(stream, REASON.SessionGone);
    }
  }

  private nextDeadline(): number {
    const acks = this.all().map((stream) => stream.ackAt);
    const probeAt = this.probing.nextAt(this.heardAt, this.waits);
    const opens = this.waiting.map((stream) => stream.openAfter).filter((at) => at > this.now);
    const holdAt =
      this.streams.size > 0 ? this.heardAt + this.settings.holdMs : Number.POSITIVE_INFINITY;
    const outgoing = this.all().flatMap((stream) => stream.outgoing ?? []);
    const ends = outgoing.map((one) => one.nextAt(this.now));
    const waits = outgoing.some((one) => one.waits);
    if (waits) ends.push(this.channels.freeAt(this.probing.roundTrip.srtt));
    return Math.min(probeAt, holdAt, ...acks, ...opens, ...ends);
  }

  private newStream(number: number, opener: boolean, request: OpenRequest): Stream {
    const { kind, bindingId, mappingId } = request;
    const { windowBytes, updateRule } = this.settings;
    const identity = { number, opener, kind, bindingId, mappingId };
    return new Stream({ ...identity, windowBytes, updateRule });
  }

  private context(stream: Stream, session: LinkSession) {
    const { linkId, peerLinkId = NONE } = this.acquaintance;
    return {
      handshakeHash: session.handshakeHash,
      openerLinkId: stream.opener ? linkId : peerLinkId,
      accepterLinkId: stream.opener ? peerLinkId : linkId,
      stream: stream.number,
      bindingId: stream.bindingId,
      mappingId: stream.mappingId,
      kind: stream.kind,
    };
  }
}
