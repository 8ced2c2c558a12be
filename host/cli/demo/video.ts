// SPDX-License-Identifier: Apache-2.0
// The wire of the demo's camera: RTP packets (RFC 3550) on a TCP connection, each after its length in two
// bytes (RFC 4571). A packet holds one picture; its clock counts frames, so the timestamp is the frame's
// number. Before it: camera.ts encodes. After it: viewer.ts decodes. Nothing in between knows of it.

const LENGTH_LEN = 2;
const HEADER_LEN = 12;
/** RTP version 2; the marker says that the frame ends here; a payload type for one's own use. */
const VERSION_BYTE = 0x80;
const TYPE_BYTE = 0x80 | 96;
const SOURCE = 0xca_3e_7a_01;

export type Frame = { number: number; picture: Buffer };

/** The packet of a frame; the picture has at most 65,523 bytes. */
export function encodeFrame({ number, picture }: Frame): Buffer {
  const packet = Buffer.alloc(LENGTH_LEN + HEADER_LEN);
  packet.writeUInt16BE(HEADER_LEN + picture.length, 0);
  packet.set([VERSION_BYTE, TYPE_BYTE], 2);
  packet.writeUInt16BE(number & 0xffff, 4);
  packet.writeUInt32BE(number, 6);
  packet.writeUInt32BE(SOURCE, 10);
  return Buffer.concat([packet, picture]);
}

/** Takes bytes as they come, gives the frames that are whole. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** Throws where the bytes are no packets of this kind. */
  *read(bytes: Buffer): Generator<Frame> {
    this.#held = Buffer.concat([this.#held, bytes]);
    for (;;) {
      if (this.#held.length < LENGTH_LEN) return;
      const end = LENGTH_LEN + this.#held.readUInt16BE(0);
      if (this.#held.length < end) return;
      yield decodePacket(this.#held.subarray(LENGTH_LEN, end));
      this.#held = this.#held.subarray(end);
    }
  }
}

function decodePacket(packet: Buffer): Frame {
  const isOurs =
    packet.length >= HEADER_LEN && packet[0] === VERSION_BYTE && packet[1] === TYPE_BYTE;
  if (!isOurs) throw new Error("not a packet of the camera");
  return { number: packet.readUInt32BE(4), picture: packet.subarray(HEADER_LEN) };
}
