// SPDX-License-Identifier: Apache-2.0
// A whole STLink: one hop, several links, several streams. Bytes of the hop's connection go in and
// come out; time and randomness are inputs. PROTOCOL.md sections 4.2, 4.5, 5 to 8. wire.ts or a
// test joins it to a Connector, this reference's or another.
// Invariants: receive never waits for send (F4); credit never waits for an application (F2).

import { compare, equal } from "./bytes.ts";
import { Hop, type HopAges } from "./hop.ts";
import type { HopFrame } from "./hop-frames.ts";
import { Link, type LinkPeer } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import {
  type OpenRequest,
  STREAM_SETTINGS,
  type StreamEvent,
  type StreamSettings,
} from "./link-settings.ts";
import { LinkStreams } from "./link-streams.ts";
import type { LinkTimes } from "./link-times.ts";
import { writePackets } from "./link-writer.ts";
import type { Random } from "./random.ts";
import { ProtocolError, REASON, type StatusName } from "./status.ts";
import type { Stream } from "./stream.ts";

const PING_AFTER_MS = 25_000;
const SILENT_MS = 60_000;
const HANDSHAKE_MS = 10_000;
const NO_PSK = new Uint8Array(32);
/** Headers and tags around a datagram, and HELLO (section 8). */
const DATAGRAM_BESIDE = 13 + 16 + 40 + 13 + 16;

/** One end of a hop's connection: what wire.ts moves bytes between. */
export interface HopEnd {
  receive(bytes: Uint8Array): void;
  send(): Uint8Array;
  /** Sets the clock; returns when to come again, on the same clock. */
  tick(now: number): number;
  /** Whether this side has closed the connection. */
  readonly closed: boolean;
}

export interface PeerOptions {
  id: Uint8Array;
  staticSecret: Uint8Array;
  connectorKey: Uint8Array;
  hopPsk?: Uint8Array;
  random: Random;
  peers: LinkPeer[];
  settings?: Partial<StreamSettings>;
  linkTimes?: Partial<LinkTimes>;
  hopAges?: Partial<HopAges>;
  channels?: number;
  /** How many handshakes of one peer may come at once (S9); default the number of peers. */
  handshakeBurst?: number;
  /** Bytes of packets that the Connector may send ahead; at least maxPacket. */
  creditBytes?: number;
  /** Activation: shown with HOP_HELLO (10.2). */
  ticket?: { codeId: Uint8Array; ticket: Uint8Array };
  admit?: (request: OpenRequest) => number | undefined;
}

export type PeerEvent =
  | StreamEvent
  | { type: "welcome"; id: Uint8Array }
  | { type: "refused" | "close" | "drain"; value: number }
  | { type: "dropped"; reason: number; count: number }
  | { type: "closed"; status: StatusName };

interface Relation {
  peer: LinkPeer;
  link: Link;
  streams: LinkStreams;
  channel: number;
  session: LinkSession | undefined;
}

interface HopState {
  hop: Hop;
  startedAt: number;
  heardAt: number;
  sentAt: number;
  greeted: boolean;
  welcome: Extract<HopFrame, { type: "WELCOME" }> | undefined;
  names: Map<number, Uint8Array>;
  named: Set<number>;
  dealt: number;
  granted: number;
  frames: HopFrame[];
}

export class Peer implements HopEnd {
  readonly events: PeerEvent[] = [];
  readonly counters = new Map<StatusName, number>();
  private readonly options: PeerOptions & { handshakeBurst: number };
  private readonly settings: StreamSettings;
  private readonly relations: Relation[];
  private hop: HopState | undefined;
  private now: number;

  constructor(options: PeerOptions, now: number) {
    this.options = { handshakeBurst: options.peers.length, ...options };
    this.settings = { ...STREAM_SETTINGS, ...options.settings };
    this.now = now;
    this.relations = options.peers.map((peer, channel) => this.newRelation(peer, channel));
  }

  get closed(): boolean {
    return this.hop === undefined;
  }

  /** Whether the Connector has let this STLink in. */
  get welcomed(): boolean {
    return this.hop?.welcome !== undefined;
  }

  /** Begins a hop on a fresh connection. */
  connect(): void {
    const { staticSecret, connectorKey, hopPsk, random, hopAges } = this.options;
    const pskFor = () => hopPsk ?? NO_PSK;
    const base = { role: "stlink", staticSecret, connectorKey, pskFor, random } as const;
    this.hop = {
      hop: new Hop({ ...base, ...(hopAges ? { ages: hopAges } : {}) }, this.now),
      startedAt: this.now,
      heardAt: this.now,
      sentAt: this.now,
      greeted: false,
      welcome: undefined,
      names: new Map(),
      named: new Set(),
      dealt: 0,
      granted: 0,
      frames: [],
    };
  }

