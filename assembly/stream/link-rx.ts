// SPDX-License-Identifier: Apache-2.0
//
// Takes one packet of a link: handshake packets go to link-handshake.ts, data packets are opened and their frames
// dealt with one by one. Before it: hop-rx.ts. After it: streams. Nothing is held for lack of a reader (rule F2);
// an error drops the packet and is counted, a violation ends the link (rules S8, F10). PROTOCOL section 5, 7.5.

import { due, now, since } from "../clock";
import { admits } from "../control/lease";
import { ctEqual, ctIsZero } from "../crypto/ct";
import {
  CURRENT,
  FINISHED_MOST,
  LINK_FINISHED,
  LINK_GOODBYE,
  LINK_HELLO,
  LINK_MINE,
  LINK_NO_SESSION,
  LINK_PEERS,
  LINK_PONG,
  LINK_PROBE,
  Link,
  LinkArea,
  linkOfIndex,
  PREVIOUS,
  packetOpen,
  Session,
  sessionOf,
  sessionWipe,
} from "../seal/link";
import {
  handshakeDrop,
  handshakeMessage1,
  handshakeMessage2,
  handshakeMessage3,
} from "../seal/link-handshake";
import {
  REASON_BAD_RECORD,
  REASON_CONFIG_BEHIND,
  REASON_PEER_LOST,
  REASON_PEER_VIOLATION,
  REASON_UNKNOWN,
  STATUS_BAD_FRAME,
  STATUS_BAD_HANDSHAKE,
  STATUS_BAD_RECORD,
  STATUS_NO_HELLO,
  STATUS_OK,
  STATUS_PEER_VIOLATION,
  STATUS_UNKNOWN_INDEX,
  STATUS_UNKNOWN_PEER,
} from "../status";
import { PADDING } from "../wire/hop-frames";
import {
  ACCEPT,
  ACK,
  ACK_FLAGS,
  ACK_GAP,
  ACK_LIMIT,
  ACK_NEXT,
  DATA_HEADER_LEN,
  DATA_LEAST_LEN,
  DATAGRAM,
  GOODBYE,
  HELLO,
  HELLO_EPOCH,
  HELLO_IN_FLIGHT,
  HELLO_LOAD,
  HELLO_MAX_PACKET,
  HELLO_MAX_RECORD,
  HELLO_MINE,
  HELLO_PENDING_OPENS,
  HELLO_SERIAL,
  HELLO_YOURS,
  LinkFrame,
  NO_SESSION_LEN,
  OPEN,
  PACKET_DATA,
  PACKET_MESSAGE1,
  PACKET_MESSAGE2,
  PACKET_MESSAGE3,
  PACKET_NO_SESSION,
  PONG,
  PROBE,
  PROBE_UNHEARD,
  RESET,
  RESUME,
  STREAM,
  STREAM_HEADER_LEN,
  STREAM_NUMBER,
} from "../wire/link-frames";
import { KIND_DATAGRAM } from "../wire/record";
import { datagramTake } from "./datagram";
import { hopLeave } from "./hop-choice";
import { acceptKnown, reopen, reopenLater, takeAccept, takeOpen } from "./opening";
import { recordTake, storeAck, storeGoBack, streamFinish, streamPump } from "./record";
import { acknowledgeAll, ackSoon, goBackAll, ptoProgress, smoothed, takePong } from "./recovery";
import { finished, resetFrame } from "./resets";
import {
  NO_NUMBER,
  STREAM_CLOSED,
  STREAM_INCOMING,
  STREAM_OFFERED,
  STREAM_OPENED,
  STREAM_OPENING,
  STREAM_RESETTING,
  STREAM_UP,
  Stream,
  streamAt,
  streamClose,
  streamFind,
  tellHost,
  wantData,
} from "./stream";

/** Times of PROTOCOL section 11. */
const NO_SESSION_MS: i32 = 5000;

