// SPDX-License-Identifier: Apache-2.0
// The Connector: accepts hops, admits keys that it was told of, puts each packet into the queue of the
// STLink it is for, and lets each STLink's hop pull from its own queue as far as its credit goes. Before
// it: connections. After it: the queues, and the core, which seals and opens layer 3 alone. Invariant: it
// never stops reading a hop because of a destination (rule F5). PROTOCOL section 9, rules K1 to K8.

import { Reason, Status } from "../core/abi.gen.ts";
import {
  type Core,
  CoreError,
  CoreFlag,
  HopState,
  HopStep,
  type PacketInfo,
  type Sizes,
} from "../core/core.ts";
import { Driver } from "../net/driver.ts";
import type { Address, Connection, ConnectionEvents, Listener } from "../net/transport.ts";
import type { World } from "../net/world.ts";
import { Admissions, type Admitted } from "./admissions.ts";
import { Counters, REFUSALS, type RefusalName } from "./counters.ts";
import { MemoryQueue, type Packet, type PacketQueue, type Refusal } from "./queue.ts";
import { Seat } from "./seat.ts";

export type ConnectorOptions = {
  core: Core;
  world: World;
  sizes: Sizes;
  /** Static key pair, 32 bytes each. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
  admitted: readonly Admitted[];
  /** Pairs of ids (16 bytes each) that may send to one another (rule K2). */
  pairs: readonly (readonly [Uint8Array, Uint8Array])[];
  /** Bytes that each STLink's queue may hold; WELCOME states it. */
  queueBytes: number;
  /** Hears of each packet that was queued: ids, length and class are all there is to hear. */
  onPacket?(from: string, to: string, bytes: number, kind: number): void;
};

/** Hops that have not finished their handshake, from one host and in all (rule K4). */
const HALF_OPEN_PER_HOST = 8;
const HALF_OPEN_MOST = 64;
const SWEEP_MS = 1000;

type Place = {
  queue: PacketQueue;
  seat: Seat | null;
  toldAway: Set<string>;
  mutedUntil: Map<string, number>;
};

export class Connector {
  readonly counters = new Counters();
  readonly #options: ConnectorOptions;
  readonly #core: Core;
  readonly #world: World;
  readonly #driver: Driver;
  readonly #admissions: Admissions;
  /** By id: an STLink's queue lives whether it is here or away. */
  readonly #places = new Map<string, Place>();
  readonly #seats = new Set<Seat>();
  /** Seats that are not admitted yet. */
  readonly #arriving = new Set<Seat>();
  /** Seats with something to write. */
  readonly #due = new Set<Seat>();
  readonly #listeners: Listener[] = [];
  #cancelSweep = (): void => {};

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#core = options.core;
    this.#world = options.world;
    this.#admissions = new Admissions(options.admitted, options.pairs);
    const { queueBytes, sizes } = options;
    for (const id of this.#admissions.ids) {
      const queue = new MemoryQueue({ queueBytes, maxPacketBytes: sizes.maxPacketBytes });
      this.#places.set(id, { queue, seat: null, toldAway: new Set(), mutedUntil: new Map() });
    }
    this.#core.start("connector", sizes, this.#world.clock.now());
    this.#core.setIdentity(options.privateKey, options.publicKey, new Uint8Array(16));
    this.#driver = new Driver(this.#core, this.#world, () => this.#turn());
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

