// SPDX-License-Identifier: Apache-2.0
// The times and counts of layer 2: PROTOCOL.md sections 5.2 and 11. link.ts goes by them; a test
// may shorten them.
// Invariant: renew < send < open.

const MINUTE_MS = 60_000;

export interface LinkTimes {
  renewMs: number;
  renewOtherMs: number;
  renewPackets: number;
  usedWithinMs: number;
  sendMs: number;
  sendPackets: number;
  openMs: number;
  /** Message 1 again; ± 20 %. */
  message1AgainMs: number[];
  message3AgainMs: number[];
  /** S9: new handshakes as responder, NO_SESSION sent and believed. */
  rateMs: number;
  /** A responder's handshake without message 3 is forgotten after this. */
  answerMs: number;
  /** Bad tags under one session after which a new one is made (S8). */
  badTags: number;
}

/** Section 11. */
export const LINK_TIMES: LinkTimes = {
  renewMs: 50 * MINUTE_MS,
  renewOtherMs: 55 * MINUTE_MS,
  renewPackets: 2 ** 31,
  usedWithinMs: 10 * MINUTE_MS,
  sendMs: 60 * MINUTE_MS,
  sendPackets: 2 ** 32,
  openMs: 120 * MINUTE_MS,
  message1AgainMs: [1000, 2000, 4000, 8000, 16000],
  message3AgainMs: [1000, 2000, 4000, 8000],
  rateMs: 5000,
  answerMs: 32_000,
  badTags: 2 ** 32 - 1,
};
