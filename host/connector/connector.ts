// SPDX-License-Identifier: Apache-2.0
// The Connector: accepts hops, admits keys that it was told of, reads and writes each hop, and ends it.
// Before it: connections. After it: forwarding.ts, which queues the packets, and the core, which seals and
// opens layer 3 alone. Invariant: it never stops reading a hop because of a destination (rule F5).
// PROTOCOL section 9, rules K1 to K9.

import { Reason, Status } from "../core/abi.gen.ts";
import { type Core, CoreError, CoreFlag, HopState, HopStep, statusName } from "../core/core.ts";
import { Driver } from "../net/driver.ts";
import { Loans } from "../net/hop-wire.ts";
import type { Address, Connection, ConnectionEvents, Listener } from "../net/transport.ts";
import { fraction, type World } from "../net/world.ts";
import { hex } from "../service/hex.ts";
import { Arrivals, type TurnReason } from "./arrivals.ts";
import { Counters, count, type HopRefusalName } from "./counters.ts";
import { Forwarding } from "./forwarding.ts";
import { HalfOpen } from "./half-open.ts";
import type { ConnectorOptions } from "./options.ts";
import type { Place } from "./place.ts";
import { Roster, type RosterChange } from "./roster.ts";
import { Seat } from "./seat.ts";
import type { ConnectorLimits, ConnectorRules } from "./settings.ts";
import type { Tenancy } from "./tenancy.ts";
import { enter, leave } from "./tickets.ts";

const SWEEP_MS = 1000;
/** A handshake and HOP_HELLO take at most this (rule K4). */
const HANDSHAKE_MS = 10_000;
/** A hop that is told why it ends has so long to read it. */
const LAST_WORD_MS = 5000;
/** A hop is not read for at most this at a time (rule F5). */
const PAUSE_MOST_MS = 100;
/** DRAIN: STLinks come back after this, spread over as much again. */
const BACK_AFTER_MS = 2000;
/** What a draining Connector still gives its hops: to go by themselves, then to read CLOSE. */
const DRAIN_MS = 1000;
const GOING_MS = 500;
const DRAIN_LOOK_MS = 50;

export class Connector {
  readonly counters = new Counters();
  readonly #options: ConnectorOptions;
  readonly #core: Core;
  readonly #world: World;
  readonly #driver: Driver;
  readonly #roster: Roster;
  readonly #arrivals: Arrivals;
  readonly #halfOpen: HalfOpen<Seat>;
  #queueBytes: number;
  readonly #forwarding: Forwarding;
  /** STLinks that never read keep at most half of the hops' buffers. */
  readonly #loans: Loans;
  readonly #seats = new Set<Seat>();
  /** Seats with something to write. */
  readonly #due = new Set<Seat>();
  readonly #listeners: Listener[] = [];
  #isDraining = false;
  #cancelSweep = (): void => {};

  constructor(options: ConnectorOptions) {
    const { core, world, sizes, rules } = options;
    this.#options = options;
    this.#core = core;
    this.#world = world;
    this.#roster = new Roster(rules, sizes.maxPacketBytes, world.clock.now());
    this.#arrivals = new Arrivals(options, this.counters, this.#roster);
    this.#halfOpen = new HalfOpen(halfOpenLimits(rules.limits));
    this.#forwarding = new Forwarding(options, this.counters, (seat) => this.#serve(seat));
    this.#loans = new Loans(Math.floor((sizes.hopBuffers - rules.limits.halfOpen) / 2));
    this.#queueBytes = rules.limits.queueBytes;
    core.start("connector", sizes, world.clock.now());
    core.setIdentity(options.privateKey, options.publicKey, new Uint8Array(16));
    this.#driver = new Driver(core, world, () => this.#turn());
    this.#driver.feed();
  }

  /** Listens for hops, here too. Rejects with the system's error. */
  async start(address: Address): Promise<Listener> {
    const accept = (connection: Connection) => this.#accept(connection);
    const listener = await this.#world.transport.listen(address, accept);
    this.#listeners.push(listener);
    this.#driver.wake();
    this.#scheduleSweep();
    return listener;
  }