  /** The connection is gone; links and streams stay (S4). */
  disconnect(): void {
    this.hop = undefined;
  }

  receive(bytes: Uint8Array): void {
    const { hop } = this;
    if (!hop) return;
    try {
      for (const frames of hop.hop.receive(bytes)) {
        hop.heardAt = this.now;
        for (const frame of frames) if (this.hop === hop) this.takeHopFrame(hop, frame);
      }
      if (this.hop !== hop) return;
      this.greet(hop);
    } catch (error) {
      this.closeFor(error);
    }
  }

  send(): Uint8Array {
    const { hop } = this;
    if (!hop) return new Uint8Array(0);
    try {
      if (hop.welcome) this.writeRelations(hop);
      this.flushFrames(hop);
    } catch (error) {
      this.closeFor(error);
    }
    const bytes = hop.hop.take();
    if (bytes.length > 0) hop.sentAt = this.now;
    return bytes;
  }

  tick(now: number): number {
    this.now = now;
    const deadlines = this.relations.map((relation) => this.tickRelation(relation));
    return Math.min(this.tickHop(), ...deadlines);
  }

  /** Begins a handshake inside the hop's session (4.4). */
  rekeyHop(): void {
    this.hop?.hop.startRekey();
  }

  /** Takes a peer, or changes its keys; a PSK of another name counts beside the one before (5.2). */
  know(peer: LinkPeer): void {
    const known = this.relations.find((relation) => equal(relation.peer.id, peer.id));
    if (!known) {
      this.relations.push(this.newRelation(peer, this.relations.length));
      return;
    }
    const { pskName: name = new Uint8Array(8), psk = NO_PSK } = known.peer;
    const isSame = equal(name, peer.pskName ?? new Uint8Array(8));
    Object.assign(known.peer, {
      nextKey: undefined,
      ...peer,
      oldPsk: isSame ? known.peer.oldPsk : { name, psk },
    });
  }

  /** A stream to a peer; its handle goes into the calls below. */
  openStream(peerId: Uint8Array, request: OpenRequest): Stream {
    return this.relation(peerId).streams.create(request);
  }

  /** Takes as much as the send buffer holds (one window) and returns how much. */
  write(stream: Stream, bytes: Uint8Array): number {
    if (stream.state === "ended") throw new ProtocolError("BadState");
    const room = Math.max(0, this.settings.windowBytes - stream.sender.queued);
    const taken = bytes.slice(0, room);
    stream.sender.write(taken);
    return taken.length;
  }

  /** Returns what has arrived, at most `maxBytes`. */
  read(stream: Stream, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
    const bytes = stream.receiver.read(maxBytes);
    if (bytes.length > 0 && stream.state === "open") this.streamsOf(stream).ackWithin(stream, 25);
    return bytes;
  }

  /** Accepter: the target has answered. */
  connected(stream: Stream): void {
    stream.connected = true;
    stream.sender.connected();
  }

  /** No more bytes from this side. */
  fin(stream: Stream): void {
    stream.sender.fin();
  }

  reset(stream: Stream, reason: number = REASON.Application): void {
    this.streamsOf(stream).reset(stream, reason);
  }

  /** Queues a datagram on a channel; false before it has keys, or above what the path takes (section 8). */
  sendDatagram(stream: Stream, flow: number, bytes: Uint8Array): boolean {
    const { maxPacket } = this.streamsOf(stream).acquaintance.limits;
    const path = Math.min(maxPacket, this.hop?.welcome?.maxPacket ?? maxPacket);
    if (!stream.outgoing || bytes.length + DATAGRAM_BESIDE > path) return false;
    stream.outgoing.put(flow, bytes);
    return true;
  }

  /** Ends everything with one peer and says so. */
  goodbye(peerId: Uint8Array, reason: number): void {
    this.relation(peerId).streams.endAll(reason, true);
  }

  /** Asks the Connector to refuse a peer's packets for some seconds (K3). */
  mute(peerId: Uint8Array, seconds: number): void {
    const names = this.hop?.names ?? new Map<number, Uint8Array>();
    for (const [channel, id] of names) {
      if (equal(id, peerId)) this.hop?.frames.push({ type: "MUTE", channel, seconds });
    }
  }

