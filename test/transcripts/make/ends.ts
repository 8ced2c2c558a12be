// SPDX-License-Identifier: Apache-2.0
// The far ends of what a transcript records, driven by hand: a hop's other side, a link's, a stream's.
// They keep keys and counters and nothing else, so a scene can say anything, wrong things too. Before:
// stage.ts and the scenes. After: the reference's handshake and codecs (test/reference), which are not
// the core's. PROTOCOL sections 3 to 6.
// Invariant: what the core wrote is opened and decoded here, or the scene fails.

import { open, seal } from "../../reference/aead.ts";
import { concat, encodeUint } from "../../reference/bytes.ts";
import {
  type ConnectionContext,
  connectionKeys,
  newConnectionHandshake,
  RECORD_TYPE,
  RecordOpener,
  RecordSealer,
} from "../../reference/connection.ts";
import { label } from "../../reference/hop.ts";
import { decodeHopFrames, encodeHopFrame, type HopFrame } from "../../reference/hop-frames.ts";
import {
  decodeLinkFrames,
  encodeLinkFrame,
  type FrameNamed,
  type LinkFrame,
} from "../../reference/link-frames.ts";
import {
  drawEphemerals,
  type Ephemerals,
  HandshakeState,
  publicKey,
  type Split,
} from "../../reference/noise.ts";
import { type Random, seededRandom } from "../../reference/random.ts";

export { RECORD_TYPE };

export const NO_KEY = new Uint8Array(32);
const NO_NAME = new Uint8Array(8);
const NO_AD = new Uint8Array(0);
const VERSION = Uint8Array.of(1);
const LENGTH_LEN = 2;
const TAG_LEN = 16;
const HEADER_LEN = 13;
const ALIGN = 64;

/** Static keys of one party. */
export type Identity = { secret: Uint8Array; key: Uint8Array; id: Uint8Array };

export function identityOf(name: string, firstByte: number): Identity {
  const random = seededRandom(`transcript ${name}`);
  const secret = random(32);
  const id = random(16);
  id[0] = firstByte;
  return { secret, key: publicKey(secret), id };
}

type Keys = { send: Uint8Array; receive: Uint8Array };

function keysOf(split: Split, isInitiator: boolean): Keys {
  const { toResponder, toInitiator } = split;
  return isInitiator
    ? { send: toResponder, receive: toInitiator }
    : { send: toInitiator, receive: toResponder };
}

/** The ML-KEM encapsulation key that the core has shown in a handshake. */
function kemKeyOf(handshake: HandshakeState): Uint8Array {
  return Reflect.get(handshake, "remoteKem") as Uint8Array;
}

/** `len` bytes as the length and the body of a hop record (4.1). */
export function framed(body: Uint8Array): Uint8Array {
  return concat(encodeUint(body.length, LENGTH_LEN), body);
}

/** The bodies of the records in a row. */
export function* bodiesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const len = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    yield bytes.subarray(at + LENGTH_LEN, at + LENGTH_LEN + len);
    at += LENGTH_LEN + len;
  }
}

/** The other end of a hop: a Connector where the core is an STLink, and the other way round. */
export class HopFar {
  readonly #handshake: HandshakeState;
  readonly #isInitiator: boolean;
  keys: Keys | undefined;
  #sent = 0;
  #received = 0;

  constructor(name: string, options: HopFarOptions) {
    this.#isInitiator = options.role === "stlink";
    this.#handshake = hopHandshake(`transcript hop ${name}`, options);
  }

