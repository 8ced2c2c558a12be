// SPDX-License-Identifier: Apache-2.0
//
// The boundary of links: peers come and go, sessions are wished for. Before it: a host without a control plane, or
// its tests. After it: seal/link.ts, stream/peers.ts. PROTOCOL 5.

import { ARG, ROLE_STLINK, role } from "../layout";
import {
  LINK_GOODBYE,
  LINK_ID,
  Link,
  LinkArea,
  linkAt,
  linkKnown,
  sessionUsable,
} from "../seal/link";
import { STATUS_BAD_ARGUMENT, STATUS_BAD_HANDLE, STATUS_BAD_STATE, STATUS_OK } from "../status";
import { hopsMute } from "../stream/hop-choice";
import { linkFind } from "../stream/hop-rx";
import { endStreams } from "../stream/link-rx";
import { peerAdd, peerRemove } from "../stream/peers";

/**
 * Adds a peer, or changes its keys. ARG: id [16], key [32], nextKey [32] or zeros, PSK [32], PSK name [8].
 * @returns the link, NO_LINK_SLOT, BAD_KEY
 */
export function link_add(): i32 {
  return role == ROLE_STLINK ? peerAdd() : STATUS_BAD_STATE;
}

/** The link with the peer id [16] in ARG, or BAD_HANDLE. */
export function link_find(): i32 {
  const index = linkFind(ARG);
  return index < 0 ? STATUS_BAD_HANDLE : index;
}

/** Ends a link towards the applications with `reason`; GOODBYE goes out when it can. */
export function link_goodbye(index: i32, reason: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  const link = linkAt(index);
  endStreams(link, <u8>reason);
  link.goodbyeReason = <u8>reason;
  link.due |= LINK_GOODBYE;
  return STATUS_OK;
}

/** Removes a link: sessions wiped, streams freed (rule T10). BAD_STATE: it is the Commander's, or a revoked peer's. */
export function link_remove(index: i32, reason: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  if (linkAt(index).commander) return STATUS_BAD_STATE;
  peerRemove(linkAt(index), <u8>reason);
  return STATUS_OK;
}

/** Wishes for a session with the peer, without a stream. */
export function link_connect(index: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  linkAt(index).wanted = 1;
  return STATUS_OK;
}

/**
 * How the link stands. ARG: state u8 (0 no session, 1 a handshake is under way, 2 a session), peer's load u8,
 * whether there is a round trip u8, unanswered PROBEs u8; then u32: hop (-1: none), bytes in flight, srtt ms, rttvar ms, packets
 * in, out and dropped, handshakes begun, the last reason for dropping a packet (a status, i32).
 */
export function link_info(index: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  const link = linkAt(index);
  const handshaking = link.initiating >= 0 || link.responding >= 0;
  store<u8>(ARG, sessionUsable(link) ? 2 : handshaking ? 1 : 0);
  store<u8>(ARG, link.peerLoad, 1);
  store<u8>(ARG, link.rttKnown, 2);
  store<u8>(ARG, link.unanswered, 3);
  store<i32>(ARG, link.hop, 4);
  store<u32>(ARG, link.inFlight, 8);
  store<i32>(ARG, link.srtt, 12);
  store<i32>(ARG, link.rttvar, 16);
  memory.copy(ARG + 20, changetype<usize>(link) + offsetof<Link>("packetsIn"), 20);
  return STATUS_OK;
}

/**
 * Asks the Connectors to refuse the peer's packets for `seconds` (MUTE), on every hop on which it was heard (rule K3).
 * @returns on how many
 */
export function link_mute(index: i32, seconds: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>seconds > 0xffff) return STATUS_BAD_ARGUMENT;
  return hopsMute(LinkArea.at(linkAt(index), LINK_ID), <u16>seconds);
}

/** Pointer to the link's state, whose offsets stand in the generated ABI. */
export function link_ptr(index: i32): i32 {
  return linkKnown(index) ? <i32>changetype<usize>(linkAt(index)) : STATUS_BAD_HANDLE;
}
