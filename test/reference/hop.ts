// SPDX-License-Identifier: Apache-2.0
// Layer 3, both roles: the byte stream's framing, the handshake, sealed records and the rekeying
// inside them. PROTOCOL.md section 4. Bytes of one connection go in and out; peer.ts (STLink) and
// connector.ts stand above. Every error of this layer ends the hop: the caller closes (S8).
// Invariant: records of a direction count from 0 under each key and never repeat.

import { open, seal, TAG_LEN } from "./aead.ts";
import { concat, encodeUint, equal, utf8 } from "./bytes.ts";
import { decodeHopFrames, encodeHopFrame, type HopFrame, maySend } from "./hop-frames.ts";
import { drawEphemerals, type Ephemerals, HandshakeState, type Split } from "./noise.ts";
import type { Random } from "./random.ts";
import { ProtocolError } from "./status.ts";

const VERSION = 1;
const LENGTH_LEN = 2;
// Section 3.1; a body of the handshake has the version byte in front.
const MESSAGE_LENGTHS = [1248, 1152, 64];
const MIN_BODY = 17;
const PAD_TO = 64;

const MINUTE_MS = 60_000;

export interface HopAges {
  rekeyMs: number;
  rekeyRecords: number;
  endMs: number;
  endRecords: number;
}

/** Section 4.4. */
const HOP_AGES: HopAges = {
  rekeyMs: 50 * MINUTE_MS,
  rekeyRecords: 2 ** 31,
  endMs: 60 * MINUTE_MS,
  endRecords: 2 ** 32,
};

export interface HopOptions {
  role: "stlink" | "connector";
  staticSecret: Uint8Array;
  /** The Connector's public key (role stlink). */
  connectorKey?: Uint8Array;
  /** The hop's PSK: for an STLink its own, for a Connector the one of the key that it opened. */
  pskFor: (key: Uint8Array) => Uint8Array;
  random: Random;
  ages?: Partial<HopAges>;
  /** For tests of another engine: see Ephemerals. */
  shown?: Ephemerals["shown"];
}

export class Hop {
  private readonly options: HopOptions;
  private readonly ages: HopAges;
  private inbound: Uint8Array = new Uint8Array(0);
  private outbound: Uint8Array[] = [];
  private handshake: HandshakeState | undefined;
  private messagesDone = 0;
  private sending: Direction | undefined;
  private receiving: Direction | undefined;
  private rekeyed: Split | undefined;
  private remote: Uint8Array | undefined;
  private newKeysSent = false;
  private newKeysTaken = false;
  private now: number;
  private keysSince: number;

  constructor(options: HopOptions, now: number) {
    this.options = options;
    this.ages = { ...HOP_AGES, ...options.ages };
    this.now = now;
    this.keysSince = now;
    this.handshake = this.newHandshake();
    if (options.role === "stlink") this.sendHandshake();
  }

  get established(): boolean {
    return this.sending !== undefined;
  }

  /** The peer's static key, once the handshake is over. */
  get remoteKey(): Uint8Array {
    if (!this.remote) throw new ProtocolError("BadState");
    return this.remote;
  }

  /** Takes bytes of the connection, in whatever pieces; yields the frames of each whole record. */
  *receive(bytes: Uint8Array): Generator<HopFrame[]> {
    this.inbound = concat(this.inbound, bytes);
    for (let body = this.nextBody(); body; body = this.nextBody()) {
      if (!this.receiving) this.takeHandshake(body);
      else yield this.takeRecord(body);
    }
  }

  /** Seals `frames` as one record (4.1). */
  send(...frames: HopFrame[]): void {
    const plaintext = concat(...frames.map(encodeHopFrame));
    const hasPacket = frames.some((frame) => frame.type === "PACKET");
    this.sendPlaintext(hasPacket ? plaintext : padRecord(plaintext));
  }

