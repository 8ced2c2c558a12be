// SPDX-License-Identifier: Apache-2.0
// What core-world.ts joins: an STLink that is a core, with the calls of the reference's HopEnd, and the
// face that it shares with the reference's. Before it: host/core/core.ts. After it: core-relay.ts,
// reference-ends.ts, core-world.ts.
// Invariant: nothing here knows the protocol; bytes go between wire, core and application.

import {
  Core,
  CoreError,
  HopState,
  HopStep,
  type Sizes,
  StreamFlag,
} from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { equal } from "../reference/bytes.ts";
import type { LinkPeer } from "../reference/link.ts";
import { publicKey } from "../reference/noise.ts";
import type { HopEnd } from "../reference/peer.ts";
import type { Random } from "../reference/random.ts";

/** Sizes between a device's and a desktop's: several streams, and instances that are made fast. */
export const TEST_SIZES: Sizes = {
  hops: 2,
  links: 4,
  streams: 16,
  handshakes: 4,
  maxPacketBytes: 4096,
  maxRecordBytes: 2048,
  windowBytes: 16_384,
  blockBytes: 512,
  recvBlocks: 128,
  sendBlocks: 128,
  channels: 8,
  replayBits: 256,
  pendingOpens: 4,
  hopBuffers: 4,
  hopBufferBytes: 8192,
  hopCreditBytes: 32_768,
};

/** One stream at one end. */
export interface Pipe {
  readonly connected: boolean;
  readonly ended: boolean;
  /** Why it ended; 0 cleanly. */
  readonly reason: number;
  /** Accepter: the target has answered. */
  accept(): void;
  write(bytes: Uint8Array): number;
  read(): Uint8Array;
  /** Half-close; false while it cannot be said yet. */
  fin(): boolean;
  reset(reason: number): void;
  sendDatagram(flow: number, bytes: Uint8Array): boolean;
  readDatagram(): { flow: number; bytes: Uint8Array } | null;
}

/** An STLink, core or reference. */
export interface End extends HopEnd {
  readonly id: Uint8Array;
  readonly welcomed: boolean;
  connect(): void;
  disconnect(): void;
  open(peerId: Uint8Array, kind: number, bindingId: Uint8Array, mappingId: Uint8Array): Pipe;
  /** Streams that the peer has opened, in order. */
  readonly offered: Pipe[];
}

export interface CoreStlinkOptions {
  engine: CoreEngine;
  sizes: Sizes;
  id: Uint8Array;
  staticSecret: Uint8Array;
  connectorKey: Uint8Array;
  hopPsk?: Uint8Array;
  ticket?: Uint8Array;
  random: Random;
  peers: LinkPeer[];
  clock: () => number;
}

/** A running core with a clock; feeds it when it asks. */
export class Running {
  readonly core: Core;
  readonly drops: number[] = [];
  private readonly random: Random;

  constructor(engine: CoreEngine, random: Random) {
    this.core = new Core(engine);
    this.random = random;
  }

  /** Entropy, computation, reasons of drops; true if anything was computed. */
  work(): boolean {
    let moved = false;
    for (let steps = 0; steps < 100_000; steps++) {
      if (this.core.flags() & 2) this.core.feed(this.random(32));
      if (!this.core.work()) break;
      moved = true;
    }
    this.noteDrop();
    return moved;
  }

  noteDrop(): void {
    for (let drop = this.core.takeDrop(); drop !== 0; drop = this.core.takeDrop()) {
      this.drops.push(drop);
    }
  }
}

/** Bytes on their way into one hop of a core. */
export class Inbound {
  private pending: Uint8Array = new Uint8Array(0);

  add(bytes: Uint8Array): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
  }

  /** Moves what the core takes; true if anything moved. `packet` is told of each to be queued. */
  move(running: Running, hop: number, packet: () => void): boolean {
    let moved = false;
    for (;;) {
      const taken = running.core.hopPut(hop, this.pending);
      this.pending = this.pending.subarray(taken);
      let step = running.core.hopStep(hop);
      if (taken === 0 && step <= 0) return moved;
      moved = true;
      for (; step > 0; step = running.core.hopStep(hop)) {
        if (step === HopStep.Packet) packet();
        running.noteDrop();
      }
    }
  }
}

export class CoreStlink extends Running implements End {
  readonly id: Uint8Array;
  readonly offered: Pipe[] = [];
  hop = -1;
  /** The status that ended the last hop, and the reason that it was told. */
  endStatus = 0;
  endReason = 0;
  private readonly options: CoreStlinkOptions;
  private readonly links: { id: Uint8Array; link: number }[];
  private readonly known = new Map<number, CorePipe>();
  private inbound = new Inbound();
  private dialling = false;

  constructor(options: CoreStlinkOptions, now: number) {
    super(options.engine, options.random);
    const { core } = this;
    this.options = options;
    this.id = options.id;
    core.start("stlink", options.sizes, now);
    core.setIdentity(options.staticSecret, publicKey(options.staticSecret), options.id);
    this.links = options.peers.map((peer) => ({ id: peer.id, link: core.linkAdd(plain(peer)) }));
    // Last, as a host may: nothing is drawn for a link before.
    core.feed(options.random(32));
  }

  get closed(): boolean {
    return this.hop < 0 && !this.dialling;
  }

  get welcomed(): boolean {
    return this.hop >= 0 && this.core.hopState(this.hop).state === HopState.Up;
  }

  connect(): void {
    this.dialling = true;
    this.dial();
  }

