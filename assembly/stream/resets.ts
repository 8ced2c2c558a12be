// SPDX-License-Identifier: Apache-2.0
//
// RESET frames that belong to no live stream: a short list of each link, written when there is room. What does not
// fit is forgotten: the peer's next frame asks again (rule F3, PROTOCOL 5.4).

import { LINK_RESETS, LINK_RESET_LIST, Link, LinkArea, RESET_LIST_MOST } from "../seal/link";
import { LinkFrame, RESET, RESET_LEN } from "../wire/link-frames";

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

/** Writes as many as fit; returns the end. */
export function writeResets(link: Link, at: usize, end: usize): usize {
  while (link.resetCount > 0 && at + <usize>RESET_LEN <= end) {
    const last = entry(link, --link.resetCount);
    at = LinkFrame.emitByte(at, RESET, load<u32>(last), load<u8>(last, 4));
  }
  if (link.resetCount == 0) link.due &= ~LINK_RESETS;
  return at;
}
