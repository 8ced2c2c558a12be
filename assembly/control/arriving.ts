// SPDX-License-Identifier: Apache-2.0
//
// What arrives, and waits until the host has stored it: a code, CONFIG, INSTALL, what the host's flash held, a
// confirmed key. Before it: control.ts, and the boundary. After it: in-force.ts. Invariants: nothing changes before the
// whole is checked and the host has said that it is stored; the pinned epoch, which is stored behind the
// configuration, never falls. Stored: configuration, epoch u32, a mark for each peer, checksum [4]. PROTOCOL 10.2 to
// 10.5; rules T5, T8, T12.

import { ctEqual } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { ARG } from "../layout";
import { MY_ID } from "../seal/identity";
import { LINK_ID, LINK_KEY, LinkArea, linkCount } from "../seal/link";
import {
  REASON_REVOKED,
  REASON_SESSION_GONE,
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_CODE,
  STATUS_BAD_CONFIG,
  STATUS_BAD_LENGTH,
  STATUS_BAD_STATE,
  STATUS_NO_LINK_SLOT,
  STATUS_OK,
  STATUS_OLD_CONFIG,
} from "../status";
import { endStreams } from "../stream/link-rx";
import { CONFIG_VERSION, versionNewer } from "../stream/opening";
import { peerRemove } from "../stream/peers";
import {
  CODE_COMMANDER_ID,
  CODE_COMMANDER_KEY,
  CODE_CONNECTOR_KEY,
  CODE_ID,
  CODE_PSK,
  CODE_RECOVERY_HASH,
  CODE_SECRET,
  codeTake,
  HASH,
  hashOf,
  TICKET,
} from "./code";
import {
  CONFIG_COMMANDER_ID,
  CONFIG_ID,
  CONFIG_KEYS,
  CONFIG_RECOVERY_KEY,
  CONFIG_VERSION_AT,
  configCheck,
  entryAt,
  entryCount,
  entryIndex,
  entryLen,
  entryOf,
  hasCommander,
  keysGood,
  PEER_KEY,
  PEER_NEXT_KEY,
  PEERS,
  ROUTES,
} from "./configuration";
import {
  arriving,
  commander,
  commanderAdd,
  commanderLink,
  config,
  configEnd,
  configMost,
  enforce,
  inForceLen,
  markOf,
  TRAILER_LEN,
} from "./in-force";
import { INSTALL_EPOCH, INSTALL_RECOVERY, SECRET_LEN } from "./messages";

/** While not activated: the code's secret. */
export const SECRET: usize = memory.data(16, 8);
const RECOVERY_HASH: usize = memory.data(32, 8);

/** Length of what waits to be stored, the trailer included; 0: nothing. */
export let pendingLen: i32 = 0;

/** A new instance, or the end of one: nothing waits, and no secret stays. */
export function arrivingDrop(): void {
  pendingLen = 0;
  wipe(SECRET, SECRET_LEN);
}

/**
 * Takes the code of `len` bytes that the host has put at `arriving`, and wipes it. ARG then holds what `hop_open(1)` takes: Connector key [32], zeros [32], codeId [8], ticket [32].
 * @returns STATUS_OK, BAD_STATE (activated already, or no control plane), BAD_LENGTH, BAD_CODE, NO_LINK_SLOT
 */
