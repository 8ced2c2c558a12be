// SPDX-License-Identifier: Apache-2.0
//
// The boundary that only a Connector calls: who a hop is, admission, draining, packets to be forwarded. Before it: a
// host with an admission list and queues. After it: seal/hop.ts, stream/hop-tx.ts. PROTOCOL 4, 9.

import { wipe } from "../crypto/wipe";
import { ARG, ROLE_CONNECTOR, role } from "../layout";
import {
  DUE_DRAIN,
  DUE_WELCOME,
  HOP_DRAIN,
  HOP_GREETING,
  HOP_ID,
  HOP_PSK,
  HOP_UP,
  HopArea,
  hopAt,
  hopKnown,
} from "../seal/hop";
import { hopAnswer } from "../seal/hop-handshake";
import { SLOT_ASKING, slotAt } from "../seal/slot";
import { STATUS_BAD_HANDLE, STATUS_BAD_LENGTH, STATUS_BAD_STATE, STATUS_OK } from "../status";
import { forwardCommit, forwardPtr } from "../stream/hop-tx";

/** Connector: the PSK [32] of the key that was shown is in ARG; the handshake goes on. */
export function hop_answer(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.slot < 0 || slotAt(hop.slot).state != SLOT_ASKING) return STATUS_BAD_STATE;
  memory.copy(HopArea.at(hop, HOP_PSK), ARG, 32);
  wipe(ARG, 32);
  hopAnswer(hop);
  return STATUS_OK;
}

/** Connector: admits a greeted hop under the id [16] in ARG, with a queue of `queueBytes`. */
export function hop_admit(index: i32, queueBytes: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.state != HOP_GREETING || !hop.greeted) return STATUS_BAD_STATE;
  memory.copy(HopArea.at(hop, HOP_ID), ARG, 16);
  hop.queueBytes = <u32>queueBytes;
  hop.state = HOP_UP;
  hop.due |= DUE_WELCOME;
  return STATUS_OK;
}

/** Connector: tells every STLink on the hop to come back after `ms`. */
export function hop_drain(index: i32, ms: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  store<u32>(HopArea.at(hop, HOP_DRAIN), <u32>ms);
  hop.due |= DUE_DRAIN;
  return STATUS_OK;
}

/** Connector: where a packet of `len` bytes for this hop goes; 0: later (credit, room). */
export function forward_ptr(index: i32, len: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  if (len <= 0 || len > hopAt(index).peerMaxPacket) return STATUS_BAD_LENGTH;
  return <i32>forwardPtr(index, len);
}

/** Connector: seals it, of class `kind`, from the id [16] in ARG. */
export function forward_commit(index: i32, kind: i32, len: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  return forwardCommit(index, kind, len, ARG);
}
