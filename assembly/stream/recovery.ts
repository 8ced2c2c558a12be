// SPDX-License-Identifier: Apache-2.0
//
// Loss and its repair: the probe time-out, what PONG and RESUME say, acknowledgements in time, streams that are
// held too long. Before it: ticks and frames. After it: record.ts goes back, link-tx.ts writes PROBE and ACK.
// Data is sent again for three reasons only (rule D3). PROTOCOL 7.2, 7.3; srtt and rttvar as RFC 9002 section 5.3.

import { due, now, since, wakeAt } from "../clock";
import {
  ACK_NONE,
  ACK_TIMED,
  ACK_URGENT,
  CURRENT,
  LINK_PROBE,
  LINK_RESUME,
  Link,
  LinkArea,
} from "../seal/link";
import { randomU32 } from "../seal/random";
import { REASON_HOLD_EXPIRED } from "../status";
import { PROBE_UNHEARD } from "../wire/link-frames";
import { KIND_DATAGRAM } from "../wire/record";
import { channelTick } from "./datagram";
import { hopAsked, hopBetter, hopSuspect } from "./hop-choice";
import { storeGoBack } from "./record";
import { resetFrame } from "./resets";
import {
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
  streamFree,
  wantControl,
} from "./stream";

/** Times of PROTOCOL section 11. */
const ACK_MS: i32 = 25;
const PTO_LEAST_MS: i32 = 200;
const PTO_MOST_MS: i32 = 30_000;
const FIRST_RTT_MS: i32 = 500;
const RTT_MOST_MS: i32 = 10_000;
const LINGER_MS: i32 = 2000;
const QUIET_MS: i32 = 30_000;

/** The probe time-out without its doubling. */
export function ptoBase(link: Link): i32 {
  const rtt = link.rttKnown ? link.srtt + 4 * link.rttvar : FIRST_RTT_MS + 2 * FIRST_RTT_MS;
  return max<i32>(rtt + ACK_MS, PTO_LEAST_MS);
}

/** Smoothed round trip, for "at most once per srtt". */
export function smoothed(link: Link): i32 {
  return link.rttKnown ? max<i32>(link.srtt, 1) : FIRST_RTT_MS;
}

/** Something is outstanding from now on: the time-out runs if it did not. */
export function ptoArm(link: Link): void {
  if (link.ptoAt == 0) ptoRestart(link);
  else ptoForward(link);
}

/** A time-out that was set before there was a sample, or doubled before there was progress, comes forward. */
function ptoForward(link: Link): void {
  if (link.ptoAt != 0 && link.ptoAt - (now + ptoWait(link)) > 0) ptoRestart(link);
  else if (link.ptoAt != 0) wakeAt(link.ptoAt);
}

function ptoRestart(link: Link): void {
  ptoSet(link, now + ptoWait(link));
}

function ptoSet(link: Link, at: i32): void {
  link.ptoAt = at == 0 ? 1 : at;
  wakeAt(link.ptoAt);
}

/** The probe time-out, doubled as often as it fired without progress. */
function ptoWait(link: Link): i32 {
  return min<i32>(ptoBase(link) << min<i32>(link.probeBackoff, 8), PTO_MOST_MS);
}

/** A stream moved: the doubling goes back to the start, and this stream's time with it (rule D4). */
export function ptoProgress(link: Link, stream: Stream): void {
  link.probeBackoff = 0;
  link.unanswered = 0;
  stream.progressAt = now;
  ptoForward(link);
}

/** A hint (DROPPED, BACK): the time-out may fire now, once per srtt; it changes nothing else (rule D5). */
export function ptoHint(link: Link): void {
  if (link.ptoAt == 0 || (link.probing && since(link.probeAt) < smoothed(link))) return;
  link.probeBackoff = 0;
  link.hinted = 1;
  ptoSet(link, now);
}

