// SPDX-License-Identifier: Apache-2.0
// A core being recorded, with the far ends around it, and the ways by which scenes begin: a hop, a
// link, a stream that are up. Each of these is a transcript of its own, which others include. Before:
// the scenes. After: recorder.ts and ends.ts.
// Invariant: a beginning that is included does the same in every scene.

import type { CoreEngine } from "../../../host/core/engine.ts";
import { concat } from "../../reference/bytes.ts";
import type { HopFrame } from "../../reference/hop-frames.ts";
import type { FrameNamed, LinkFrame } from "../../reference/link-frames.ts";
import { seededRandom } from "../../reference/random.ts";
import {
  bodiesOf,
  framed,
  HopFar,
  type Identity,
  identityOf,
  type Limits,
  LinkFar,
  readU32,
  StreamFar,
} from "./ends.ts";
import { Recorder } from "./recorder.ts";

const FIRST_MS = 1000;
const FEEDS = 8;
const QUEUE_BYTES = 65_536;
const CHANNELS = 16;
const ROUND_TRIP_MS = 40;
const KEY_LEN = 32;

/** The hop, the link and the stream of a scene that has one of each. */
export const HOP = 0;
export const LINK = 0;
export const STREAM = 0;

const drawn = (name: string, len: number) => seededRandom(`transcript ${name}`)(len);
export const BINDING = drawn("binding", 16);
export const MAPPING = drawn("mapping", 16);
export const HOP_PSK = drawn("hop psk", 32);
export const LINK_PSK = drawn("link psk", 32);
export const PSK_NAME = drawn("psk name", 8);
export const NO_KEY = new Uint8Array(32);

/** Flags of a stream, as `stream_flags` gives them. */
export const FLAG = {
  connected: 1,
  readable: 2,
  writable: 4,
  fin: 8,
  offered: 16,
  closed: 32,
  successor: 64,
};

/** Sizes of an instance, by their names in the ABI. */
export type Sizes = Readonly<Record<string, number>>;

/** A device's, with two handshake slots; they fit one page. */
const SIZES: Sizes = {
  HOPS: 2,
  LINKS: 4,
  STREAMS: 8,
  HANDSHAKES: 2,
  MAX_PACKET: 2048,
  MAX_RECORD: 1460,
  WINDOW: 8192,
  BLOCK_BYTES: 256,
  RECV_BLOCKS: 36,
  SEND_BLOCKS: 60,
  CHANNELS: 5,
  REPLAY_BITS: 64,
  PENDING_OPENS: 1,
  HOP_BUFFERS: 3,
  HOP_BUFFER_BYTES: 2304,
  HOP_CREDIT: 8192,
};

export type Options = {
  /** First byte of the peer's id; the core's is 0x40. Default 0x80: the core's is lower. */
  peerByte?: number;
  sizes?: Sizes;
  /** What the peer's HELLO states instead of the usual. */
  limits?: Limits;
  /** Instead of V8, for tests that write no file. */
  engine?: CoreEngine;
};

/** A transcript to be made: its file, what it shows, and how. */
export type Scene = [file: string, title: string, play: (stage: Stage) => void, options?: Options];

export class Stage {
  readonly rec: Recorder;
  readonly own: Identity = identityOf("own", 0x40);
  readonly connector: Identity = identityOf("connector", 0);
  readonly peer: Identity;
  /** Who the Connector says that packets are from. */
  peerId: Uint8Array;
  readonly #sizes: Sizes;
  readonly #limits: Limits | undefined;
  /** The beginnings are those that are transcripts of their own. */
  readonly #isUsual: boolean;
  hop: HopFar;
  link: LinkFar;
  ms = FIRST_MS;
  /** The core's ephemeral public keys of the handshakes that it began, in hex, and those of ML-KEM. */
  readonly shownEphemerals: string[] = [];
  readonly shownKemKeys: Uint8Array[] = [];
  /** Other ends that the core has sessions with. */
  readonly others: LinkFar[] = [];
  /** Ids (hex) that this hop's Connector has named; its channels are their places. */
  #named: string[] = [];