/**
 * Takes a packet of `len` bytes that the Connector says is from this link's peer; opened in place.
 * @returns STATUS_OK, or why it was dropped
 */
export function linkTake(link: Link, hop: i32, at: usize, len: i32): i32 {
  if (link.penalty) return STATUS_PEER_VIOLATION;
  if (len < 5) return STATUS_BAD_FRAME;
  const type = load<u8>(at);
  if (type == PACKET_DATA) return takeData(link, at, len);
  if (type == PACKET_MESSAGE1) {
    if (!admits(link)) return STATUS_UNKNOWN_PEER;
    return handshakeMessage1(link, hop, at, len);
  }
  if (type == PACKET_MESSAGE2) return handshakeMessage2(link, at, len);
  if (type == PACKET_MESSAGE3) return handshakeMessage3(link, at, len);
  if (type == PACKET_NO_SESSION) return takeNoSession(link, at, len);
  return STATUS_BAD_FRAME;
}

/** NO_SESSION only permits a handshake, at most once in 5 s (rule S9). */
function takeNoSession(link: Link, at: usize, len: i32): i32 {
  if (len != NO_SESSION_LEN || !ctIsZero(at + 5, NO_SESSION_LEN - 5)) return STATUS_BAD_HANDSHAKE;
  const session = LinkArea.session(link, CURRENT);
  if (session.index == 0 || load<u32>(at, 1) != session.peerIndex) return STATUS_UNKNOWN_INDEX;
  if (link.noSessionHeardAt != 0 && since(link.noSessionHeardAt) < NO_SESSION_MS) return STATUS_OK;
  link.noSessionHeardAt = now | 1;
  link.wanted = 1;
  return STATUS_OK;
}

function takeData(link: Link, at: usize, len: i32): i32 {
  if (len < DATA_LEAST_LEN) return STATUS_BAD_FRAME;
  const index = load<u32>(at, 1);
  const place = linkOfIndex(index) == link.index ? sessionOf(link, index) : -1;
  if (place < 0) {
    // Under a session whose message 3 is being computed: its sender repeats what matters (HELLO in every packet).
    if (link.responding >= 0 && index == link.responderIndex) return STATUS_UNKNOWN_INDEX;
    if (link.noSessionAt == 0 || since(link.noSessionAt) >= NO_SESSION_MS) {
      link.noSessionAt = now | 1;
      link.noSessionIndex = index;
      link.due |= LINK_NO_SESSION;
    }
    return STATUS_UNKNOWN_INDEX;
  }
  const status = packetOpen(link, place, at, len);
  if (status != STATUS_OK) return status;
  link.heardAt = now;
  link.packetsIn++;
  // The peer seals under the new session: nothing more comes under the old one (rule S5).
  if (place == CURRENT) sessionWipe(link, PREVIOUS);
  const begin = at + <usize>DATA_HEADER_LEN;
  const result = takeFrames(link, LinkArea.session(link, place), begin, at + <usize>(len - 16));
  if (result == STATUS_PEER_VIOLATION) linkViolation(link);
  return result;
}

function takeFrames(link: Link, session: Session, start: usize, end: usize): i32 {
  let at = start;
  let result = STATUS_OK;
  while (at < end) {
    const type = load<u8>(at);
    if (type == PADDING) return result;
    const len = LinkFrame.length(at, <i32>(end - at));
    if (len == 0) return STATUS_BAD_FRAME;
    if (type != HELLO) {
      if (!session.greeted) return STATUS_NO_HELLO;
      if (at == start) session.heard = 1;
      // Written by a peer that may not know this side's stream table yet: its streams may be another's (5.4).
      if (!session.heard && !early(type)) {
        result = STATUS_NO_HELLO;
        at += <usize>len;
        continue;
      }
    }
    const status = takeFrame(link, session, type, at, len);
    if (status == STATUS_PEER_VIOLATION) return status;
    if (status != STATUS_OK) result = status;
    at += <usize>len;
  }
  return result;
}

