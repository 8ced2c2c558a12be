// SPDX-License-Identifier: Apache-2.0
//
// Time as the core knows it: milliseconds, monotonic, modulo 2^32, told by the host (`tick`, `start`).
// Every comparison is by signed difference, so a wrap after 49 days changes nothing. DESIGN section 6.

/** Now, as the host told it last. */
export let now: i32 = 0;

let deadline: i32 = 0;

/** Longest sleep that `tick` returns, and the horizon of every timer: 60 s. */
const LONGEST_MS: i32 = 60_000;

/** Sets the clock and forgets the deadline of the last tick. */
export function clockSet(ms: i32): void {
  now = ms;
  deadline = LONGEST_MS;
}

/** Milliseconds since `then`, for spans below 2^31. */
export function since(then: i32): i32 {
  return now - then;
}

/** True when the moment `at` has come. */
export function due(at: i32): bool {
  return now - at >= 0;
}

/** Notes that something is to happen at `at`. */
export function wakeAt(at: i32): void {
  const left = max<i32>(at - now, 0);
  if (left < deadline) deadline = left;
}

/** Milliseconds to the next noted moment, at most LONGEST_MS. */
export function nextDeadline(): i32 {
  return deadline;
}