export function codeLoad(len: i32): i32 {
  if (commander != 0) {
    // The code has been put where a configuration waits or arrives: the Commander has to send that again.
    pendingLen = 0;
    endStreams(commanderLink(), REASON_SESSION_GONE);
  }
  if (configMost <= 0 || inForceLen != 0) return STATUS_BAD_STATE;
  if (<u32>len > <u32>configMost) return STATUS_BAD_LENGTH;
  const code = arriving;
  if (!codeTake(code, len)) return STATUS_BAD_CODE;
  // Another code: another id, so another link.
  if (commander != 0 && load<u64>(MY_ID) != load<u64>(CODE_ID))
    peerRemove(commanderLink(), REASON_REVOKED);
  memory.copy(MY_ID, CODE_ID, 8);
  store<u64>(MY_ID, 0, 8);
  memory.copy(SECRET, code + <usize>CODE_SECRET, SECRET_LEN);
  memory.copy(RECOVERY_HASH, code + <usize>CODE_RECOVERY_HASH, 32);
  const status = commanderAdd(
    code + <usize>CODE_COMMANDER_ID,
    code + <usize>CODE_COMMANDER_KEY,
    0,
    CODE_PSK,
  );
  memory.copy(ARG, code + <usize>CODE_CONNECTOR_KEY, 32);
  memory.fill(ARG + 32, 0, 32);
  memory.copy(ARG + 64, MY_ID, 8);
  memory.copy(ARG + 72, TICKET, 32);
  wipe(TICKET, 72);
  wipe(code, len);
  return status;
}

/** Takes the configuration of `len` bytes at `arriving`. STATUS_OK: the host is asked to store it. */
export function configOffer(len: i32): i32 {
  if (!configCheck(arriving, len) || !pinned(arriving)) return STATUS_BAD_CONFIG;
  const version = arriving + <usize>CONFIG_VERSION_AT;
  if (inForceLen != 0) {
    if (load<u32>(version) < load<u32>(configEnd()) || !versionNewer(version, CONFIG_VERSION))
      return STATUS_OLD_CONFIG;
  }
  if (!linksFit(len)) return STATUS_NO_LINK_SLOT;
  offer(len, load<u32>(version));
  return STATUS_OK;
}

/** What no CONFIG changes: the Commander's id and its two keys, and this STLink's id once it has one (rules T1, T8). */
function pinned(next: usize): bool {
  const keys = next + <usize>CONFIG_KEYS;
  if (inForceLen != 0) {
    // The two keys and the Commander's id stand in a row.
    if (!ctEqual(keys, config + <usize>CONFIG_KEYS, 80)) return false;
    return ctEqual(next + <usize>CONFIG_ID, config + <usize>CONFIG_ID, 16);
  }
  const link = commanderLink();
  hashOf(0, 0, keys + 32, 32, HASH);
  if (!ctEqual(HASH, RECOVERY_HASH, 32) || !ctEqual(keys, LinkArea.at(link, LINK_KEY), 32))
    return false;
  return ctEqual(next + <usize>CONFIG_COMMANDER_ID, LinkArea.at(link, LINK_ID), 16);
}

/** True when there is a link for each peer of what arrives and for the Commander, where there is one. */
function linksFit(len: i32): bool {
  const end = arriving + <usize>len;
  const listed = entryOf(arriving, end, PEERS, arriving + <usize>CONFIG_COMMANDER_ID) != 0 ? 1 : 0;
  entryAt(arriving, end, PEERS, -1);
  return entryCount - listed + <i32>hasCommander(arriving) <= linkCount();
}

/** Puts the trailer behind what has arrived and asks the host to store it. */
function offer(len: i32, epoch: u32): void {
  const end = arriving + <usize>len;
  store<u32>(end, epoch);
  const marked = len + 4 + marksPut(end);
  hashOf(0, 0, arriving, marked, HASH);
  store<u32>(arriving + <usize>marked, load<u32>(HASH));
  pendingLen = marked + 4;
}

/**
 * Marks each peer of what arrives, which ends at `end`, whose key is neither that of the configuration in force nor
 * announced by it, or which is marked there (rule T12). A peer that was not there is new, and the Commander's entry
 * counts as no peer. Returns how many peers there are.
 */
