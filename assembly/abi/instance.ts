// SPDX-License-Identifier: Apache-2.0
//
// The boundary, part one: the instance itself, its sizes, start and stop, identity, entropy, time, and what the host
// should look at. In every part: i32 in, i32 out; `>= 0` a count, a handle or a pointer, `< 0` a status (PROTOCOL
// 13.1); handles and states are checked, then handed over; no part knows the protocol. Larger arguments travel in the
// argument area. Before it: a host. After it: work.ts, control/. DESIGN section 6.

import { clockSet } from "../clock";
import { controlFlags, controlLayout, controlStop, takeControlStatus } from "../control/control";
import { wipe } from "../crypto/wipe";
import { x25519Canonical } from "../crypto/x25519";
import {
  ARG,
  layoutBegin,
  layoutEnd,
  layoutTop,
  ROLE_CONNECTOR,
  ROLE_STLINK,
  role,
  roleSet,
  SIZE_BLOCK_BYTES,
  SIZE_CHANNELS,
  SIZE_CONFIG,
  SIZE_HANDSHAKES,
  SIZE_HOP_BUFFER_BYTES,
  SIZE_HOP_BUFFERS,
  SIZE_HOP_CREDIT,
  SIZE_HOPS,
  SIZE_LINKS,
  SIZE_MAX_PACKET,
  SIZE_MAX_RECORD,
  SIZE_PENDING_OPENS,
  SIZE_REPLAY_BITS,
  SIZE_STREAMS,
  SIZE_WINDOW,
  SIZES,
  size,
} from "../layout";
import { hopsForget, hopsLayout } from "../seal/hop";
import { IDENTITY, IDENTITY_PUBLIC, MY_ID } from "../seal/identity";
import { linksLayout } from "../seal/link";
import { ENTROPY, randomFeed, randomWanted, randomWipe } from "../seal/random";
import { slotsLayout } from "../seal/slot";
import { STATUS_BAD_ARGUMENT, STATUS_BAD_KEY, STATUS_BAD_STATE, STATUS_OK } from "../status";
import { hopRxReset, hopsHeld, takeLastDrop } from "../stream/hop-rx";
import { poolLayout } from "../stream/pool";
import { recordsLayout } from "../stream/record";
import { anyNews, streamsLayout } from "../stream/stream";
import { takeLastFailure, tickAll, waitsForHop, workReset, workStep } from "../work";

/** `flags` bits. */
export const CORE_NEWS: i32 = 1;
export const CORE_WANTS_ENTROPY: i32 = 2;
export const CORE_WANTS_HOP: i32 = 4;
/** `config_len` bytes at `config_ptr` are to be stored, then `config_stored`. */
export const CORE_WANTS_STORE: i32 = 8;
/** The key pair that `rotate` gave is to be stored as the present one, then `config_stored`. */
export const CORE_WANTS_KEY: i32 = 16;
/** Id, key or Connectors have changed: a new hop is to be dialled, then the older ones closed. */
export const CORE_WANTS_REDIAL: i32 = 32;
/** Records that waited behind a handshake message can be taken: `hop_rx_step` of every hop. */
export const CORE_WANTS_STEP: i32 = 64;

/** The Commander asks for a new key: `rotate`, with a pair that has been stored beside the present one. */
export const CORE_WANTS_RENEW: i32 = 128;

/** Pointer to the sizes: SIZE_COUNT × u32, to be written before `start` (PROTOCOL section 12). */
export function sizes_ptr(): i32 {
  return <i32>SIZES;
}

/** Pointer to the argument area, 512 bytes. */
export function arg_ptr(): i32 {
  return <i32>ARG;
}

/** Pointer to the seed buffer, 32 bytes; `feed` takes them in. */
export function entropy_ptr(): i32 {
  return <i32>ENTROPY;
}

