// SPDX-License-Identifier: Apache-2.0
// A simulated world: STLinks, Connectors and the network between them on one fake clock, with the
// checkers attached and the applications' flows. Before it: a scenario builds one and meddles with
// it. After it: run.ts and the tests run it. All that is random comes from the seed.

import { type Core, type Sizes, StreamFlag, statusName } from "../../host/core/core.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import { type Admission, listed, SimConnector } from "../../host/net/sim/connector.ts";
import { SimNetwork } from "../../host/net/sim/network.ts";
import { LINE, type LineOptions } from "../../host/net/sim/pipe.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { SimStlink } from "../../host/net/sim/stlink.ts";
import { giveBack, takeCore } from "./engines.ts";
import { SimFailure } from "./failure.ts";
import { Flow, type FlowEnd, type FlowPlan, PLAN } from "./flow.ts";
import { PoolCheck } from "./pool-check.ts";
import { WireCheck } from "./wire-check.ts";

/** Small, so that limits are met: a device with little memory. */
export const SMALL_SIZES: Sizes = {
  hops: 3,
  links: 3,
  streams: 12,
  handshakes: 6,
  maxPacketBytes: 2048,
  maxRecordBytes: 700,
  windowBytes: 2800,
  blockBytes: 256,
  recvBlocks: 131,
  sendBlocks: 137,
  channels: 4,
  replayBits: 64,
  pendingOpens: 2,
  hopBuffers: 7,
  hopBufferBytes: 2304,
  hopCreditBytes: 8192,
};

const CONNECTOR_SIZES: Sizes = {
  ...SMALL_SIZES,
  hops: 12,
  links: 0,
  streams: 0,
  handshakes: 4,
  channels: 8,
  maxPacketBytes: 16_000,
  recvBlocks: 0,
  sendBlocks: 0,
  hopBuffers: 24,
  hopCreditBytes: 16_000,
  hopBufferBytes: 16_640,
};

export type WorldOptions = {
  seed: string | number;
  stlinks: string[];
  connectors: string[];
  /** Which of them an STLink knows, where not all. */
  connectorsOf: Record<string, string[]>;
  /** A hop to each of them at once, and each a Connector of its own; or one hop into one fleet. */
  hops: "each" | "one";
  /** Changes of SMALL_SIZES, for all STLinks or for one. */
  sizes: Partial<Sizes>;
  sizesOf: Record<string, Partial<Sizes>>;
  line: Partial<LineOptions>;
  stepsPerMs: number;
  entropyEveryMs: number;
  /** The Connector's limits for each STLink, and what WELCOME states. */
  queue: { bytes: number; packets: number; statedBytes: number };
  hasPsk: boolean;
  /** New instances of the core instead of used ones. */
  isFresh: boolean;
  trace: ((line: string) => void) | null;
};

const WORLD: WorldOptions = {
  seed: 1,
  stlinks: ["A", "B"],
  connectors: ["C"],
  connectorsOf: {},
  hops: "one",
  sizes: {},
  sizesOf: {},
  line: {},
  stepsPerMs: 100,
  entropyEveryMs: 0,
  queue: { bytes: 1 << 20, packets: 65_536, statedBytes: 65_536 },
  hasPsk: true,
  isFresh: false,
  trace: null,
};

/** A finished stream is remembered for 4 PTO, at most 4 times 30 s (PROTOCOL section 11). */
const LINGER_MS = 130_000;
/** Looking whether all is done takes longer than a step. */
const STEPS_TO_LOOK = 16;
/** Then late packets, probes and ACKs of the last streams have come and gone. */
const QUIET_AFTER_MS = 20_000;
const QUIET_FOR_MS = 20_000;
const QUIET_PACKETS = 20;
const LINGER_STEP_MS = 1000;
/** Less than the 60 s of rule K7, so that an outage of a minute ends well before the hold time. */
const REDIAL_MOST_MS = 5000;
/** Reason of a RESET record that an application asked for (13.2). */
const APPLICATION = 12;

type Identity = { name: string; id: Uint8Array; secret: Uint8Array; key: Uint8Array };

