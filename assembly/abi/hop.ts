// SPDX-License-Identifier: Apache-2.0
//
// The boundary of hops, both roles: begin, bytes in, bytes out, hints, end. Before it: a host's connections. After
// it: seal/hop.ts, stream/hop-rx.ts and hop-tx.ts. What only a Connector calls stands in connector.ts. PROTOCOL 4.

import { controlHopUp } from "../control/control";
import { wipe } from "../crypto/wipe";
import { x25519Canonical } from "../crypto/x25519";
import { ARG, ROLE_CONNECTOR, ROLE_STLINK, role, SIZE_CHANNELS, size } from "../layout";
import {
  CHANNEL_AWAY,
  CHANNEL_BACK,
  CHANNEL_DROPPED,
  DUE_CHANNELS,
  DUE_CLOSE,
  DUE_REFUSED,
  DUE_TICKET,
  HOP_CLOSING,
  HOP_GREETING,
  HOP_HANDSHAKE,
  HOP_PEER_KEY,
  HOP_PSK,
  HOP_TICKET,
  HOP_UP,
  HopArea,
  hopAt,
  hopFree,
  hopKnown,
  hopTake,
  landing,
} from "../seal/hop";
import { hopBegin } from "../seal/hop-handshake";
import { linkAt, linkEnd } from "../seal/link";
import { randomFresh } from "../seal/random";
import { SLOT_ASKING, slotAt } from "../seal/slot";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_HANDLE,
  STATUS_BAD_KEY,
  STATUS_BAD_STATE,
  STATUS_NO_ENTROPY,
  STATUS_NO_HOP_SLOT,
  STATUS_OK,
} from "../status";
import { hopFind, hopSilent } from "../stream/hop-choice";
import {
  hopRxCommit,
  hopRxForget,
  hopRxPtr,
  hopRxRoom,
  hopRxStep,
  PACKET_INFO,
} from "../stream/hop-rx";
import { hopTxConsume, hopTxFill } from "../stream/hop-tx";

/**
 * Takes a hop. STLink: ARG holds the Connector's key [32], the PSK [32], and, where bit 0 of `how` is set, codeId and
 * ticket [40]; bits 8 to 15 are the Connector's place in the order of the STLink's Connectors (PROTOCOL 7.6); the
 * handshake begins. Connector: waits for message 1.
 * @returns a hop, NO_HOP_SLOT, NO_ENTROPY, NO_HANDSHAKE_SLOT, BAD_KEY
 */
export function hop_open(how: i32): i32 {
  if (role == 0) return STATUS_BAD_STATE;
  if (role == ROLE_STLINK && !x25519Canonical(ARG)) return STATUS_BAD_KEY;
  if (role == ROLE_STLINK && !randomFresh()) return STATUS_NO_ENTROPY;
  const index = hopTake(role);
  if (index < 0) return STATUS_NO_HOP_SLOT;
  if (role == ROLE_CONNECTOR) return index;
  const hop = hopAt(index);
  memory.copy(HopArea.at(hop, HOP_PEER_KEY), ARG, 32);
  memory.copy(HopArea.at(hop, HOP_PSK), ARG + 32, 32);
  hop.place = <u8>(how >> 8);
  if (how & 1) {
    memory.copy(HopArea.at(hop, HOP_TICKET), ARG + 64, 40);
    hop.due |= DUE_TICKET;
  }
  wipe(ARG + 32, 72);
  const status = hopBegin(index);
  if (status == STATUS_OK) return index;
  hopFree(index);
  return status;
}

/** The connection is gone, or the hop is over, and nothing is written out of its buffer: everything of it is wiped. */
export function hop_free(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  hopRxForget(index);
  hopFree(index);
  for (let i = 0; i < linkEnd; i++) if (linkAt(i).used) hopFind(linkAt(i));
  return STATUS_OK;
}

/** `state | reason << 8 | (slot waits for hop_answer) << 16 | greeted << 17`. */
export function hop_state(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  const asking = hop.slot >= 0 && slotAt(hop.slot).state == SLOT_ASKING ? 1 : 0;
  return <i32>hop.state | ((<i32>hop.reason) << 8) | (asking << 16) | ((<i32>hop.greeted) << 17);
}

/**
 * STLink, rule K7: for how many milliseconds nothing has come although something that went over the hop is outstanding,
 * once that is max(2 s, 4 srtt): a second hop is to be dialled; 0: all is well. To be asked every half second: before it
 * says so, a call has PING sent.
 */
