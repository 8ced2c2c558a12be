// SPDX-License-Identifier: Apache-2.0
// Two STLinks and the Connector between them in one process, for benches: no socket, no latency, a
// clock that stands still unless told. `near` is the measured one, `far` its peer; both cores and the
// Connector's are host/core/core.ts on any engine. Deterministic: entropy comes from a seed.
// Invariant: `near` computes only when nobody else can go on, so that no idle work is charged to it.

import {
  Core,
  connectorSizes,
  DESKTOP_SIZES,
  HopState,
  HopStep,
  type Sizes,
  StreamFlag,
  statusName,
} from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { Seeded } from "./seeded.ts";

export type Station = {
  core: Core;
  engine: CoreEngine;
  id: Uint8Array;
  publicKey: Uint8Array;
  /** Its hop, and the same hop as the Connector numbers it. */
  hop: number;
  relayHop: number;
  /** The link to the other station. */
  link: number;
  /** Types of the packets that it sent (PROTOCOL 5.1), the first byte of each. */
  sentTypes: number[];
  inbox: Packet[];
};

/** A stream from one station to the other. */
export type Flow = { from: Station; to: Station; sending: number; receiving: number };

/** One stream, as the station that opened it and the other one number it. */
export type Ends = { opened: number; accepted: number };

type Packet = { kind: number; from: Uint8Array; bytes: Uint8Array };

const WANTS_ENTROPY = 2;
const QUEUE_BYTES = 4 << 20;
/** First bytes of packets, PROTOCOL 5.1. */
const MESSAGE2 = 0x12;
const MESSAGE3 = 0x13;
const DATA = 0x14;
const KEY_BYTES = 32;
const SEED = 7;
/** More rounds than any phase has: 64 ladder steps and 20 rows of ML-KEM make one exchange. */
const MAX_ROUNDS = 20_000;
const RESET_REASON = 1;
/** Longer than an acknowledgement may wait. */
const CLOSING_MS = 30;
const CLOSING_TICKS = 4;
const MAX_TICKS = 40;
const TICK_MS = 5;

export class Tunnel {
  readonly near: Station;
  readonly far: Station;
  readonly relay: Core;
  readonly relayKey: Uint8Array;
  now = 1000;
  readonly #random: Seeded;

  /** `relayEngine` is the Connector's; it and the far station's are V8 unless told otherwise. */
  constructor(
    wasm: Uint8Array,
    nearEngine: CoreEngine,
    nearSizes: Sizes,
    relayEngine: CoreEngine = openV8(wasm),
  ) {
    this.#random = new Seeded(SEED);
    const keys = new Core(openV8(wasm));
    this.relay = new Core(relayEngine);
    this.relay.start("connector", connectorSizes(4), this.now);
    const secret = this.#random.bytes(KEY_BYTES);
    this.relayKey = keys.publicKey(secret);
    this.relay.setIdentity(secret, this.relayKey, new Uint8Array(16));
    this.near = this.#station(keys, nearEngine, nearSizes, 1);
    this.far = this.#station(keys, openV8(wasm), DESKTOP_SIZES, 2);
    this.near.link = this.near.core.linkAdd({ id: this.far.id, key: this.far.publicKey });
    this.far.link = this.far.core.linkAdd({ id: this.near.id, key: this.near.publicKey });
  }

  #station(keys: Core, engine: CoreEngine, sizes: Sizes, idByte: number): Station {
    const secret = this.#random.bytes(KEY_BYTES);
    const publicKey = keys.publicKey(secret);
    const id = new Uint8Array(16).fill(idByte);
    const core = new Core(engine);
    core.start("stlink", sizes, this.now);
    core.setIdentity(secret, publicKey, id);
    core.feed(this.#random.bytes(KEY_BYTES));
    return {
      core,
      engine,
      id,
      publicKey,
      hop: -1,
      relayHop: -1,
      link: -1,
      sentTypes: [],
      inbox: [],
    };
  }

