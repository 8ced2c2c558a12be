// SPDX-License-Identifier: Apache-2.0
//
// The handshake of a hop, in the open when it begins and inside the session when it rekeys. Before it: hop-rx.ts
// gives whole messages. After it: hop.ts has keys, hop-tx.ts writes what the slot holds. The STLink initiates, both
// times. PROTOCOL 4.1, 4.4; rules H1, K5, S10.

import { now, since } from "../clock";
import { ctEqual } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { ROLE_CONNECTOR, ROLE_STLINK } from "../layout";
import {
  STATUS_BAD_HANDSHAKE,
  STATUS_BAD_VERSION,
  STATUS_NO_ENTROPY,
  STATUS_NO_HANDSHAKE_SLOT,
  STATUS_OK,
} from "../status";
import { NO_LINK, slotFor } from "../stream/reclaim";
import { VERSION } from "../wire/link-frames";
import {
  DUE_HELLO,
  DUE_MESSAGE,
  DUE_NEWKEYS,
  HOP_GREETING,
  HOP_HANDSHAKE,
  HOP_HASH,
  HOP_NEXT_RECV,
  HOP_NEXT_SEND,
  HOP_PEER_KEY,
  HOP_PSK,
  HOP_RECV_KEY,
  HOP_SEND_KEY,
  HOP_UP,
  Hop,
  HopArea,
  hopAt,
  hopFail,
} from "./hop";
import {
  noiseAnswer,
  noiseBegin,
  noiseMessage,
  noiseMessageLen,
  noiseRead,
  noiseSplit,
  noiseWrite,
  XK_MESSAGE1_LEN,
  XKHFS_PSK3,
} from "./noise";
import { randomFresh, randomSpend } from "./random";
import { Area, OWNER_HOP, PSK, RS, SLOT_DONE, SLOT_WAITING, Slot, slotAt, slotFree } from "./slot";

/** Times of PROTOCOL section 11. */
const RENEW_MS: i32 = 3_000_000;
const RENEW_RECORDS: u64 = 0x8000_0000;

/** "sealed/1 hop", padded to 16. */
const LABEL: usize = memory.data<u8>([
  0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x68, 0x6f, 0x70, 0, 0, 0, 0,
]);
const HASH: usize = memory.data(32, 8);

/** Begins the hop's handshake. The STLink has put the Connector's key and the PSK into the hop. */
export function hopBegin(index: i32): i32 {
  const hop = hopAt(index);
  if (!randomFresh()) return STATUS_NO_ENTROPY;
  hop.slot = slotFor(OWNER_HOP, index, NO_LINK);
  if (hop.slot < 0) return STATUS_NO_HANDSHAKE_SLOT;
  randomSpend();
  const slot = slotAt(hop.slot);
  const initiator = hop.role == ROLE_STLINK;
  if (initiator) {
    memory.copy(Area.at(slot, RS), HopArea.at(hop, HOP_PEER_KEY), 32);
    memory.copy(Area.at(slot, PSK), HopArea.at(hop, HOP_PSK), 32);
    hop.slotBusy = 1;
  }
  noiseBegin(slot, XKHFS_PSK3, initiator, LABEL, 16);
  return STATUS_OK;
}

/** Length of the body that the open handshake awaits: anything else is not waited for (rule K4). */
export function hopExpected(hop: Hop): i32 {
  return 1 + (hop.slot < 0 ? XK_MESSAGE1_LEN : noiseMessageLen(slotAt(hop.slot)));
}

/** Takes a body of the open handshake: version and message. A slot is taken only now by a Connector (rule K4). */
export function hopMessage(hop: Hop, index: i32, at: usize, len: i32): i32 {
  if (load<u8>(at) != VERSION) return STATUS_BAD_VERSION;
  if (hop.slot < 0) {
    if (hop.role != ROLE_CONNECTOR) return STATUS_BAD_HANDSHAKE;
    const status = hopBegin(index);
    if (status != STATUS_OK) return status;
  }
  return takeMessage(hop, at, len);
}

/** Takes REKEY's version and message, inside the session (PROTOCOL 4.4). */
export function hopRekeyMessage(hop: Hop, at: usize, len: i32): i32 {
  if (load<u8>(at) != VERSION) return STATUS_BAD_VERSION;
  if (hop.slot < 0) {
    if (hop.role != ROLE_CONNECTOR || hop.rekeyed) return STATUS_BAD_HANDSHAKE;
    hop.slot = slotFor(OWNER_HOP, hop.index, NO_LINK);
    if (hop.slot < 0) return STATUS_NO_HANDSHAKE_SLOT;
    noiseBegin(slotAt(hop.slot), XKHFS_PSK3, false, LABEL, 16);
  }
  // The message has the length of its turn; what follows it in the record is padding.
  return takeMessage(hop, at, min<i32>(len, noiseMessageLen(slotAt(hop.slot)) + 1));
}