  /** Accepts no more, tells each hop to come back later, and gives them a moment to go. Stop it then. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const listener of this.#listeners.splice(0)) listener.close();
    for (const seat of this.#halfOpen) this.#leave(seat, "Draining");
    for (const seat of this.#seats) {
      if (seat.place === null) continue;
      const spreadMs = Math.floor(fraction(this.#world) * BACK_AFTER_MS);
      this.#core.hopDrain(seat.hop, BACK_AFTER_MS + spreadMs);
      this.#serve(seat);
    }
    await this.#untilGone(DRAIN_MS);
    for (const seat of this.#seats) this.#turnAway(seat, "Draining");
    await this.#untilGone(GOING_MS);
  }

  stop(): void {
    for (const listener of this.#listeners) listener.close();
    this.#cancelSweep();
    this.#driver.stop();
    for (const seat of this.#seats) seat.wire.end();
    this.#core.stop();
  }

  /** Other rules from now on. What they no longer allow is cut at once, in the order of rule T10. */
  setRules(rules: ConnectorRules): void {
    this.#queueBytes = rules.limits.queueBytes;
    this.#halfOpen.limits = halfOpenLimits(rules.limits);
    this.change((roster, nowMs) => roster.replace(rules, nowMs));
  }

  /** Other admissions from now on. What they no longer allow is cut at once, in the order of rule T10. */
  change(act: (roster: Roster, nowMs: number) => RosterChange): void {
    const { removed, cut, suspended, unpaired } = act(this.#roster, this.#world.clock.now());
    for (const { seat } of [...removed, ...cut]) if (seat !== null) this.#turnAway(seat, "Revoked");
    for (const { seat } of suspended) if (seat !== null) this.#turnAway(seat, "NotAdmitted");
    for (const place of removed) this.#forwarding.purge(place);
    for (const place of unpaired) this.#forwarding.purgeUnpaired(place);
  }

  /** Everybody who is admitted, here or away, but the desk. */
  get places(): Iterable<Place> {
    return this.#roster.places();
  }

  get tenancies(): Iterable<Tenancy> {
    return this.#roster.tenancies();
  }

  /** Whose key this is, hexadecimal; null: nobody's. */
  ownerOf(key: string): Place | null {
    return this.#roster.ownerOf(key);
  }

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Takes a connection from inside this process, which no flood keeps out. */
  take(connection: Connection): ConnectionEvents | null {
    this.#driver.wake();
    return this.#eventsOf(this.#takeSeat(connection));
  }

  #accept(connection: Connection): ConnectionEvents | null {
    return this.#eventsOf(this.#hasRoom(connection) ? this.#takeSeat(connection) : null);
  }

