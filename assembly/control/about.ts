// SPDX-License-Identifier: Apache-2.0
//
// What an STLink tells its Commander of itself: which core it runs, on what, and how many sessions and streams it has.
// Before it: the host, once after `start`. After it: control.ts, which sends it behind each STATE, and its text with
// ACTIVATE. Nothing here is secret. PROTOCOL 10.1.

import { ARG } from "../layout";
import { linkAt, linkEnd, sessionUsable } from "../seal/link";
import { STATUS_BAD_LENGTH, STATUS_BAD_STATE, STATUS_OK } from "../status";
import { STREAM_UP, streamAt } from "../stream/stream";
import { configMost } from "./in-force";
import { ABOUT_MOST, ABOUT_TEXT, COUNTS_LEN } from "./messages";

/** The core's SHA-256 [32], and a text behind it. */
const GIVEN: usize = memory.data(96, 8);
/** Bytes of both; 0: the host has given nothing, and nothing is told. */
export let aboutLen: i32 = 0;

/** ARG, `len` bytes: hash [32], a text of at most 64 bytes. BAD_STATE (no control plane), BAD_LENGTH. */
export function aboutSet(len: i32): i32 {
  if (configMost <= 0) return STATUS_BAD_STATE;
  if (<u32>(len - ABOUT_TEXT) > <u32>(ABOUT_MOST - ABOUT_TEXT)) return STATUS_BAD_LENGTH;
  memory.copy(GIVEN, ARG, len);
  aboutLen = len;
  return STATUS_OK;
}

/** The instance ends. */
export function aboutDrop(): void {
  aboutLen = 0;
}

/** The text alone, as ACTIVATE has it. Returns its length. */
export function aboutText(at: usize): i32 {
  const len = max<i32>(aboutLen - ABOUT_TEXT, 0);
  memory.copy(at, GIVEN + ABOUT_TEXT, len);
  return len;
}

/** Sessions with peers, the streams that are up with them, and what the host has given. Returns the length. */
export function aboutEmit(at: usize): i32 {
  let sessions = 0;
  let streams = 0;
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used || link.commander) continue;
    if (sessionUsable(link)) sessions++;
    for (let s = link.streams; s >= 0; s = streamAt(s).nextOfLink)
      if (streamAt(s).state == STREAM_UP) streams++;
  }
  store<i32>(at, sessions | (streams << 16));
  memory.copy(at + COUNTS_LEN, GIVEN, aboutLen);
  return COUNTS_LEN + aboutLen;
}
