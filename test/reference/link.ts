// SPDX-License-Identifier: Apache-2.0
// Layer 2 between two STLinks: the handshake packets and the places previous, current and next, in
// both roles. PROTOCOL.md 5.1, 5.2. peer.ts brings packets and the time; link-streams.ts is above.
// Invariants: messages 1 and 2 change no session; a forged or stale packet changes nothing but a
// counter (S8); nothing is sent under a responder's session before message 3 has been opened.

import { compare, equal, padTo, Reader, Writer } from "./bytes.ts";
import { label } from "./hop.ts";
import { dataIndex, LinkSession, PACKET_TYPE } from "./link-session.ts";
import { LINK_TIMES, type LinkTimes } from "./link-times.ts";
import { drawEphemerals, type Ephemerals, HandshakeState, type Split } from "./noise.ts";
import { type Random, randomBelow, randomIndex } from "./random.ts";
import { ProtocolError, type StatusName } from "./status.ts";

const NO_PSK = new Uint8Array(32);
const NO_PSK_NAME = new Uint8Array(8);
const MESSAGE_LENGTHS = { 1: 1248, 2: 1152, 3: 64 } as const;

/** Section 4.3: how long a packet may wait. */
export const CLASS = { stream: 0, wake: 255 } as const;

export interface LinkPeer {
  id: Uint8Array;
  key: Uint8Array;
  nextKey?: Uint8Array | undefined;
  pskName?: Uint8Array | undefined;
  psk?: Uint8Array | undefined;
  /** The PSK before this one, while it counts (5.2). */
  oldPsk?: NamedPsk | undefined;
}

interface NamedPsk {
  name: Uint8Array;
  psk: Uint8Array;
}

export interface LinkOptions {
  ownId: Uint8Array;
  staticSecret: Uint8Array;
  peer: LinkPeer;
  random: Random;
  /** How many handshakes may come at once: the number of peers (S9). */
  handshakeBurst: number;
  replayWindow: number;
  times?: Partial<LinkTimes> | undefined;
  /** For tests of another engine: see Ephemerals. */
  shown?: Ephemerals["shown"];
}

interface Initiating {
  handshake: HandshakeState;
  localIndex: number;
  packet: Uint8Array;
  sends: number;
  againAt: number;
}

interface Answering {
  handshake: HandshakeState;
  e: Uint8Array;
  localIndex: number;
  remoteIndex: number;
  packet: Uint8Array;
  since: number;
}

interface Unproven {
  packet: Uint8Array;
  sends: number;
  againAt: number;
}

/** Frames that a data packet held, and the session that opened it. */
export interface Opened {
  session: LinkSession;
  frames: Uint8Array;
}

export class Link {
  readonly counters = new Map<StatusName, number>();
  /** Packets ready for the hop, with their class. */
  readonly outbox: { class: number; packet: Uint8Array }[] = [];
  previous: LinkSession | undefined;
  current: LinkSession | undefined;
  /** Whether somebody above needs a session. */
  wanted = false;
  /** HELLO is to be said again, to a peer that may have lost the session. */
  helloWanted = false;
  private readonly options: LinkOptions;
  private readonly times: LinkTimes;
  private readonly lower: boolean;
  private initiating: Initiating | undefined;
  private answering: Answering | undefined;
  private message3: Unproven | undefined;
  private finishedE: Uint8Array | undefined;
  private attempts = 0;
  private usedKey: Uint8Array | undefined;
  /** The PSK of the handshake that was begun last in this role. */
  private initiatorPsk: NamedPsk = { name: NO_PSK_NAME, psk: NO_PSK };
  private answerPsk: NamedPsk = { name: NO_PSK_NAME, psk: NO_PSK };
  private tokens: number;
  private tokensAt: number;
  private noSessionSentAt = Number.NEGATIVE_INFINITY;
  private noSessionTakenAt = Number.NEGATIVE_INFINITY;
  private now: number;