  constructor(file: string, title: string, { peerByte, sizes, limits, engine }: Options = {}) {
    this.rec = new Recorder(file, title, engine);
    this.peer = identityOf("peer", peerByte ?? 0x80);
    this.peerId = this.peer.id;
    this.#sizes = sizes ?? {};
    this.#limits = limits;
    this.#isUsual = [peerByte, sizes, limits].every((option) => option === undefined);
    this.hop = this.newHopFar("first");
    this.link = this.newLinkFar("first");
  }

  newHopFar(name: string): HopFar {
    return new HopFar(name, { role: "connector", own: this.connector, psk: HOP_PSK });
  }

  newLinkFar(name: string): LinkFar {
    const shared = {
      psk: LINK_PSK,
      pskName: PSK_NAME,
      ...(this.#limits && { limits: this.#limits }),
    };
    return new LinkFar(name, { own: this.peer, peer: this.own, ...shared });
  }

  /** Time passes. */
  pass(ms: number): void {
    this.ms += ms;
    this.rec.now(this.ms);
  }

  /** Entropy for so many handshakes. */
  feed(times: number, name = "entropy"): void {
    const random = seededRandom(`transcript ${name}`);
    for (let i = 0; i < times; i++) this.rec.seed(random(32));
  }

  #shared(file: string, begin: () => void): void {
    if (this.#isUsual) this.rec.include(file, begin);
    else begin();
  }

  /** A started instance with identity and entropy. */
  start(): void {
    this.#shared("start-stlink.txt", () => {
      this.sizes();
      this.rec.now(this.ms);
      if (this.rec.start("stlink") !== 0) throw new Error("the instance does not start");
      this.rec.arg(this.own.secret, this.own.key, this.own.id);
      this.rec.call("identity_set");
      this.feed(FEEDS);
    });
  }

  /** Sets the sizes; those of the scene go before `changes`, and these before a device's. */
  sizes(changes: Sizes = {}): void {
    for (const [name, value] of Object.entries({ ...SIZES, ...changes, ...this.#sizes })) {
      this.rec.size(name, value);
    }
  }

  /** The peer becomes link 0. */
  addPeer(): void {
    this.rec.arg(this.peer.id, this.peer.key, NO_KEY, LINK_PSK, PSK_NAME);
    this.rec.call("link_add");
  }

  /** Begins a hop and gives message 1. */
  dial(): Uint8Array {
    this.rec.arg(this.connector.key, HOP_PSK);
    const hop = this.rec.call("hop_open", 0);
    this.rec.work();
    return this.rec.tx(hop);
  }

  /** Goes on from message 1 to WELCOME and CREDIT. */
  meet(first: Uint8Array, hop = HOP): void {
    this.#show(first, 3);
    this.rec.rx(hop, this.hop.answer(first));
    this.shownKemKeys.push(this.hop.shownKemKey);
    this.rec.work();
    const third = this.rec.tx(hop);
    this.hop.answer(third);
    need(this.hop.open(afterFirst(third)), "HOP_HELLO");
    this.rec.rx(hop, this.hop.record(this.welcome()));
  }

  welcome(id = this.own.id): HopFrame {
    const sizes = { maxPacket: 65_000, channels: CHANNELS, queueBytes: QUEUE_BYTES };
    return { type: "WELCOME", id, ...sizes };
  }

  /** A hop that is up, and a peer that is known. */
  hopUp(): void {
    this.#shared("hop-stlink.txt", () => {
      this.start();
      this.addPeer();
      this.meet(this.dial());
      need(this.frames(), "CREDIT");
    });
  }

  /** The connection of the hop is gone; a new one comes up. Gives what the core says on it first. */
  redial(name: string): HopFrame[] {
    this.rec.call("hop_free", HOP);
    this.hop = this.newHopFar(name);
    this.#named = [];
    this.meet(this.dial());
    return this.frames();
  }

  #show(message: Uint8Array, at: number): void {
    this.shownEphemerals.push(Buffer.from(message.subarray(at, at + KEY_LEN)).toString("hex"));
  }

  /** What the core has for the Connector: the frames of its records. */
  frames(hop = HOP): HopFrame[] {
    return this.hop.open(this.rec.tx(hop));
  }

  /** The packets among them. */
  packets(hop = HOP): Uint8Array[] {
    return this.frames(hop).flatMap((frame) => (frame.type === "PACKET" ? [frame.packet] : []));
  }

  /** The frames of the data packets among them that are for `link`; the others keep theirs. */
  data(hop = HOP): LinkFrame[] {
    for (const packet of this.packets(hop)) {
      if (packet[0] !== 0x14) continue;
      const index = readU32(packet, 1);
      const far = this.others.find(({ session }) => session?.index === index) ?? this.link;
      far.heard.push(...far.open(packet));
    }
    return this.link.heard.splice(0);
  }

  /** Goes on with another end: who packets are from, and whose frames `data` gives. */
  turnTo(id: Uint8Array, link: LinkFar): void {
    if (!this.others.includes(this.link)) this.others.push(this.link);
    if (!this.others.includes(link)) this.others.push(link);
    this.peerId = id;
    this.link = link;
  }

  /** Packets from the peer, as the Connector sends them on; the first time with its name. */
  deliver(...packets: Uint8Array[]): number {
    return this.rec.rx(HOP, this.asRecords(...packets));
  }

  asRecords(...packets: Uint8Array[]): Uint8Array {
    const name = Buffer.from(this.peerId).toString("hex");
    const records = packets.map((packet) => {
      const isNamed = this.#named.includes(name);
      if (!isNamed) this.#named.push(name);
      const channel = this.#named.indexOf(name);
      const frame: HopFrame = { type: "PACKET", class: 0, channel, packet };
      if (isNamed) return this.hop.record(frame);
      return this.hop.record({ type: "NAME", channel, id: this.peerId }, frame);
    });
    return concat(...records);
  }

  /** Frames from the peer, in one data packet. */
  say(...frames: LinkFrame[]): number {
    return this.deliver(this.link.packet(...frames));
  }

  /** Why the core dropped something: expected to be this. */
  dropped(status: number): void {
    const found = this.rec.call("take_drop");
    if (found !== status) throw new Error(`${this.rec.file}: dropped with ${found}, not ${status}`);
  }

  /** A session that the core began. */
  linkInitiated(): void {
    this.#shared("link-initiator.txt", () => {
      this.hopUp();
      this.rec.call("link_connect", LINK);
      this.initiate();
    });
  }

  /** The core wants a session: message 1 to HELLO. */
  initiate(): void {
    this.rec.work();
    this.goOn(packetOf(this.packets(), 0x11));
  }

  /** The same from message 1 on. */
  goOn(first: Uint8Array): void {
    this.#show(first, 13);
    this.deliver(this.link.message2(first));
    this.shownKemKeys.push(this.link.shownKemKey);
    this.rec.work();
    const packets = this.packets();
    this.link.takeMessage3(packetOf(packets, 0x13));
    need(this.link.open(packetOf(packets, 0x14)), "HELLO");
    this.greet();
  }

  /** The peer's HELLO, and its answer to the PROBE by which the core measures the first round trip. */
  greet(): void {
    this.say(this.link.hello());
    const frames = this.data();
    need(frames, "HELLO");
    for (const frame of frames) {
      if (frame.type !== "PROBE") continue;
      this.pass(ROUND_TRIP_MS);
      this.say({ type: "PONG", token: frame.token, load: 0 });
    }
  }

  /** A session that the peer began. */
  linkAnswered(): void {
    this.#shared("link-responder.txt", () => {
      this.hopUp();
      this.answer();
    });
  }

  /** The peer wants a session: message 1 to HELLO. */
  answer(): void {
    this.deliver(this.link.message1());
    this.rec.work();
    this.deliver(this.link.message3(packetOf(this.packets(), 0x12)));
    this.rec.work();
    need(this.data(), "HELLO");
    this.greet();
  }

  /** The core opens a stream or channel and gets OPEN out; ACCEPT is still to come. */
  open(kind: number): { far: StreamFar; open: FrameNamed<"OPEN"> } {
    this.rec.arg(BINDING, MAPPING);
    this.rec.call("stream_open", LINK, kind);
    this.rec.work();
    const open = need(this.data(), "OPEN");
    this.#show(open.message, 0);
    this.shownKemKeys.push(open.message.subarray(KEY_LEN));
    return { far: new StreamFar(this.link, open, false), open };
  }

  /** A stream that the core opened, connected. */
  streamOpened(limit?: bigint): StreamFar {
    let far: StreamFar | undefined;
    const begin = () => {
      this.linkInitiated();
      far = this.openAndConnect(1, limit);
    };
    if (limit === undefined) this.#shared("stream-opener.txt", begin);
    else begin();
    return far as unknown as StreamFar;
  }

  openAndConnect(kind: number, limit?: bigint): StreamFar {
    const { far, open } = this.open(kind);
    this.say(far.accept(open, limit));
    this.rec.work();
    need(this.data(), "ACK");
    if (kind !== 2) this.say(far.record("connected"));
    this.rec.call("stream_next");
    this.rec.call("stream_flags", STREAM);
    this.pass(25);
    if (kind !== 2) need(this.data(), "ACK");
    return far;
  }

  /** A stream that the peer opened, connected. */
  streamAccepted(): StreamFar {
    let far: StreamFar | undefined;
    this.#shared("stream-accepter.txt", () => {
      this.linkAnswered();
      far = this.offer(1);
      this.rec.call("stream_connected", STREAM);
      const frame = need(this.data(), "STREAM");
      needRecord(far.take(frame), "connected");
      this.say(far.ack());
      expectNothing(this.data());
    });
    return far as unknown as StreamFar;
  }

  /** The peer opens a stream or channel; ACCEPT is out and the host is told. */
  offer(kind: number, number = 1, mappingId = MAPPING): StreamFar {
    const ids = { bindingId: BINDING, mappingId };
    const far = new StreamFar(this.link, { stream: number, kind, ...ids }, true);
    this.say(far.open());
    this.rec.work();
    far.accepted(need(this.data(), "ACCEPT"));
    this.say(far.ack({ next: 0n }));
    const stream = this.rec.call("stream_next");
    this.rec.call("stream_flags", stream);
    return far;
  }
}

