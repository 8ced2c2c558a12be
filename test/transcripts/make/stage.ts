// SPDX-License-Identifier: Apache-2.0
// A core being recorded, with the far ends around it, and the ways by which scenes begin: a hop, a
// link, a stream that are up. Each of these is a transcript of its own, which others include. Before:
// the scenes. After: recorder.ts and ends.ts.
// Invariant: what a beginning does depends on nothing but its name.

import { DEVICE_SIZES } from "../../../host/core/core.ts";
import { concat } from "../../reference/bytes.ts";
import type { HopFrame } from "../../reference/hop-frames.ts";
import type { FrameNamed, LinkFrame } from "../../reference/link-frames.ts";
import { seededRandom } from "../../reference/random.ts";
import { SIZE_NAMES } from "../machine.ts";
import { bodiesOf, HopFar, type Identity, identityOf, LinkFar, NO_NAME, StreamFar } from "./ends.ts";
import { Recorder } from "./recorder.ts";

const FIRST_MS = 1000;
const FEEDS = 8;
const QUEUE_BYTES = 65_536;
const CHANNELS = 16;

export const HOP = 0;
export const LINK = 0;
export const BINDING = seededRandom("transcript binding")(16);
export const MAPPING = seededRandom("transcript mapping")(16);
export const HOP_PSK = seededRandom("transcript hop psk")(32);
export const LINK_PSK = seededRandom("transcript link psk")(32);
export const PSK_NAME = seededRandom("transcript psk name")(8);
/** Flags of a stream, as `stream_flags` gives them. */
export const FLAG = { connected: 1, readable: 2, writable: 4, fin: 8, offered: 16, closed: 32 };

export class Stage {
  readonly rec: Recorder;
  /** The core's own identity, and the parties around it. The core has the lower id of the link. */
  readonly own: Identity = identityOf("own", 0x40);
  readonly connector: Identity = identityOf("connector", 0);
  readonly peer: Identity;
  hop: HopFar;
  link: LinkFar;
  ms = FIRST_MS;
  #isNamed = false;

  constructor(file: string, title: string, peerFirstByte = 0x80) {
    this.rec = new Recorder(file, title);
    this.peer = identityOf("peer", peerFirstByte);
    this.hop = this.newHopFar("first");
    this.link = this.newLinkFar("first");
  }

  newHopFar(name: string): HopFar {
    return new HopFar(name, { role: "connector", own: this.connector, psk: HOP_PSK });
  }

  newLinkFar(name: string): LinkFar {
    const shared = { psk: LINK_PSK, pskName: PSK_NAME };
    return new LinkFar(name, { own: this.peer, peer: this.own, ...shared });
  }

  /** Time passes. */
  pass(ms: number): void {
    this.ms += ms;
    this.rec.now(this.ms);
  }

  /** An STLink with its identity, entropy for eight handshakes and one peer. */
  start(change: Partial<Record<(typeof SIZE_NAMES)[number], number>> = {}): void {
    const changes = Object.entries(change) as [(typeof SIZE_NAMES)[number], number][];
    for (const [name, value] of changes) this.rec.size(name, value);
    const file = this.link === undefined || this.own.id < this.peer.id ? "start-stlink.txt" : "";
    this.rec.include(changes.length === 0 ? file || "start-stlink.txt" : this.rec.file, () =>
      this.#startStlink(changes.map(([name]) => name)),
    );
    this.addPeer();
  }

  #startStlink(changed: readonly string[]): void {
    const { rec } = this;
    Object.values(DEVICE_SIZES).forEach((value, i) => {
      const name = SIZE_NAMES[i] as (typeof SIZE_NAMES)[number];
      if (!changed.includes(name)) rec.size(name, value);
    });
    rec.now(this.ms);
    rec.start("stlink");
    rec.arg(this.own.secret, this.own.key, this.own.id);
    rec.call("identity_set");
    this.feed(FEEDS);
  }

  feed(times: number, name = "feed"): void {
    const random = seededRandom(`transcript ${name}`);
    for (let i = 0; i < times; i++) this.rec.seed(random(32));
  }

  /** The peer becomes link 0. */
  addPeer(): void {
    const { id, key } = this.peer;
    this.rec.arg(id, key, new Uint8Array(32), LINK_PSK, PSK_NAME);
    this.rec.call("link_add");
  }

  /** A hop that is up. */
  hopUp(): void {
    this.rec.include("hop-stlink.txt", () => {
      this.start();
      this.dial();
      this.handshakeHop();
      this.welcome();
    });
  }

  /** Message 1 is out. */
  dial(index = HOP): Uint8Array {
    this.rec.arg(this.connector.key, HOP_PSK);
    this.rec.call("hop_open", 0);
    this.rec.work();
    return this.rec.tx(index);
  }

  handshakeHop(first = this.lastTx, index = HOP): HopFrame[] {
    this.rec.rx(index, this.hop.answer(first));
    this.rec.work();
    const third = this.rec.tx(index);
    this.hop.answer(third);
    return need(this.hop.open(afterFirst(third)), "HOP_HELLO");
  }

  welcome(index = HOP): HopFrame[] {
    const sizes = { maxPacket: 65_000, channels: CHANNELS, queueBytes: QUEUE_BYTES };
    this.rec.rx(index, this.hop.record({ type: "WELCOME", id: this.own.id, ...sizes }));
    return need(this.hop.open(this.rec.tx(index)), "CREDIT");
  }
}