  /** STLink: message 1. */
  begin(): Uint8Array {
    return framed(concat(VERSION, this.#handshake.writeMessage()));
  }

  /** Takes the core's message (the first record of `bytes`) and gives the answer, if there is one. */
  answer(bytes: Uint8Array): Uint8Array {
    const [first = NO_AD] = bodiesOf(bytes);
    this.#handshake.readMessage(first.subarray(1));
    const reply = this.#handshake.finished ? NO_AD : this.begin();
    if (this.#handshake.finished) this.keys = keysOf(this.#handshake.split(), this.#isInitiator);
    return reply;
  }

  get shownKemKey(): Uint8Array {
    return kemKeyOf(this.#handshake);
  }

  /** Records with these frames, each PACKET in one of its own. */
  records(...frames: HopFrame[]): Uint8Array {
    return concat(...frames.map((frame) => this.record(frame)));
  }

  /** One record; padded unless it ends with PACKET. */
  record(...frames: HopFrame[]): Uint8Array {
    const plaintext = concat(...frames.map(encodeHopFrame));
    return this.sealed(frames.at(-1)?.type === "PACKET" ? plaintext : padded(plaintext, TAG_LEN));
  }

  /** A record of any plaintext. */
  sealed(plaintext: Uint8Array): Uint8Array {
    const length = encodeUint(plaintext.length + TAG_LEN, LENGTH_LEN);
    return concat(length, seal(this.#keys().send, this.#sent++, length, plaintext));
  }

  /** Opens the records that the core wrote. */
  open(bytes: Uint8Array): HopFrame[] {
    return [...bodiesOf(bytes)].flatMap((body) => {
      const length = encodeUint(body.length, LENGTH_LEN);
      const plaintext = open(this.#keys().receive, this.#received++, length, body);
      return [...decodeHopFrames(plaintext)];
    });
  }

  /** From here on this direction is under the keys of `next` (4.4). */
  switchTo(next: Keys, direction: "send" | "receive"): void {
    this.keys = { ...this.#keys(), [direction]: next[direction] };
    if (direction === "send") this.#sent = 0;
    else this.#received = 0;
  }

  #keys(): Keys {
    if (!this.keys) throw new Error("the hop's handshake is not finished");
    return this.keys;
  }
}

export type HopFarOptions = {
  role: "stlink" | "connector";
  own: Identity;
  /** The Connector's key, which an STLink knows. */
  remote?: Uint8Array;
  psk?: Uint8Array;
};

/** A hop's handshake, in the open or inside a session; `seed` makes its ephemerals. */
export function hopHandshake(seed: string, options: HopFarOptions): HandshakeState {
  const { role, own, remote, psk = NO_KEY } = options;
  return new HandshakeState({
    pattern: "XKhfs+psk3",
    initiator: role === "stlink",
    prologue: label("sealed/1 hop"),
    staticSecret: own.secret,
    ...(remote ? { remoteStatic: remote } : {}),
    pskFor: () => psk,
    ephemerals: drawEphemerals(seededRandom(seed)),
  });
}

export function hopKeys(handshake: HandshakeState, role: "stlink" | "connector"): Keys {
  return keysOf(handshake.split(), role === "stlink");
}

type Session = Keys & { hash: Uint8Array; index: number; peerIndex: number; sent: number };

/** What HELLO states where a scene does not say otherwise. */
const HELLO = {
  maxPacket: 2048,
  maxRecord: 1460,
  maxInFlight: 65_536,
  maxPendingOpens: 4,
  load: 0,
  epoch: 0,
  serial: 0n,
} as const;

export type Limits = Partial<FrameNamed<"HELLO">>;

export type LinkFarOptions = {
  own: Identity;
  peer: { key: Uint8Array; id: Uint8Array };
  psk?: Uint8Array;
  pskName?: Uint8Array;
  /** What its HELLO states instead of the usual. */
  limits?: Limits;
};

/** The other end of a link: the peer's STLink. */
export class LinkFar {
  readonly #options: LinkFarOptions;
  readonly random: Random;
  readonly linkId: Uint8Array;
  /** Frames for this end that came while a scene looked at another one. */
  readonly heard: LinkFrame[] = [];
  /** The core's linkId, once its HELLO has been opened. */
  peerLinkId = NO_NAME;
  session: Session | undefined;
  #handshake: HandshakeState | undefined;
  #isInitiator = false;
  #index = 0;
  #peerIndex = 0;

  constructor(name: string, options: LinkFarOptions) {
    this.#options = options;
    this.random = seededRandom(`transcript link ${name}`);
    this.linkId = this.random(8);
  }

  /** Message 1 of a new handshake, as a packet. */
  message1(): Uint8Array {
    this.#begin(true);
    const message = this.#state().writeMessage();
    const { pskName = NO_NAME } = this.#options;
    return padded(concat(Uint8Array.of(0x11), u32(this.#index), pskName, message), 0);
  }

  /** Takes the core's message 1 and gives message 2, as packets. */
  message2(packet: Uint8Array): Uint8Array {
    this.#begin(false);
    this.#peerIndex = readU32(packet, 1);
    this.#state().readMessage(packet.subarray(13, 13 + 1248));
    const head = concat(Uint8Array.of(0x12), u32(this.#peerIndex), u32(this.#index));
    return padded(concat(head, this.#state().writeMessage()), 0);
  }

  /** Takes the core's message 2 and gives message 3; the new session is there. */
  message3(packet: Uint8Array): Uint8Array {
    expectIndex(readU32(packet, 1), this.#index);
    this.#peerIndex = readU32(packet, 5);
    this.#state().readMessage(packet.subarray(9, 9 + 1152));
    const message = this.#state().writeMessage();
    this.#finish();
    return padded(concat(Uint8Array.of(0x13), u32(this.#peerIndex), message), 0);
  }

  /** Takes the core's message 3; the new session is there. */
  takeMessage3(packet: Uint8Array): void {
    expectIndex(readU32(packet, 1), this.#index);
    this.#state().readMessage(packet.subarray(5, 5 + 64));
    this.#finish();
  }

  get shownKemKey(): Uint8Array {
    return kemKeyOf(this.#state());
  }

  /** A data packet with these frames, padded unless it ends with STREAM or DATAGRAM. */
  packet(...frames: LinkFrame[]): Uint8Array {
    const plaintext = concat(...frames.map(encodeLinkFrame));
    const last = frames.at(-1)?.type;
    const isOpen = last === "STREAM" || last === "DATAGRAM";
    return this.sealed(isOpen ? plaintext : padded(plaintext, HEADER_LEN + TAG_LEN));
  }

  /** A data packet of any plaintext. */
  sealed(plaintext: Uint8Array): Uint8Array {
    const session = this.#session();
    const counter = encodeUint(session.sent++, 8);
    const header = concat(Uint8Array.of(0x14), u32(session.peerIndex), counter);
    return concat(header, seal(session.send, session.sent - 1, header, plaintext));
  }

  hello(change: Limits = this.#options.limits ?? {}): LinkFrame {
    const ids = { myLinkId: this.linkId, yourLinkId: this.peerLinkId };
    return { type: "HELLO", ...HELLO, ...ids, ...change };
  }

  /** Opens a data packet that the core wrote, under this session or an older one. */
  open(packet: Uint8Array, session = this.#session()): LinkFrame[] {
    expectIndex(readU32(packet, 1), session.index);
    const header = packet.subarray(0, HEADER_LEN);
    const counter = new DataView(header.slice(5).buffer).getBigUint64(0, true);
    const frames: LinkFrame[] = [
      ...decodeLinkFrames(open(session.receive, counter, header, packet.subarray(HEADER_LEN))),
    ];
    for (const frame of frames)
      if (frame.type === "HELLO") this.peerLinkId = frame.myLinkId.slice();
    return frames;
  }

  #begin(isInitiator: boolean): void {
    const { own, peer, psk = NO_KEY, pskName = NO_NAME } = this.#options;
    const ids = isInitiator ? [own.id, peer.id] : [peer.id, own.id];
    this.#isInitiator = isInitiator;
    this.#index = readU32(this.random(4), 0);
    this.#handshake = new HandshakeState({
      pattern: "XKhfs+psk3",
      initiator: isInitiator,
      prologue: concat(label("sealed/1 link"), ...ids, pskName),
      staticSecret: own.secret,
      remoteStatic: peer.key,
      pskFor: () => psk,
      ephemerals: drawEphemerals(this.random),
    });
  }

  #finish(): void {
    const split = this.#state().split();
    const indexes = { index: this.#index, peerIndex: this.#peerIndex };
    const keys = keysOf(split, this.#isInitiator);
    this.session = { ...keys, ...indexes, hash: split.handshakeHash, sent: 0 };
  }

  #state(): HandshakeState {
    if (!this.#handshake) throw new Error("no handshake is under way");
    return this.#handshake;
  }

  #session(): Session {
    if (!this.session) throw new Error("the link has no session");
    return this.session;
  }
}

/** What an OPEN names. */
type Names = Pick<FrameNamed<"OPEN">, "stream" | "kind" | "bindingId" | "mappingId">;

/** The other end of a stream or a datagram channel. */
export class StreamFar {
  readonly number: number;
  readonly #context: ConnectionContext;
  readonly #isOpener: boolean;
  readonly #handshake: HandshakeState;
  keys: Keys | undefined;
  #sealer: RecordSealer | undefined;
  #opener: RecordOpener | undefined;
  #received = 0;

  /** `own`: this side opens the stream. */
  constructor(link: LinkFar, open: Names, own: boolean) {
    const { stream, bindingId, mappingId, kind } = open;
    if (!link.session) throw new Error("the link has no session");
    const ids = own ? [link.linkId, link.peerLinkId] : [link.peerLinkId, link.linkId];
    this.number = stream;
    this.#isOpener = own;
    this.#context = {
      handshakeHash: link.session.hash,
      openerLinkId: ids[0] as Uint8Array,
      accepterLinkId: ids[1] as Uint8Array,
      stream,
      bindingId,
      mappingId,
      kind,
    };
    const ephemerals: Ephemerals = drawEphemerals(link.random);
    this.#handshake = newConnectionHandshake(own, this.#context, ephemerals);
  }

  /** OPEN of this side. */
  open(limit = 65_536n): FrameNamed<"OPEN"> {
    const { stream, kind, bindingId, mappingId } = this.#context;
    const message = this.#handshake.writeMessage();
    const version = { epoch: 0, serial: 0n, limit, version: 1 };
    return { type: "OPEN", stream, kind, bindingId, mappingId, ...version, message };
  }

  /** Takes the core's OPEN and gives ACCEPT. */
  accept(open: FrameNamed<"OPEN">, limit = 65_536n): FrameNamed<"ACCEPT"> {
    this.#handshake.readMessage(open.message);
    const message = this.#handshake.writeMessage();
    this.#finish();
    return { type: "ACCEPT", stream: this.number, load: 0, limit, version: 1, message };
  }

  /** Takes the core's ACCEPT. */
  accepted(accept: FrameNamed<"ACCEPT">): void {
    this.#handshake.readMessage(accept.message);
    this.#finish();
  }

  /** STREAM with the next record. */
  record(type: keyof typeof RECORD_TYPE, bytes: Uint8Array = NO_AD): FrameNamed<"STREAM"> {
    return this.sealed(RECORD_TYPE[type], bytes);
  }

  /** The same with any type. */
  sealed(type: number, bytes: Uint8Array = NO_AD): FrameNamed<"STREAM"> {
    if (!this.#sealer) throw new Error("the stream has no keys");
    const number = BigInt(this.#sealer.nextNumber);
    const record = this.#sealer.seal(type, bytes);
    return { type: "STREAM", stream: this.number, number, record };
  }

  /** Opens a STREAM frame of the core; it has to be the next one. */
  take(frame: FrameNamed<"STREAM">): { type: number; bytes: Uint8Array } {
    if (Number(frame.number) !== this.#received) throw new Error(`record ${frame.number} came`);
    this.#received++;
    if (!this.#opener) throw new Error("the stream has no keys");
    return this.#opener.open(frame.number, frame.record);
  }

  /** ACK of the core's records; without arguments, of all that were taken. */
  ack(change: { next?: bigint; limit?: bigint; flags?: number } = {}): FrameNamed<"ACK"> {
    const { next = BigInt(this.#received), limit = 65_536n, flags = 0 } = change;
    return { type: "ACK", stream: this.number, flags, next, limit };
  }

  #finish(): void {
    const split = this.#handshake.split();
    this.keys = connectionKeys(split, this.#isOpener);
    this.#sealer = new RecordSealer(this.keys.send);
    this.#opener = new RecordOpener(this.keys.receive);
  }
}

/** `bytes` with zeros behind, so that they and `overhead` bytes more are a multiple of 64. */
function padded(bytes: Uint8Array, overhead: number): Uint8Array {
  const total = Math.ceil((bytes.length + overhead) / ALIGN) * ALIGN;
  return concat(bytes, new Uint8Array(total - overhead - bytes.length));
}

function u32(value: number): Uint8Array {
  return encodeUint(value, 4);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.slice(at, at + 4).buffer).getUint32(0, true);
}

function expectIndex(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`index ${found} instead of ${wanted}`);
}