export class World {
  readonly clock = new SimClock();
  readonly prng: Prng;
  readonly network: SimNetwork;
  readonly stlinks = new Map<string, SimStlink>();
  readonly connectors = new Map<string, SimConnector>();
  readonly wire: WireCheck;
  readonly flows: Flow[] = [];
  /** Sees the news of streams that are no flow's; true: it was one of its own. */
  onOther: (stlink: SimStlink, handle: number) => boolean = () => false;
  /** Longest time without any byte delivered while a flow was open, and when it ended. */
  longestStallMs = 0;
  readonly #options: WorldOptions;
  readonly #cores: Core[] = [];
  readonly #pools: PoolCheck[] = [];
  readonly #ends = new Map<string, FlowEnd>();
  /** Pairs of which one side has lost its state: their streams may end for it. */
  readonly #breakable: [string, string][] = [];
  #lastProgressMs = 0;
  #isClosed = false;

  constructor(options: Partial<WorldOptions>) {
    this.#options = { ...WORLD, ...options };
    this.prng = new Prng(`world ${this.#options.seed}`);
    this.network = new SimNetwork(this.clock, this.prng.fork("network"));
    this.wire = new WireCheck(this.stlinks);
    if (this.#options.trace !== null) this.wire.trace = (line) => this.log(line);
    try {
      this.#build();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A line of the event log. */
  log(line: string): void {
    this.#options.trace?.(`${this.clock.nowMs.toFixed(1).padStart(11)}  ${line}`);
  }

  stlink(name: string): SimStlink {
    return this.stlinks.get(name) as SimStlink;
  }

  connector(name = this.#options.connectors[0] as string): SimConnector {
    return this.connectors.get(name) as SimConnector;
  }

  /** All Connectors' packets go through `meddle`. */
  meddle(meddle: SimConnector["meddle"]): void {
    for (const connector of this.connectors.values()) connector.meddle = meddle;
  }

  #build(): void {
    const { stlinks, connectors } = this.#options;
    const people = stlinks.map((name) => this.#identity(name));
    const places = connectors.map((name) => this.#identity(name));
    const pair = this.prng.fork("psk").bytes(32);
    const admissions = people.map((who) => this.#admission(who));
    for (const place of places) this.#addConnector(place, admissions);
    for (const who of people) this.#addStlink(who, people, places, admissions, pair);
    const members = [...this.connectors.values()];
    if (this.#options.hops === "one") for (const member of members) member.fleet = members;
    for (const member of members) member.start();
    for (const stlink of this.stlinks.values()) this.#start(stlink);
  }

  #core(): Core {
    const core = takeCore(this.#options.isFresh);
    this.#cores.push(core);
    return core;
  }

  #identity(name: string): Identity {
    const prng = this.prng.fork(`identity ${name}`);
    const secret = prng.bytes(32);
    const core = takeCore();
    const key = core.publicKey(secret);
    giveBack(core);
    return { name, id: prng.bytes(16), secret, key };
  }

  #admission({ name, id, key }: Identity): Admission {
    const psk = this.prng.fork(`hop psk ${name}`).bytes(32);
    return this.#options.hasPsk ? { name, id, key, psk } : { name, id, key };
  }

  #addConnector(place: Identity, admissions: Admission[]): void {
    const { name } = place;
    const { queue, stepsPerMs } = this.#options;
    const prng = this.prng.fork(`connector ${name}`);
    const connector = new SimConnector({
      name,
      clock: this.clock,
      network: this.network,
      prng,
      core: this.#core(),
      sizes: CONNECTOR_SIZES,
      identity: place,
      directory: listed(admissions),
      limits: {
        bytes: queue.bytes,
        packets: queue.packets,
        maxPacketBytes: CONNECTOR_SIZES.maxPacketBytes,
      },
      queueBytes: queue.statedBytes,
      stepsPerMs: stepsPerMs * 10,
      clockBaseMs: clockBase(prng),
    });
    connector.onPacket = (packet) => this.wire.see(packet);
    this.connectors.set(name, connector);
  }

  #addStlink(
    who: Identity,
    people: Identity[],
    places: Identity[],
    admissions: Admission[],
    pair: Uint8Array,
  ): void {
    const { name } = who;
    const options = this.#options;
    const prng = this.prng.fork(`stlink ${name}`);
    const hopPsk = admissions.find((admission) => admission.name === name)?.psk;
    const psk = options.hasPsk ? { psk: pair, pskName: pair.subarray(0, 8) } : {};
    const stlink = new SimStlink({
      name,
      clock: this.clock,
      network: this.network,
      prng,
      core: this.#core(),
      sizes: this.#sizesOf(name),
      identity: who,
      peers: people
        .filter((other) => other !== who)
        .map((other) => ({ name: other.name, id: other.id, key: other.key, ...psk })),
      connectors: this.#placesOf(name, places).map((place) => ({
        name: place.name,
        key: place.key,
        ...(hopPsk === undefined ? {} : { psk: hopPsk }),
      })),
      hops: options.hops,
      line: { ...LINE, ...options.line },
      stepsPerMs: options.stepsPerMs,
      entropyEveryMs: options.entropyEveryMs,
      redialMostMs: REDIAL_MOST_MS,
      clockBaseMs: clockBase(prng),
    });
    stlink.onNews = (handle) => this.#news(stlink, handle);
    stlink.onTurn = () => this.wire.capture(stlink);
    stlink.onDrop = (status) => this.log(`${name} drops: ${statusName(status)}`);
    stlink.onHopError = (status) => this.#hopError(name, status);
    this.stlinks.set(name, stlink);
  }

  /** In the order of the STLink's own list. */
  #placesOf(name: string, places: Identity[]): Identity[] {
    const names = this.#options.connectorsOf[name];
    if (names === undefined) return places;
    return names.flatMap((wanted) => places.filter((place) => place.name === wanted));
  }

  #sizesOf(name: string): Sizes {
    return { ...SMALL_SIZES, ...this.#options.sizes, ...this.#options.sizesOf[name] };
  }

  #start(stlink: SimStlink): void {
    stlink.start();
    this.#pools.push(new PoolCheck(stlink, this.#sizesOf(stlink.name)));
  }

  #hopError(name: string, status: number): void {
    this.log(`${name}: hop ended with status ${status}`);
    // No scenario touches the bytes of layer 3: a wrong tag or frame there is the core's.
    throw new SimFailure(`a hop of ${name} ended with status ${status}`);
  }

  /** The STLink loses its state, and comes back after `awayMs` with the same identity. */
  reboot(name: string, awayMs: number): void {
    const stlink = this.stlink(name);
    if (!stlink.isUp) return;
    this.log(`${name} reboots`);
    stlink.crash();
    for (const [key, end] of this.#ends) {
      if (end.node !== stlink) continue;
      end.vanish();
      this.#ends.delete(key);
    }
    for (const peer of this.stlinks.keys()) this.#breakable.push([name, peer]);
    this.clock.after(awayMs, () => {
      if (this.#isClosed) return;
      this.log(`${name} is back`);
      this.#start(stlink);
    });
  }

  /** The STLink drops its table for a peer: streams end with `reason`, its linkId is new. */
  evict(name: string, peer: string, reason: number): void {
    const stlink = this.stlink(name);
    if (!stlink.isUp) return;
    this.log(`${name} evicts ${peer}`);
    for (const [key, end] of this.#ends) {
      if (end.node !== stlink || end.other.node.name !== peer) continue;
      end.vanish();
      this.#ends.delete(key);
    }
    this.#breakable.push([name, peer]);
    stlink.evict(peer, reason);
  }

  /** Every connection of the name breaks; what is under way is lost. */
  cut(name: string): void {
    this.log(`${name} is cut off`);
    for (const pipe of this.network.connectionsOf(name)) pipe.cut();
  }

  /** The Connector's process dies and comes back. */
  restartConnector(name: string, awayMs: number): void {
    const connector = this.connector(name);
    if (!connector.isUp) return;
    this.log(`${name} dies`);
    connector.crash();
    this.clock.after(awayMs, () => {
      if (!this.#isClosed) connector.start();
    });
  }

  /** Begins a flow now; it is opened as soon as its opener runs and has a stream to spare. */
  flow(plan: Partial<FlowPlan> = {}): Flow {
    const full = { ...PLAN, ...plan };
    const number = this.flows.length;
    const nodes = [this.stlink(full.opener), this.stlink(full.accepter)];
    const flow = new Flow(`flow${number}.${this.#options.seed}`, number, full, this.clock, nodes);
    flow.onProgress = () => this.#progress();
    flow.onEnd = (end) => {
      this.#ends.delete(endName(end.node, end.handle));
      this.log(end.text);
    };
    this.flows.push(flow);
    this.#open(flow);
    return flow;
  }

  #open(flow: Flow): void {
    const { node } = flow.opener;
    if (this.#isClosed) return;
    if (node.isUp && flow.open()) this.#ends.set(endName(node, flow.opener.handle), flow.opener);
    else this.clock.after(500, () => this.#open(flow));
  }

  #news(stlink: SimStlink, handle: number): void {
    const known = this.#ends.get(endName(stlink, handle));
    if (known !== undefined) return known.news();
    const flags = stlink.core.streamFlags(handle);
    if (flags < 0 || this.onOther(stlink, handle)) return;
    if (!(flags & StreamFlag.Offered)) {
      // An OPEN that ended before it was offered is nobody's; the host lets it go.
      if (flags & StreamFlag.Closed) stlink.core.streamRelease(handle);
      return;
    }
    const info = stlink.core.streamInfo(handle);
    const number = new DataView(info.bindingId.buffer).getUint32(0, true);
    const flow = this.flows[number];
    const from = stlink.peerOf(info.link);
    if (flow?.accepter.node !== stlink || flow.opener.node.name !== from || info.isOpener) {
      throw new SimFailure(`${stlink.name} was offered a stream of ${from} that is not for it`);
    }
    const end = flow.offered(handle);
    this.#ends.set(endName(stlink, handle), end);
    flow.answer(end);
  }

  #progress(): void {
    const now = this.clock.nowMs;
    this.longestStallMs = Math.max(this.longestStallMs, now - this.#lastProgressMs);
    this.#lastProgressMs = now;
  }

  /** Stalls are counted from now on. */
  beginStallCount(): void {
    this.longestStallMs = 0;
    this.#lastProgressMs = this.clock.nowMs;
  }

  get areFlowsOver(): boolean {
    return this.flows.every((flow) => flow.isOver);
  }

  /** Runs until `isDone`, for at most `ms`. False: it is not done by then. */
  run(ms: number, isDone: () => boolean = () => false): boolean {
    const end = this.clock.nowMs + ms;
    for (let steps = 0; ; steps++) {
      if (steps % STEPS_TO_LOOK === 0 && isDone()) return true;
      if (!this.clock.step(end)) return isDone();
    }
  }

  /** Runs until all flows are over; what is not over after `ms` is a failure. */
  finish(ms: number): void {
    if (this.run(ms, () => this.areFlowsOver)) return;
    const open = this.flows.filter((flow) => !flow.isOver);
    const ends = open.flatMap((flow) => [...flow.ends, ...flow.strays]);
    throw new SimFailure(`not over after ${ms} ms:\n  ${ends.map((end) => end.text).join("\n  ")}`);
  }

  #mayBreak(a: string, b: string): boolean {
    return this.#breakable.some(
      ([who, peer]) => (who === a && peer === b) || (who === b && peer === a),
    );
  }

  /** Every end has the reason that its plan gives, or one of `lost` where a side lost its state. */
  expectEnds(lost: readonly number[] = []): void {
    for (const flow of this.flows) {
      const { plan, wasReset, ends } = flow;
      const planned = plan.refusal > 0 ? [plan.refusal] : wasReset ? [0, APPLICATION] : [0];
      const mayBreak = this.#mayBreak(plan.opener, plan.accepter);
      for (const end of ends) {
        const isLost = mayBreak && lost.includes(end.reason);
        const isLawful = planned.includes(end.reason) || isLost;
        if (end.state === "gone" || end.state === "waiting" || isLawful) continue;
        throw new SimFailure(`${end.text}: not a lawful reason here`);
      }
    }
  }

  /** After the last stream: quiet on the wire, every block is free again, no memory grew. */
  settle(): void {
    this.run(QUIET_AFTER_MS);
    const before = this.wire.packets;
    this.run(QUIET_FOR_MS);
    const count = this.wire.packets - before;
    if (count > QUIET_PACKETS) {
      throw new SimFailure(`${count} packets in ${QUIET_FOR_MS} ms, and no stream is open`);
    }
    const end = this.clock.nowMs + LINGER_MS;
    const isFree = (): boolean => this.#pools.every((pool) => pool.isFree());
    while (this.clock.nowMs < end && !isFree()) this.run(LINGER_STEP_MS);
    for (const pool of this.#pools) pool.check();
    if (!this.areFlowsOver) throw new SimFailure("a flow came back after its end");
  }

  /** Gives the cores back. */
  close(): void {
    this.#isClosed = true;
    for (const core of this.#cores) giveBack(core);
    this.#cores.length = 0;
  }
}

function endName(stlink: SimStlink, handle: number): string {
  return `${stlink.name}.${stlink.life}.${handle}`;
}

/** Near a wrap of 2^31 or 2^32 as often as not. */
function clockBase(prng: Prng): number {
  const near = prng.pick([0x7fffffff, 0xffffffff, 0x1000, 0x12345678]);
  return (near - prng.below(60_000)) | 0;
}
