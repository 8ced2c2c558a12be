// SPDX-License-Identifier: Apache-2.0
// A simulated Connector: a core with the role connector, one hop for each connection, one queue for
// each STLink, and a switch to a fleet. Before it: network.ts accepts. After it: `forward` into the
// receiver's hop. It is also the liar of the threat model: `meddle` sees each packet and says what
// becomes of it. PROTOCOL section 9; rules F5, F7, K1, K2, K5, K7.

import { type Core, HopState, HopStep, type PacketInfo, type Sizes } from "../../core/core.ts";
import type { SimClock, SimTimer } from "./clock.ts";
import { HopLine } from "./hop-line.ts";
import type { SimNetwork } from "./network.ts";
import type { SimConnection } from "./pipe.ts";
import type { Prng } from "./prng.ts";
import { Queue, type QueuedPacket, type QueueLimits } from "./queue.ts";

/** Reasons of PROTOCOL 13.2 that a Connector says. */
const NOT_PAIRED = 32;
const QUEUE_FULL = 33;
const AGED = 34;
const UNKNOWN_CHANNEL = 38;
const SUPERSEDED = 48;
const NOT_ADMITTED = 50;

const EXPIRY_MS = 1000;

/** Whom a Connector admits, and who may talk to whom. */
export type Admission = {
  name: string;
  id: Uint8Array;
  key: Uint8Array;
  psk?: Uint8Array;
};

/** Whom a Connector knows, as it is now: a Commander changes it while the Connector runs (rule K2). */
export interface Directory {
  /** The hop's PSK of a key; undefined: zeros. */
  pskOf(key: Uint8Array): Uint8Array | undefined;
  /** Who shows this key and this ticket (codeId and ticket, zeros: none), or the reason of refusal. */
  admit(key: Uint8Array, ticket: Uint8Array): Admission | number;
  byName(name: string): Admission | undefined;
  /** Whom the id means to a sender; undefined: nobody that it is paired with. */
  receiver(id: Uint8Array, from: Admission): Admission | undefined;
}

/** A directory that never changes, where everybody is paired with everybody. */
export function listed(admissions: readonly Admission[]): Directory {
  const byKey = (key: Uint8Array): Admission | undefined =>
    admissions.find((admission) => Buffer.compare(admission.key, key) === 0);
  return {
    pskOf: (key) => byKey(key)?.psk,
    admit: (key) => byKey(key) ?? NOT_ADMITTED,
    byName: (name) => admissions.find((admission) => admission.name === name),
    receiver: (id) => admissions.find((admission) => Buffer.compare(admission.id, id) === 0),
  };
}

/** A packet as the Connector sees it: sealed, with its sender and its destination. */
export type SeenPacket = {
  connector: string;
  from: string;
  to: string;
  class: number;
  bytes: Uint8Array;
  atMs: number;
};

/** What becomes of a packet: each is put into the queue after `delayMs`; an empty list drops it. */
export type Delivery = { bytes: Uint8Array; delayMs: number; class?: number };

export type ConnectorOptions = {
  name: string;
  clock: SimClock;
  network: SimNetwork;
  prng: Prng;
  core: Core;
  sizes: Sizes;
  identity: { secret: Uint8Array; key: Uint8Array };
  directory: Directory;
  limits: QueueLimits;
  /** What WELCOME states; at most `limits.bytes`. */
  queueBytes: number;
  /** `work` calls in one millisecond. */
  stepsPerMs: number;
  /** What its own clock shows when the world begins. */
  clockBaseMs: number;
};

export class SimConnector {
  readonly name: string;
  /** Sees every packet that honest cores sent. */
  onPacket: (packet: SeenPacket) => void = () => {};
  /** Says what becomes of it. */
  meddle: ((packet: SeenPacket) => Delivery[]) | null = null;
  /** Other members of the fleet, which may have the receiver's hop. */
  fleet: SimConnector[] = [];
  readonly dropped: Record<string, number> = {};
  readonly #o: ConnectorOptions;
  readonly #queues = new Map<string, Queue>();
  readonly #awayTold = new Map<string, Set<string>>();
  /** By which channel a sender last named a receiver. */
  readonly #channels = new Map<string, number>();
  #lines: (HopLine & { who?: Admission })[] = [];
  #isUp = false;
  #timer: SimTimer | null = null;
  #generation = 0;

  constructor(options: ConnectorOptions) {
    this.#o = options;
    this.name = options.name;
  }

