// SPDX-License-Identifier: Apache-2.0
//
// How a link comes and goes: a peer's id and keys take a slot, or change it; removing wipes everything of it. Before
// it: the host's `link_add`, or a configuration in force. After it: sessions and streams. Invariant: a peer id has at
// most one link; its stream numbers' parity follows from the two ids for as long as it lives. PROTOCOL 5.2, 10.3.

import { now } from "../clock";
import { ctEqual } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { x25519Canonical } from "../crypto/x25519";
import { ARG, SIZE_MAX_PACKET, size } from "../layout";
import { hopAt } from "../seal/hop";
import { MY_ID } from "../seal/identity";
import {
  LINK_ID,
  LINK_KEY,
  LINK_OLD_PSK,
  LINK_PSK,
  Link,
  LinkArea,
  linkAt,
  linkCount,
  linkUse,
} from "../seal/link";
import { handshakeBurst, handshakeDrop } from "../seal/link-handshake";
import { noKey } from "../seal/noise";
import { STATUS_BAD_KEY, STATUS_NO_LINK_SLOT } from "../status";
import { hopFind } from "./hop-choice";
import { linkFind, shareInFlight } from "./hop-rx";
import { endStreams } from "./link-rx";
import { streamAt, streamFree } from "./stream";

/**
 * Adds a peer, or changes its keys; a PSK of another name counts beside the one before until it has made a session. ARG: id [16], key [32], nextKey [32] or zeros, PSK [32], PSK name [8].
 * @returns the link, STATUS_NO_LINK_SLOT, STATUS_BAD_KEY
 */
export function peerAdd(): i32 {
  if (!x25519Canonical(ARG + 16) || !x25519Canonical(ARG + 48)) return STATUS_BAD_KEY;
  let index = linkFind(ARG);
  if (index < 0) index = linkTake();
  if (index < 0) return STATUS_NO_LINK_SLOT;
  const link = linkAt(index);
  const psk = LinkArea.at(link, LINK_PSK);
  if (!noKey(LinkArea.at(link, LINK_KEY)) && !ctEqual(psk + 32, ARG + 112, 8)) {
    // The peer may not have been given the new one yet (5.2).
    handshakeDrop(link);
    memory.copy(LinkArea.at(link, LINK_OLD_PSK), psk, 40);
    link.oldPsk = 1;
  }
  memory.copy(LinkArea.at(link, LINK_KEY), ARG + 16, 104);
  wipe(ARG + 80, 40);
  return index;
}

function linkTake(): i32 {
  for (let i = 0; i < linkCount(); i++) {
    const link = linkAt(i);
    if (link.used) continue;
    linkUse(i);
    link.index = i;
    link.initiating = link.responding = -1;
    link.streams = link.controlHead = link.controlTail = link.dataHead = link.dataTail = -1;
    link.rateLeft = handshakeBurst();
    link.rateAt = now;
    link.heardAt = now;
    memory.copy(LinkArea.at(link, LINK_ID), ARG, 16);
    link.lower = lower(MY_ID, ARG) ? 1 : 0;
    link.nextNumber = link.lower ? 0 : 1;
    link.peerNumber = link.lower ? 1 : 0;
    link.myInFlight = <u32>(size(SIZE_MAX_PACKET) << 1);
    link.hop = -1;
    hopFind(link);
    if (link.hop >= 0) shareInFlight(hopAt(link.hop).queueBytes);
    return i;
  }
  return -1;
}

/** Bytewise order of two ids. */
function lower(a: usize, b: usize): bool {
  for (let i: usize = 0; i < 16; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference < 0;
  }
  return false;
}

/** Removes a link: streams ended with `reason` and freed, sessions and keys wiped (rule T10). */
export function peerRemove(link: Link, reason: u8): void {
  endStreams(link, reason);
  while (link.streams >= 0) streamFree(streamAt(link.streams));
  handshakeDrop(link);
  wipe(changetype<usize>(link), <i32>(changetype<usize>(linkAt(1)) - changetype<usize>(linkAt(0))));
}