/** Frames that mean the same before the peer has named this side's linkId. */
function early(type: u8): bool {
  return type == PROBE || type == PONG || type == OPEN || type == GOODBYE;
}

function takeFrame(link: Link, session: Session, type: u8, at: usize, len: i32): i32 {
  if (type == STREAM) return takeStream(link, at, len);
  if (type == ACK) return takeAck(link, at);
  if (type == HELLO) return takeHello(link, session, at);
  if (type == OPEN) return takeOpen(link, session, at);
  if (type == DATAGRAM) return takeDatagram(link, at, len);
  if (type == RESET) return takeReset(link, at);
  if (type == GOODBYE) {
    const reason = load<u8>(at, 1);
    endStreams(link, reason == 0 ? REASON_PEER_LOST : reason);
    return STATUS_OK;
  }
  if (type == PROBE) {
    link.pongToken = LinkFrame.stream(at);
    // It arrives, and this side's answers do not.
    if (link.pongToken & PROBE_UNHEARD) hopLeave(link);
    link.due |= LINK_PONG;
    acknowledgeAll(link);
    return STATUS_OK;
  }
  if (type == PONG) {
    link.peerLoad = load<u8>(at, 5);
    takePong(link, LinkFrame.stream(at));
    return STATUS_OK;
  }
  if (type == RESUME) {
    acknowledgeAll(link);
    goBackAll(link);
    return STATUS_OK;
  }
  const index = streamFind(link, LinkFrame.stream(at));
  if (type == ACCEPT && index >= 0) return takeAccept(streamAt(index), at);
  return unknown(link, LinkFrame.stream(at));
}

function unknown(link: Link, number: u32): i32 {
  resetFrame(link, number, REASON_UNKNOWN);
  return STATUS_OK;
}

/** HELLO: the peer's table and limits (rules S1, S2, F9). */
function takeHello(link: Link, session: Session, at: usize): i32 {
  const maxPacket = <i32>load<u16>(at, HELLO_MAX_PACKET);
  const maxRecord = <i32>load<u16>(at, HELLO_MAX_RECORD);
  const inFlight = load<u32>(at, HELLO_IN_FLIGHT);
  if (maxPacket < 2048 || maxPacket > 65_000 || maxRecord < 512 || maxRecord > maxPacket - 128) {
    return STATUS_PEER_VIOLATION;
  }
  if (inFlight < <u32>(maxPacket << 1) || ctIsZero(at + <usize>HELLO_MINE, 8))
    return STATUS_PEER_VIOLATION;
  const known = LinkArea.at(link, LINK_PEERS);
  if (!link.known || !ctEqual(known, at + <usize>HELLO_MINE, 8)) {
    if (link.known) peerLost(link);
    memory.copy(known, at + <usize>HELLO_MINE, 8);
    link.known = 1;
    link.peerInFlight = 0;
  }
  link.peerMaxPacket = maxPacket;
  link.peerMaxRecord = maxRecord;
  if (inFlight > link.peerInFlight) link.peerInFlight = inFlight;
  link.peerPendingOpens = <i32>load<u16>(at, HELLO_PENDING_OPENS);
  link.peerLoad = load<u8>(at, HELLO_LOAD);
  link.peerEpoch = load<u32>(at, HELLO_EPOCH);
  link.peerSerialLow = load<u32>(at, HELLO_SERIAL);
  link.peerSerialHigh = load<u32>(at, HELLO_SERIAL + 4);
  if (ctEqual(at + <usize>HELLO_YOURS, LinkArea.at(link, LINK_MINE), 8)) session.heard = 1;
  if (session.greeted) {
    // It still has not heard this side, which may have nothing else to say (5.4).
    if (!session.heard) link.due |= LINK_HELLO;
    return STATUS_OK;
  }
  session.greeted = 1;
  link.due |= LINK_HELLO;
  // Its PONG is the first sample of the round trip: without one the first loss would wait 1.5 s.
  if (!link.rttKnown) link.due |= LINK_PROBE;
  acknowledgeAll(link);
  goBackAll(link);
  return STATUS_OK;
}