  get core(): Core {
    return this.#o.core;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Begins to listen, with empty queues. */
  start(): void {
    const { core, sizes, identity, network } = this.#o;
    core.start("connector", sizes, this.#now());
    core.setIdentity(identity.secret, identity.key, new Uint8Array(16));
    this.#isUp = true;
    this.#generation++;
    network.listen(this.name, (connection) => this.#accept(connection));
    this.#wakeIn(0);
    this.#expireLater(this.#generation);
  }

  /** The process dies: hops, queues and keys are gone, connections are reset. */
  crash(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#generation++;
    this.#o.clock.cancel(this.#timer);
    this.#timer = null;
    this.#o.network.unlisten(this.name);
    for (const line of this.#lines) line.connection.reset();
    this.#lines = [];
    this.#queues.clear();
    this.#awayTold.clear();
    this.#channels.clear();
    this.#o.core.stop();
  }

  /** Tells the STLink a lie about a peer: a reason of DROPPED, or a hint. */
  lie(who: string, about: string, what: number | "away" | "back"): void {
    const line = this.#lineOf(who);
    const channel = this.#channels.get(`${who}>${about}`);
    if (line === undefined || channel === undefined) return;
    this.core.hopTell(line.hop, channel, what);
    this.#wakeIn(0);
  }

  /** Every STLink here is told to come back after `ms`, and goes on being served. */
  drain(ms: number): void {
    for (const line of this.#lines) this.core.hopDrain(line.hop, ms);
    this.#wakeIn(0);
  }

  /** True when the STLink has an admitted hop here. */
  hasHop(who: string): boolean {
    return this.#lineOf(who) !== undefined;
  }

  /** Puts a packet into the receiver's queue as if `from` had sent it; for replays and garbage. */
  inject(from: string, to: string, bytes: Uint8Array, kind = 0): void {
    if (!this.#isUp) return;
    const sender = this.#o.directory.byName(from);
    if (sender !== undefined) this.#enqueue(to, this.#packet(sender, -1, -1, kind, bytes));
  }

  /** Rule T10: the STLink's hops are dropped, and every packet from it and to it. */
  purge(who: string): void {
    for (const line of this.#lines) {
      if (line.who?.name === who) this.core.hopClose(line.hop, NOT_ADMITTED);
    }
    this.#queues.delete(who);
    this.#awayTold.delete(who);
    for (const queue of this.#queues.values()) queue.purge(who);
    this.#wakeIn(0);
  }

  #now(): number {
    return (Math.floor(this.#o.clock.nowMs) + this.#o.clockBaseMs) | 0;
  }

  #lineOf(who: string): HopLine | undefined {
    return this.#lines.findLast((line) => line.who?.name === who && line.isUp);
  }

  #accept(connection: SimConnection): void {
    this.#o.core.clock(this.#now());
    try {
      const hop = this.#o.core.hopAccept();
      this.#lines.push(new HopLine(this.#o.core, hop, connection));
      connection.onEvent = () => this.#wakeIn(0);
      this.#wakeIn(0);
    } catch {
      connection.reset();
    }
  }

  #wakeIn(ms: number): void {
    const at = this.#o.clock.nowMs + ms;
    if (!this.#isUp || (this.#timer?.run && this.#timer.atMs <= at)) return;
    this.#o.clock.cancel(this.#timer);
    this.#timer = this.#o.clock.after(ms, () => {
      this.#timer = null;
      this.#pump();
    });
  }

  #pump(): void {
    const { core, prng, stepsPerMs } = this.#o;
    core.tick(this.#now());
    let steps = stepsPerMs;
    for (let round = 0; round < 64; round++) {
      while (core.flags() & 2) core.feed(prng.bytes(32));
      for (const line of this.#lines) {
        line.read((step) => this.#step(line, step));
        this.#admit(line);
      }
      // A message that is finished lets the record behind it be taken: another round.
      const left = this.#work(steps);
      let busy = left < steps;
      steps = left;
      for (const line of this.#lines) busy = this.#serve(line) || busy;
      this.#sweep();
      if (!busy || steps === 0) break;
    }
    const next = core.tick(this.#now());
    this.#wakeIn(steps === 0 ? 1 : Math.max(next, 1));
  }

  /** Computes for at most so many steps. Returns how many are left. */
  #work(steps: number): number {
    for (let left = steps; left > 0; left--) if (!this.#o.core.work()) return left;
    return 0;
  }

  #step(line: HopLine & { who?: Admission }, step: number): void {
    if (step !== HopStep.Packet || line.who === undefined) return;
    const info = this.#o.core.packetInfo();
    const bytes = this.#o.core.engine.read(info.ptr, info.len);
    this.#take(line, line.who, info, bytes);
  }

  #take(line: HopLine, sender: Admission, info: PacketInfo, bytes: Uint8Array): void {
    const to = info.to === null ? undefined : this.#o.directory.receiver(info.to, sender);
    if (info.to === null) return this.#refuse(line.hop, info.channel, UNKNOWN_CHANNEL);
    if (to === undefined) return this.#refuse(line.hop, info.channel, NOT_PAIRED);
    const seen: SeenPacket = {
      connector: this.name,
      from: sender.name,
      to: to.name,
      class: info.class,
      bytes,
      atMs: this.#o.clock.nowMs,
    };
    this.#channels.set(`${sender.name}>${to.name}`, info.channel);
    this.onPacket(seen);
    const deliveries = this.meddle === null ? [{ bytes, delayMs: 0 }] : this.meddle(seen);
    const generation = this.#generation;
    for (const delivery of deliveries) {
      const { hop } = line;
      const kind = delivery.class ?? info.class;
      const packet = this.#packet(sender, hop, info.channel, kind, delivery.bytes);
      if (delivery.delayMs === 0) this.#enqueue(to.name, packet);
      else {
        this.#o.clock.after(delivery.delayMs, () => {
          if (generation === this.#generation) this.#enqueue(to.name, { ...packet, hop: -1 });
        });
      }
    }
  }

  #packet(
    sender: Admission,
    hop: number,
    channel: number,
    kind: number,
    bytes: Uint8Array,
  ): QueuedPacket {
    const atMs = this.#o.clock.nowMs;
    return { from: sender.name, fromId: sender.id, hop, channel, class: kind, bytes, atMs };
  }

  /** Into the queue of the member that has the receiver's hop, else into an own one. */
  #enqueue(to: string, packet: QueuedPacket): void {
    if (this.hasHop(to)) return this.#put(to, packet);
    const member = this.fleet.find((other) => other !== this && other.isUp && other.hasHop(to));
    if (member !== undefined) return member.#put(to, { ...packet, hop: -1 });
    this.#put(to, packet);
    const told = this.#awayTold.get(to) ?? new Set();
    this.#awayTold.set(to, told);
    if (!told.has(packet.from) && packet.hop >= 0) {
      this.core.hopTell(packet.hop, packet.channel, "away");
      told.add(packet.from);
    }
  }

  #put(to: string, packet: QueuedPacket): void {
    const queue = this.#queues.get(to) ?? new Queue(this.#o.limits);
    this.#queues.set(to, queue);
    const refused = queue.enqueue(packet);
    if (refused !== null) this.#refuse(refused.hop, refused.channel, QUEUE_FULL);
    this.#wakeIn(0);
  }

  #refuse(hop: number, channel: number, reason: number): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
    if (hop >= 0 && channel < this.#o.sizes.channels) this.core.hopTell(hop, channel, reason);
  }

  #admit(line: HopLine & { who?: Admission }): void {
    const view = line.view;
    if (view.asking) {
      const key = this.core.hopPeerKey(line.hop);
      this.core.hopAnswer(line.hop, this.#o.directory.pskOf(key));
    }
    if (view.state !== HopState.Greeting || !view.greeted) return;
    const { hop } = line;
    const who = this.#o.directory.admit(this.core.hopPeerKey(hop), this.core.hopTicket(hop));
    if (typeof who === "number") return this.core.hopClose(hop, who);
    for (const older of this.#lines) {
      if (older !== line && older.who === who) this.core.hopClose(older.hop, SUPERSEDED);
    }
    line.who = who;
    this.core.hopAdmit(line.hop, who.id, this.#o.queueBytes);
    this.#back(who.name);
    for (const member of this.fleet) if (member !== this && member.isUp) member.#moved(who.name);
  }

  /** The STLink has a hop at another member: an older one here is superseded, its queue is told. */
  #moved(who: string): void {
    for (const line of this.#lines) {
      if (line.who?.name === who) this.core.hopClose(line.hop, SUPERSEDED);
    }
    this.#back(who);
    this.#wakeIn(0);
  }

  /** BACK to every sender with something in the queue, or told AWAY. */
  #back(who: string): void {
    const tell = new Set([...(this.#queues.get(who)?.senders ?? [])]);
    for (const sender of this.#awayTold.get(who) ?? []) tell.add(sender);
    this.#awayTold.delete(who);
    for (const sender of tell) {
      const line = this.#lineOf(sender);
      const channel = this.#channels.get(`${sender}>${who}`);
      if (line !== undefined && channel !== undefined) {
        this.core.hopTell(line.hop, channel, "back");
      }
    }
  }

  /** Gives the hop what is queued for it, as far as its credit goes, and writes. */
  #serve(line: HopLine & { who?: Admission }): boolean {
    let busy = line.write();
    const queue = line.who === undefined ? undefined : this.#queues.get(line.who.name);
    if (queue === undefined || line !== this.#lineOf(line.who?.name ?? "")) return busy;
    while (!line.isBlocked) {
      const packet = queue.first();
      if (packet === null) return busy;
      if (!this.core.forward(line.hop, packet.class, packet.fromId, packet.bytes)) {
        const wrote = line.write();
        if (!wrote) return busy;
        continue;
      }
      queue.dequeue();
      busy = true;
    }
    return busy;
  }

  #sweep(): void {
    const over = this.#lines.filter((line) => line.isOver);
    if (over.length === 0) return;
    this.#lines = this.#lines.filter((line) => !over.includes(line));
    for (const line of over) {
      // A reset would overtake REFUSED or CLOSE, which say why.
      if (line.isClosed) line.connection.end();
      else if (line.connection.state === "open") line.connection.reset();
      this.core.hopFree(line.hop);
      for (const queue of this.#queues.values()) queue.forgetHop(line.hop);
    }
  }

  #expireLater(generation: number): void {
    this.#o.clock.after(EXPIRY_MS, () => {
      if (generation !== this.#generation) return;
      for (const queue of this.#queues.values()) {
        for (const packet of queue.expire(this.#o.clock.nowMs)) {
          this.#refuse(packet.hop, packet.channel, AGED);
        }
      }
      this.#expireLater(generation);
    });
  }
}