  other(station: Station): Station {
    return station === this.near ? this.far : this.near;
  }

  /** Dials the Connector, again if there is a hop already, and waits until the hop is up. */
  dial(station: Station): void {
    if (station.hop >= 0) {
      station.core.hopFree(station.hop);
      this.relay.hopFree(station.relayHop);
    }
    station.hop = station.core.hopDial(this.relayKey);
    station.relayHop = this.relay.hopAccept();
    this.until(() => station.core.hopState(station.hop).state === HopState.Up, "the hop");
  }

  /** Makes a link session that `opener` begins; over when the responder's HELLO has arrived. */
  connectLink(opener: Station): void {
    const responder = this.other(opener);
    opener.sentTypes = [];
    responder.sentTypes = [];
    opener.core.linkConnect(opener.link);
    this.until(() => {
      const answeredAt = responder.sentTypes.indexOf(MESSAGE2);
      const isAnswered = answeredAt >= 0 && responder.sentTypes.lastIndexOf(DATA) > answeredAt;
      const isFinished = opener.sentTypes.includes(MESSAGE3);
      return isAnswered && isFinished && opener.inbox.length + responder.inbox.length === 0;
    }, "the link");
  }

  /** Opens a stream and accepts it; both handles when both are connected. */
  openStream(opener: Station): Ends {
    const accepter = this.other(opener);
    const ids = [this.#random.bytes(16), this.#random.bytes(16)] as const;
    const opened = opener.core.streamOpen(opener.link, 1, ...ids);
    let accepted = -1;
    this.until(() => {
      if (accepted < 0) accepted = this.#accept(accepter);
      return accepted >= 0 && (opener.core.streamFlags(opened) & StreamFlag.Connected) !== 0;
    }, "the connection");
    this.#forgetNews(opener);
    return { opened, accepted };
  }

  /** Ends a stream at both ends, so that it gives back what it holds. */
  closeStream(opener: Station, { opened, accepted }: Ends): void {
    const ends = [
      { core: opener.core, stream: opened },
      { core: this.other(opener).core, stream: accepted },
    ];
    opener.core.streamReset(opened, RESET_REASON);
    for (let i = 0; i < CLOSING_TICKS; i++) {
      this.rest();
      this.tick(CLOSING_MS);
    }
    for (const { core, stream } of ends) core.streamRelease(stream);
    this.rest();
  }

  /** Everything up, and one stream from near to far. */
  flow(): Flow {
    this.dial(this.near);
    this.dial(this.far);
    this.connectLink(this.near);
    const { opened, accepted } = this.openStream(this.near);
    return { from: this.near, to: this.far, sending: opened, receiving: accepted };
  }

  #accept(station: Station): number {
    for (let stream = station.core.streamNext(); stream >= 0; stream = station.core.streamNext()) {
      const flags = station.core.streamFlags(stream); // negative where it is gone already
      if (flags < 0 || (flags & StreamFlag.Offered) === 0) continue;
      station.core.streamConnected(stream);
      return stream;
    }
    return -1;
  }

