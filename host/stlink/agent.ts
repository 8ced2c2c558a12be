// SPDX-License-Identifier: Apache-2.0
// The agent: one core in the role of an STLink, its hops, and who cares for each of its streams. Before
// it: bindings.ts opens streams; hops bring packets. After it: mappings.ts takes the streams that peers
// offer, pump.ts moves their bytes. Nobody here knows the protocol; the core does (DESIGN section 6).

import { Reason } from "../core/abi.gen.ts";
import { type Core, type Peer, type Sizes, StreamFlag, type StreamView } from "../core/core.ts";
import { Driver } from "../net/driver.ts";
import type { World } from "../net/world.ts";
import type { ConnectorAddress } from "./hop.ts";
import { type HopEvent, KeptConnector } from "./kept-connector.ts";

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
  /** A packet was dropped, or a handshake failed: a status. */
  onDrop?(status: number): void;
  /** Packets have come or gone: the core may want something of its host (PROTOCOL 10.1). */
  onTurn?(): void;
};

const REDIAL_MOST_MS = 60_000;
/** Hops are asked about silence so often (rule K7). */
const WATCH_MS = 500;
/** A Connector that is to go stays so long for want of another one. */
const LEAVE_MOST_MS = 60_000;
/** GOODBYE has gone out by then, if it can. */
const GOODBYE_MS = 1000;

export class Agent {
  readonly core: Core;
  readonly world: World;
  readonly #options: AgentOptions;
  readonly #driver: Driver;
  #connectors: KeptConnector[] = [];
  /** With what cancels their timer. */
  readonly #leaving = new Map<KeptConnector, () => void>();
  readonly #links = new Set<number>();
  readonly #farewells = new Map<number, () => void>();
  #cancelWatch = (): void => {};
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
    this.#watchLater();
  }

  /** Keeps a hop to this Connector from now on; `onEvent` hears when it comes and goes. */
  keepConnector(
    connector: ConnectorAddress,
    place: number,
    onEvent: (event: HopEvent) => void,
  ): KeptConnector {
    const kept = new KeptConnector(this.core, this.world, {
      connector,
      place,
      redialMostMs: this.#options.redialMostMs ?? REDIAL_MOST_MS,
      onEvent: (event) => {
        onEvent(event);
        this.#letLeave();
      },
      onStep: () => this.#countDrop(),
      wake: () => this.wake(),
    });
    this.#connectors.push(kept);
    return kept;
  }

  /** Lets a Connector go once another one is up, so that nothing waits for it. */
  leaveConnector(kept: KeptConnector): void {
    const cancel = this.world.clock.after(LEAVE_MOST_MS, () => this.#drop(kept));
    this.#leaving.set(kept, cancel);
    this.#letLeave();
  }

  /** Adds a peer, or changes its keys; returns its link. Throws CoreError: NoLinkSlot, BadKey. */
  addPeer(peer: Peer): number {
    const link = this.core.linkAdd(peer);
    this.#farewells.get(link)?.();
    this.#farewells.delete(link);
    this.#links.add(link);
    return link;
  }

  /** The links of the peers that a configuration has brought into the core, which cares for them itself. */
  knowLinks(links: Iterable<number>): void {
    this.#links.clear();
    for (const link of links) this.#links.add(link);
  }

  /** Ends everything with a peer; both sides hear why. */
  removePeer(link: number, reason: number): void {
    this.#links.delete(link);
    this.endStreams(reason, (stream) => stream.link === link);
    this.core.linkGoodbye(link, reason);
    this.wake();
    const cancel = this.world.clock.after(GOODBYE_MS, () => this.replacePeer(link, reason));
    this.#farewells.set(link, cancel);
  }

  /** Forgets everything of a peer at once, so that another may come in its place. */
  replacePeer(link: number, reason: number): void {
    const isOf = (stream: StreamView): boolean => stream.link === link;
    this.endStreams(reason, isOf);
    const left = this.#ownersOf(isOf);
    this.#farewells.delete(link);
    this.#links.delete(link);
    this.core.linkRemove(link, reason);
    // Applications that had not read all of a stream that had ended: it is gone.
    for (const [stream, owner] of left) {
      this.#owners.delete(stream);
      owner.news();
    }
  }

  /** Ends the streams that `isMeant` says; their owners hear of it at once. */
  endStreams(reason: number, isMeant: (stream: StreamView) => boolean): void {
    for (const [stream, owner] of this.#ownersOf(isMeant)) {
      this.core.streamReset(stream, reason);
      owner.news();
    }
    this.wake();
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

  /** Peers and Connectors are told, as far as the sockets take it at once. */
  stop(): void {
    this.#driver.stop();
    this.#cancelWatch();
    for (const cancel of [...this.#farewells.values(), ...this.#leaving.values()]) cancel();
    for (const link of this.#links) this.core.linkGoodbye(link, Reason.Stopping);
    this.core.tick(this.world.clock.now());
    this.#turn();
    // Nothing is written out of the core's memory any more when it is wiped.
    for (const link of [...this.#links]) this.replacePeer(link, Reason.Stopping);
    for (const connector of this.#connectors) connector.stop();
    this.core.stop();
  }

  #turn(): boolean {
    let hasMoved = this.#moveHops();
    this.#options.onTurn?.();
    if (this.#hearStreams()) hasMoved = true;
    // What the streams have made goes out in the same turn.
    if (this.#moveHops()) hasMoved = true;
    this.#countDrop();
    return hasMoved;
  }

  #ownersOf(isMeant: (stream: StreamView) => boolean): [number, StreamOwner][] {
    return [...this.#owners].filter(([stream]) => isMeant(this.core.streamInfo(stream)));
  }

  #moveHops(): boolean {
    let hasMoved = false;
    for (const connector of this.#connectors) if (connector.turn()) hasMoved = true;
    return hasMoved;
  }

  #countDrop(): void {
    const drop = this.core.takeDrop();
    if (drop !== 0) this.#options.onDrop?.(drop);
  }

  #watchLater(): void {
    this.#cancelWatch = this.world.clock.after(WATCH_MS, () => {
      for (const connector of this.#connectors) connector.watch();
      this.#watchLater();
    });
  }

  #letLeave(): void {
    const isAnyUp = this.#connectors.some((one) => one.isUp && !this.#leaving.has(one));
    if (isAnyUp) for (const kept of [...this.#leaving.keys()]) this.#drop(kept);
  }

  #drop(kept: KeptConnector): void {
    this.#leaving.get(kept)?.();
    this.#leaving.delete(kept);
    this.#connectors = this.#connectors.filter((one) => one !== kept);
    kept.stop();
    this.wake();
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
