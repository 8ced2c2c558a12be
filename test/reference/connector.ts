// SPDX-License-Identifier: Apache-2.0
// A Connector: admits keys, names ids, queues packets for each receiver and sends no more than the
// receiver's credit. PROTOCOL.md sections 4.2, 4.5 and 9; the queue is one FIFO for each receiver
// and not F7's fair one. Each connection is a Port, with the same calls as a Peer.
// Invariants: a port is always read (F5); nothing is sent before message 3 but message 2 (K5).

import { equal, toHex } from "./bytes.ts";
import { Hop, type HopAges } from "./hop.ts";
import type { HopFrame } from "./hop-frames.ts";
import { checkClass, type HopEnd } from "./peer.ts";
import type { Random } from "./random.ts";
import { ProtocolError, REASON, type StatusName } from "./status.ts";

const PING_AFTER_MS = 25_000;
const SILENT_MS = 60_000;
const HANDSHAKE_MS = 10_000;
const LEAST_PACKET = 2048;
const NO_PSK = new Uint8Array(32);

type Ticket = Extract<HopFrame, { type: "TICKET" }>;

export interface ConnectorOptions {
  staticSecret: Uint8Array;
  random: Random;
  /** The PSK of a key on the admission list; undefined for an unknown key. */
  pskFor: (key: Uint8Array) => Uint8Array | undefined;
  /** The id under which a key is admitted, or the reason why not. */
  admit: (key: Uint8Array, ticket: Ticket | undefined) => Uint8Array | number;
  /** Whether two ids may talk (K2). */
  paired: (from: Uint8Array, to: Uint8Array) => boolean;
  maxPacket?: number;
  channels?: number;
  queueBytes?: number;
  hopAges?: Partial<HopAges>;
  /** For tests: a packet that is to vanish between its sender and the queue. */
  lose?: (from: Uint8Array, to: Uint8Array, packet: Uint8Array) => boolean;
}

interface Queued {
  from: Uint8Array;
  class: number;
  packet: Uint8Array;
  since: number;
}

/** What outlives a hop: the queue of an id, and who has been told AWAY. */
interface Mailbox {
  id: Uint8Array;
  port: Port | undefined;
  queue: Queued[];
  toldAway: Set<string>;
  muted: Map<string, number>;
  maxPacket: number;
}

export class Connector {
  now: number;
  readonly options: Required<Omit<ConnectorOptions, "hopAges" | "lose">> & ConnectorOptions;
  readonly ports = new Set<Port>();
  private readonly mailboxes = new Map<string, Mailbox>();

  constructor(options: ConnectorOptions, now: number) {
    this.options = { maxPacket: 65_000, channels: 16, queueBytes: 262_144, ...options };
    this.now = now;
  }

  /** Takes a fresh connection. */
  accept(): Port {
    const port = new Port(this, this.now);
    this.ports.add(port);
    return port;
  }

  /** The queue of `id`; made on first use. */
  mailbox(id: Uint8Array): Mailbox {
    const name = toHex(id);
    const known = this.mailboxes.get(name);
    if (known) return known;
    const made: Mailbox = {
      id,
      port: undefined,
      queue: [],
      toldAway: new Set(),
      muted: new Map(),
      maxPacket: LEAST_PACKET,
    };
    this.mailboxes.set(name, made);
    return made;
  }

  /** Admits `port` as `id`: the newest hop of an id wins (K7), and waiting senders hear BACK. */
  seat(port: Port, id: Uint8Array, maxPacket: number): void {
    const box = this.mailbox(id);
    box.port?.close(REASON.Superseded);
    box.port = port;
    box.maxPacket = maxPacket;
    const waiting = new Set([...box.toldAway, ...box.queue.map(({ from }) => toHex(from))]);
    box.toldAway.clear();
    for (const name of waiting) this.mailboxes.get(name)?.port?.tell("BACK", id);
  }

  leave(port: Port): void {
    this.ports.delete(port);
    for (const box of this.mailboxes.values()) if (box.port === port) box.port = undefined;
  }

  /** Queues a packet; returns the reason if it is refused (section 9, in its order). */
  enqueue(from: Uint8Array, to: Uint8Array, packetClass: number, packet: Uint8Array) {
    const box = this.mailbox(to);
    const { maxPacket, paired, queueBytes, lose } = this.options;
    const most = Math.min(maxPacket, box.port ? box.maxPacket : maxPacket);
    if (packet.length > most) return REASON.TooBig;
    if (!paired(from, to)) return REASON.NotPaired;
    if ((box.muted.get(toHex(from)) ?? 0) > this.now) return REASON.Muted;
    if (lose?.(from, to, packet)) return undefined;
    if (packetClass === 255) forgetWake(box, from);
    const queued = box.queue.reduce((sum, one) => sum + one.packet.length, 0);
    if (queued + packet.length > queueBytes) return REASON.QueueFull;
    box.queue.push({ from, class: packetClass, packet, since: this.now });
    this.tellAway(box, from);
    return undefined;
  }