  /** Seals any plaintext as one record: for tests of another engine, also what no frame may be. */
  sendPlaintext(plaintext: Uint8Array): void {
    const tooOld = this.now - this.keysSince >= this.ages.endMs;
    if (!this.sending) throw new ProtocolError("BadState");
    if (tooOld || this.sending.count >= this.ages.endRecords) throw new ProtocolError("Exhausted");
    const length = encodeUint(plaintext.length + TAG_LEN, LENGTH_LEN);
    this.outbound.push(length, this.sending.seal(length, plaintext));
  }

  /** What is ready for the wire. */
  take(): Uint8Array {
    const bytes = concat(...this.outbound);
    this.outbound = [];
    return bytes;
  }

  /** Sets the clock; starts what is due by age (4.4). */
  tick(now: number): void {
    this.now = now;
    const { sending, receiving } = this;
    if (this.options.role !== "stlink" || !sending || !receiving) return;
    if (this.handshake || this.rekeyed) return;
    const records = Math.max(sending.count, receiving.count);
    if (now - this.keysSince >= this.ages.rekeyMs || records >= this.ages.rekeyRecords) {
      this.startRekey();
    }
  }

  /** Begins a handshake inside the session (STLink, 4.4). */
  startRekey(): void {
    if (this.options.role !== "stlink" || !this.established || this.handshake || this.rekeyed) {
      throw new ProtocolError("BadState");
    }
    this.handshake = this.newHandshake();
    this.messagesDone = 0;
    this.sendRekey();
  }

  private newHandshake(): HandshakeState {
    const { role, staticSecret, connectorKey, pskFor, random, shown } = this.options;
    return new HandshakeState({
      pattern: "XKhfs+psk3",
      initiator: role === "stlink",
      prologue: label("sealed/1 hop"),
      staticSecret,
      ...(role === "stlink" && connectorKey ? { remoteStatic: connectorKey } : {}),
      pskFor,
      ephemerals: { ...drawEphemerals(random), ...(shown ? { shown } : {}) },
    });
  }

  private nextBody(): { length: Uint8Array; body: Uint8Array } | undefined {
    if (this.inbound.length < LENGTH_LEN) return undefined;
    const length = this.inbound.slice(0, LENGTH_LEN);
    const bodyLength = (length[0] ?? 0) + 256 * (length[1] ?? 0);
    this.checkLength(bodyLength);
    if (this.inbound.length < LENGTH_LEN + bodyLength) return undefined;
    const body = this.inbound.slice(LENGTH_LEN, LENGTH_LEN + bodyLength);
    this.inbound = this.inbound.slice(LENGTH_LEN + bodyLength);
    return { length, body };
  }

  private checkLength(bodyLength: number): void {
    if (this.receiving) {
      if (bodyLength < MIN_BODY) throw new ProtocolError("BadLength");
      return;
    }
    if (bodyLength !== 1 + (MESSAGE_LENGTHS[this.messagesDone] ?? 0)) {
      throw new ProtocolError("BadHandshake");
    }
  }

  private takeHandshake({ body }: { body: Uint8Array }): void {
    if (body[0] !== VERSION) throw new ProtocolError("BadVersion");
    const handshake = this.pending();
    handshake.readMessage(body.subarray(1));
    this.messagesDone++;
    if (!handshake.finished) this.sendHandshake();
    if (handshake.finished) this.establish(handshake);
  }

  private sendHandshake(): void {
    const message = this.pending().writeMessage();
    this.messagesDone++;
    this.outbound.push(encodeUint(1 + message.length, 2), Uint8Array.of(VERSION), message);
  }

  private establish(handshake: HandshakeState): void {
    const split = handshake.split();
    this.remote = handshake.remoteStatic;
    this.handshake = undefined;
    this.sending = new Direction(this.ownKey(split));
    this.receiving = new Direction(this.peersKey(split));
    this.keysSince = this.now;
  }

  private takeRecord(record: { length: Uint8Array; body: Uint8Array }): HopFrame[] {
    return this.takeFrames((this.receiving as Direction).open(record.length, record.body));
  }

