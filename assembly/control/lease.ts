// SPDX-License-Identifier: Apache-2.0
//
// Two limits in time on what other links may do: the lease, which the Commander renews by being heard, and the gate,
// which waits for the Commander's answer after each hop. Before it: control.ts says when the Commander was heard.
// After it: link-rx.ts and opening.ts ask `admits`. Durations are of this side's own clock. PROTOCOL 10.4, 10.6; T10, T11.

import { due, now, since, wakeAt } from "../clock";
import { COMMANDER, LINK_GOODBYE, Link, linkAt, linkEnd } from "../seal/link";
import { handshakeDrop } from "../seal/link-handshake";
import { REASON_LEASE_EXPIRED } from "../status";
import { endStreams } from "../stream/link-rx";

/** Times of PROTOCOL section 11. */
const GATE_MS: i32 = 5000;

/** What is left of the lease, milliseconds; it counts while `running`. */
let left: i64 = 0;
let running: bool = false;
let countedAt: i32 = 0;
/** Other links are cut. */
export let leaseExpired: bool = false;
let gated: bool = false;
let gateAt: i32 = 0;

/** No lease, no gate: a new instance. */
export function leaseReset(): void {
  running = leaseExpired = gated = false;
}

/** The Commander was heard, or a configuration came into force: the whole lease is there again (0: never ends). */
export function leaseRestart(seconds: u32): void {
  running = seconds != 0;
  left = <i64>seconds * 1000;
  countedAt = now;
  if (!leaseExpired) return;
  leaseExpired = false;
  for (let i = 0; i < linkEnd; i++) if (linkAt(i).commander == 0) linkAt(i).penalty = 0;
}

/** What is left in units of 1,024 ms, rounded down; i32.MAX_VALUE: no lease. */
export function leaseLeft(): i32 {
  const units = left >> 10;
  return running && units < <i64>i32.MAX_VALUE ? <i32>units : i32.MAX_VALUE;
}

/** What was left when the host saved it: never more than the whole. */
export function leaseSet(units: i32): void {
  left = min<i64>(left, (<i64>units) << 10);
}

/** A hop has come up: the Commander's word is awaited, for five seconds at most. */
export function gateClose(): void {
  gated = true;
  gateAt = now + GATE_MS;
  wakeAt(gateAt);
}

/** The Commander has answered. */
export function gateOpen(): void {
  gated = false;
}

/** True when the link's peer may begin something now. */
export function admits(link: Link): bool {
  return !gated || (link.commander & COMMANDER) != 0;
}

/** Counts the lease, and opens the gate in time. */
export function leaseTick(): void {
  if (gated) {
    if (due(gateAt)) gated = false;
    else wakeAt(gateAt);
  }
  if (!running) return;
  left -= <i64>since(countedAt);
  countedAt = now;
  if (left > 0) {
    if (left < 60_000) wakeAt(now + <i32>left);
    return;
  }
  left = 0;
  for (let i = 0; i < linkEnd; i++)
    if (linkAt(i).used && linkAt(i).commander == 0) suspend(linkAt(i));
  leaseExpired = true;
}

/** Cuts a link until the lease is back: GOODBYE, then silence; what the host opens meanwhile ends the same way. */
function suspend(link: Link): void {
  endStreams(link, REASON_LEASE_EXPIRED);
  link.penaltyAt = now;
  if (link.penalty) return;
  link.penalty = 1;
  handshakeDrop(link);
  link.goodbyeReason = REASON_LEASE_EXPIRED;
  link.due = LINK_GOODBYE;
}