  /** Whether a stream is one with this peer. */
  hasStream(peerId: Uint8Array, stream: Stream): boolean {
    return this.relation(peerId).streams.all().includes(stream);
  }

  /** The layer 2 half of a link, for tests. */
  linkTo(peerId: Uint8Array): Link {
    return this.relation(peerId).link;
  }

  private newRelation(peer: LinkPeer, channel: number): Relation {
    const { id, staticSecret, random, linkTimes, admit, handshakeBurst } = this.options;
    const { replayWindow } = this.settings;
    const shared = { ownId: id, staticSecret, peer, random, replayWindow, times: linkTimes };
    const link = new Link({ ...shared, handshakeBurst }, this.now);
    const streams = new LinkStreams(
      {
        ownId: id,
        peerId: peer.id,
        random,
        settings: this.settings,
        admit: admit ?? (() => undefined),
        emit: (event) => this.events.push(event),
        count: (status) => link.count(status),
      },
      this.now,
    );
    return { peer, link, streams, channel, session: undefined };
  }

  // HOP_HELLO, and TICKET in the same record, as soon as the handshake is over.
  private greet(hop: HopState): void {
    if (hop.greeted || !hop.hop.established) return;
    hop.greeted = true;
    const { maxPacket } = this.settings;
    const channels = this.options.channels ?? this.relations.length + 1;
    const hello: HopFrame = { type: "HOP_HELLO", maxPacket, channels };
    const { ticket } = this.options;
    hop.hop.send(hello, ...(ticket ? [{ type: "TICKET", ...ticket } as const] : []));
  }

  private takeHopFrame(hop: HopState, frame: HopFrame): void {
    const early = ["WELCOME", "REFUSED", "PING", "PONG", "CLOSE", "DRAIN"];
    if (!hop.welcome && !early.includes(frame.type)) throw new ProtocolError("BadFrame");
    switch (frame.type) {
      case "WELCOME":
        return this.takeWelcome(hop, frame);
      case "NAME":
        return this.takeName(hop, frame.channel, frame.id);
      case "PACKET":
        return this.takePacket(hop, frame.channel, frame.class, frame.packet);
      case "PING":
        hop.frames.push({ type: "PONG", token: frame.token });
        return;
      case "DROPPED":
        this.events.push({ type: "dropped", reason: frame.reason, count: frame.count });
        return this.hint(frame.channel);
      case "BACK":
        return this.hint(frame.channel);
      case "REFUSED":
      case "CLOSE":
        this.events.push({
          type: frame.type === "CLOSE" ? "close" : "refused",
          value: frame.reason,
        });
        return this.disconnect();
      case "DRAIN":
        this.events.push({ type: "drain", value: frame.afterMs });
    }
  }

  private takeWelcome(hop: HopState, frame: Extract<HopFrame, { type: "WELCOME" }>): void {
    if (hop.welcome) throw new ProtocolError("BadFrame");
    hop.welcome = frame;
    this.events.push({ type: "welcome", id: frame.id });
    for (const { link, streams } of this.relations) {
      link.hopUp();
      streams.hopUp();
    }
  }

  private takeName(hop: HopState, channel: number, id: Uint8Array): void {
    const channels = this.options.channels ?? this.relations.length + 1;
    if (channel >= channels) throw new ProtocolError("BadFrame");
    hop.names.set(channel, id);
  }

  private takePacket(
    hop: HopState,
    channel: number,
    packetClass: number,
    packet: Uint8Array,
  ): void {
    checkClass(packetClass);
    hop.dealt += packet.length;
    if (hop.dealt > hop.granted) throw new ProtocolError("PeerViolation");
    const id = hop.names.get(channel);
    const relation = this.relations.find((one) => id && equal(one.peer.id, id));
    if (!relation) return this.count("UnknownPeer");
    if (packet.length > this.settings.maxPacket) return this.count("TooBig");
    if (this.now < relation.streams.silentUntil) return;
    const opened = relation.link.receive(packet);
    this.noticeSession(relation);
    if (!opened) return;
    opened.session.usedAt = this.now;
    relation.streams.receive(opened);
  }

  private hint(channel: number): void {
    this.relations.find((relation) => relation.channel === channel)?.streams.hint();
  }