  /** Removes packets past their class and tells their senders. */
  age(): void {
    for (const box of this.mailboxes.values()) {
      const aged = box.queue.filter((one) => this.now - one.since > classMs(one.class));
      box.queue = box.queue.filter((one) => !aged.includes(one));
      for (const { from } of aged) this.mailbox(from).port?.tellDropped(box.id, REASON.Aged);
    }
  }

  private tellAway(box: Mailbox, from: Uint8Array): void {
    const name = toHex(from);
    if (box.port || box.toldAway.has(name)) return;
    box.toldAway.add(name);
    this.mailbox(from).port?.tell("AWAY", box.id);
  }
}

/** One connection at a Connector. */
export class Port implements HopEnd {
  closed = false;
  /** Why this side closed, if the peer was at fault. */
  failure: StatusName | undefined;
  readonly hop: Hop;
  private readonly connector: Connector;
  private readonly startedAt: number;
  private heardAt: number;
  private sentAt: number;
  private hello: Extract<HopFrame, { type: "HOP_HELLO" }> | undefined;
  private ticket: Ticket | undefined;
  private id: Uint8Array | undefined;
  private readonly names = new Map<number, Uint8Array>();
  private readonly given: Uint8Array[] = [];
  private oldest = 0;
  private credit = 0n;
  private sentBytes = 0n;
  private frames: HopFrame[] = [];

  constructor(connector: Connector, now: number) {
    const { staticSecret, random, pskFor, hopAges } = connector.options;
    this.connector = connector;
    this.startedAt = now;
    this.heardAt = now;
    this.sentAt = now;
    const psk = (key: Uint8Array) => pskFor(key) ?? NO_PSK;
    const base = { role: "connector", staticSecret, pskFor: psk, random } as const;
    this.hop = new Hop({ ...base, ...(hopAges ? { ages: hopAges } : {}) }, now);
  }

  receive(bytes: Uint8Array): void {
    if (this.closed) return;
    try {
      for (const frames of this.hop.receive(bytes)) {
        this.heardAt = this.connector.now;
        for (const frame of frames) this.take(frame);
        // HOP_HELLO and its TICKET share the first record, so whoever it is is known by its end.
        if (this.hello && !this.id) this.admit();
        if (this.closed) return;
      }
    } catch (error) {
      this.closeFor(error);
    }
  }

  send(): Uint8Array {
    try {
      if (!this.closed) this.deliver();
      this.flush();
    } catch (error) {
      this.closeFor(error);
    }
    const bytes = this.hop.take();
    if (bytes.length > 0) this.sentAt = this.connector.now;
    return bytes;
  }

  tick(now: number): number {
    this.connector.now = now;
    this.connector.age();
    if (this.closed) return Number.POSITIVE_INFINITY;
    this.hop.tick(now);
    const slow = !this.id && now - this.startedAt >= HANDSHAKE_MS;
    if (slow || now - this.heardAt >= SILENT_MS) this.leave();
    if (this.id && now - this.sentAt >= PING_AFTER_MS) {
      this.frames.push({ type: "PING", token: now });
      this.sentAt = now;
    }
    return Math.min(this.sentAt + PING_AFTER_MS, this.heardAt + SILENT_MS);
  }

  /** Says why and closes after what is ready has been taken. */
  close(reason: number): void {
    if (this.closed) return;
    this.frames.push({ type: "CLOSE", reason });
    this.leave();
  }

  /** The connection is gone. */
  leave(): void {
    this.closed = true;
    this.connector.leave(this);
  }

  /** AWAY or BACK, by the channel under which this hop named `id`. */
  tell(type: "AWAY" | "BACK", id: Uint8Array): void {
    const channel = this.channelOf(id);
    if (channel !== undefined) this.frames.push({ type, channel });
  }

  tellDropped(id: Uint8Array, reason: number): void {
    const channel = this.channelOf(id);
    if (channel !== undefined) this.drop(channel, reason);
  }

