// SPDX-License-Identifier: Apache-2.0
//
// The boundary of the control plane: activation, the configuration to be stored and to be read, rotation, lease.
// Before it: a host with flash. After it: control/. A host that has loaded neither code nor configuration, or states
// no size for it, has none of this: its peers are those of `link_add`. PROTOCOL section 10.

import { aboutSet } from "../control/about";
import { codeLoad, configLoad, pendingLen } from "../control/arriving";
import { entryAt, entryCount, entryLen } from "../control/configuration";
import {
  controlConfirm,
  controlReport,
  controlRotate,
  controlState,
  controlStored,
} from "../control/control";
import { arriving, config, configEnd, inForceLen, markOf } from "../control/in-force";
import { leaseLeft, leaseSet } from "../control/lease";
import { STATUS_BAD_ARGUMENT, STATUS_OK } from "../status";

/** Sections of the configuration in force, for `config_count` and `config_entry`. */
export const CONFIG_CONNECTORS: i32 = 0;
export const CONFIG_PEERS: i32 = 1;
export const CONFIG_ROUTES: i32 = 2;

/**
 * `1 activating, 2 activated | REFUSED's reason << 8 | lease expired << 16 | recovery session << 17 | a peer's key has
 * changed << 18`; 0: neither.
 */
export function control_state(): i32 {
  return controlState();
}

/** The Commander's next REPORT says `status`: why something of the host's failed last. BAD_ARGUMENT: no status. */
export function control_report(status: i32): i32 {
  if (status >= 0 || status < i8.MIN_VALUE) return STATUS_BAD_ARGUMENT;
  controlReport(status);
  return STATUS_OK;
}

/** Where the host puts a code or a stored configuration, and finds the one that is to be stored. */
export function config_ptr(): i32 {
  return <i32>arriving;
}

/** Bytes at `config_ptr` that are to be stored (CORE_WANTS_STORE), or 0. They hold secrets, and are stored as they are. */
export function config_len(): i32 {
  return pendingLen;
}

/** The host has stored what CORE_WANTS_STORE or CORE_WANTS_KEY asked for (`ok` 1), or could not (0). BAD_STATE. */
export function config_stored(ok: i32): i32 {
  return controlStored(ok != 0);
}

/** Puts `len` stored bytes at `config_ptr` into force. After `identity_set`. BAD_STATE, BAD_LENGTH, BAD_CONFIG, NO_LINK_SLOT. */
export function config_load(len: i32): i32 {
  return configLoad(len);
}

/**
 * ARG, `len` bytes: what the Commander is told of this host: the core's SHA-256 [32], and behind it, at most 64 bytes,
 * `platform NUL board NUL firmware version`. BAD_STATE (no control plane), BAD_LENGTH.
 */
export function about_set(len: i32): i32 {
  return aboutSet(len);
}

/**
 * Takes an activation code of `len` bytes at `config_ptr`, and wipes it. ARG then holds what `hop_open(1)` takes. Called
 * again before each such hop.
 * @returns STATUS_OK, BAD_STATE (activated already), BAD_LENGTH, BAD_CODE, NO_LINK_SLOT
 */
export function code_load(len: i32): i32 {
  return codeLoad(len);
}

/** Entries of a section (CONFIG_*) of the configuration in force. */
export function config_count(section: i32): i32 {
  if (<u32>section > <u32>CONFIG_ROUTES) return STATUS_BAD_ARGUMENT;
  if (inForceLen == 0) return 0;
  entryAt(config, configEnd(), section, -1);
  return entryCount;
}

/** Pointer to an entry, whose bytes are those of PROTOCOL 10.3; `config_entry_len` says how many. BAD_ARGUMENT. */
export function config_entry(section: i32, index: i32): i32 {
  if (<u32>index >= <u32>config_count(section)) return STATUS_BAD_ARGUMENT;
  const end = configEnd();
  const at = entryAt(config, end, section, index);
  entryBytes = entryLen(section, at, end);
  return <i32>at;
}

/** Length of the entry that `config_entry` gave. */
export function config_entry_len(): i32 {
  return entryBytes;
}

/** 1: the key of the peer `index` of CONFIG_PEERS has changed unannounced, and its pinned Routes refuse; else 0. BAD_ARGUMENT. */
export function peer_changed(index: i32): i32 {
  if (<u32>index >= <u32>config_count(CONFIG_PEERS)) return STATUS_BAD_ARGUMENT;
  return <i32>load<u8>(markOf(index));
}

/** A person has compared that peer's fingerprint: its Routes work again, and this is to be stored. BAD_ARGUMENT, BAD_STATE: later. */
export function peer_confirm(index: i32): i32 {
  return controlConfirm(index);
}

/** ARG: a new key pair, private [32], public [32], stored beside the present one: the Commander is told. BAD_STATE. */
export function rotate(): i32 {
  return controlRotate();
}

/** What is left of the lease, in units of 1,024 ms, rounded down, to be saved hourly; i32.MAX_VALUE: it never ends. */
export function lease_left(): i32 {
  return leaseLeft();
}

/** What was left when it was saved. After `config_load`. BAD_ARGUMENT. */
export function lease_set(units: i32): i32 {
  if (units < 0) return STATUS_BAD_ARGUMENT;
  leaseSet(units);
  return STATUS_OK;
}

let entryBytes: i32 = 0;
