// SPDX-License-Identifier: Apache-2.0
// A site in one process: devices and a Connector, which are cores, and a Commander, which is the reference
// or a core, joined by pipes that move bytes whole, in random splits or byte by byte and can be cut at any
// byte, under a clock of its own. Before it: host/core/core.ts, control-reference.ts. After it: the
// control* tests. The hosts' halves are small: a device dials, and stores what it is asked to.
// Invariant: nothing waits for real time; every byte comes from one seed.

import { readFileSync } from "node:fs";
import {
  ControlPhase,
  Core,
  CoreError,
  CoreFlag,
  connectorSizes,
  DEVICE_SIZES,
  HopState,
  HopStep,
  type Sizes,
  StreamFlag,
  statusName,
} from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { concat, toHex } from "../reference/bytes.ts";
import { publicKey } from "../reference/noise.ts";
import { randomBelow, seededRandom } from "../reference/random.ts";
import type { Cut } from "../reference/wire.ts";
import { type CoreFace, ReferenceCore } from "./control-reference.ts";

const LONGEST_PIECE = 700;
const wasm = readFileSync(CORE_WASM);

/** A Commander and other peers with room: no page is spent on what the tests don't need. */
const PEER_SIZES: Sizes = {
  ...DEVICE_SIZES,
  links: 8,
  streams: 16,
  handshakes: 4,
  recvBlocks: 160,
  sendBlocks: 160,
  channels: 9,
  pendingOpens: 4,
  configBytes: 0,
};

const RELAY_SIZES: Sizes = { ...connectorSizes(16), hopBuffers: 16, hopBufferBytes: 66_000 };

/** What each device says of itself. */
export const CORE_HASH = new Uint8Array(32).fill(0xc0);
export const ABOUT = { platform: "test", board: "none", version: "unit 1" };

export type KeyPair = { privateKey: Uint8Array; publicKey: Uint8Array };

/** Who the Commander is, and how bytes are cut on their way. */
export type WorldOptions = { commander?: "core" | "reference"; cut?: Cut };

/** One instance and its one hop. */
export class Member<C extends CoreFace = CoreFace> {
  readonly world: World;
  readonly name: string;
  core: C;
  keys: KeyPair;
  hop = -1;
  /** Bytes of the Connector that reach this member before its hop is cut; Infinity: all. */
  bytesToCut = Number.POSITIVE_INFINITY;
  /** Bytes of the Connector that have reached it. */
  received = 0;
  readonly drops: string[] = [];
  /** Streams that the peers opened, or this member, with news. */
  readonly news: number[] = [];
  onNews: (stream: number, flags: number) => void = () => {};
  onIdle: () => void = () => {};

  constructor(world: World, name: string, keys: KeyPair, core: C) {
    this.world = world;
    this.name = name;
    this.keys = keys;
    this.core = core;
  }

  /** Begins a hop, after ending the one before; where the one handshake slot is taken, not now. */
  dial(ticket?: Uint8Array): void {
    this.hangUp();
    try {
      this.hop = this.core.hopDial(this.world.relayKeys.publicKey, undefined, ticket);
    } catch (error) {
      if (error instanceof CoreError && error.code === "NoHandshakeSlot") return;
      throw error;
    }
    this.world.accept(this);
  }

  /** The connection is gone; the core keeps what it has. */
  hangUp(): void {
    if (this.hop < 0) return;
    this.world.forget(this);
    this.core.hopFree(this.hop);
    this.hop = -1;
  }

  get isUp(): boolean {
    return this.hop >= 0 && this.core.hopState(this.hop).state === HopState.Up;
  }
}

/** A device: activates, stores, boots again. */
export class Device extends Member<Core> {
  /** What is on its flash. */
  flash: Uint8Array = new Uint8Array(0);
  nextKeys: KeyPair | undefined;
  code: Uint8Array | undefined;
  /** False: its flash refuses. */
  stores = true;
  /** False: it dies before it can say that it has stored. */
  survivesStore = true;
  /** Redials when the core asks for it. */
  dials = true;
  stored = 0;

  constructor(world: World, name: string, keys = world.keyPair()) {
    super(world, name, keys, world.newStlink(DEVICE_SIZES, keys, new Uint8Array(16)));
  }

  get phase(): number {
    return this.core.controlState().phase;
  }

  /** Takes a code and makes the hop with its ticket. */
  activate(code: Uint8Array): void {
    this.code = code;
    this.dial(this.core.loadCode(code).ticket);
  }

  /** Power off and on: only flash is left. */
  reboot(): void {
    this.hangUp();
    this.core = this.world.newStlink(DEVICE_SIZES, this.keys, new Uint8Array(16));
    if (this.flash.length > 0) this.core.loadConfiguration(this.flash);
  }

