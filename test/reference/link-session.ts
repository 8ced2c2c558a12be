// SPDX-License-Identifier: Apache-2.0
// One session of layer 2: two keys, two indexes, a counter and a window. PROTOCOL.md 5.1, 5.2.
// link.ts makes it out of a handshake; link-streams.ts fills and reads its packets.
// Invariants: a counter is used once; the window changes only after a tag has held (S8).

import { open, seal, TAG_LEN } from "./aead.ts";
import { concat, Reader, Writer } from "./bytes.ts";
import type { Split } from "./noise.ts";
import { ReplayWindow } from "./replay.ts";
import { ProtocolError } from "./status.ts";

/** Version 1 and the type, section 5.1. */
export const PACKET_TYPE = {
  message1: 0x11,
  message2: 0x12,
  message3: 0x13,
  data: 0x14,
  noSession: 0x15,
} as const;

/** Bytes of a data packet's header and tag. */
export const PACKET_OVERHEAD = 13 + TAG_LEN;

const HEADER_LEN = 13;
const PAD_TO = 64;

interface SessionOptions {
  split: Split;
  initiator: boolean;
  localIndex: number;
  remoteIndex: number;
  replayWindow: number;
  now: number;
}

export class LinkSession {
  readonly initiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly handshakeHash: Uint8Array;
  readonly startedAt: number;
  sent = 0;
  /** Packets opened. */
  opened = 0;
  usedAt: number;
  badTags = 0;
  /** The peer's HELLO of this session has been opened. */
  heardHello = false;
  /** The peer has shown that it has opened my HELLO of this session. */
  provenHello = false;
  private readonly sendKey: Uint8Array;
  private readonly receiveKey: Uint8Array;
  private readonly window: ReplayWindow;

  constructor({ split, initiator, localIndex, remoteIndex, replayWindow, now }: SessionOptions) {
    this.initiator = initiator;
    this.localIndex = localIndex;
    this.remoteIndex = remoteIndex;
    this.handshakeHash = split.handshakeHash;
    this.startedAt = now;
    this.usedAt = now;
    this.sendKey = initiator ? split.toResponder : split.toInitiator;
    this.receiveKey = initiator ? split.toInitiator : split.toResponder;
    this.window = new ReplayWindow(replayWindow);
  }

  /** Seals frames as a data packet; with `pad`, its length is a multiple of 64. */
  seal(frames: Uint8Array, pad: boolean): Uint8Array {
    const header = new Writer().u8(PACKET_TYPE.data).u32(this.remoteIndex).u64(this.sent).finish();
    const plaintext = pad ? padFrames(frames) : frames;
    return concat(header, seal(this.sendKey, this.sent++, header, plaintext));
  }

  /** Opens a data packet of this session; throws `Stale`, `BadTag`. */
  open(packet: Uint8Array): Uint8Array {
    const header = packet.subarray(0, HEADER_LEN);
    const counter = new Reader(header.subarray(5), "BadFrame").u64();
    this.window.check(counter);
    const frames = this.openFrames(counter, header, packet.subarray(HEADER_LEN));
    this.window.take(counter);
    this.opened++;
    return frames;
  }

  private openFrames(counter: bigint, header: Uint8Array, sealed: Uint8Array): Uint8Array {
    try {
      return open(this.receiveKey, counter, header, sealed);
    } catch (error) {
      this.badTags++;
      throw error;
    }
  }
}

/** The receiver index of a data packet of at least 30 bytes (else `BadFrame`). */
export function dataIndex(packet: Uint8Array): number {
  if (packet.length < PACKET_OVERHEAD + 1) throw new ProtocolError("BadFrame");
  return new Reader(packet.subarray(1), "BadFrame").u32();
}

function padFrames(frames: Uint8Array): Uint8Array {
  const length = Math.ceil((frames.length + PACKET_OVERHEAD) / PAD_TO) * PAD_TO;
  return concat(frames, new Uint8Array(length - PACKET_OVERHEAD - frames.length));
}