/** The peer has a new stream table (rule S2). What it had not accepted yet is asked for again. */
function peerLost(link: Link): void {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    if (stream.state == STREAM_OPENED) reopen(stream);
    else if (stream.state != STREAM_OPENING) {
      streamClose(stream, REASON_PEER_LOST);
      // The new table counts its numbers from the start: nothing is said about the old ones any more.
      stream.number = NO_NUMBER;
      stream.ackDue = stream.gapSeen = stream.handshakeDue = stream.unconfirmed = 0;
    }
  }
  link.resetCount = 0;
  link.probing = 0;
  memory.fill(LinkArea.at(link, LINK_FINISHED), 0, FINISHED_MOST << 4);
  link.peerNumber = link.lower ? 1 : 0;
}

/** Ends all streams of the link towards the applications. */
export function endStreams(link: Link, reason: u8): void {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    streamClose(stream, reason);
  }
}

/** Rule F10: the link ends, and for 60 s the peer is not answered. GOODBYE goes out under the last session. */
export function linkViolation(link: Link): void {
  endStreams(link, REASON_PEER_VIOLATION);
  handshakeDrop(link);
  link.goodbyeReason = REASON_PEER_VIOLATION;
  link.due = LINK_GOODBYE;
  link.penalty = 1;
  link.penaltyAt = now;
}

function takeStream(link: Link, at: usize, len: i32): i32 {
  const number = LinkFrame.stream(at);
  const record = load<u64>(at, STREAM_NUMBER);
  const index = streamFind(link, number);
  if (index < 0) return beyondEnd(link, number, record) ? STATUS_OK : unknown(link, number);
  const stream = streamAt(index);
  if (stream.kind == KIND_DATAGRAM) return STATUS_BAD_FRAME;
  if (stream.state == STREAM_CLOSED) {
    if (stream.reason != 0 || record < stream.recvNext) return late(link, stream);
    resetFrame(link, number, REASON_PEER_LOST);
    return STATUS_OK;
  }
  // The opener has keys once ACCEPT is computed; its first ACK then asks for what came too early.
  if (stream.state <= STREAM_INCOMING) {
    stream.gapSeen = 1;
    return STATUS_OK;
  }
  acceptKnown(stream);
  if (record < stream.recvNext) {
    ackSoon(link, stream, true);
    return STATUS_OK;
  }
  if (record > stream.recvNext) {
    stream.gapSeen = 1;
    ackSoon(link, stream, true);
  }
  const status = recordTake(stream, record, at + <usize>STREAM_HEADER_LEN, len - STREAM_HEADER_LEN);
  if (status == STATUS_BAD_RECORD) {
    resetFrame(link, number, REASON_BAD_RECORD);
    streamClose(stream, REASON_BAD_RECORD);
    return status;
  }
  if (status != STATUS_OK) return status;
  const window = stream.limit - stream.consumed;
  const told = stream.limitTold - stream.recvBytes;
  // A small peer keeps few of its records: they go out again only once they are acknowledged.
  const soon = min<u64>(window >> 2, <u64>(link.peerMaxRecord << 1));
  const urgent = stream.finTaken != 0 || stream.state == STREAM_CLOSED || told <= window - soon;
  ackSoon(link, stream, urgent);
  return STATUS_OK;
}

/** A record behind a remembered clean end can only be a RESET: it is told that the stream is gone. */
function beyondEnd(link: Link, number: u32, record: u64): bool {
  const ended = finished(link, number);
  if (ended == 0 || record < load<u64>(ended, 8)) return false;
  resetFrame(link, number, REASON_PEER_LOST);
  return true;
}

/** A frame for a finished stream: its last ACK was lost, or it was reset here. */
function late(link: Link, stream: Stream): i32 {
  if (stream.reason == 0) {
    stream.closedAt = now;
    ackSoon(link, stream, true);
  } else resetFrame(link, stream.number, stream.reason);
  return STATUS_OK;
}