  constructor(options: LinkOptions, now: number) {
    this.options = options;
    this.times = { ...LINK_TIMES, ...options.times };
    this.lower = compare(options.ownId, options.peer.id) < 0;
    this.tokens = options.handshakeBurst;
    this.tokensAt = now;
    this.now = now;
  }

  /** Whether data may be sealed under the current session. */
  get canSend(): boolean {
    const { current, times } = this;
    if (!current) return false;
    return this.now - current.startedAt < times.sendMs && current.sent < times.sendPackets;
  }

  /** Whether a session is still there to open or to send under (5.5: an OPEN is tied to it). */
  holds(session: LinkSession): boolean {
    return session === this.current || session === this.previous;
  }

  /** Takes one packet from the peer; what is wrong with it is counted, and nothing else. */
  receive(packet: Uint8Array): Opened | undefined {
    try {
      return this.takePacket(packet);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.count(error.status);
      return undefined;
    }
  }

  /** Seals frames under the current session. */
  seal(frames: Uint8Array, pad: boolean): Uint8Array {
    if (!this.current || !this.canSend) throw new ProtocolError("BadState");
    return this.current.seal(frames, pad);
  }

  /** Counts an error that ends nothing. */
  count(status: StatusName): void {
    this.counters.set(status, (this.counters.get(status) ?? 0) + 1);
  }

  /** Ends every session and handshake. */
  wipe(): void {
    this.previous = undefined;
    this.current = undefined;
    this.initiating = undefined;
    this.answering = undefined;
    this.message3 = undefined;
  }

  /** A hop has come up: what waits for its timer goes now. */
  hopUp(): void {
    if (this.initiating) this.initiating.againAt = this.now;
    if (this.message3) this.message3.againAt = this.now;
  }

  /** Sets the clock and does what is due; returns when to come again (absolute, or Infinity). */
  tick(now: number): number {
    this.now = now;
    this.expire();
    if (this.needsHandshake()) this.initiate();
    this.repeatMessage1();
    this.repeatMessage3();
    return this.nextDeadline();
  }

  private takePacket(packet: Uint8Array): Opened | undefined {
    const type = packet[0] ?? 0;
    if (type >> 4 !== 1) throw new ProtocolError("BadVersion");
    switch (type) {
      case PACKET_TYPE.message1:
        this.takeMessage1(packet);
        return undefined;
      case PACKET_TYPE.message2:
        this.takeMessage2(packet);
        return undefined;
      case PACKET_TYPE.message3:
        this.takeMessage3(packet);
        return undefined;
      case PACKET_TYPE.data:
        return this.takeData(packet);
      case PACKET_TYPE.noSession:
        this.takeNoSession(packet);
        return undefined;
      default:
        throw new ProtocolError("BadFrame");
    }
  }

  private takeMessage1(packet: Uint8Array): void {
    const reader = paddedReader(packet, 1280);
    const remoteIndex = reader.u32();
    const pskName = reader.bytes(8);
    const message = reader.bytes(MESSAGE_LENGTHS[1]);
    endPadding(reader);
    const e = message.slice(0, 32);
    if (remoteIndex === 0) throw new ProtocolError("BadHandshake");
    if (this.finishedE && equal(e, this.finishedE)) return;
    if (this.answering && equal(e, this.answering.e)) {
      this.push(CLASS.stream, this.answering.packet);
      return;
    }
    // S7: the lower id's handshake wins, to its end.
    if (this.lower && this.initiating) return;
    if (this.lower && this.isRepeatingMessage3) {
      this.speakAgain();
      return;
    }
    const psk = this.psks().find(({ name }) => equal(name, pskName));
    if (!psk) throw new ProtocolError("UnknownPeer");
    this.takeToken();
    this.answerPsk = psk;
    this.answer(remoteIndex, e, message);
  }

  private get isRepeatingMessage3(): boolean {
    const { message3, times } = this;
    return message3 !== undefined && message3.sends <= times.message3AgainMs.length;
  }

  // In the place of an answer to message 1: who has lost the session says NO_SESSION.
  private speakAgain(): void {
    if (this.message3) this.push(CLASS.stream, this.message3.packet);
    this.helloWanted = true;
  }

