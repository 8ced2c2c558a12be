// SPDX-License-Identifier: Apache-2.0
// Makes the packets of a link out of the state of its stream table: control first, then OPEN and
// ACCEPT, then records, one of each stream in turn. PROTOCOL.md 5.3, 5.4, 7.1, 7.2 (F3, F8).
// Before it: link-streams.ts. After it: link.ts seals what it returns, in this order.
// Invariants: HELLO stands first until the peer has it; a PONG follows the ACKs of all streams.

import { concat } from "./bytes.ts";
import { retireOlder } from "./channels.ts";
import { RECORD_OVERHEAD } from "./connection.ts";
import { CLASS } from "./link.ts";
import { encodeLinkFrame, type LinkFrame } from "./link-frames.ts";
import { type LinkSession, PACKET_OVERHEAD } from "./link-session.ts";
import type { LinkStreams } from "./link-streams.ts";
import { inFlight } from "./sending.ts";
import { KIND, type Stream } from "./stream.ts";

const NOTHING = new Uint8Array(0);
const STREAM_HEADER = 13;
const HELLO_LEN = 40;
const PAD_TO = 64;

/** The frames of one packet, its class, and whether it is to be padded (5.1). */
export interface Draft {
  frames: Uint8Array;
  class: number;
  pad: boolean;
}

/** Everything that may go now. `pathMaxPacket` is what the own hop carries. */
export function writePackets(
  link: LinkStreams,
  session: LinkSession,
  pathMaxPacket: number,
): Draft[] {
  const packer = new Packer(
    link,
    session,
    Math.min(pathMaxPacket, link.acquaintance.limits.maxPacket),
  );
  writeControl(link, packer);
  writeOpens(link, session, packer);
  writeRecords(link, packer);
  writeDatagrams(link, packer);
  return packer.finish();
}

/** Gathers frames into packets of at most `maxPacket` bytes. */
class Packer {
  readonly maxPacket: number;
  private readonly link: LinkStreams;
  private readonly session: LinkSession;
  private readonly drafts: Draft[] = [];
  private frames = NOTHING as Uint8Array;

  constructor(link: LinkStreams, session: LinkSession, maxPacket: number) {
    this.link = link;
    this.session = session;
    this.maxPacket = maxPacket;
  }

  /** The longest last frame that a packet of its own can hold. */
  get mostLast(): number {
    const hello = this.session.provenHello ? 0 : HELLO_LEN;
    return this.maxPacket - PACKET_OVERHEAD - hello;
  }

  /** Adds frames that stand in one packet. */
  add(...frames: LinkFrame[]): void {
    // Padding must not take the packet above maxPacket.
    const most = this.maxPacket - (this.maxPacket % PAD_TO);
    this.append(concat(...frames.map(encodeLinkFrame)), most);
  }

  /** Adds a frame that takes the rest of its packet. */
  addLast(frame: LinkFrame, packetClass: number): void {
    const encoded = encodeLinkFrame(frame);
    // A datagram's packet may be dropped by age, so nothing else rides in it but HELLO.
    if (packetClass !== CLASS.stream) this.close(CLASS.stream, true);
    this.append(encoded, this.maxPacket);
    this.close(packetClass, false);
  }

  /** Sends HELLO now, whether or not something else follows. */
  addHello(): void {
    if (this.frames.length === 0) this.frames = this.hello();
  }

  finish(): Draft[] {
    this.close(CLASS.stream, true);
    return this.drafts;
  }

  private append(encoded: Uint8Array, most: number): void {
    const room = most - PACKET_OVERHEAD - this.frames.length;
    if (encoded.length > room) this.close(CLASS.stream, true);
    if (this.frames.length === 0 && !this.session.provenHello) this.frames = this.hello();
    this.frames = concat(this.frames, encoded);
  }

  private close(packetClass: number, pad: boolean): void {
    if (this.frames.length === 0) return;
    this.drafts.push({ frames: this.frames, class: packetClass, pad });
    this.frames = NOTHING;
  }

  private hello(): Uint8Array {
    const { acquaintance, settings } = this.link;
    return encodeLinkFrame({
      type: "HELLO",
      myLinkId: acquaintance.linkId,
      yourLinkId: acquaintance.nameFor(this.session),
      maxPacket: settings.maxPacket,
      maxRecord: settings.maxRecord,
      maxInFlight: settings.maxInFlight,
      maxPendingOpens: settings.maxPendingOpens,
      load: 0,
      epoch: settings.epoch,
      serial: settings.serial,
    });
  }
}

function writeControl(link: LinkStreams, packer: Packer): void {
  if (link.helloDue || link.probing.due) packer.addHello();
  link.helloDue = false;
  if (link.goodbyeDue !== undefined) packer.add({ type: "GOODBYE", reason: link.goodbyeDue });
  link.goodbyeDue = undefined;
  for (const [stream, reason] of link.resetsDue) packer.add({ type: "RESET", stream, reason });
  link.resetsDue.clear();
  writeAcks(link, packer);
  if (link.resumeDue) packer.add({ type: "RESUME" });
  link.resumeDue = false;
  if (link.pongDue !== undefined) packer.add({ type: "PONG", token: link.pongDue, load: 0 });
  link.pongDue = undefined;
  if (link.probing.due) writeProbe(link, packer);
}

