// SPDX-License-Identifier: Apache-2.0
// The agent: one core in the role of an STLink, its hops, and who cares for each of its streams. Before
// it: bindings.ts opens streams; hops bring packets. After it: mappings.ts takes the streams that peers
// offer, pump.ts moves their bytes. Nobody here knows the protocol; the core does (DESIGN section 6).

import { Reason } from "../core/abi.gen.ts";
import { type Core, type Peer, type Sizes, StreamFlag, type StreamView } from "../core/core.ts";
import { Driver } from "../net/driver.ts";
import type { World } from "../net/world.ts";
import { type ConnectorAddress, type HopEvent, StlinkHop } from "./hop.ts";

/** Who cares for a stream from its beginning until it detaches. */
export interface StreamOwner {
  /** The stream's flags may have changed. */
  news(): void;
}

/** Takes a stream that a peer offers for a Mapping, or gives null: then it is NoSuchMapping. */
export type Offer = (stream: number, info: StreamView) => StreamOwner | null;

export type AgentOptions = {
  core: Core;
  world: World;
  sizes: Sizes;
  /** Static key pair, 32 bytes each, and this STLink's id, 16 bytes. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
  id: Uint8Array;
  redialMostMs?: number;
  onDrop?(status: number): void;
};

const REDIAL_MOST_MS = 60_000;

export class Agent {
  readonly core: Core;
  readonly world: World;
  readonly #options: AgentOptions;
  readonly #driver: Driver;
  readonly #hops: StlinkHop[] = [];
  readonly #owners = new Map<number, StreamOwner>();
  /** By kind of stream. */
  readonly #offers = new Map<number, Offer>();

  constructor(options: AgentOptions) {
    this.core = options.core;
    this.world = options.world;
    this.#options = options;
    this.core.start("stlink", options.sizes, this.world.clock.now());
    this.core.setIdentity(options.privateKey, options.publicKey, options.id);
    this.#driver = new Driver(this.core, this.world, () => this.#turn());
    this.#driver.feed();
  }

  /** Keeps a hop to this Connector from now on; `onEvent` hears when it comes and goes. */
  keepHop(connector: ConnectorAddress, onEvent: (event: HopEvent) => void): StlinkHop {
    const { redialMostMs = REDIAL_MOST_MS } = this.#options;
    const wake = () => this.wake();
    const hop = new StlinkHop(this.core, this.world, { connector, redialMostMs, onEvent, wake });
    this.#hops.push(hop);
    hop.dial();
    return hop;
  }

  /** Adds a peer; returns its link. */
  addPeer(peer: Peer): number {
    return this.core.linkAdd(peer);
  }

  /** From now on `offer` is asked about streams of this kind that peers open. */
  onOffer(kind: number, offer: Offer): void {
    this.#offers.set(kind, offer);
  }

  /** Streams that are cared for. */
  get streamCount(): number {
    return this.#owners.size;
  }

  /** From now on `owner` hears of the stream. */
  attach(stream: number, owner: StreamOwner): void {
    this.#owners.set(stream, owner);
    this.wake();
  }

  /** The owner has done with a closed stream: its slot goes back. */
  release(stream: number): void {
    this.#owners.delete(stream);
    this.core.streamRelease(stream);
    this.wake();
  }

  wake(): void {
    this.#driver.wake();
  }

  stop(): void {
    this.#driver.stop();
    for (const hop of this.#hops) hop.stop();
    this.core.stop();
  }

  #turn(): boolean {
    let hasMoved = this.#moveHops();
    if (this.#hearStreams()) hasMoved = true;
    // What the streams have made goes out in the same turn.
    if (this.#moveHops()) hasMoved = true;
    const drop = this.core.takeDrop();
    if (drop !== 0) this.#options.onDrop?.(drop);
    return hasMoved;
  }

  #moveHops(): boolean {
    let hasMoved = false;
    for (const hop of this.#hops) if (hop.turn()) hasMoved = true;
    return hasMoved;
  }

  /** Each stream with news is heard once: what an owner does may make news again, for the next turn. */
  #hearStreams(): boolean {
    const heard = new Set<number>();
    for (let stream = this.core.streamNext(); stream >= 0; stream = this.core.streamNext()) {
      heard.add(stream);
    }
    for (const stream of heard) this.#hear(stream);
    return heard.size > 0;
  }

  #hear(stream: number): void {
    const owner = this.#owners.get(stream);
    if (owner !== undefined) return owner.news();
    const flags = this.core.streamFlags(stream);
    if (flags < 0) return;
    if (flags & StreamFlag.Offered) return this.#take(stream);
    if (flags & StreamFlag.Closed) this.release(stream);
  }

  #take(stream: number): void {
    const info = this.core.streamInfo(stream);
    const owner = this.#offers.get(info.kind)?.(stream, info) ?? null;
    if (owner !== null) return this.attach(stream, owner);
    this.core.streamReset(stream, Reason.NoSuchMapping);
    this.release(stream);
  }
}