function takeMessage(hop: Hop, at: usize, len: i32): i32 {
  const slot = slotAt(hop.slot);
  if (hop.slotBusy || slot.state != SLOT_WAITING) return STATUS_BAD_HANDSHAKE;
  const status = noiseRead(slot, at + 1, len - 1);
  if (status == STATUS_OK) hop.slotBusy = 1;
  return status;
}

/** The Connector has opened `s`. A rekey has to show the same key; a new hop waits for the host's PSK. True: go on. */
export function hopAsk(hop: Hop, slot: Slot): bool {
  if (hop.state == HOP_HANDSHAKE) {
    memory.copy(HopArea.at(hop, HOP_PEER_KEY), Area.at(slot, RS), 32);
    return false;
  }
  if (!ctEqual(Area.at(slot, RS), HopArea.at(hop, HOP_PEER_KEY), 32)) {
    hopFail(hop, STATUS_BAD_HANDSHAKE);
    return false;
  }
  hopAnswer(hop);
  return true;
}

/** The host has put the PSK of the key that was shown (zeros for an unknown one): the handshake goes on (K5). */
export function hopAnswer(hop: Hop): void {
  const slot = slotAt(hop.slot);
  memory.copy(Area.at(slot, PSK), HopArea.at(hop, HOP_PSK), 32);
  noiseAnswer(slot);
}

/** A message in the hop's slot is finished. */
export function hopDone(hop: Hop): void {
  const slot = slotAt(hop.slot);
  const initiator = slot.initiator != 0;
  if (slot.state == SLOT_DONE) {
    // The initiator's message 3 is still to be written from the slot.
    if (initiator) hop.due |= DUE_MESSAGE;
    else finish(hop, slot);
    hop.slotBusy = 0;
    return;
  }
  const written = initiator ? slot.message == 1 : slot.message == 2;
  if (!written) {
    noiseWrite(slot);
    return;
  }
  hop.due |= DUE_MESSAGE;
  hop.slotBusy = 0;
}

/** Where the message to be written stands, and its length in `hopOutgoingLen`. */
export function hopOutgoing(hop: Hop): usize {
  const slot = slotAt(hop.slot);
  if (slot.state != SLOT_DONE) slot.message--;
  const at = noiseMessage(slot);
  outgoingLen = noiseMessageLen(slot);
  if (slot.state != SLOT_DONE) slot.message++;
  return at;
}

/** Length of what `hopOutgoing` pointed to. */
export let outgoingLen: i32 = 0;

/** The message has been copied to the wire; after message 3 the keys are there. */
export function hopSent(hop: Hop): void {
  const slot = slotAt(hop.slot);
  hop.due &= ~DUE_MESSAGE;
  if (slot.state == SLOT_DONE) finish(hop, slot);
}

/** Splits the keys: into use for a new hop, aside until NEWKEYS for a rekey. */
function finish(hop: Hop, slot: Slot): void {
  if (hop.state == HOP_HANDSHAKE) {
    const send = HopArea.at(hop, HOP_SEND_KEY);
    noiseSplit(slot, send, HopArea.at(hop, HOP_RECV_KEY), HopArea.at(hop, HOP_HASH));
    hop.state = HOP_GREETING;
    if (hop.role == ROLE_STLINK) hop.due |= DUE_HELLO;
  } else {
    noiseSplit(slot, HopArea.at(hop, HOP_NEXT_SEND), HopArea.at(hop, HOP_NEXT_RECV), HASH);
    wipe(HASH, 32);
    hop.rekeyed = 3;
    hop.due |= DUE_NEWKEYS;
  }
  hop.keyedAt = now;
  slotFree(hop.slot);
  hop.slot = -1;
}

/** Rule S10: the STLink begins a rekey at 50 minutes or 2^31 records. */
export function hopRenew(hop: Hop): void {
  if (hop.role != ROLE_STLINK || hop.state != HOP_UP || hop.slot >= 0 || hop.rekeyed) return;
  if (since(hop.keyedAt) < RENEW_MS && hop.sendN < RENEW_RECORDS && hop.recvN < RENEW_RECORDS)
    return;
  hopBegin(hop.index);
}