  private takeFrames(plaintext: Uint8Array): HopFrame[] {
    const sender = this.options.role === "stlink" ? "connector" : "stlink";
    const frames: HopFrame[] = [];
    for (const frame of decodeHopFrames(plaintext)) {
      if (!maySend(sender, frame.type)) throw new ProtocolError("BadFrame");
      if (frame.type === "REKEY") frames.push(...this.takeRekey(frame.version, frame.message));
      else if (frame.type === "NEWKEYS") this.takeNewKeys();
      else frames.push(frame);
    }
    return frames;
  }

  // A REKEY's length is known from whose turn it is. The record that carries it is padded like any
  // other without a PACKET, so what follows the message is read as frames.
  private takeRekey(version: number, rest: Uint8Array): HopFrame[] {
    if (version !== VERSION) throw new ProtocolError("BadVersion");
    if (this.options.role === "connector" && !this.handshake && !this.rekeyed) {
      this.handshake = this.newHandshake();
      this.messagesDone = 0;
    }
    const length = MESSAGE_LENGTHS[this.messagesDone] ?? 0;
    const handshake = this.pending();
    if (rest.length < length) throw new ProtocolError("BadHandshake");
    handshake.readMessage(rest.subarray(0, length));
    this.messagesDone++;
    if (!handshake.finished) this.sendRekey();
    if (handshake.finished) this.finishRekey(handshake);
    return this.takeFrames(rest.subarray(length));
  }

  private sendRekey(): void {
    const message = this.pending().writeMessage();
    this.messagesDone++;
    this.send({ type: "REKEY", version: VERSION, message });
  }

  private finishRekey(handshake: HandshakeState): void {
    if (!equal(handshake.remoteStatic ?? new Uint8Array(0), this.remoteKey)) {
      throw new ProtocolError("BadHandshake");
    }
    this.handshake = undefined;
    this.rekeyed = handshake.split();
    this.send({ type: "NEWKEYS" });
    this.sending = new Direction(this.ownKey(this.rekeyed));
    this.newKeysSent = true;
    this.forgetRekey();
  }

  private takeNewKeys(): void {
    if (!this.rekeyed) throw new ProtocolError("BadFrame");
    this.receiving = new Direction(this.peersKey(this.rekeyed));
    this.newKeysTaken = true;
    this.forgetRekey();
  }

  private forgetRekey(): void {
    if (!this.newKeysSent || !this.newKeysTaken) return;
    this.rekeyed = undefined;
    this.newKeysSent = false;
    this.newKeysTaken = false;
    this.keysSince = this.now;
  }

  private pending(): HandshakeState {
    if (!this.handshake) throw new ProtocolError("BadFrame");
    return this.handshake;
  }

  private ownKey(split: Split): Uint8Array {
    return this.options.role === "stlink" ? split.toResponder : split.toInitiator;
  }

  private peersKey(split: Split): Uint8Array {
    return this.options.role === "stlink" ? split.toInitiator : split.toResponder;
  }
}

/** One key and its record counter. */
class Direction {
  private readonly key: Uint8Array;
  count = 0;

  constructor(key: Uint8Array) {
    this.key = key;
  }

  seal(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return seal(this.key, this.count++, ad, plaintext);
  }

  open(ad: Uint8Array, sealed: Uint8Array): Uint8Array {
    return open(this.key, this.count++, ad, sealed);
  }
}

/** A prologue's label: the text and zeros, 16 bytes (3.2). */
export function label(text: string): Uint8Array {
  return concat(utf8(text), new Uint8Array(16 - text.length));
}

function padRecord(plaintext: Uint8Array): Uint8Array {
  const body = Math.ceil((plaintext.length + TAG_LEN) / PAD_TO) * PAD_TO;
  return concat(plaintext, new Uint8Array(body - TAG_LEN - plaintext.length));
}