  #forgetNews({ core }: Station): void {
    while (core.streamNext() >= 0) {}
  }

  /** Lets everything go on until `isDone`; the clock moves only when nothing else does. */
  until(isDone: () => boolean, what: string): void {
    let ticks = 0;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (isDone()) return;
      if (this.exchange() || this.far.core.work() || this.near.core.work()) continue;
      if (++ticks > MAX_TICKS) break;
      this.tick(TICK_MS);
    }
    throw new Error(`${what} does not come about: ${this.#drops()}`);
  }

  /** Ends what is under way, and lets idle time make the keys of the next handshakes (rule D11). */
  rest(): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const isBusy = this.exchange();
      const works = [this.relay, this.far.core, this.near.core].map((core) => core.work());
      if (!isBusy && !works.includes(true)) return;
    }
    throw new Error("the tunnel finds no rest");
  }

  /** Time passes for all three. */
  tick(ms: number): void {
    this.now += ms;
    for (const core of [this.near.core, this.far.core, this.relay]) core.tick(this.now);
  }

  #drops(): string {
    const cores = [this.near.core, this.far.core, this.relay];
    return cores.map((core) => statusName(core.takeDrop())).join(", ");
  }

  /** Feeds entropy and carries what is ready on every wire. True when something moved. */
  exchange(): boolean {
    let isBusy = false;
    for (const core of [this.near.core, this.far.core, this.relay]) {
      if (core.flags() & WANTS_ENTROPY) core.feed(this.#random.bytes(KEY_BYTES));
    }
    while (this.relay.work()) isBusy = true;
    // Records that lay behind a handshake message wait until it is computed.
    for (const station of [this.near, this.far]) {
      if (station.hop < 0) continue;
      if (this.#steps(this.relay, station.relayHop, () => this.#enqueue(station))) isBusy = true;
      if (this.#steps(station.core, station.hop)) isBusy = true;
    }
    for (const station of [this.near, this.far]) {
      if (station.hop < 0) continue;
      const sent = station.core.hopTake(station.hop);
      if (sent.length > 0) this.toRelay(station, [sent]);
      this.#admit(station);
      const arriving = this.fromRelay(station);
      for (const bytes of arriving) this.deliver(station.core, station.hop, bytes);
      if (sent.length > 0 || arriving.length > 0) isBusy = true;
    }
    return isBusy;
  }

  /** What a station wrote goes to the Connector, which queues the packets in it. */
  toRelay(station: Station, wire: readonly Uint8Array[]): void {
    const { relayHop } = station;
    for (const bytes of wire) {
      this.deliver(this.relay, relayHop, bytes, () => this.#enqueue(station));
    }
  }

  /** The Connector answers and admits whoever comes. */
  #admit({ relayHop, id }: Station): void {
    const { state, asking, greeted } = this.relay.hopState(relayHop);
    if (asking) this.relay.hopAnswer(relayHop);
    if (state === HopState.Greeting && greeted) this.relay.hopAdmit(relayHop, id, QUEUE_BYTES);
  }

  #enqueue(from: Station): void {
    const { ptr, len, class: kind } = this.relay.packetInfo();
    const bytes = this.relay.engine.read(ptr, len);
    from.sentTypes.push(bytes[0] ?? 0);
    this.other(from).inbox.push({ kind, from: from.id, bytes });
  }

  /** What the Connector has for a station: its own frames, and packets as far as credit goes. */
  fromRelay(station: Station): Uint8Array[] {
    const wire: Uint8Array[] = [];
    for (;;) {
      const packet = station.inbox[0];
      const { relayHop } = station;
      const isForwarded =
        packet !== undefined &&
        this.relay.forward(relayHop, packet.kind, packet.from, packet.bytes);
      if (isForwarded) station.inbox.shift();
      const bytes = this.relay.hopTake(relayHop);
      if (bytes.length > 0) wire.push(bytes);
      if (!isForwarded && bytes.length === 0) return wire;
    }
  }

  /** Gives a core bytes of a wire and lets it deal with every record in them. */
  deliver(core: Core, hop: number, bytes: Uint8Array, onPacket: () => void = () => {}): void {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = core.hopPut(hop, rest);
      rest = rest.subarray(taken);
      const steps = this.#steps(core, hop, onPacket);
      if (taken === 0 && steps === 0) throw new Error("a hop takes nothing");
    }
  }

  /** Deals with the records that are there; returns how many. */
  #steps(core: Core, hop: number, onPacket: () => void = () => {}): number {
    for (let count = 0; ; count++) {
      const step = core.hopStep(hop);
      if (step < 0) throw new Error(`a hop ended: ${statusName(step)}`);
      if (step === HopStep.Idle) return count;
      if (step === HopStep.Packet) onPacket();
    }
  }
}