  private answer(remoteIndex: number, e: Uint8Array, message: Uint8Array): void {
    const handshake = this.newHandshake(false, drawEphemerals(this.options.random));
    handshake.readMessage(message);
    const localIndex = randomIndex(this.options.random);
    const packet = new Writer()
      .u8(PACKET_TYPE.message2)
      .u32(remoteIndex)
      .u32(localIndex)
      .bytes(handshake.writeMessage())
      .finish();
    this.initiating = undefined;
    this.answering = {
      handshake,
      e,
      localIndex,
      remoteIndex,
      packet: padTo(packet, 64),
      since: this.now,
    };
    this.push(CLASS.stream, this.answering.packet);
  }

  private takeMessage2(packet: Uint8Array): void {
    const reader = paddedReader(packet, 1216);
    const localIndex = reader.u32();
    const remoteIndex = reader.u32();
    const message = reader.bytes(MESSAGE_LENGTHS[2]);
    endPadding(reader);
    if (this.message3 && this.current?.localIndex === localIndex) {
      this.push(CLASS.stream, this.message3.packet);
      return;
    }
    const { initiating } = this;
    if (initiating?.localIndex !== localIndex) throw new ProtocolError("UnknownIndex");
    if (remoteIndex === 0) throw new ProtocolError("BadHandshake");
    // A clone, so that a forged message 2 does not end the handshake (S8).
    const handshake = initiating.handshake.clone();
    handshake.readMessage(message);
    this.provePsk(this.initiatorPsk);
    this.finishAsInitiator(handshake, localIndex, remoteIndex);
  }

  private finishAsInitiator(hs: HandshakeState, localIndex: number, remoteIndex: number): void {
    const packet = new Writer()
      .u8(PACKET_TYPE.message3)
      .u32(remoteIndex)
      .bytes(hs.writeMessage())
      .finish();
    this.initiating = undefined;
    // S7: the peer's own, which may still be answered, would cross this one.
    if (this.lower) this.answering = undefined;
    this.attempts = 0;
    this.makeCurrent(hs.split(), true, localIndex, remoteIndex);
    const [firstMs = 0] = this.times.message3AgainMs;
    this.message3 = { packet: padTo(packet, 64), sends: 1, againAt: this.now + firstMs };
    this.push(CLASS.stream, this.message3.packet);
  }

  private takeMessage3(packet: Uint8Array): void {
    const reader = paddedReader(packet, 128);
    const localIndex = reader.u32();
    const message = reader.bytes(MESSAGE_LENGTHS[3]);
    endPadding(reader);
    const { answering } = this;
    if (this.current?.localIndex === localIndex) return;
    if (answering?.localIndex !== localIndex) throw new ProtocolError("UnknownIndex");
    const handshake = answering.handshake.clone();
    handshake.readMessage(message);
    this.adoptKey(handshake.remoteStatic);
    this.provePsk(this.answerPsk);
    this.answering = undefined;
    this.message3 = undefined;
    this.finishedE = answering.e;
    this.makeCurrent(handshake.split(), false, localIndex, answering.remoteIndex);
  }

  // 5.2: a session under the new PSK ends the one before.
  private provePsk({ name }: NamedPsk): void {
    if (equal(name, this.psk().name)) this.options.peer.oldPsk = undefined;
  }

  // 10.4: the first finished handshake under nextKey makes it the key.
  private adoptKey(key: Uint8Array | undefined): void {
    const { peer } = this.options;
    if (!key || !peer.nextKey || !equal(key, peer.nextKey)) return;
    peer.key = peer.nextKey;
    peer.nextKey = undefined;
  }

  private makeCurrent(
    split: Split,
    initiator: boolean,
    localIndex: number,
    remoteIndex: number,
  ): void {
    this.previous = this.current;
    this.current = new LinkSession({
      split,
      initiator,
      localIndex,
      remoteIndex,
      replayWindow: this.options.replayWindow,
      now: this.now,
    });
  }