/** A measured round trip of `ms`. */
export function rttSample(link: Link, ms: i32): void {
  // A peer that slept is no measure of the path.
  if (ms > RTT_MOST_MS) return;
  if (!link.rttKnown) {
    link.rttKnown = 1;
    link.srtt = ms;
    link.rttvar = ms >> 1;
    return;
  }
  const difference = link.srtt > ms ? link.srtt - ms : ms - link.srtt;
  link.rttvar = (3 * link.rttvar + difference) >> 2;
  link.srtt = (7 * link.srtt + ms) >> 3;
}

/** True while the stream waits for something of the peer. */
function outstanding(stream: Stream): bool {
  if (stream.unconfirmed) return true;
  if (stream.kind == KIND_DATAGRAM && stream.state == STREAM_UP) return stream.acceptHeld != 0;
  if (stream.state == STREAM_OPENED || stream.state == STREAM_OPENING) return true;
  if (stream.state == STREAM_OFFERED) return stream.acceptHeld != 0;
  if (stream.state != STREAM_UP && stream.state != STREAM_RESETTING) return false;
  return (
    stream.acceptHeld != 0 ||
    stream.acked != stream.sendNext ||
    stream.sentBytes == stream.peerLimit
  );
}

/** True while the link waits for anything of the peer. */
export function awaits(link: Link): bool {
  for (let i = link.streams; i >= 0; i = streamAt(i).nextOfLink)
    if (outstanding(streamAt(i))) return true;
  return link.initiating >= 0;
}

/** Fires the probe time-out when it is due and anything is outstanding. */
export function ptoTick(link: Link): void {
  if (link.ptoAt == 0) return;
  if (!due(link.ptoAt)) {
    wakeAt(link.ptoAt);
    return;
  }
  // Each stream has its own time: one that moves does not hold back the question about one that does not.
  let quiet = -1;
  for (let i = link.streams; i >= 0; i = streamAt(i).nextOfLink) {
    if (outstanding(streamAt(i))) quiet = max<i32>(quiet, since(streamAt(i).progressAt));
  }
  const hinted = link.hinted;
  link.ptoAt = 0;
  link.hinted = 0;
  if (quiet < 0) return;
  if (quiet < ptoWait(link) && !hinted) {
    ptoSet(link, now + ptoWait(link) - quiet);
    return;
  }
  link.probeBackoff = <u8>min<i32>(link.probeBackoff + 1, 8);
  ptoRestart(link);
  hopBetter(link, true);
  if (LinkArea.session(link, CURRENT).index == 0) return;
  hopSuspect(link);
  link.due |= LINK_PROBE;
  acknowledgeAll(link);
}

/** Every stream of the link states its ACK and limit: before PROBE, PONG, RESUME. */
export function acknowledgeAll(link: Link): void {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    if (stream.state < STREAM_INCOMING) continue;
    // A finished stream still says so while it is remembered; one that was reset does not.
    if (stream.state == STREAM_CLOSED && stream.reason != 0) continue;
    stream.ackDue = 1;
    wantControl(stream);
  }
  link.ackTimer = ACK_URGENT;
}

/** A PROBE is being written: what is out now has to be covered by its PONG. */
export function probeMark(link: Link): u32 {
  link.probing = 1;
  link.probeToken = (randomU32() & ~PROBE_UNHEARD) | (hopAsked(link) ? PROBE_UNHEARD : 0);
  link.probeAt = now;
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    stream.probeMark = stream.sendNumber;
    stream.openMark = stream.handshakeSent;
  }
  return link.probeToken;
}

/** PONG: what was sent before its PROBE and is not acknowledged is lost (rule D3 c). */
export function takePong(link: Link, token: u32): void {
  if (!link.probing || token != link.probeToken) return;
  link.probing = 0;
  link.unanswered = 0;
  rttSample(link, since(link.probeAt));
  ptoForward(link);
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    if (stream.unconfirmed == 2) stream.unconfirmed = 0;
    lost(link, stream, stream.probeMark, stream.openMark != 0);
  }
}

