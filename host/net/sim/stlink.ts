// SPDX-License-Identifier: Apache-2.0
// A simulated STLink: a core with the role stlink, its hops over the simulated network, redialling,
// crash and return, sleep. Before it: network.ts. After it: `onNews` tells the applications which
// streams changed. It does what a real host does and no more: bytes, time, entropy, redial (K7, K8).
// Invariant: the core is called only while it runs; a crash loses everything but the identity.

import { type Core, CoreError, type Peer, type Sizes } from "../../core/core.ts";
import type { SimClock, SimTimer } from "./clock.ts";
import { HopLine } from "./hop-line.ts";
import type { SimNetwork } from "./network.ts";
import type { LineOptions, SimConnection } from "./pipe.ts";
import type { Prng } from "./prng.ts";

const WANTS_ENTROPY = 2;
const FIRST_REDIAL_MS = 500;
const CONNECT_MS = 10_000;
const ASLEEP_REDIAL_MS = 1000;
const MOST_ROUNDS = 64;

export type ConnectorAddress = { name: string; key: Uint8Array; psk?: Uint8Array };

/** A place where a hop is kept: to one Connector, or to whichever of several is next. */
type Place = {
  number: number;
  addresses: ConnectorAddress[];
  next: number;
  isDialling: boolean;
  redialMs: number;
};

export type StlinkOptions = {
  name: string;
  clock: SimClock;
  network: SimNetwork;
  prng: Prng;
  core: Core;
  sizes: Sizes;
  identity: { secret: Uint8Array; key: Uint8Array; id: Uint8Array };
  peers: (Peer & { name: string })[];
  connectors: ConnectorAddress[];
  /** A hop to each Connector at once (7.6), or one hop, to the next Connector at each redial. */
  hops: "each" | "one";
  line: LineOptions;
  /** `work` calls in one millisecond. */
  stepsPerMs: number;
  /** Fresh entropy comes at most once in so many milliseconds, 32 bytes a time; 0: as wanted. */
  entropyEveryMs: number;
  /** Longest wait before a redial (K7 has 60 s). */
  redialMostMs: number;
  /** What its own clock shows when the world begins. */
  clockBaseMs: number;
};

export class SimStlink {
  readonly name: string;
  /** How often it has started; a stream handle is of one life only. */
  life = 0;
  onNews: (stream: number) => void = () => {};
  /** After each turn, for whoever looks into the core. */
  onTurn: () => void = () => {};
  /** Why packets were dropped, or handshakes and dials failed: the last status of a turn. */
  onDrop: (status: number) => void = () => {};
  /** Called when a hop ended with a status: an error of layer 3. */
  onHopError: (status: number) => void = () => {};
  readonly #o: StlinkOptions;
  readonly #links = new Map<string, number>();
  #lines: HopLine[] = [];
  #places: Place[] = [];
  readonly #placeOf = new Map<HopLine, Place>();
  #isUp = false;
  #asleepSinceMs = -1;
  #sleptMs = 0;
  #fedAtMs = Number.NEGATIVE_INFINITY;
  #timer: SimTimer | null = null;

  constructor(options: StlinkOptions) {
    this.#o = options;
    this.name = options.name;
  }

  get core(): Core {
    return this.#o.core;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get linkCount(): number {
    return this.#links.size;
  }

  /** The core's link to a peer. */
  link(peer: string): number {
    return this.#links.get(peer) ?? -1;
  }