  private takeData(packet: Uint8Array): Opened | undefined {
    const index = dataIndex(packet);
    // Its message 3 is missing; the initiator will send it again.
    if (this.answering?.localIndex === index) throw new ProtocolError("UnknownIndex");
    const session = [this.current, this.previous].find((one) => one?.localIndex === index);
    if (!session) {
      this.sendNoSession(index);
      throw new ProtocolError("UnknownIndex");
    }
    const frames = session.open(packet);
    if (session === this.current) {
      this.message3 = undefined;
      this.previous = undefined;
      // Under `nextKey` the initiator is sure only now.
      if (session.initiator) this.adoptKey(this.usedKey);
    }
    return { session, frames };
  }

  private sendNoSession(index: number): void {
    if (this.now - this.noSessionSentAt < this.times.rateMs) return;
    this.noSessionSentAt = this.now;
    const packet = new Writer().u8(PACKET_TYPE.noSession).u32(index).finish();
    this.push(CLASS.stream, padTo(packet, 64));
  }

  private takeNoSession(packet: Uint8Array): void {
    const reader = paddedReader(packet, 64);
    const index = reader.u32();
    endPadding(reader);
    if (!this.current || this.current.remoteIndex !== index) {
      throw new ProtocolError("UnknownIndex");
    }
    if (this.now - this.noSessionTakenAt < this.times.rateMs) return;
    this.noSessionTakenAt = this.now;
    if (!this.initiating && !this.isAnswering()) this.initiate();
  }

  private expire(): void {
    const tooOld = (session?: LinkSession) =>
      session && this.now - session.startedAt >= this.times.openMs ? undefined : session;
    this.previous = tooOld(this.previous);
    this.current = tooOld(this.current);
    if (this.answering && this.now - this.answering.since >= this.times.answerMs) {
      this.answering = undefined;
    }
  }

  private needsHandshake(): boolean {
    if (this.initiating || this.isAnswering()) return false;
    const { current, times, now } = this;
    if (!current || !this.canSend) return this.wanted;
    if (current.badTags >= times.badTags) return true;
    const age = now - current.startedAt;
    const renewMs = this.lower ? times.renewMs : times.renewOtherMs;
    if (age < renewMs && current.sent < times.renewPackets) return false;
    return now - current.usedAt < times.usedWithinMs;
  }

  // A handshake that the peer began keeps my own back for a while, not for ever: it may be a
  // replay whose message 3 never comes.
  private isAnswering(): boolean {
    return this.answering !== undefined && this.now - this.answering.since < this.times.rateMs;
  }

  private initiate(): void {
    const { random } = this.options;
    const psks = this.psks();
    // Beside the turns of the keys.
    const turn = this.options.peer.nextKey ? this.attempts >> 1 : this.attempts;
    this.initiatorPsk = psks[turn % psks.length] ?? this.psk();
    if (!this.options.peer.nextKey) this.attempts++;
    const handshake = this.newHandshake(true, drawEphemerals(random));
    const localIndex = randomIndex(random);
    const packet = new Writer()
      .u8(PACKET_TYPE.message1)
      .u32(localIndex)
      .bytes(this.initiatorPsk.name)
      .bytes(handshake.writeMessage())
      .finish();
    this.initiating = {
      handshake,
      localIndex,
      packet: padTo(packet, 64),
      sends: 0,
      againAt: this.now,
    };
  }

  private repeatMessage1(): void {
    const { initiating, times } = this;
    if (!initiating || this.now < initiating.againAt) return;
    if (initiating.sends > times.message1AgainMs.length) {
      this.initiating = undefined;
      if (this.needsHandshake()) {
        this.initiate();
        this.repeatMessage1();
      }
      return;
    }
    this.push(CLASS.wake, initiating.packet);
    const waits = times.message1AgainMs;
    const wait = waits[Math.min(initiating.sends, waits.length - 1)] ?? 0;
    const jitter = 800 + randomBelow(this.options.random, 401);
    initiating.sends++;
    initiating.againAt = this.now + Math.round((wait * jitter) / 1000);
  }

