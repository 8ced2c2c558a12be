// SPDX-License-Identifier: Apache-2.0
//
// Answers about streams that are not there: RESET, or the ACK of a stream that ended cleanly and whose last ACK was
// lost. A short list of each link, written when there is room. What does not fit is forgotten: the peer's next frame
// asks again (rule F3, PROTOCOL 5.4, 7.2).

import {
  FINISHED_MOST,
  LINK_FINISHED,
  LINK_RESET_LIST,
  LINK_RESETS,
  Link,
  LinkArea,
  RESET_LIST_MOST,
} from "../seal/link";
import { REASON_UNKNOWN } from "../status";
import {
  ACK,
  ACK_FLAGS,
  ACK_LEN,
  ACK_LIMIT,
  ACK_NEXT,
  LinkFrame,
  RESET,
  RESET_LEN,
} from "../wire/link-frames";
import { streamAt } from "./stream";

/** Notes a RESET{number, reason} for the peer; one for each number. */
export function resetFrame(link: Link, number: u32, reason: u8): void {
  for (let i = 0; i < link.resetCount; i++) if (load<u32>(entry(link, i)) == number) return;
  if (link.resetCount == RESET_LIST_MOST) return;
  const at = entry(link, link.resetCount++);
  store<u32>(at, number);
  store<u8>(at, reason, 4);
  link.due |= LINK_RESETS;
}

function entry(link: Link, i: i32): usize {
  return LinkArea.at(link, LINK_RESET_LIST) + ((<usize>i) << 3);
}

/** Remembers that a stream has ended cleanly with `next` as its last ACK. */
export function rememberFinished(link: Link, number: u32, next: u64): void {
  const at = LinkArea.at(link, LINK_FINISHED) + ((<usize>link.finishedAt) << 4);
  store<u32>(at, number + 1);
  store<u64>(at, next, 8);
  link.finishedAt = (link.finishedAt + 1) & (FINISHED_MOST - 1);
}

/** Where a clean end of this number is remembered, or 0. */
export function finished(link: Link, number: u32): usize {
  let at = LinkArea.at(link, LINK_FINISHED);
  for (let i = 0; i < FINISHED_MOST; i++, at += 16) if (load<u32>(at) == number + 1) return at;
  return 0;
}

function emitLastAck(at: usize, number: u32, next: u64): usize {
  store<u8>(at, ACK);
  store<u32>(at, number, 1);
  store<u8>(at, 0, ACK_FLAGS);
  store<u64>(at, next, ACK_NEXT);
  store<u64>(at, 0, ACK_LIMIT);
  return at + <usize>ACK_LEN;
}

/**
 * RESET of every channel whose end the peer has not confirmed: the packet's PROBE asks for that (8.4).
 * @returns the end
 */
export function writeEnds(link: Link, at: usize, end: usize): usize {
  for (let i = link.streams; i >= 0; i = streamAt(i).nextOfLink) {
    const stream = streamAt(i);
    if (!stream.unconfirmed) continue;
    const fits = at + <usize>RESET_LEN <= end;
    if (fits) at = LinkFrame.emitByte(at, RESET, stream.number, stream.reason);
    stream.unconfirmed = fits ? 2 : 1;
  }
  return at;
}

/** Writes as many as fit; returns the end. */
export function writeResets(link: Link, at: usize, end: usize): usize {
  while (link.resetCount > 0 && at + <usize>ACK_LEN <= end) {
    const last = entry(link, --link.resetCount);
    const number = load<u32>(last);
    const reason = load<u8>(last, 4);
    const ended = reason == REASON_UNKNOWN ? finished(link, number) : 0;
    at =
      ended == 0
        ? LinkFrame.emitByte(at, RESET, number, reason)
        : emitLastAck(at, number, load<u64>(ended, 8));
  }
  if (link.resetCount == 0) link.due &= ~LINK_RESETS;
  return at;
}
