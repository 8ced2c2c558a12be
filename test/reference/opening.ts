// SPDX-License-Identifier: Apache-2.0
// The OPEN and ACCEPT of a stream, made once and repeated verbatim: PROTOCOL.md 5.3, 5.5 (H7).
// link-streams.ts makes them with the connection's handshake, link-writer.ts sends them.
// Invariant: an OPEN belongs to the session whose handshake hash it is bound to.

import type { FrameNamed } from "./link-frames.ts";
import type { LinkSession } from "./link-session.ts";
import type { HandshakeState } from "./noise.ts";
import { KIND, type Opening, type Repeated, type Stream } from "./stream.ts";

const VERSION = 1;

/** The OPEN of `stream`, with message 1 of `handshake`. */
export function openOf(
  stream: Stream,
  config: { epoch: number; serial: bigint },
  session: LinkSession,
  handshake: HandshakeState,
): Opening {
  const { number, kind, bindingId, mappingId } = stream;
  const frame: FrameNamed<"OPEN"> = {
    type: "OPEN",
    stream: number,
    kind,
    bindingId,
    mappingId,
    epoch: config.epoch,
    serial: config.serial,
    limit: limitOf(stream),
    version: VERSION,
    message: handshake.writeMessage(),
  };
  return { frame, session, handshake, due: true, answered: false, order: 0 };
}

/** The ACCEPT of `stream`, with message 2. */
export function acceptOf(stream: Stream, message: Uint8Array): Repeated<FrameNamed<"ACCEPT">> {
  const frame: FrameNamed<"ACCEPT"> = {
    type: "ACCEPT",
    stream: stream.number,
    load: 0,
    limit: limitOf(stream),
    version: VERSION,
    message,
  };
  return { frame, due: true, answered: false, order: 0 };
}

// A channel of datagrams has no limit (section 8).
function limitOf(stream: Stream): bigint {
  return stream.kind === KIND.datagrams ? 0n : BigInt(stream.receiver.grant());
}