  /** What its host does when it has time. */
  serve(): void {
    const flags = this.core.flags();
    if (flags & CoreFlag.WantsStore && this.survivesStore) this.store();
    if (flags & CoreFlag.WantsKey && this.nextKeys) {
      this.keys = this.nextKeys;
      this.core.configurationStored();
    }
    if (!this.dials) return;
    const closed = this.hop >= 0 && this.core.hopState(this.hop).state === HopState.Closed;
    const redial = flags & CoreFlag.WantsRedial && this.isUp;
    if (closed || redial || (this.hop < 0 && flags & CoreFlag.WantsHop)) this.redial();
  }

  redial(): void {
    const activating = this.phase === ControlPhase.Activating && this.code !== undefined;
    if (activating) this.activate(this.code as Uint8Array);
    else this.dial();
  }

  private store(): void {
    this.stored++;
    const bytes = this.core.pendingConfiguration();
    if (this.stores) this.flash = bytes;
    this.core.configurationStored(this.stores);
  }
}

type Line = { member: Member; relayHop: number; up: Uint8Array; down: Uint8Array };
type Packet = { kind: number; from: Uint8Array; bytes: Uint8Array };

/** Clock, Connector and pipes. */
export class World {
  now = 1000;
  readonly random: (length: number) => Uint8Array;
  readonly relay: Core;
  readonly relayKeys: KeyPair;
  readonly members: Member[] = [];
  /** Key (hex) to the id that the Connector knows it by. */
  readonly admitted = new Map<string, Uint8Array>();
  /** Tickets (hex of 32 bytes) that the Connector takes, for the id `codeId ‖ zeros`. */
  readonly tickets = new Set<string>();
  /** Ids whose packets the Connector keeps back: it lies. */
  readonly withheld = new Set<string>();
  readonly refused: number[] = [];
  readonly #options: WorldOptions;
  readonly #lines: Line[] = [];
  readonly #queues = new Map<string, Packet[]>();

  constructor(seed: string, options: WorldOptions = {}) {
    this.#options = options;
    this.random = seededRandom(seed);
    this.relayKeys = this.keyPair();
    this.relay = this.newCore("connector", RELAY_SIZES);
    this.relay.setIdentity(this.relayKeys.privateKey, this.relayKeys.publicKey, new Uint8Array(16));
    this.relay.feed(this.random(32));
  }

  keyPair(): KeyPair {
    const privateKey = this.random(32);
    return { privateKey, publicKey: publicKey(privateKey) };
  }

  newCore(role: "stlink" | "connector", sizes: Sizes): Core {
    const core = new Core(openV8(wasm));
    core.start(role, sizes, this.now);
    return core;
  }

  /** A core with an identity. */
  newStlink(sizes: Sizes, keys: KeyPair, id: Uint8Array): Core {
    const core = this.newCore("stlink", sizes);
    core.setIdentity(keys.privateKey, keys.publicKey, id);
    core.feed(this.random(32));
    if (sizes.configBytes !== 0) core.setAbout(CORE_HASH, ABOUT);
    return core;
  }