function takeAck(link: Link, at: usize): i32 {
  const number = LinkFrame.stream(at);
  const index = streamFind(link, number);
  // The ACK of a clean end is not answered: two sides that both remember it would go on for ever.
  if (index < 0) return finished(link, number) != 0 ? STATUS_OK : unknown(link, number);
  const stream = streamAt(index);
  if (stream.state == STREAM_CLOSED) return stream.reason == 0 ? STATUS_OK : late(link, stream);
  acceptKnown(stream);
  if (stream.state == STREAM_OPENED) stream.handshakeSent = 0;
  const next = load<u64>(at, ACK_NEXT);
  if (next > stream.sentTop) return STATUS_PEER_VIOLATION;
  const limit = load<u64>(at, ACK_LIMIT);
  if (limit > stream.peerLimit && stream.state >= STREAM_OFFERED) {
    stream.peerLimit = limit;
    ptoProgress(link, stream);
    tellHost(stream);
  }
  if (storeAck(stream, next)) {
    ptoProgress(link, stream);
    tellHost(stream);
    streamPump(stream);
  }
  if (load<u8>(at, ACK_FLAGS) & ACK_GAP && stream.acked < stream.sendNumber) gap(link, stream);
  if (stream.sendNumber != stream.sendNext) wantData(stream);
  streamFinish(stream);
  return STATUS_OK;
}

/** A gap was reported: back to the acknowledged record, at most once per smoothed round trip (rule D3 b). */
function gap(link: Link, stream: Stream): void {
  if (stream.wentBackAt != 0 && !due(stream.wentBackAt + smoothed(link))) return;
  stream.wentBackAt = now | 1;
  storeGoBack(stream);
  if (stream.state == STREAM_RESETTING) resetFrame(link, stream.number, stream.reason);
}

function takeReset(link: Link, at: usize): i32 {
  const number = LinkFrame.stream(at);
  const index = streamFind(link, number);
  if (index < 0) return STATUS_OK;
  const stream = streamAt(index);
  const reason = load<u8>(at, 5);
  if (reason == REASON_UNKNOWN) {
    if (stream.state == STREAM_OPENED) {
      reopen(stream);
      return STATUS_OK;
    }
    // Both halves are over on this side and the peer has let go: that is the clean end (5.4).
    if (stream.state == STREAM_RESETTING) streamClose(stream, stream.reason);
    else if (stream.state == STREAM_UP && stream.finTaken && onlyFinOut(stream))
      finishUnread(stream);
    else streamClose(stream, REASON_PEER_LOST);
    return STATUS_OK;
  }
  const again = reason == REASON_CONFIG_BEHIND || reason == REASON_PEER_LOST;
  if (again && stream.state == STREAM_OPENED) reopenLater(stream);
  else streamClose(stream, reason == 0 ? REASON_PEER_LOST : reason);
  return STATUS_OK;
}

/** Everything but the FIN of this side has been acknowledged. */
function onlyFinOut(stream: Stream): bool {
  return stream.finSent != 0 && stream.sendNext - stream.acked <= 1;
}

/** What is left in the receive FIFO stays readable. */
function finishUnread(stream: Stream): void {
  storeAck(stream, stream.sendNext);
  streamFinish(stream);
}

function takeDatagram(link: Link, at: usize, len: i32): i32 {
  const number = LinkFrame.stream(at);
  const index = streamFind(link, number);
  if (index < 0) return unknown(link, number);
  const stream = streamAt(index);
  if (stream.kind != KIND_DATAGRAM) return STATUS_BAD_FRAME;
  if (stream.state == STREAM_CLOSED) return late(link, stream);
  if (stream.state < STREAM_OFFERED) return STATUS_OK;
  acceptKnown(stream);
  return datagramTake(stream, at, len);
}