function sizesFit(): bool {
  const maxPacket = size(SIZE_MAX_PACKET);
  const block = size(SIZE_BLOCK_BYTES);
  const replay = size(SIZE_REPLAY_BITS);
  if (maxPacket < 2048 || maxPacket > 65_000) return false;
  if (size(SIZE_HOP_BUFFER_BYTES) < maxPacket + 256 || size(SIZE_HOP_CREDIT) < maxPacket)
    return false;
  if (<u32>(size(SIZE_HOPS) - 1) > 65_534 || <u32>(size(SIZE_CHANNELS) - 1) > 4095) return false;
  if (size(SIZE_HANDSHAKES) < 1 || size(SIZE_HANDSHAKES) > 1024 || size(SIZE_HOP_BUFFERS) < 1)
    return false;
  if (replay < 64 || replay > 1024 || (replay & (replay - 1)) != 0) return false;
  if (role == ROLE_CONNECTOR) return size(SIZE_LINKS) == 0;
  const maxRecord = size(SIZE_MAX_RECORD);
  if (<u32>(size(SIZE_LINKS) | size(SIZE_STREAMS)) > 65_535) return false;
  if (<u32>size(SIZE_CONFIG) > 4_194_304 || maxRecord < 512 || maxRecord > maxPacket - 128)
    return false;
  if (size(SIZE_PENDING_OPENS) < 1 || size(SIZE_WINDOW) < maxRecord << 1) return false;
  return block >= 64 && block <= 65_536 && (block & (block - 1)) == 0;
}

/**
 * Starts an instance with the sizes that were written.
 * @returns STATUS_OK, BAD_STATE (it runs already), BAD_ARGUMENT (a size out of range), NO_BUFFER (memory too small)
 */
export function start(asRole: i32, ms: i32): i32 {
  if (role != 0) return STATUS_BAD_STATE;
  if (asRole != ROLE_STLINK && asRole != ROLE_CONNECTOR) return STATUS_BAD_ARGUMENT;
  roleSet(asRole);
  if (!sizesFit()) {
    roleSet(0);
    return STATUS_BAD_ARGUMENT;
  }
  clockSet(ms);
  layoutBegin();
  slotsLayout();
  hopsLayout();
  linksLayout();
  poolLayout();
  streamsLayout();
  if (asRole == ROLE_STLINK) recordsLayout();
  controlLayout();
  const status = layoutEnd();
  if (status != STATUS_OK) roleSet(0);
  hopRxReset();
  workReset();
  return status;
}

/** Wipes everything: tables, pools, keys, generator, workspaces. The instance can be started again. */
export function stop(): i32 {
  workReset();
  hopsForget();
  if (role != 0) wipe(__heap_base, <i32>(layoutTop() - __heap_base));
  wipe(IDENTITY, 32);
  wipe(ARG, 512);
  randomWipe();
  controlStop();
  roleSet(0);
  return STATUS_OK;
}

/** ARG: static private key [32], its public key [32], this STLink's id [16]. Before the first hop. */
export function identity_set(): i32 {
  if (!x25519Canonical(ARG + 32)) return STATUS_BAD_KEY;
  memory.copy(IDENTITY, ARG, 32);
  memory.copy(IDENTITY_PUBLIC, ARG + 32, 32);
  memory.copy(MY_ID, ARG + 64, 16);
  wipe(ARG, 32);
  return STATUS_OK;
}

/** Takes in 32 fresh bytes from the seed buffer, with the boot counter in two halves (rule H8). */
export function feed(bootsLow: i32, bootsHigh: i32): i32 {
  randomFeed(IDENTITY, ((<u64>(<u32>bootsHigh)) << 32) | <u64>(<u32>bootsLow));
  return STATUS_OK;
}

/** Sets the clock and runs the timers. Returns milliseconds to the next deadline, 0 when something is to be sent. */
export function tick(ms: i32): i32 {
  return role == 0 ? STATUS_BAD_STATE : tickAll(ms);
}

/**
 * Sets the clock and runs nothing: before a new hop, a new stream or bytes of a hop that come between two ticks. Their
 * time counts from here; a hop that is opened at the end of a quiet minute would else be over at the next tick.
 */
export function clock(ms: i32): i32 {
  if (role == 0) return STATUS_BAD_STATE;
  clockSet(ms);
  return STATUS_OK;
}

/** One bounded step of handshake computation. 1 while there is more, else 0. */
export function work(): i32 {
  return role != 0 && workStep() ? 1 : 0;
}

/** CORE_* bits: what the host should look at. */
export function flags(): i32 {
  let bits = anyNews() ? CORE_NEWS : 0;
  if (randomWanted()) bits |= CORE_WANTS_ENTROPY;
  if (hopsHeld()) bits |= CORE_WANTS_STEP;
  if (role == ROLE_STLINK && waitsForHop()) bits |= CORE_WANTS_HOP;
  if (role == ROLE_STLINK) bits |= controlFlags();
  return bits;
}

/** Takes the last reason for a dropped packet or a failed handshake: a status, or 0. */
export function take_drop(): i32 {
  const status = takeLastDrop();
  if (status != STATUS_OK) return status;
  const failure = takeLastFailure();
  return failure != STATUS_OK ? failure : takeControlStatus();
}