  private take(frame: HopFrame): void {
    const { hello, id } = this;
    if (!hello && frame.type !== "HOP_HELLO") throw new ProtocolError("BadFrame");
    const early = ["HOP_HELLO", "TICKET", "PING", "PONG"];
    if (!id && !early.includes(frame.type)) throw new ProtocolError("BadFrame");
    switch (frame.type) {
      case "HOP_HELLO":
        if (hello) throw new ProtocolError("BadFrame");
        this.hello = checkHello(frame);
        return;
      case "TICKET":
        if (id || this.ticket) throw new ProtocolError("BadFrame");
        this.ticket = frame;
        return;
      case "PING":
        this.frames.push({ type: "PONG", token: frame.token });
        return;
      case "NAME":
        if (frame.channel >= this.connector.options.channels) throw new ProtocolError("BadFrame");
        this.names.set(frame.channel, frame.id);
        return;
      case "CREDIT":
        if (frame.total < this.credit) throw new ProtocolError("BadFrame");
        this.credit = frame.total;
        return;
      case "MUTE":
        return this.takeMute(frame.channel, frame.seconds);
      case "PACKET":
        return this.takePacket(frame.channel, frame.class, frame.packet);
      case "CLOSE":
        this.leave();
    }
  }

  // K5: a refused key learns its reason under the seal, in the first record.
  private admit(): void {
    const { admit, maxPacket, channels, queueBytes } = this.connector.options;
    const admitted = admit(this.hop.remoteKey, this.ticket);
    if (typeof admitted === "number") {
      this.hop.send({ type: "REFUSED", reason: admitted });
      this.leave();
      return;
    }
    this.id = admitted;
    this.hop.send({ type: "WELCOME", id: admitted, maxPacket, channels, queueBytes });
    this.connector.seat(this, admitted, this.hello?.maxPacket ?? LEAST_PACKET);
  }

  private takeMute(channel: number, seconds: number): void {
    const id = this.given[channel];
    if (!id || !this.id) return;
    const until = this.connector.now + 1000 * seconds;
    this.connector.mailbox(this.id).muted.set(toHex(id), until);
  }

  private takePacket(channel: number, packetClass: number, packet: Uint8Array): void {
    checkClass(packetClass);
    const to = this.names.get(channel);
    if (!to || !this.id) return this.drop(channel, REASON.UnknownChannel);
    const reason = this.connector.enqueue(this.id, to, packetClass, packet);
    if (reason !== undefined) this.drop(channel, reason);
  }

  private drop(channel: number, reason: number): void {
    this.frames.push({ type: "DROPPED", channel, reason, count: 1 });
  }

  private deliver(): void {
    if (!this.id || !this.hello) return;
    const box = this.connector.mailbox(this.id);
    if (box.port !== this) return;
    for (let next = box.queue[0]; next; next = box.queue[0]) {
      const after = this.sentBytes + BigInt(next.packet.length);
      if (after > this.credit) return;
      box.queue.shift();
      this.sentBytes = after;
      this.pushPacket(next);
    }
  }

  private pushPacket({ from, class: packetClass, packet }: Queued): void {
    const channels = this.hello?.channels ?? 1;
    let channel = this.given.findIndex((id) => equal(id, from));
    if (channel < 0) {
      // The channels are given round and round: a name may be given again (4.2).
      channel = this.given.length < channels ? this.given.length : this.oldest++ % channels;
      this.given[channel] = from;
      this.frames.push({ type: "NAME", channel, id: from });
    }
    this.frames.push({ type: "PACKET", class: packetClass, channel, packet });
  }

  private flush(): void {
    if (!this.hop.established) return;
    let record: HopFrame[] = [];
    for (const frame of this.frames.splice(0)) {
      record.push(frame);
      if (frame.type !== "PACKET") continue;
      this.hop.send(...record);
      record = [];
    }
    if (record.length > 0) this.hop.send(...record);
  }

  private channelOf(id: Uint8Array): number | undefined {
    for (const [channel, named] of this.names) if (equal(named, id)) return channel;
    return undefined;
  }

  private closeFor(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.failure = error.status;
    this.leave();
  }
}

function checkHello(frame: Extract<HopFrame, { type: "HOP_HELLO" }>) {
  const good = frame.maxPacket >= LEAST_PACKET && frame.maxPacket <= 65_000 && frame.channels > 0;
  if (!good) throw new ProtocolError("BadFrame");
  return frame;
}

// K1: of wake packets, the newest of each sender alone is kept.
function forgetWake(box: Mailbox, from: Uint8Array): void {
  box.queue = box.queue.filter((one) => one.class !== 255 || !equal(one.from, from));
}

// Section 4.3.
function classMs(packetClass: number): number {
  if (packetClass === 0) return 120_000;
  return packetClass === 255 ? 24 * 3600_000 : packetClass * 50;
}