  stop(): void {
    for (const listener of this.#listeners) listener.close();
    this.#cancelSweep();
    this.#driver.stop();
    for (const seat of this.#seats) seat.wire.connection.close();
    this.#core.stop();
  }

  /** What there is to see, by id: whether it is here, and its queue. */
  *places(): Generator<{ id: string; seat: Seat | null; queue: PacketQueue }> {
    for (const [id, { seat, queue }] of this.#places) yield { id, seat, queue };
  }

  #accept(connection: Connection): ConnectionEvents | null {
    const seat = this.#takeSeat(connection);
    if (seat === null) return null;
    return {
      data: (bytes) => this.#read(seat, bytes),
      drained: () => this.#serve(seat),
      ended: () => this.#leave(seat),
      closed: () => this.#leave(seat),
    };
  }

  #takeSeat(connection: Connection): Seat | null {
    const fromHost = [...this.#arriving].filter((s) => s.remoteHost === connection.remoteHost);
    if (this.#arriving.size >= HALF_OPEN_MOST || fromHost.length >= HALF_OPEN_PER_HOST) {
      this.counters.countHopRefused("HalfOpen");
      return null;
    }
    this.#core.clock(this.#world.clock.now());
    try {
      const seat = new Seat(this.#core, connection);
      this.#seats.add(seat);
      this.#arriving.add(seat);
      return seat;
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.counters.countHopRefused("NoHopSlot");
      return null;
    }
  }

  #read(seat: Seat, bytes: Uint8Array): void {
    if (!this.#seats.has(seat)) return;
    this.#core.clock(this.#world.clock.now());
    seat.wire.put(bytes);
    this.#receive(seat);
    this.#serve(seat);
  }

  #receive(seat: Seat): void {
    const status = seat.wire.receive((step) => {
      if (step === HopStep.Packet) this.#takePacket(seat, this.#core.packetInfo());
      else if (step === HopStep.Mute) this.#mute(seat);
    });
    if (status < 0) {
      this.counters.countHopRefused("BadHop");
      this.#leave(seat);
    }
  }

  /** Until then the packets of that id to this one are refused at their sender (K3); 0 seconds end it. */
  #mute(seat: Seat): void {
    this.counters.mutes += 1;
    const { from, seconds } = this.#core.muteInfo();
    if (from === null) return;
    const untilMs = this.#world.clock.now() + seconds * 1000;
    this.#places.get(seat.id)?.mutedUntil.set(Buffer.from(from).toString("hex"), untilMs);
  }

  /** The checks in the order of PROTOCOL section 9; `from` is the hop's id, which nobody states (K3). */
  #takePacket(seat: Seat, info: PacketInfo): void {
    this.counters.countIn(info.len);
    seat.packetsIn += 1;
    if (info.to === null) {
      this.counters.countRefused("UnknownChannel");
      this.#core.hopTell(seat.hop, info.channel, Reason.UnknownChannel);
      return;
    }
    const to = Buffer.from(info.to).toString("hex");
    seat.noteChannel(info.channel, to);
    const place = this.#places.get(to);
    if (info.len > this.#options.sizes.maxPacketBytes) return this.#refuse(seat.id, to, "TooBig");
    if (place === undefined || !this.#admissions.arePaired(seat.id, to)) {
      return this.#refuse(seat.id, to, "NotPaired");
    }
    const isMuted = (place.mutedUntil.get(seat.id) ?? 0) > this.#world.clock.now();
    if (isMuted) return this.#refuse(seat.id, to, "Muted");
    const bytes = this.#core.engine.read(info.ptr, info.len);
    const sinceMs = this.#world.clock.now();
    this.#enqueue(to, place, { from: seat.id, kind: info.class, bytes, sinceMs });
  }

  #enqueue(to: string, place: Place, packet: Packet): void {
    const { refused, isReplacing } = place.queue.enqueue(packet);
    if (isReplacing) this.counters.replaced += 1;
    this.#refuseAll(to, refused);
    this.#options.onPacket?.(packet.from, to, packet.bytes.length, packet.kind);
    if (place.seat !== null) return this.#serve(place.seat);
    if (place.toldAway.has(packet.from)) return;
    place.toldAway.add(packet.from);
    this.#tell(packet.from, to, "away");
  }