/** The frame of a type that has to be among these. */
export function need<F extends { type: string }, T extends F["type"]>(
  frames: readonly F[],
  type: T,
): Extract<F, { type: T }> {
  const found = frames.find((frame) => frame.type === type);
  const types = frames.map((frame) => frame.type).join(", ");
  if (!found) throw new Error(`${type} is not among: ${types || "nothing"}`);
  return found as Extract<F, { type: T }>;
}

export function expectNothing(found: readonly unknown[]): void {
  if (found.length > 0) throw new Error(`unexpected: ${JSON.stringify(found.slice(0, 3), plain)}`);
}

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

export function sameBytes(found: Uint8Array, expected: Uint8Array): void {
  if (!Buffer.from(found).equals(expected)) throw new Error("the bytes are not the same");
}

/** The packet of a type that has to be among these. */
export function packetOf(packets: readonly Uint8Array[], type: number): Uint8Array {
  const found = packets.find((packet) => packet[0] === type);
  const types = packets.map((packet) => packet[0]?.toString(16)).join(", ");
  if (!found) throw new Error(`packet ${type.toString(16)} is not among: ${types || "nothing"}`);
  return found;
}

const RECORD_TYPES = { data: 0x41, fin: 0x42, reset: 0x43, keyUpdate: 0x44, connected: 0x45 };

/** Throws unless the record has this type; gives its bytes. */
export function needRecord(
  record: { type: number; bytes: Uint8Array },
  type: keyof typeof RECORD_TYPES,
): Uint8Array {
  if (record.type !== RECORD_TYPES[type]) throw new Error(`record ${record.type}, not ${type}`);
  return record.bytes;
}

/** The records behind the first one. */
export function afterFirst(bytes: Uint8Array): Uint8Array {
  const [first = new Uint8Array(0)] = bodiesOf(bytes);
  return bytes.subarray(framed(first).length);
}
