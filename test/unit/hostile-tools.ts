// SPDX-License-Identifier: Apache-2.0
// What the tests of hostile input share: one hop of a core, in either role, against the reference's
// hop driven by hand; and a core with a stream up, whose Connector and peer are hostile.
// Before it: core-ends.ts, core-world.ts. After it: hostile-*.test.ts.
// Invariant: every input is made by the reference or from its bytes; the core only ever sees a wire.

import { Core, HopState, HopStep, statusName } from "../../host/core/core.ts";
import { concat, encodeUint, equal } from "../reference/bytes.ts";
import { Hop, type HopOptions } from "../reference/hop.ts";
import type { HopFrame } from "../reference/hop-frames.ts";
import { Link, type LinkOptions } from "../reference/link.ts";
import { decodeLinkFrames, encodeLinkFrame, type LinkFrame } from "../reference/link-frames.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ProtocolError } from "../reference/status.ts";
import { ID_A, ID_B, pattern } from "../reference/world.ts";
import { type CoreStlink, type Pipe, TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { CoreWorld, type CoreWorldOptions, openStream, openTestEngine } from "./core-world.ts";
import type { ReferencePipe, ReferenceStlink } from "./reference-ends.ts";

const random = seededRandom("hostile");
const SECRETS = { stlink: random(32), connector: random(32) };
const HOP_PSK = random(32);
/** What no core of a HopBench may keep after `stop`. */
export const HOP_SECRETS: readonly Uint8Array[] = [SECRETS.stlink, SECRETS.connector, HOP_PSK];

export const HELLO = { type: "HOP_HELLO", maxPacket: 2048, channels: 4 } as const;
export const WELCOME = {
  type: "WELCOME",
  id: ID_A,
  maxPacket: 65_000,
  channels: 4,
  queueBytes: 100_000,
} as const;

/** One frame of each type. */
export const HOP_FRAMES: readonly HopFrame[] = [
  HELLO,
  WELCOME,
  { type: "REFUSED", reason: 50 },
  { type: "TICKET", codeId: random(8), ticket: random(32) },
  { type: "NAME", channel: 0, id: ID_B },
  { type: "CREDIT", total: 5000n },
  { type: "PING", token: 1 },
  { type: "PONG", token: 1 },
  { type: "DROPPED", channel: 0, reason: 33, count: 1 },
  { type: "AWAY", channel: 0 },
  { type: "BACK", channel: 0 },
  { type: "MUTE", channel: 0, seconds: 1 },
  { type: "DRAIN", afterMs: 1 },
  { type: "CLOSE", reason: 48 },
  { type: "PACKET", class: 0, channel: 0, packet: new Uint8Array(0) },
];

/** One hop of a core against a hop of the reference. */
export class HopBench {
  readonly core: Core;
  readonly role: "stlink" | "connector";
  readonly frames: HopFrame[] = [];
  remote: Hop;
  hop: number;
  now = 1000;
  private readonly remoteOptions: HopOptions;

  /** `role` is the core's. */
  constructor(role: "stlink" | "connector", change: Partial<HopOptions> = {}) {
    const sizes = role === "stlink" ? TEST_SIZES : TEST_CONNECTOR_SIZES;
    this.core = new Core(openTestEngine("v8", sizes));
    this.role = role;
    this.core.start(role, sizes, this.now);
    const secret = role === "stlink" ? SECRETS.stlink : SECRETS.connector;
    const id = role === "stlink" ? ID_A : new Uint8Array(16);
    this.core.setIdentity(secret, publicKey(secret), id);
    this.core.feed(random(32));
    if (role === "stlink") this.core.linkAdd({ id: ID_B, key: publicKey(random(32)) });
    this.remoteOptions = {
      role: role === "stlink" ? "connector" : "stlink",
      staticSecret: role === "stlink" ? SECRETS.connector : SECRETS.stlink,
      connectorKey: publicKey(SECRETS.connector),
      pskFor: () => HOP_PSK,
      random,
      ...change,
    };
    this.remote = new Hop(this.remoteOptions, this.now);
    this.hop = this.begin();
  }

  /** Gives the old hop up and begins another one, of the same core. */
  again(change: Partial<HopOptions> = {}): this {
    this.core.hopFree(this.hop);
    this.frames.length = 0;
    this.remote = new Hop({ ...this.remoteOptions, ...change }, this.now);
    this.hop = this.begin();
    return this;
  }

  private begin(): number {
    this.work();
    if (this.role === "connector") return this.core.hopAccept();
    return this.core.hopDial(publicKey(SECRETS.connector), HOP_PSK);
  }

  get status(): string {
    return statusName(this.core.hopStatus(this.hop));
  }

  get closed(): boolean {
    return this.core.hopState(this.hop).state === HopState.Closed;
  }

  get state(): number {
    return this.core.hopState(this.hop).state;
  }

  /** Gives bytes to the core and lets it deal with them; returns the hop's status. */
  give(bytes: Uint8Array): string {
    let left = bytes;
    for (let calls = 0; calls < 10_000; calls++) {
      const taken = this.core.hopPut(this.hop, left);
      left = left.subarray(taken);
      let moved = taken > 0;
      for (let step = this.step(); step > 0; step = this.step()) moved = true;
      moved = this.work() || moved;
      if (!moved) break;
    }
    return this.status;
  }

  /** Everything that the core has for the wire. */
  take(): Uint8Array {
    this.work();
    const parts: Uint8Array[] = [];
    for (
      let part = this.core.hopTake(this.hop);
      part.length > 0;
      part = this.core.hopTake(this.hop)
    ) {
      parts.push(part);
    }
    return concat(...parts);
  }

  /** Moves bytes both ways until nothing moves. */
  exchange(): this {
    for (let moved = true; moved; ) {
      const there = this.remote.take();
      if (there.length > 0) this.give(there);
      const back = this.take();
      for (const frames of this.remote.receive(back)) this.frames.push(...frames);
      moved = there.length + back.length > 0;
    }
    return this;
  }

  /** A hop whose handshake is over. */
  shaken(): this {
    this.exchange();
    if (this.state !== HopState.Greeting) throw new Error(`no hop: ${this.status}`);
    return this;
  }

  /** A hop that is up. */
  up(): this {
    this.shaken();
    if (this.role === "connector") {
      this.remote.send(HELLO);
      this.exchange();
      this.core.hopAdmit(this.hop, ID_A, 100_000);
    } else {
      this.remote.send(WELCOME);
    }
    this.exchange();
    if (this.state !== HopState.Up) throw new Error(`not up: ${this.status}`);
    return this;
  }

  /** Seals frames by the reference and gives them to the core. */
  say(...frames: HopFrame[]): string {
    this.remote.send(...frames);
    return this.give(this.remote.take());
  }

  /** The same for any plaintext. */
  sayPlaintext(plaintext: Uint8Array): string {
    this.remote.sendPlaintext(plaintext);
    return this.give(this.remote.take());
  }

  /** Whether a PING is answered. */
  get answers(): boolean {
    this.frames.length = 0;
    const token = this.now++;
    this.remote.send({ type: "PING", token });
    this.exchange();
    return this.frames.some((frame) => frame.type === "PONG" && frame.token === token);
  }

  tick(ms: number): void {
    this.now += ms;
    this.core.tick(this.now);
  }

  /** Packets that a Connector has handed out for its queue. */
  readonly packets: Uint8Array[] = [];

  private step(): number {
    const step = this.core.hopStep(this.hop);
    if (step === HopStep.Packet) {
      const { ptr, len } = this.core.packetInfo();
      this.packets.push(this.core.engine.read(ptr, len));
    }
    return step;
  }

  private work(): boolean {
    let moved = false;
    for (let steps = 0; steps < 10_000; steps++) {
      if (this.core.flags() & 2) this.core.feed(random(32));
      if (!this.core.work()) break;
      moved = true;
    }
    if (this.role === "connector" && this.core.hopState(this.hop).asking) {
      this.core.hopAnswer(this.hop, HOP_PSK);
      return true;
    }
    return moved;
  }
}

/** A core A and a reference B with a stream up; what B and the Connector send is in the test's hands. */
export class LinkBench {
  readonly world: CoreWorld;
  readonly core: CoreStlink;
  readonly reference: ReferenceStlink;
  /** The stream's two ends: at the core, at the reference. */
  readonly mine: Pipe;
  readonly theirs: ReferencePipe;
  /** Frames that the core has sent, as the reference opened them. */
  readonly heard: LinkFrame[] = [];
  /** Packets that the core has sent. */
  readonly sent: Uint8Array[] = [];
  private other = 0;

  constructor(options: Partial<CoreWorldOptions> = {}, opener: "a" | "b" = "b", kind = 1) {
    this.world = new CoreWorld({
      seed: "hostile link",
      a: "core",
      b: "reference",
      ...options,
    }).start();
    this.core = this.world.a as CoreStlink;
    this.reference = this.world.b as ReferenceStlink;
    this.overhear();
    const [mine, theirs] = this.connect(opener, kind);
    this.mine = mine;
    this.theirs = theirs;
    this.world.wire.pass(100);
    this.heard.length = 0;
    this.sent.length = 0;
    this.drops();
  }

  /** Another stream: its ends at the core and at the reference. */
  connect(opener: "a" | "b", kind = 1): [Pipe, ReferencePipe] {
    const { a, b } = this.world;
    const accepter = opener === "a" ? b : a;
    const before = accepter.offered.length;
    const opened = openStream(this.world, opener, kind);
    const done = this.world.wire.run(() => {
      const offered = accepter.offered.at(before);
      if (offered && !offered.connected) offered.accept();
      return opened.connected && offered !== undefined;
    }, 100_000);
    const accepted = accepter.offered.at(before);
    if (!done || !accepted) throw new Error("no stream");
    const [mine, theirs] = opener === "a" ? [opened, accepted] : [accepted, opened];
    return [mine, theirs as ReferencePipe];
  }

  /** Statuses of packets dropped since the last call. */
  drops(): string[] {
    this.core.noteDrop();
    return this.core.drops.splice(0).map(statusName);
  }

  /** Gives a packet to the core as from `from`; returns why it was dropped. */
  give(packet: Uint8Array, from = ID_B): string[] {
    this.drops();
    this.world.inject(ID_A, from, packet);
    this.world.wire.pass(10);
    return this.drops();
  }

  /** Seals frames as the reference's end of the link would. */
  seal(frames: LinkFrame[] | Uint8Array): Uint8Array {
    const plaintext =
      frames instanceof Uint8Array ? frames : concat(...frames.map((one) => encodeLinkFrame(one)));
    return this.reference.peer.linkTo(ID_A).seal(plaintext, false);
  }

  /** Seals frames and gives them. */
  say(...frames: LinkFrame[]): string[] {
    return this.give(this.seal(frames));
  }

  sayPlaintext(plaintext: Uint8Array): string[] {
    return this.give(this.seal(plaintext));
  }

  /** Seals a record of the reference's stream as none of its rules allows, in a STREAM frame. */
  record(pipe: ReferencePipe, type: number, bytes: Uint8Array): LinkFrame & { type: "STREAM" } {
    const sealer = this.sealer(pipe);
    const number = BigInt(sealer.nextNumber);
    return { type: "STREAM", stream: pipe.stream.number, number, record: sealer.seal(type, bytes) };
  }

  /** The sealing half of a reference's stream. */
  sealer(pipe: ReferencePipe): Sealer {
    return (pipe.stream as unknown as { sender: { sealer: Sealer } }).sender.sealer;
  }

  /** Whether bytes still go both ways on the stream. */
  get works(): boolean {
    return this.carries(this.mine, this.theirs);
  }

  /** Whether a new stream can be opened from either side and carries bytes. */
  get opens(): boolean {
    return (["a", "b"] as const).every((opener) => {
      const [mine, theirs] = this.connect(opener);
      const carried = this.carries(mine, theirs);
      mine.reset(12);
      this.world.wire.pass(3000);
      return carried && mine.ended;
    });
  }

  /** Whether anything of the core's application has seen a byte since the last call. */
  get silent(): boolean {
    return this.mine.read().length === 0;
  }

  carries(mine: Pipe, theirs: Pipe): boolean {
    const bytes = pattern(100, this.other++);
    if (mine.ended || theirs.ended) return false;
    mine.write(bytes);
    theirs.write(bytes);
    const got: Uint8Array[][] = [[], []];
    return this.world.wire.run(() => {
      got[0]?.push(mine.read());
      got[1]?.push(theirs.read());
      return got.every((parts) => equal(concat(...parts), bytes));
    }, 20_000);
  }

  private overhear(): void {
    const link = this.reference.peer.linkTo(ID_A);
    const receive = link.receive.bind(link);
    link.receive = (packet) => {
      this.sent.push(packet);
      const opened = receive(packet);
      if (opened) this.heard.push(...decode(opened.frames));
      return opened;
    };
  }
}

export interface Sealer {
  readonly nextNumber: number;
  seal(type: number, bytes: Uint8Array): Uint8Array;
}

/** A link of B's, or of somebody who has some of B's secrets, that begins a handshake with the core. */
export function beginner(bench: LinkBench, change: Partial<LinkOptions> = {}): Link {
  const { world } = bench;
  const link = new Link(
    {
      ownId: ID_B,
      staticSecret: world.secrets.b,
      peer: {
        id: ID_A,
        key: publicKey(world.secrets.a),
        psk: world.psk.link,
        pskName: world.psk.name,
      },
      random: world.random,
      handshakeBurst: 4,
      replayWindow: 64,
      ...change,
    },
    world.wire.now,
  );
  link.wanted = true;
  link.tick(world.wire.now);
  return link;
}

/** The first packet that a link has for the hop; the others are gone. */
export function firstPacket(link: Link): Uint8Array {
  const [first] = link.outbox.splice(0);
  if (!first) throw new Error("nothing sent");
  return first.packet;
}

function decode(plaintext: Uint8Array): LinkFrame[] {
  const frames: LinkFrame[] = [];
  try {
    for (const frame of decodeLinkFrames(plaintext)) frames.push(frame);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return frames;
}

/** A copy with one bit changed. */
export function flip(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ (1 << bit);
  return copy;
}

/** Every position up to `dense`, then about `samples` more, and the last 17. */
export function positions(length: number, dense: number, samples: number): number[] {
  const chosen = new Set<number>();
  for (let i = 0; i < Math.min(dense, length); i++) chosen.add(i);
  for (let i = 0; i < samples; i++) chosen.add(Math.floor(((i + 0.5) * length) / samples));
  for (let i = Math.max(0, length - 17); i < length; i++) chosen.add(i);
  return [...chosen].sort((a, b) => a - b);
}

/** A hop record's wire form without a seal: a length and a body. */
export function framed(body: Uint8Array): Uint8Array {
  return concat(encodeUint(body.length, 2), body);
}