  private repeatMessage3(): void {
    const { message3, times } = this;
    if (!message3 || this.now < message3.againAt) return;
    if (message3.sends > times.message3AgainMs.length) {
      message3.againAt = Number.POSITIVE_INFINITY;
      return;
    }
    this.push(CLASS.stream, message3.packet);
    message3.againAt = this.now + (times.message3AgainMs[message3.sends] ?? 0);
    message3.sends++;
  }

  private newHandshake(initiator: boolean, ephemerals: Ephemerals): HandshakeState {
    const { ownId, peer, staticSecret, shown } = this.options;
    const [first, second] = initiator ? [ownId, peer.id] : [peer.id, ownId];
    const remoteStatic = initiator ? this.keyToTry() : undefined;
    const used = initiator ? this.initiatorPsk : this.answerPsk;
    this.usedKey = remoteStatic;
    return new HandshakeState({
      pattern: "XKhfs+psk3",
      initiator,
      prologue: new Writer()
        .bytes(label("sealed/1 link"))
        .bytes(first)
        .bytes(second)
        .bytes(used.name)
        .finish(),
      staticSecret,
      ...(remoteStatic ? { remoteStatic } : {}),
      pskFor: (key) => this.pskFor(key, used.psk),
      ephemerals: { ...ephemerals, ...(shown ? { shown } : {}) },
    });
  }

  // While a nextKey is known, each new message 1 tries the other of the two (10.4).
  private keyToTry(): Uint8Array {
    const { key, nextKey } = this.options.peer;
    return nextKey && this.attempts++ % 2 === 0 ? nextKey : key;
  }

  private pskFor(key: Uint8Array, psk: Uint8Array): Uint8Array {
    const { peer } = this.options;
    const known = equal(key, peer.key) || (peer.nextKey && equal(key, peer.nextKey));
    if (!known) throw new ProtocolError("UnknownPeer");
    return psk;
  }

  private psk(): NamedPsk {
    const { pskName: name = NO_PSK_NAME, psk = NO_PSK } = this.options.peer;
    return { name, psk };
  }

  // The PSK, and the one before it while that counts.
  private psks(): NamedPsk[] {
    const { oldPsk } = this.options.peer;
    return [this.psk(), ...(oldPsk ? [oldPsk] : [])];
  }

  // One bucket for this peer: one token in 5 s, at most `handshakeBurst` at once (S9).
  private takeToken(): void {
    const { handshakeBurst } = this.options;
    const gained = Math.floor((this.now - this.tokensAt) / this.times.rateMs);
    this.tokens = Math.min(handshakeBurst, this.tokens + gained);
    this.tokensAt += gained * this.times.rateMs;
    if (this.tokens < 1) throw new ProtocolError("HandshakeRate");
    this.tokens--;
  }

  private push(packetClass: number, packet: Uint8Array): void {
    this.outbox.push({ class: packetClass, packet });
  }

  private nextDeadline(): number {
    const renewMs = this.lower ? this.times.renewMs : this.times.renewOtherMs;
    const renewAt = (this.current?.startedAt ?? Number.POSITIVE_INFINITY) + renewMs;
    const answerEnds = (this.answering?.since ?? Number.POSITIVE_INFINITY) + this.times.rateMs;
    return Math.min(
      this.initiating?.againAt ?? Number.POSITIVE_INFINITY,
      this.message3?.againAt ?? Number.POSITIVE_INFINITY,
      renewAt > this.now ? renewAt : Number.POSITIVE_INFINITY,
      answerEnds > this.now ? answerEnds : Number.POSITIVE_INFINITY,
    );
  }
}

function paddedReader(packet: Uint8Array, length: number): Reader {
  if (packet.length !== length) throw new ProtocolError("BadHandshake");
  return new Reader(packet.subarray(1), "BadHandshake");
}

function endPadding(reader: Reader): void {
  if (reader.rest().some((byte) => byte !== 0)) throw new ProtocolError("BadHandshake");
}