  peerOf(link: number): string {
    for (const [name, index] of this.#links) if (index === link) return name;
    return "";
  }

  /** Runs from now on, with no state but its identity and peers. */
  start(): void {
    const { core, sizes, identity, prng, peers } = this.#o;
    core.start("stlink", sizes, this.nowMs);
    core.setIdentity(identity.secret, identity.key, identity.id);
    core.feed(prng.bytes(32), this.life);
    this.#isUp = true;
    this.#asleepSinceMs = -1;
    this.#fedAtMs = Number.NEGATIVE_INFINITY;
    this.life++;
    for (const peer of peers) this.#links.set(peer.name, core.linkAdd(peer));
    this.#places = this.#newPlaces();
    for (const place of this.#places) this.#dial(place, 0);
    this.wake();
  }

  /** A life goes on with the Connector that the last one would have dialled next. */
  #newPlaces(): Place[] {
    const { connectors, hops } = this.#o;
    const rows = hops === "each" ? connectors.map((address) => [address]) : [connectors];
    return rows.map((addresses, number) => {
      const next = this.#places[number]?.next ?? 0;
      return { number, addresses, next, isDialling: false, redialMs: FIRST_REDIAL_MS };
    });
  }

  /** The power goes: no goodbye to anybody. */
  crash(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.life++;
    this.#o.clock.cancel(this.#timer);
    this.#timer = null;
    for (const line of this.#lines) line.connection.reset();
    this.#lines = [];
    this.#placeOf.clear();
    this.#links.clear();
    this.#o.core.stop();
  }

  /** Its table for a peer is dropped and made anew, as when it is evicted. */
  evict(peer: string, reason: number): void {
    const known = this.#o.peers.find((candidate) => candidate.name === peer);
    if (!this.#isUp || known === undefined) return;
    this.core.linkRemove(this.link(peer), reason);
    this.#links.set(peer, this.core.linkAdd(known));
    this.wake();
  }

  /** Neither computes nor reads nor counts time until `rouse`. */
  sleep(): void {
    if (!this.#isUp || this.#asleepSinceMs >= 0) return;
    this.#asleepSinceMs = this.#o.clock.nowMs;
    this.#o.clock.cancel(this.#timer);
    this.#timer = null;
  }

  /** Its clock has stood still if `clockStopped`. */
  rouse(clockStopped: boolean): void {
    if (!this.#isUp || this.#asleepSinceMs < 0) return;
    if (clockStopped) this.#sleptMs += Math.floor(this.#o.clock.nowMs - this.#asleepSinceMs);
    this.#asleepSinceMs = -1;
    this.wake();
  }

  /** Something is to be done now: the application did something. */
  wake(): void {
    this.#wakeIn(0);
  }

  /** A new session is made even though there is one (rule S10, forced). */
  rekey(peer: string): void {
    if (!this.#isUp) return;
    this.core.linkConnect(this.link(peer));
    this.wake();
  }

  /** Its own clock, as the core knows it. */
  get nowMs(): number {
    return (Math.floor(this.#o.clock.nowMs) - this.#sleptMs + this.#o.clockBaseMs) | 0;
  }

  #wakeIn(ms: number): void {
    const at = this.#o.clock.nowMs + ms;
    if (!this.#isUp || this.#asleepSinceMs >= 0) return;
    if (this.#timer?.run && this.#timer.atMs <= at) return;
    this.#o.clock.cancel(this.#timer);
    this.#timer = this.#o.clock.after(ms, () => {
      this.#timer = null;
      this.#turn();
    });
  }

  /** One turn: everything that can be done at this moment, and a bounded part of the computing. */
  #turn(): void {
    const { core, stepsPerMs } = this.#o;
    core.tick(this.nowMs);
    let steps = stepsPerMs;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.#feed();
      let busy = false;
      for (const line of this.#lines) busy = line.read(() => {}) || busy;
      // A message that is finished lets the record behind it be taken: another round.
      const left = this.#work(steps);
      busy = left < steps || busy;
      steps = left;
      busy = this.#news() || busy;
      for (const line of this.#lines) busy = line.write() || busy;
      this.#sweep();
      if (!busy || steps === 0) break;
    }
    this.#watchSilence();
    const next = core.tick(this.nowMs);
    const drop = core.takeDrop();
    if (drop !== 0) this.onDrop(drop);
    this.onTurn();
    const wantsEntropy = core.flags() & WANTS_ENTROPY ? this.#o.entropyEveryMs : 0;
    const soon = steps === 0 ? 1 : Math.max(next, 1);
    this.#wakeIn(wantsEntropy > 0 ? Math.min(soon, wantsEntropy) : soon);
  }

  #feed(): void {
    const { core, prng, entropyEveryMs, clock } = this.#o;
    while (core.flags() & WANTS_ENTROPY) {
      if (entropyEveryMs > 0 && clock.nowMs - this.#fedAtMs < entropyEveryMs) return;
      this.#fedAtMs = clock.nowMs;
      core.feed(prng.bytes(32), this.life);
    }
  }

  /** Computes for at most so many steps. Returns how many are left. */
  #work(steps: number): number {
    for (let left = steps; left > 0; left--) if (!this.core.work()) return left;
    return 0;
  }

  #news(): boolean {
    let busy = false;
    for (let i = 0; i < 1024; i++) {
      const stream = this.core.streamNext();
      if (stream < 0) return busy;
      busy = true;
      this.onNews(stream);
    }
    return busy;
  }

  #sweep(): void {
    const over = this.#lines.filter((line) => line.isOver);
    if (over.length === 0) return;
    this.#lines = this.#lines.filter((line) => !over.includes(line));
    for (const line of over) {
      const status = this.core.hopStatus(line.hop);
      if (line.connection.state === "open") line.connection.reset();
      this.core.hopFree(line.hop);
      if (status < 0) this.onHopError(status);
      const place = this.#placeOf.get(line) as Place;
      this.#placeOf.delete(line);
      if (this.#linesAt(place).length === 0) this.#redial(place);
    }
  }

  #linesAt(place: Place): HopLine[] {
    return this.#lines.filter((line) => this.#placeOf.get(line) === place);
  }

  /** Rule K7: while nothing comes although something is outstanding, a second hop is dialled. */
  #watchSilence(): void {
    for (const line of this.#lines) {
      const place = this.#placeOf.get(line) as Place;
      const isSilent = this.core.hopSilentMs(line.hop) > 0;
      if (!isSilent && line.isUp) place.redialMs = FIRST_REDIAL_MS;
      if (isSilent && this.#linesAt(place).length === 1) this.#redial(place);
    }
  }

  #redial(place: Place): void {
    if (place.isDialling) return;
    this.#dial(place, this.#o.prng.below(place.redialMs));
    place.redialMs = Math.min(place.redialMs * 2, this.#o.redialMostMs);
  }

  #dial(place: Place, inMs: number): void {
    const { clock } = this.#o;
    const life = this.life;
    place.isDialling = true;
    const begin = (): void => {
      if (life !== this.life) return;
      if (this.#asleepSinceMs >= 0) clock.after(ASLEEP_REDIAL_MS, begin);
      else this.#connect(place, life);
    };
    clock.after(inMs, begin);
  }

  #connect(place: Place, life: number): void {
    const { clock, network, line } = this.#o;
    const address = place.addresses[place.next++ % place.addresses.length] as ConnectorAddress;
    const connection = network.dial(this.name, address.name, line);
    const settle = (): void => {
      clock.cancel(timeout);
      if (life === this.life) this.#connected(connection, place, address);
      else connection.reset();
    };
    const timeout = clock.after(CONNECT_MS, () => {
      connection.reset();
      settle();
    });
    connection.onEvent = settle;
  }

  #connected(connection: SimConnection, place: Place, address: ConnectorAddress): void {
    connection.onEvent = () => this.wake();
    place.isDialling = false;
    if (connection.state !== "open") return this.#redial(place);
    this.core.clock(this.nowMs);
    try {
      const hop = this.core.hopDial(address.key, address.psk, undefined, place.number);
      const line = new HopLine(this.core, hop, connection);
      this.#lines.push(line);
      this.#placeOf.set(line, place);
      this.wake();
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.onDrop(error.status);
      connection.reset();
      this.#redial(place);
    }
  }
}