function writeAcks(link: LinkStreams, packer: Packer): void {
  const all = link.ackAllDue || link.resumeDue || link.probing.due || link.pongDue !== undefined;
  link.ackAllDue = false;
  for (const stream of link.streams.values()) {
    if (stream.state !== "open" || !(all || stream.ackAt <= link.now)) continue;
    packer.add(ackOf(stream));
    stream.ackAt = Number.POSITIVE_INFINITY;
    stream.gapSeen = false;
  }
  for (const { stream, next } of link.endAcksDue.splice(0)) {
    packer.add({ type: "ACK", stream, flags: 0, next: BigInt(next), limit: 0n });
  }
  if (!all) return;
  for (const [stream, { next, limit }] of link.remembered) {
    packer.add({ type: "ACK", stream, flags: 0, next: BigInt(next), limit: BigInt(limit) });
  }
}

function ackOf(stream: Stream): LinkFrame {
  const next = BigInt(stream.receiver.next);
  // A channel of datagrams has no limit; its ACK only answers the ACCEPT.
  const limit = stream.kind === KIND.datagrams ? 0n : BigInt(stream.receiver.grant());
  return { type: "ACK", stream: stream.number, flags: stream.gapSeen ? 1 : 0, next, limit };
}

function writeProbe(link: LinkStreams, packer: Packer): void {
  const order = ++link.order;
  const token = link.probing.probed(order, link.now);
  packer.add(...link.channels.resets(order), { type: "PROBE", token });
}

function writeOpens(link: LinkStreams, session: LinkSession, packer: Packer): void {
  while (link.nextToOpen(session));
  for (const stream of link.streams.values()) {
    for (const repeated of [stream.open, stream.accept]) {
      if (!repeated?.due || repeated.answered) continue;
      // An OPEN is repeated inside its session alone (H7).
      if (stream.open && stream.open.session !== session) continue;
      repeated.due = false;
      repeated.order = ++link.order;
      packer.add(repeated.frame);
    }
  }
  link.armPto();
}

function writeRecords(link: LinkStreams, packer: Packer): void {
  const most = packer.mostLast - STREAM_HEADER - RECORD_OVERHEAD;
  const maxRecord = Math.min(link.settings.maxRecord, link.acquaintance.limits.maxRecord, most);
  for (let sent = true; sent; ) {
    sent = false;
    for (const stream of link.streams.values()) {
      if (stream.state === "open" && writeRecord(link, stream, maxRecord, packer)) sent = true;
    }
  }
  link.armPto();
}

function writeRecord(
  link: LinkStreams,
  stream: Stream,
  maxRecord: number,
  packer: Packer,
): boolean {
  const length = stream.sender.nextLength(maxRecord, link.now);
  const fits = mayFly(link, length);
  // A record cut for another path, or before HELLO took its room, waits for a wider packet.
  if (length === 0 || !fits || length + STREAM_HEADER > packer.mostLast) return false;
  const { number, sealed } = stream.sender.next(maxRecord, link.now, ++link.order);
  packer.addLast(
    { type: "STREAM", stream: stream.number, number: BigInt(number), record: sealed },
    CLASS.stream,
  );
  return true;
}

function writeDatagrams(link: LinkStreams, packer: Packer): void {
  for (const stream of link.streams.values()) {
    while (writeDatagram(link, stream, packer));
  }
}

function writeDatagram(link: LinkStreams, stream: Stream, packer: Packer): boolean {
  const { channel, outgoing } = stream;
  const oldest = outgoing?.oldest(link.now);
  if (!channel || !outgoing || !oldest) return false;
  const { flow, bytes } = oldest;
  if (!mayFly(link, bytes.length + 16)) return false;
  const { maxInFlight } = link.acquaintance.limits;
  if (recordWaits(link) && !link.channels.leavesHalf(bytes.length, maxInFlight)) return false;
  outgoing.take();
  const { counter, sealed } = channel.seal(flow, bytes);
  link.channels.sent(bytes.length, link.now);
  if (counter === 0n) retireOlder(stream, link.streams.values(), link.now);
  outgoing.used = Math.max(outgoing.used, Number(counter) + 1);
  packer.addLast(
    { type: "DATAGRAM", stream: stream.number, flow, counter, sealed },
    outgoing.class,
  );
  return true;
}

// Whether a record or datagram of `length` sealed bytes may be in flight beside the others (F6).
function mayFly(link: LinkStreams, length: number): boolean {
  const records = link.all().reduce((sum, one) => sum + one.sender.outstanding, 0);
  const { srtt } = link.probing.roundTrip;
  const outstanding = records + link.channels.outstanding(link.now, srtt);
  return (
    outstanding === 0 || outstanding + inFlight(length) <= link.acquaintance.limits.maxInFlight
  );
}

// Whether a stream has a record that it may send by its limit.
function recordWaits(link: LinkStreams): boolean {
  const most = link.acquaintance.limits.maxRecord;
  return link
    .all()
    .some(({ sender, state }) => state === "open" && sender.nextLength(most, link.now) > 0);
}