  #eventsOf(seat: Seat | null): ConnectionEvents | null {
    if (seat === null) return null;
    return {
      data: (bytes) => this.#read(seat, bytes),
      drained: () => this.#serve(seat),
      ended: () => this.#leave(seat),
      closed: () => this.#leave(seat),
    };
  }

  /** Among the handshakes under way (rule K4). */
  #hasRoom({ remoteHost }: Connection): boolean {
    const room = this.#halfOpen.placeFor(remoteHost);
    if (room === false) this.#refuseHop(remoteHost, "HalfOpen");
    else if (room !== true) this.#leave(room, "Displaced");
    return room !== false;
  }

  #takeSeat(connection: Connection): Seat | null {
    const { remoteHost } = connection;
    if (this.#isDraining) return this.#refuseHop(remoteHost, "Draining");
    this.#core.clock(this.#world.clock.now());
    try {
      const leaveByMs = this.#world.clock.now() + HANDSHAKE_MS;
      const seat = new Seat(this.#core, connection, this.#loans, leaveByMs);
      this.#seats.add(seat);
      this.#halfOpen.add(seat, remoteHost);
      return seat;
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      return this.#refuseHop(remoteHost, "NoHopSlot");
    }
  }

  #refuseHop(host: string, why: string): null {
    count(this.counters.hopsRefused, why);
    this.#options.onEvent?.({ kind: "refused", host, why });
    return null;
  }

  #read(seat: Seat, bytes: Uint8Array): void {
    if (!this.#seats.has(seat)) return;
    this.#core.clock(this.#world.clock.now());
    const overhead = seat.noteBytes(bytes.length);
    seat.wire.put(bytes);
    this.#receive(seat);
    if (seat.place !== null) this.#slow(seat, seat.place, overhead);
    this.#serve(seat);
  }

  /** A sender that is too fast is not read for a moment: little has to be refused then (rule F5). */
  #slow(seat: Seat, place: Place, overheadBytes: number): void {
    place.spendOverhead(overheadBytes);
    const waitMs = place.waitMs(this.#world.clock.now());
    if (waitMs === 0 || seat.wire.isHeldBack) return;
    this.counters.pauses += 1;
    seat.wire.isHeldBack = true;
    this.#world.clock.after(Math.min(waitMs, PAUSE_MOST_MS), () => {
      if (this.#seats.has(seat)) seat.wire.isHeldBack = false;
    });
  }

  #receive(seat: Seat): void {
    const status = seat.wire.receive((step) => {
      // It may have begun something to compute.
      this.#driver.wake();
      if (step === HopStep.Packet)
        this.#forwarding.take(seat, this.#core.packetInfo(), this.#world.clock.now());
      else if (step === HopStep.Mute) this.#mute(seat);
    });
    if (status < 0) this.#leave(seat, endName(status));
  }

  /** Until then the packets of that id to this one are refused at their sender (K3). */
  #mute(seat: Seat): void {
    this.counters.mutes += 1;
    const { from, seconds } = this.#core.muteInfo();
    if (from !== null) seat.place?.mute(hex(from), seconds, this.#world.clock.now());
  }

  #serve(seat: Seat): void {
    this.#due.add(seat);
    this.#driver.wake();
  }

  #turn(): boolean {
    for (const seat of this.#halfOpen) this.#arrive(seat);
    if (this.#core.flags() & CoreFlag.WantsStep) this.#takeWaiting();
    let hasMoved = false;
    for (const seat of this.#due) {
      this.#due.delete(seat);
      if (this.#seats.has(seat) && this.#write(seat)) hasMoved = true;
    }
    return hasMoved;
  }

  /** Records behind message 3 of a rekey waited for their key. */
  #takeWaiting(): void {
    for (const seat of this.#seats) {
      if (this.#halfOpen.has(seat)) continue;
      this.#receive(seat);
      this.#due.add(seat);
    }
  }

  /** A seat on its way in: the handshake goes on, the key is looked up, the hop admitted or refused. */
  #arrive(seat: Seat): void {
    this.#receive(seat);
    this.#due.add(seat);
    const { state, asking, greeted } = this.#core.hopState(seat.hop);
    if (asking) {
      seat.psk = this.#arrivals.pskFor(seat);
      this.#core.hopAnswer(seat.hop, seat.psk);
      this.#driver.wake();
    }
    if (state === HopState.Greeting && greeted) this.#decide(seat);
  }

  #decide(seat: Seat): void {
    this.#halfOpen.delete(seat);
    seat.leaveByMs = null;
    const arrival = this.#arrivals.decide(seat, this.#world.clock.now());
    if (arrival.older !== null) this.#turnAway(arrival.older, arrival.olderReason);
    if (arrival.place === null) this.#turnAway(seat, arrival.reason);
    else this.#admit(seat, arrival.place);
  }

  #admit(seat: Seat, place: Place): void {
    this.#core.hopAdmit(seat.hop, place.idBytes, this.#queueBytes);
    this.counters.hopsAdmitted += 1;
    const displaced = enter(place);
    if (displaced?.seat) this.#turnAway(displaced.seat, "CodeUsed");
    seat.maxPacketBytes = this.#core.hopMaxPacket(seat.hop);
    seat.place = place;
    place.seat = seat;
    this.#forwarding.tellBack(place);
    this.#options.onEvent?.({ kind: "up", place, host: seat.remoteHost });
  }

  /** A last record says why; the connection closes behind it, or when nobody has read it in time. */
  #turnAway(seat: Seat, name: TurnReason): void {
    if (seat.isTurnedAway) return;
    seat.isTurnedAway = true;
    seat.leaveByMs = this.#world.clock.now() + LAST_WORD_MS;
    this.#vacate(seat, name);
    this.#core.hopClose(seat.hop, Reason[name]);
    this.#serve(seat);
  }

  /** The seat's place is free. Counts why, where it was not the STLink's own wish. */
  #vacate(seat: Seat, why: string | null): void {
    const { place } = seat;
    seat.place = null;
    if (place?.seat === seat) place.seat = null;
    if (place?.seat === null) leave(place);
    if (why !== null && place === null) this.#refuseHop(seat.remoteHost, why);
    else if (why !== null) count(this.counters.hopsRefused, why);
    if (place === null) return;
    this.#options.onEvent?.({ kind: "down", place, why: why ?? "the STLink closed it" });
  }

  /** Packets of its queue and whatever else is due, while the socket takes them (rule K8). */
  #write(seat: Seat): boolean {
    let hasMoved = false;
    while (seat.wire.settle()) {
      this.#forwarding.pull(seat);
      if (!seat.wire.send()) break;
      hasMoved = true;
    }
    if (this.#core.hopState(seat.hop).state === HopState.Closed) this.#leaveClosed(seat);
    return hasMoved;
  }

  /** The core has ended the hop: its wire broke the rules, its time was over, or its last word is out. */
  #leaveClosed(seat: Seat): void {
    const status = this.#core.hopStatus(seat.hop);
    if (status < 0) return this.#leave(seat, endName(status));
    if (this.#halfOpen.has(seat)) return this.#leave(seat, "HandshakeTimeout");
    const { reason } = this.#core.hopState(seat.hop);
    if (reason === Reason.HopBuffers) return this.#leave(seat, "HopBuffers");
    this.#leave(seat, reason === 0 ? "Silent" : null);
  }

  #leave(seat: Seat, why: HopRefusalName | string | null = null): void {
    if (!this.#seats.delete(seat)) return;
    this.#halfOpen.delete(seat);
    this.#due.delete(seat);
    if (!seat.isTurnedAway) this.#vacate(seat, why);
    seat.wire.end();
  }

  /** Hops whose time is over, or that the core has given up or wants a PING on; packets past their class. */
  #sweep(): void {
    const now = this.#world.clock.now();
    for (const seat of this.#seats) {
      const isLate = seat.leaveByMs !== null && now >= seat.leaveByMs;
      if (this.#core.hopState(seat.hop).state === HopState.Closed) this.#leaveClosed(seat);
      else if (isLate) this.#leave(seat, seat.place === null ? "HandshakeTimeout" : "TicketOver");
      else this.#serve(seat);
    }
    for (const place of this.#roster) this.#forwarding.expire(place, now);
    this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    this.#cancelSweep();
    this.#cancelSweep = this.#world.clock.after(SWEEP_MS, () => this.#sweep());
  }

  /** Until no hop is left, or the time is over. */
  async #untilGone(mostMs: number): Promise<void> {
    const { clock } = this.#world;
    const endMs = clock.now() + mostMs;
    while (this.#seats.size > 0 && clock.now() < endMs) {
      await new Promise<void>((resolve) => void clock.after(DRAIN_LOOK_MS, resolve));
    }
  }
}

/** The name under which a hop that its wire ended is counted. */
function endName(status: number): string {
  return status === Status.NoBuffer ? "HopBuffers" : statusName(status);
}

function halfOpenLimits({ halfOpen, halfOpenPerSource }: ConnectorLimits) {
  return { most: halfOpen, mostPerSource: halfOpenPerSource };
}