  disconnect(): void {
    this.dialling = false;
    if (this.hop >= 0) this.core.hopFree(this.hop);
    this.hop = -1;
    this.inbound = new Inbound();
  }

  link(peerId: Uint8Array): number {
    return this.links.find(({ id }) => equal(id, peerId))?.link ?? -1;
  }

  receive(bytes: Uint8Array): void {
    if (this.hop < 0) return;
    this.inbound.add(bytes);
    this.settle();
  }

  send(): Uint8Array {
    this.dial();
    this.settle();
    if (this.hop < 0) return new Uint8Array(0);
    const parts: Uint8Array[] = [];
    for (let bytes = this.take(); bytes.length > 0; bytes = this.take()) parts.push(bytes);
    const out = Buffer.concat(parts);
    this.noticeEnd();
    return out;
  }

  tick(now: number): number {
    const wait = this.core.tick(now | 0);
    this.noteDrop();
    this.noticeEnd();
    return now + (wait < 0 ? 1000 : wait);
  }

  open(peerId: Uint8Array, kind: number, bindingId: Uint8Array, mappingId: Uint8Array): Pipe {
    const handle = this.core.streamOpen(this.link(peerId), kind, bindingId, mappingId);
    const pipe = new CorePipe(this.core, handle, this.options.clock);
    this.known.set(handle, pipe);
    return pipe;
  }

  private take(): Uint8Array {
    return this.core.hopTake(this.hop);
  }

  // A hop needs fresh entropy and a handshake slot; where they are not there it is tried again.
  private dial(): void {
    if (!this.dialling || this.hop >= 0) return;
    this.work();
    try {
      const { connectorKey, hopPsk, ticket } = this.options;
      this.hop = this.core.hopDial(connectorKey, hopPsk, ticket);
      this.dialling = false;
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
    }
  }

  private settle(): void {
    do this.work();
    while (this.hop >= 0 && this.inbound.move(this, this.hop, never));
    this.noticeStreams();
    this.noticeEnd();
  }

  private noticeStreams(): void {
    for (let handle = this.core.streamNext(); handle >= 0; handle = this.core.streamNext()) {
      const flags = this.core.streamFlags(handle);
      if (flags < 0) continue;
      const pipe = this.known.get(handle);
      if ((!pipe || pipe.gone) && flags & StreamFlag.Offered) {
        const offered = new CorePipe(this.core, handle, this.options.clock);
        this.known.set(handle, offered);
        this.offered.push(offered);
      }
    }
  }

  private noticeEnd(): void {
    if (this.hop < 0) return;
    const { state, reason } = this.core.hopState(this.hop);
    if (state !== HopState.Closed) return;
    this.endStatus = this.core.hopStatus(this.hop);
    this.endReason = reason;
    this.disconnect();
  }
}

/** A stream of a core. */
export class CorePipe implements Pipe {
  private readonly core: Core;
  readonly handle: number;
  private readonly clock: () => number;
  private endedFor = -1;
  private wasConnected = false;
  private released = false;

  constructor(core: Core, handle: number, clock: () => number) {
    this.core = core;
    this.handle = handle;
    this.clock = clock;
  }

  /** The handle may be another stream's by now. */
  get gone(): boolean {
    return this.released;
  }

  get connected(): boolean {
    return this.wasConnected || (this.flags & StreamFlag.Connected) !== 0;
  }

  get ended(): boolean {
    this.notice();
    return this.endedFor >= 0;
  }

  get reason(): number {
    this.notice();
    return Math.max(0, this.endedFor);
  }

  accept(): void {
    this.core.streamConnected(this.handle);
  }

  write(bytes: Uint8Array): number {
    let written = 0;
    while (written < bytes.length && !this.released) {
      const taken = this.core.streamPut(this.handle, bytes.subarray(written));
      if (taken === 0) break;
      written += taken;
    }
    return written;
  }

  read(): Uint8Array {
    const parts: Uint8Array[] = [];
    if (this.released) return new Uint8Array(0);
    for (let part = this.row(); part.length > 0; part = this.row()) parts.push(part);
    return Buffer.concat(parts);
  }

  fin(): boolean {
    return !this.released && this.core.engine.call("stream_fin", this.handle) === 0;
  }

  reset(reason: number): void {
    if (!this.released) this.core.streamReset(this.handle, reason);
  }

  sendDatagram(flow: number, bytes: Uint8Array): boolean {
    return this.core.datagramPut(this.handle, flow, bytes, this.clock()) >= 0;
  }

  readDatagram(): { flow: number; bytes: Uint8Array } | null {
    return this.core.datagramTake(this.handle);
  }

  private get flags(): number {
    return this.released ? 0 : this.core.streamFlags(this.handle);
  }

  private row(): Uint8Array {
    return this.core.streamTake(this.handle);
  }

  // A closed stream is given back once its last bytes have been read.
  private notice(): void {
    const { flags } = this;
    if ((flags & StreamFlag.Closed) === 0 || this.released) return;
    this.wasConnected = (flags & StreamFlag.Connected) !== 0;
    this.endedFor = this.core.streamInfo(this.handle).reason;
    if (flags & StreamFlag.Readable) return;
    this.released = true;
    this.core.streamRelease(this.handle);
  }
}

function never(): void {
  throw new Error("an STLink queues nothing");
}

function plain({ id, key, nextKey, psk, pskName }: LinkPeer) {
  return {
    id,
    key,
    ...(nextKey ? { nextKey } : {}),
    ...(psk ? { psk } : {}),
    ...(pskName ? { pskName } : {}),
  };
}