export function hop_silent(index: i32): i32 {
  return hopKnown(index) ? hopSilent(hopAt(index)) : STATUS_BAD_HANDLE;
}

/** The status that ended the hop, or 0. */
export function hop_status(index: i32): i32 {
  return hopKnown(index) ? hopAt(index).status : STATUS_BAD_HANDLE;
}

/** Pointer to the hop's peer key [32] at 0, id [16] at 64, codeId and ticket [40] at 80, maxPacket u32 at 120. STLink:
 * at 124 what DRAIN said, ms u32 (0: nothing), at 128 how often a link left the hop for silence, u32. */
export function hop_peer_ptr(index: i32): i32 {
  return hopKnown(index) ? <i32>HopArea.at(hopAt(index), HOP_PEER_KEY) : STATUS_BAD_HANDLE;
}

/** Where the hop's next bytes go; 0 while another hop's are in the landing area. */
export function hop_rx_ptr(index: i32): i32 {
  return hopKnown(index) ? <i32>hopRxPtr(index) : STATUS_BAD_HANDLE;
}

/**
 * The landing area, as long as a hop buffer: a host that reads into it and then commits for a hop whose hop_rx_ptr it
 * is, copies nothing.
 */
export function landing_ptr(): i32 {
  return <i32>landing;
}

/** How many fit there. */
export function hop_rx_room(index: i32): i32 {
  return hopKnown(index) ? hopRxRoom(index) : STATUS_BAD_HANDLE;
}

/** `n` bytes were put there. */
export function hop_rx_commit(index: i32, n: i32): i32 {
  return hopKnown(index) ? hopRxCommit(index, n) : STATUS_BAD_HANDLE;
}

/** Deals with one record: HOP_STEP_* (0 none, 1 one, 2 a packet to queue, 3 MUTE), or the status that ended the hop. */
export function hop_rx_step(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  const before = hop.state;
  const result = hopRxStep(index);
  if (before != HOP_UP && hop.state == HOP_UP) controlHopUp(hop);
  return result;
}

/**
 * Pointer to u32 × 6 about the packet of the last step: pointer, length, class, channel, names, pointer to the id or 0.
 * After MUTE: 0, 0, 0, channel, seconds, pointer to the id that is to be refused or 0.
 */
export function packet_info_ptr(): i32 {
  return <i32>PACKET_INFO;
}

/** Fills the outgoing buffer. Returns the bytes ready, or NO_BUFFER. */
export function hop_tx_fill(index: i32): i32 {
  return hopKnown(index) ? hopTxFill(index) : STATUS_BAD_HANDLE;
}

/** Where they are. */
export function hop_tx_ptr(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  return <i32>(hop.tx + <usize>hop.txFrom);
}

/** `n` of them were taken. */
export function hop_tx_consume(index: i32, n: i32): i32 {
  return hopKnown(index) ? hopTxConsume(index, n) : STATUS_BAD_HANDLE;
}

/** Ends a sealed hop with a last record: REFUSED before admission, CLOSE after it. */
export function hop_close(index: i32, reason: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.state == HOP_HANDSHAKE || hop.state >= HOP_CLOSING) return STATUS_BAD_STATE;
  hop.due |= role == ROLE_CONNECTOR && hop.state == HOP_GREETING ? DUE_REFUSED : DUE_CLOSE;
  hop.reason = <u8>reason;
  hop.state = HOP_CLOSING;
  return STATUS_OK;
}

/**
 * Connector: a hint about a channel that the STLink named: DROPPED with `reason`, AWAY (`reason` -1), BACK (-2).
 */
export function hop_tell(index: i32, number: i32, reason: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>number >= <u32>size(SIZE_CHANNELS) || reason < -2 || reason > 255)
    return STATUS_BAD_ARGUMENT;
  const hop = hopAt(index);
  const channel = HopArea.incoming(hop, number);
  if (reason == -1) channel.flags = (channel.flags & ~CHANNEL_BACK) | CHANNEL_AWAY;
  else if (reason == -2) channel.flags = (channel.flags & ~CHANNEL_AWAY) | CHANNEL_BACK;
  else {
    channel.flags |= CHANNEL_DROPPED;
    channel.reason = <u8>reason;
    if (channel.count < 0xffff) channel.count++;
  }
  hop.due |= DUE_CHANNELS;
  return STATUS_OK;
}
