// SPDX-License-Identifier: Apache-2.0
// What scenes check on the way, beyond that the bytes are written down: a scene fails rather than record
// what PROTOCOL does not say. Before: the scenes. After: stage.ts.

import type { LinkFrame } from "../../reference/link-frames.ts";
import { FLAG, need, STREAM, type Stage } from "./stage.ts";

const INFO_REASON = 10;

export function expectStatus(found: number, status: number): void {
  if (found !== status) throw new Error(`status ${found}, not ${status}`);
}

export function expectText(found: string, expected: string): void {
  if (found !== expected) throw new Error(`"${found}" instead of "${expected}"`);
}

/** The stream is over; a reason of 0 is the clean end. */
export function expectClosed(stage: Stage, reason: number): void {
  const flags = stage.rec.call("stream_flags", STREAM);
  if ((flags & FLAG.closed) === 0) throw new Error(`flags ${flags}: not closed`);
  expectReason(stage, reason);
}

export function expectReason(stage: Stage, reason: number): void {
  stage.rec.call("stream_info", STREAM);
  const found = stage.rec.readArg(INFO_REASON + 1)[INFO_REASON];
  if (found !== reason) throw new Error(`reason ${found}, not ${reason}`);
}

/** A RESET frame of this stream is among these. */
export function expectReset(frames: readonly LinkFrame[], stream: number, reason: number): void {
  const frame = need(frames, "RESET");
  if (frame.stream !== stream || frame.reason !== reason) {
    throw new Error(`RESET of ${frame.stream} with ${frame.reason}`);
  }
}