function marksPut(end: usize): i32 {
  let at = entryAt(arriving, end, PEERS, 0);
  const count = entryCount;
  for (let i = 0; i < count; i++) {
    const known =
      inForceLen != 0 && !ctEqual(at, config + <usize>CONFIG_COMMANDER_ID, 16)
        ? entryOf(config, configEnd(), PEERS, at)
        : 0;
    const key = at + <usize>PEER_KEY;
    const changed =
      known != 0 &&
      (load<u8>(markOf(entryIndex)) != 0 ||
        !(
          ctEqual(key, known + <usize>PEER_KEY, 32) ||
          ctEqual(key, known + <usize>PEER_NEXT_KEY, 32)
        ));
    store<u8>(end + 4 + <usize>i, changed ? 1 : 0);
    at += <usize>entryLen(PEERS, at, end);
  }
  return count;
}

/** The host has confirmed the key of a peer: the mark goes, and what is in force is to be stored without it. BAD_ARGUMENT. */
export function peerConfirm(index: i32): i32 {
  entryAt(config, configEnd(), PEERS, -1);
  if (inForceLen == 0 || <u32>index >= <u32>entryCount) return STATUS_BAD_ARGUMENT;
  store<u8>(markOf(index), 0);
  memory.copy(arriving, config, inForceLen);
  offer(inForceLen, load<u32>(configEnd()));
  return STATUS_OK;
}

/**
 * Takes INSTALL's body at `at`: the configuration in force with other keys, under a greater epoch (rule T8).
 * @param byRecovery the session was made with the recovery key, which may replace itself
 * @returns STATUS_OK: the host is asked to store it; BAD_CONFIG, OLD_CONFIG
 */
export function installOffer(at: usize, byRecovery: bool): i32 {
  const epoch = load<u32>(at, INSTALL_EPOCH);
  if (inForceLen == 0 || !keysGood(at)) return STATUS_BAD_CONFIG;
  if (epoch <= load<u32>(configEnd())) return STATUS_OLD_CONFIG;
  const same = ctEqual(at + INSTALL_RECOVERY, config + <usize>CONFIG_RECOVERY_KEY, 32);
  if (!byRecovery && !same) return STATUS_BAD_CONFIG;
  // The message stands where the configuration is composed.
  memory.copy(ARG, at, 64);
  memory.copy(arriving, config, inForceLen);
  memory.copy(arriving + <usize>CONFIG_KEYS, ARG, 64);
  offer(inForceLen, epoch);
  return STATUS_OK;
}

/** The host has stored what waited, or could not. True: another version is in force, to be confirmed. */
export function configStored(ok: bool): bool {
  const end = arriving + <usize>pendingLen;
  pendingLen = 0;
  return ok && intoForce(<i32>(entryAt(arriving, end, ROUTES, -1) - arriving));
}

/** Puts what the host has stored, `len` bytes at `arriving`, into force. BAD_STATE, BAD_LENGTH, BAD_CONFIG, NO_LINK_SLOT. */
export function configLoad(len: i32): i32 {
  if (configMost <= 0 || commander != 0 || inForceLen != 0) return STATUS_BAD_STATE;
  if (<u32>(len - TRAILER_LEN) > <u32>(configMost + linkCount())) return STATUS_BAD_LENGTH;
  const sum = arriving + <usize>len - 4;
  hashOf(0, 0, arriving, len - 4, HASH);
  const body = <i32>(entryAt(arriving, sum, ROUTES, -1) - arriving);
  if (load<u32>(HASH) != load<u32>(sum) || !configCheck(arriving, body)) return STATUS_BAD_CONFIG;
  entryAt(arriving, sum, PEERS, -1);
  if (body + entryCount + TRAILER_LEN != len) return STATUS_BAD_CONFIG;
  if (!linksFit(body)) return STATUS_NO_LINK_SLOT;
  intoForce(body);
  return STATUS_OK;
}

/** The half that arrived is in force, and a code's secret is needed no more. True when its version is another one. */
function intoForce(len: i32): bool {
  wipe(SECRET, SECRET_LEN);
  return enforce(len);
}