/** The peer's first HELLO of a session, or RESUME: everything outstanding goes out again (rule D3 a). */
export function goBackAll(link: Link): void {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    lost(link, stream, stream.sendNumber, true);
  }
}

function lost(link: Link, stream: Stream, mark: u64, opening: bool): void {
  if (stream.state == STREAM_CLOSED) return;
  if (opening && stream.handshakeSent && (stream.slot >= 0 || stream.acceptHeld)) {
    stream.handshakeDue = 1;
    wantControl(stream);
  }
  if (stream.acked >= mark) return;
  storeGoBack(stream);
  // A RESET record behind a lost KEY_UPDATE can't be opened; the frame says the same (D9).
  if (stream.state == STREAM_RESETTING) resetFrame(link, stream.number, stream.reason);
}

/** A record came or bytes were consumed: an ACK is due in 25 ms, or now (rule D2). */
export function ackSoon(link: Link, stream: Stream, urgent: bool): void {
  stream.ackDue = 1;
  wantControl(stream);
  if (urgent) link.ackTimer = ACK_URGENT;
  else if (link.ackTimer == ACK_NONE) {
    link.ackTimer = ACK_TIMED;
    link.ackAt = now + ACK_MS;
    wakeAt(link.ackAt);
  }
}

/** A round trip after the first of them, the datagrams that were sent are no longer counted (8.2). */
export function datagramTick(link: Link): void {
  if (link.datagramBytes == 0) return;
  const end = link.datagramAt + smoothed(link);
  if (due(end)) link.datagramBytes = 0;
  else wakeAt(end);
}

/** A delayed ACK whose time has come is urgent. */
export function ackTick(link: Link): void {
  if (link.ackTimer != ACK_TIMED) return;
  if (due(link.ackAt)) link.ackTimer = ACK_URGENT;
  else wakeAt(link.ackAt);
}

/** After a hop comes up: ACKs of all streams and RESUME (rule D5), and a PROBE that finds what was lost on the way out. */
export function resumeLink(link: Link): void {
  if (link.streams < 0 || LinkArea.session(link, CURRENT).index == 0) return;
  link.due |= LINK_RESUME | LINK_PROBE;
  acknowledgeAll(link);
}

/** Streams that are held too long end (S4); finished ones are forgotten. */
export function holdTick(link: Link): void {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextOfLink;
    if (stream.state == STREAM_CLOSED) {
      if (!stream.released) continue;
      const linger = stream.unconfirmed ? stream.holdMs : max<i32>(LINGER_MS, ptoBase(link) << 2);
      const end = stream.closedAt + linger;
      if (due(end)) streamFree(stream);
      else wakeAt(end);
      continue;
    }
    const since0 = since(link.heardAt) < since(stream.bornAt) ? link.heardAt : stream.bornAt;
    const end = since0 + stream.holdMs;
    if (due(end)) {
      if (stream.state != STREAM_OPENING) resetFrame(link, stream.number, REASON_HOLD_EXPIRED);
      streamClose(stream, REASON_HOLD_EXPIRED);
    } else {
      wakeAt(end);
      keepAlive(link, min<i32>(QUIET_MS, stream.holdMs >> 2));
      if (stream.kind == KIND_DATAGRAM && stream.state >= STREAM_OFFERED) channelTick(stream);
    }
  }
}

/** A link with open streams on which nothing was opened for a while asks whether the peer is there (7.3). */
function keepAlive(link: Link, quiet: i32): void {
  const last = since(link.heardAt) < since(link.probeAt) ? link.heardAt : link.probeAt;
  if (!due(last + quiet)) wakeAt(last + quiet);
  else if (LinkArea.session(link, CURRENT).index != 0) {
    hopSuspect(link);
    link.due |= LINK_PROBE;
  }
}