  #refuseAll(to: string, refused: readonly Refusal[]): void {
    for (const { packet, reason } of refused) this.#refuse(packet.from, to, reason);
  }

  #refuse(from: string, to: string, name: RefusalName): void {
    this.counters.countRefused(name);
    this.#tell(from, to, REFUSALS[name]);
  }

  #tell(whom: string, about: string, what: number | "away" | "back"): void {
    const seat = this.#places.get(whom)?.seat ?? null;
    if (seat?.tell(about, what)) this.#serve(seat);
  }

  #serve(seat: Seat): void {
    this.#due.add(seat);
    this.#driver.wake();
  }

  #turn(): boolean {
    for (const seat of this.#arriving) this.#arrive(seat);
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
      if (this.#arriving.has(seat)) continue;
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
      this.#core.hopAnswer(seat.hop, this.#admissions.pskOf(this.#keyOf(seat)));
      // There is more to compute now, and no other event to come.
      this.#driver.wake();
    }
    if (state === HopState.Greeting && greeted) this.#decide(seat);
  }

  #keyOf(seat: Seat): Uint8Array {
    return this.#core.hopPeerKey(seat.hop);
  }

  #decide(seat: Seat): void {
    this.#arriving.delete(seat);
    const id = this.#admissions.idOf(this.#keyOf(seat));
    const place = id === null ? undefined : this.#places.get(id);
    if (id === null || place === undefined) return this.#turnAway(seat, "NotAdmitted");
    const before = place.seat;
    const isTwice = this.#admissions.isUsedTwice(id, before !== null, this.#world.clock.now());
    if (before !== null) this.#turnAway(before, isTwice ? "KeyUsedTwice" : "Superseded");
    if (isTwice) return this.#turnAway(seat, "KeyUsedTwice");
    this.#admit(seat, id, place);
  }

  #admit(seat: Seat, id: string, place: Place): void {
    this.#core.hopAdmit(seat.hop, Buffer.from(id, "hex"), this.#options.queueBytes);
    seat.id = id;
    place.seat = seat;
    for (const sender of new Set([...place.toldAway, ...place.queue.senders()])) {
      this.#tell(sender, id, "back");
    }
    place.toldAway.clear();
  }

  /** A last record says why; the connection closes behind it. */
  #turnAway(seat: Seat, name: "NotAdmitted" | "Superseded" | "KeyUsedTwice"): void {
    this.counters.countHopRefused(name);
    this.#core.hopClose(seat.hop, Reason[name]);
    this.#serve(seat);
  }

  /** Packets of its queue and whatever else is due, while the socket takes them (rule K8). */
  #write(seat: Seat): boolean {
    let hasMoved = false;
    while (seat.wire.hasRoom) {
      this.#pull(seat);
      if (!seat.wire.send()) break;
      hasMoved = true;
    }
    if (this.#core.hopState(seat.hop).state === HopState.Closed) this.#leave(seat);
    return hasMoved;
  }

  /** One packet of its queue into the hop, as far as credit and room go. */
  #pull(seat: Seat): void {
    const place = this.#places.get(seat.id);
    if (place === undefined || place.seat !== seat) return;
    const packet = place.queue.peek();
    if (packet === null) return;
    const { from, kind, bytes } = packet;
    if (this.#core.forward(seat.hop, kind, Buffer.from(from, "hex"), bytes)) {
      place.queue.dequeue();
      seat.packetsOut += 1;
      this.counters.countOut(bytes.length);
      return;
    }
    if (this.#core.engine.call("forward_ptr", seat.hop, bytes.length) !== Status.BadLength) return;
    place.queue.dequeue();
    this.#refuse(from, seat.id, "TooBig");
  }

  #leave(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    this.#arriving.delete(seat);
    this.#due.delete(seat);
    const place = this.#places.get(seat.id);
    if (place?.seat === seat) place.seat = null;
    this.#core.hopFree(seat.hop);
    seat.wire.connection.close();
  }

  /** Hops that the core has given up or wants a PING on, and packets past their class. */
  #sweep(): void {
    for (const seat of this.#seats) {
      if (this.#core.hopState(seat.hop).state === HopState.Closed) this.#leave(seat);
      else this.#serve(seat);
    }
    const now = this.#world.clock.now();
    for (const [id, { queue }] of this.#places) this.#refuseAll(id, queue.expire(now));
    this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    this.#cancelSweep();
    this.#cancelSweep = this.#world.clock.after(SWEEP_MS, () => this.#sweep());
  }
}