  /** The STLink of a Commander. */
  newCommander(keys: KeyPair, id: Uint8Array): CoreFace {
    if (this.#options.commander === "core") return this.newStlink(PEER_SIZES, keys, id);
    const connectorKey = this.relayKeys.publicKey;
    const { random, now } = this;
    return new ReferenceCore({ id, staticSecret: keys.privateKey, connectorKey, random }, now);
  }

  add<M extends Member>(member: M): M {
    this.members.push(member);
    return member;
  }

  admit(key: Uint8Array, id: Uint8Array): void {
    this.admitted.set(toHex(key), id);
  }

  accept(member: Member): void {
    const relayHop = this.relay.hopAccept();
    const none = new Uint8Array(0);
    this.#lines.push({ member, relayHop, up: none, down: none });
  }

  forget(member: Member): void {
    const at = this.#lines.findIndex((line) => line.member === member);
    const line = this.#lines[at];
    if (!line) return;
    this.relay.hopFree(line.relayHop);
    this.#lines.splice(at, 1);
  }

  /** Lets `ms` pass, or less when `done` holds; returns whether it does. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const end = this.now + ms;
    for (let turns = 0; turns < 200_000; turns++) {
      while (this.#pump()) if (done()) return true;
      if (done()) return true;
      if (this.now >= end) return false;
      const waits = [this.relay, ...this.members.map(({ core }) => core)].map((core) =>
        core.tick(this.now),
      );
      const wait = Math.min(...waits);
      if (wait > 0) this.now = Math.min(end, this.now + Math.min(wait, 1000));
      else if (!this.#pump()) this.now++;
      for (const core of [this.relay, ...this.members.map((member) => member.core)]) {
        core.tick(this.now);
      }
    }
    throw new Error("the world does not come to rest");
  }

  #pump(): boolean {
    let busy = false;
    for (const core of [this.relay, ...this.members.map((member) => member.core)]) {
      if (core.flags() & CoreFlag.WantsEntropy) core.feed(this.random(32));
      for (let steps = 0; core.work(); steps++) {
        busy = true;
        if (steps > 100_000) throw new Error("work without end");
      }
    }
    for (const line of [...this.#lines]) busy = this.#move(line) || busy;
    for (const member of this.members) busy = this.#news(member) || busy;
    return busy;
  }

  #news(member: Member): boolean {
    for (let drop = member.core.takeDrop(); drop !== 0; drop = member.core.takeDrop()) {
      member.drops.push(statusName(drop));
    }
    let busy = false;
    for (let s = member.core.streamNext(); s >= 0; s = member.core.streamNext()) {
      busy = true;
      const flags = member.core.streamFlags(s);
      if (flags & StreamFlag.Offered) member.core.streamConnected(s);
      member.news.push(s);
      member.onNews(s, flags);
    }
    member.onIdle();
    if (member instanceof Device) member.serve();
    return busy;
  }

  #move(line: Line): boolean {
    const { member, relayHop } = line;
    if (!this.#lines.includes(line)) return false;
    const { core, hop } = member;
    const sent = core.hopTake(hop);
    line.up = concat(line.up, sent);
    for (const piece of this.#pieces(line.up)) {
      const taken = this.relay.hopPut(relayHop, piece);
      line.up = line.up.subarray(taken);
      this.#relaySteps(line);
      if (taken < piece.length) break;
    }
    this.#greet(line);
    this.#forward(line);
    const told = this.relay.hopTake(relayHop);
    line.down = concat(line.down, told);
    const room = Math.min(line.down.length, member.bytesToCut - member.received);
    let taken = 0;
    let steps = 0;
    for (const piece of this.#pieces(line.down.subarray(0, room))) {
      const part = core.hopPut(hop, piece);
      taken += part;
      while (core.hopStep(hop) > HopStep.Idle) steps++;
      if (part < piece.length) break;
    }
    line.down = line.down.subarray(taken);
    member.received += taken;
    if (member.received >= member.bytesToCut) {
      member.bytesToCut = Number.POSITIVE_INFINITY;
      member.hangUp();
      return true;
    }
    return sent.length + told.length + taken + steps > 0;
  }

  #pieces(bytes: Uint8Array): Uint8Array[] {
    const { cut = "whole" } = this.#options;
    if (cut === "whole" || bytes.length === 0) return [bytes];
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
      const length = cut === "byte" ? 1 : 1 + randomBelow(this.random, LONGEST_PIECE);
      pieces.push(bytes.subarray(at, at + length));
    }
    return pieces;
  }

  #relaySteps({ relayHop }: Line): void {
    for (;;) {
      const step = this.relay.hopStep(relayHop);
      if (step <= HopStep.Idle) return;
      if (step !== HopStep.Packet) continue;
      const info = this.relay.packetInfo();
      const from = this.#idOf(relayHop);
      if (!info.to || this.withheld.has(toHex(from)) || this.withheld.has(toHex(info.to))) continue;
      const queue = this.#queues.get(toHex(info.to)) ?? [];
      queue.push({ kind: info.class, from, bytes: this.relay.engine.read(info.ptr, info.len) });
      this.#queues.set(toHex(info.to), queue);
    }
  }

  /** The id of an admitted hop. */
  #idOf(relayHop: number): Uint8Array {
    return this.relay.engine.read(this.relay.engine.call("hop_peer_ptr", relayHop) + 64, 16);
  }

  #greet({ relayHop }: Line): void {
    const state = this.relay.hopState(relayHop);
    if (state.asking) this.relay.hopAnswer(relayHop);
    if (state.state !== HopState.Greeting || !state.greeted) return;
    const shown = this.relay.hopTicket(relayHop);
    const known = this.admitted.get(toHex(this.relay.hopPeerKey(relayHop)));
    const byTicket = this.tickets.has(toHex(shown.subarray(8)))
      ? concat(shown.subarray(0, 8), new Uint8Array(8))
      : undefined;
    const isTicket = shown.some((byte) => byte !== 0);
    const id = isTicket ? byTicket : known;
    if (id) this.relay.hopAdmit(relayHop, id, 1 << 20);
    else {
      this.refused.push(relayHop);
      this.relay.hopClose(relayHop, 50);
    }
  }

  #forward({ relayHop }: Line): void {
    if (this.relay.hopState(relayHop).state !== HopState.Up) return;
    const queue = this.#queues.get(toHex(this.#idOf(relayHop))) ?? [];
    for (let packet = queue[0]; packet; packet = queue[0]) {
      if (!this.relay.forward(relayHop, packet.kind, packet.from, packet.bytes)) return;
      queue.shift();
    }
  }
}
