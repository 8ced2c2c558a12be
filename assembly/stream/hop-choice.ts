// SPDX-License-Identifier: Apache-2.0
//
// Which hop a link sends on, where there is more than one; each direction chooses for itself. Before it: hops that
// come up, drain or end, hints of a Connector, probes without an answer. After it: hop-tx.ts writes the link's packets
// there. Invariants: a hint or silence moves a link at most once per PTO, and never ends or acknowledges anything
// (rule D5); between moves the path is first-in first-out (D1). PROTOCOL 7.6.

import { now, since } from "../clock";
import { ctEqual } from "../crypto/ct";
import {
  CHANNEL_AWAY,
  CHANNEL_ID,
  CHANNEL_MUTE,
  DUE_CHANNELS,
  DUE_PING,
  HOP_PEER_KEY,
  HOP_SUSPECTED,
  HOP_UP,
  Hop,
  HopArea,
  hopAt,
  hopChannels,
  hopCount,
  hopKnown,
} from "../seal/hop";
import { Link, linkAt, linkEnd } from "../seal/link";
import { handshakeAgain } from "../seal/link-handshake";
import { awaits, ptoBase, resumeLink, smoothed } from "./recovery";

/** From the third question in a row without an answer on PROBE says so; after the fourth the link moves on. */
const UNANSWERED: u8 = 3;
/** The longest PTO. */
const RESTED_MS: i32 = 30_000;
/** Rule K7: when a second hop is dialled, and when PING asks the Connector whether it is there. */
const SILENT_MS: i32 = 2000;
const ASK_MS: i32 = 1000;

/** Order of a hop among the STLink's Connectors. */
function order(hop: Hop): u32 {
  return ((<u32>hop.place) << 16) | <u32>hop.index;
}

/** The channel by which this side names the link's peer on a hop; the last one is shared. */
export function channelOf(hop: Hop, link: i32): i32 {
  return min<i32>(link, hop.peerChannels - 1);
}

/** Why not this hop: 2 it drains or has a successor, 1 its Connector says that the peer isn't there. */
function against(hop: Hop, link: Link): u32 {
  const channel = HopArea.outgoing(hop, channelOf(hop, link.index));
  const away = channel.link == link.index && (channel.flags & CHANNEL_AWAY) != 0;
  return (hop.retired ? 2 : 0) | (away ? 1 : 0);
}

/** The best hop for a link: with the least against it, then the next in order behind `after`, round again; or -1. */
function best(link: Link, after: u32): i32 {
  let found = -1;
  let least = u32.MAX_VALUE;
  for (let i = 0; i < hopCount(); i++) {
    const hop = hopAt(i);
    if (hop.state != HOP_UP) continue;
    const rank = (against(hop, link) << 24) | ((order(hop) - after - 1) & 0xffffff);
    if (rank >= least) continue;
    least = rank;
    found = i;
  }
  return found;
}

/** Everything outstanding goes on over the hop: RESUME, and handshake messages that wait for an answer. */
function move(link: Link, to: i32): void {
  if (link.hop == to) return;
  // The first hop is no move, which would have to be rested from.
  link.movedAt = link.hop < 0 ? now - RESTED_MS : now;
  link.hop = to;
  link.unanswered = 0;
  if (to < 0) return;
  link.probeBackoff = 0;
  resumeLink(link);
  handshakeAgain(link);
}

/** A link without a hop that is up takes the best one, or none. */
export function hopFind(link: Link): void {
  if (link.hop < 0 || hopAt(link.hop).state != HOP_UP) move(link, best(link, u32.MAX_VALUE));
}

/** A hop with less against it than the link's own takes over; after a hint (`isHint`) at most once per PTO. */
export function hopBetter(link: Link, isHint: bool): void {
  if (link.hop < 0 || (isHint && since(link.movedAt) < ptoBase(link))) return;
  const hop = hopAt(link.hop);
  const to = best(link, order(hop));
  if (to >= 0 && against(hopAt(to), link) < against(hop, link)) move(link, to);
}

/** A hop has come up, or is to be left: links go where less is against it. */
function choose(isUp: bool): void {
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used) continue;
    hopFind(link);
    hopBetter(link, false);
    if (isUp) resumeLink(link);
  }
}