  private tickHop(): number {
    const { hop, now } = this;
    if (!hop) return Number.POSITIVE_INFINITY;
    try {
      hop.hop.tick(now);
      if (!hop.hop.established && now - hop.startedAt >= HANDSHAKE_MS) {
        throw new ProtocolError("BadHandshake");
      }
      if (now - hop.heardAt >= SILENT_MS) throw new ProtocolError("BadState");
    } catch (error) {
      this.closeFor(error);
      return Number.POSITIVE_INFINITY;
    }
    if (hop.welcome && now - hop.sentAt >= PING_AFTER_MS) {
      hop.frames.push({ type: "PING", token: now });
      hop.sentAt = now;
    }
    return Math.min(hop.sentAt + PING_AFTER_MS, hop.heardAt + SILENT_MS);
  }

  private tickRelation(relation: Relation): number {
    const { link, streams } = relation;
    link.wanted = streams.wantsSession;
    const linkAt = link.tick(this.now);
    this.noticeSession(relation);
    streams.sessionsChanged((session) => link.holds(session));
    return Math.min(linkAt, streams.tick(this.now, this.welcomed && link.canSend));
  }

  private noticeSession(relation: Relation): void {
    const { link, streams } = relation;
    if (link.helloWanted) streams.helloDue = true;
    link.helloWanted = false;
    if (link.current === relation.session) return;
    relation.session = link.current;
    if (link.current) streams.sessionStarted();
  }

  private writeRelations(hop: HopState): void {
    const path = hop.welcome?.maxPacket ?? 0;
    for (const relation of this.relations) {
      const { link, streams } = relation;
      link.wanted = streams.wantsSession;
      link.tick(this.now);
      this.noticeSession(relation);
      for (const out of link.outbox.splice(0))
        this.pushPacket(hop, relation, out.class, out.packet);
      if (link.canSend && link.current) this.writeData(hop, relation, link.current, path);
    }
  }

  private writeData(hop: HopState, relation: Relation, session: LinkSession, path: number): void {
    const { link, streams } = relation;
    streams.sessionsChanged((one) => link.holds(one));
    for (const draft of writePackets(streams, session, path)) {
      const packet = link.seal(draft.frames, draft.pad);
      session.usedAt = this.now;
      this.pushPacket(hop, relation, draft.class, packet);
    }
    if (this.now < streams.silentUntil) link.wipe();
  }

  private pushPacket(
    hop: HopState,
    relation: Relation,
    packetClass: number,
    packet: Uint8Array,
  ): void {
    const { channel, peer } = relation;
    const frames: HopFrame[] = [{ type: "PACKET", class: packetClass, channel, packet }];
    if (!hop.named.has(channel)) frames.unshift({ type: "NAME", channel, id: peer.id });
    hop.named.add(channel);
    hop.frames.push(...frames);
  }

  // Control frames share a record; a PACKET ends it.
  private flushFrames(hop: HopState): void {
    if (!hop.greeted) return;
    this.grantCredit(hop);
    let record: HopFrame[] = [];
    for (const frame of hop.frames.splice(0)) {
      record.push(frame);
      if (frame.type !== "PACKET") continue;
      hop.hop.send(...record);
      record = [];
    }
    if (record.length > 0) hop.hop.send(...record);
  }

  // 4.5: in steps of maxPacket, and always when less than one packet could come.
  private grantCredit(hop: HopState): void {
    if (!hop.welcome) return;
    const { maxPacket } = this.settings;
    const total = hop.dealt + Math.max(maxPacket, this.options.creditBytes ?? 4 * maxPacket);
    const starved = hop.granted - hop.dealt < maxPacket;
    if (total - hop.granted < maxPacket && !(starved && total > hop.granted)) return;
    hop.granted = total;
    hop.frames.unshift({ type: "CREDIT", total: BigInt(total) });
  }

  private closeFor(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.events.push({ type: "closed", status: error.status });
    this.disconnect();
  }

  private count(status: StatusName): void {
    this.counters.set(status, (this.counters.get(status) ?? 0) + 1);
  }

  private relation(peerId: Uint8Array): Relation {
    const relation = this.relations.find(({ peer }) => compare(peer.id, peerId) === 0);
    if (!relation) throw new ProtocolError("UnknownPeer");
    return relation;
  }

  private streamsOf(stream: Stream): LinkStreams {
    const relation = this.relations.find(({ streams }) => streams.all().includes(stream));
    if (!relation) throw new ProtocolError("BadHandle");
    return relation.streams;
  }
}

/** Throws `BadFrame` for a class that section 4.3 does not know. */
export function checkClass(packetClass: number): void {
  const known = packetClass <= 200 || packetClass === 255;
  if (!known) throw new ProtocolError("BadFrame");
}