/** A hop drains: the links on it go to another one, where there is one. */
export function hopDrained(hop: Hop): void {
  hop.retired = 1;
  choose(false);
}

/** A hop is up. Of two to one Connector the newer one wins (rule K7); every link says so to its peer (rule D5). */
export function hopWelcomed(hop: Hop): void {
  const key = HopArea.at(hop, HOP_PEER_KEY);
  for (let i = 0; i < hopCount(); i++) {
    const other = hopAt(i);
    if (other != hop && other.state == HOP_UP && ctEqual(HopArea.at(other, HOP_PEER_KEY), key, 32))
      other.retired = 1;
  }
  choose(true);
}

/** A PROBE or message 1 goes out: one question more without an answer. True from the third in a row on. */
export function hopAsked(link: Link): bool {
  return ++link.unanswered >= UNANSWERED;
}

/** After the last questions had no answer: the link moves on. */
export function hopSuspect(link: Link): void {
  if (link.unanswered > UNANSWERED) hopLeave(link);
}

/**
 * Nothing that goes out over the link's hop arrives, as far as one can see (`ConnectorSuspect`): on to the next one in
 * order, at most once per PTO; not while the Connector says that the peer is away.
 */
export function hopLeave(link: Link): void {
  if (link.hop < 0) return;
  const hop = hopAt(link.hop);
  if (against(hop, link) & 1 || since(link.movedAt) < ptoBase(link)) return;
  const count = HopArea.at(hop, HOP_SUSPECTED);
  store<u32>(count, load<u32>(count) + 1);
  link.unanswered = 0;
  move(link, best(link, order(hop)));
}

/** Message 1 or 3 is repeated: over the next hop, where there is no session yet whose records want to stay in order. */
export function hopRepeat(link: Link, isFirst: bool): void {
  if (!isFirst) {
    hopSuspect(link);
    return;
  }
  if (link.hop < 0) return;
  // Still unanswered, wherever it goes: PROBE has to say so.
  const asked = link.unanswered;
  move(link, best(link, order(hopAt(link.hop))));
  link.unanswered = asked;
}

/** Message 3 has come: message 2 arrived over the hop that it last went out on. */
export function hopAnswered(link: Link): void {
  if (hopKnown(link.answerHop) && hopAt(link.answerHop).state == HOP_UP) move(link, link.answerHop);
}

/** The next hop that is up behind `index` in order, for an answer that is repeated. */
export function hopNext(link: Link, index: i32): i32 {
  return best(link, order(hopAt(index)));
}

/** MUTE of the id [16] at `id`, on every hop that named it to this side. Returns on how many. */
export function hopsMute(id: usize, seconds: u16): i32 {
  let told = 0;
  for (let i = 0; i < hopCount(); i++) {
    const hop = hopAt(i);
    if (hop.state != HOP_UP) continue;
    for (let number = 0; number < hopChannels(); number++) {
      const channel = HopArea.incoming(hop, number);
      if (!ctEqual(changetype<usize>(channel) + CHANNEL_ID, id, 16)) continue;
      channel.flags |= CHANNEL_MUTE;
      channel.count = seconds;
      hop.due |= DUE_CHANNELS;
      told++;
    }
  }
  return told;
}

/**
 * How long a hop has been silent although something that went over it is outstanding, once that is max(2 s, 4 srtt)
 * (rule K7); else 0. Before that PING goes out: a Connector that is there answers, whether the peer does or not.
 */
export function hopSilent(hop: Hop): i32 {
  if (hop.state != HOP_UP || hop.askedAt - hop.heardAt < 0) return 0;
  const quiet = since(hop.askedAt);
  if (quiet < ASK_MS) return 0;
  const rtt = outstandingRtt(hop.index);
  if (rtt < 0) return 0;
  if (!hop.pinged) {
    // However late it is asked, the answer has the time that is left.
    hop.pinged = 1;
    hop.due |= DUE_PING;
    hop.askedAt = now - ASK_MS;
    return 0;
  }
  return quiet >= max<i32>(SILENT_MS, 4 * rtt) ? quiet : 0;
}

/** The longest round trip of the links that wait for something over a hop; -1: none does. */
function outstandingRtt(index: i32): i32 {
  let most = -1;
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (link.used && link.hop == index && awaits(link)) most = max<i32>(most, smoothed(link));
  }
  return most;
}
