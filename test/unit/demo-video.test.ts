// SPDX-License-Identifier: Apache-2.0
// The demo's video: the camera's packets as they arrive in pieces, what is no packet of the camera, and
// pictures that are what PNG (RFC 2083) asks for. Its way through a tunnel is test/e2e/routes.test.ts's.

import { crc32, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { drawFrame, HEIGHT, WIDTH } from "../../host/cli/demo/picture.ts";
import { encodeFrame, FrameReader } from "../../host/cli/demo/video.ts";

const frames = [1, 2, 70_000].map((number) => ({ number, picture: drawFrame(number) }));
const wire = Buffer.concat(frames.map(encodeFrame));

describe("FrameReader", () => {
  it("gives the same frames however the bytes are cut", () => {
    for (const size of [1, 7, 1000, wire.length]) {
      const reader = new FrameReader();
      const found = [];
      for (let at = 0; at < wire.length; at += size) {
        found.push(...reader.read(wire.subarray(at, at + size)));
      }
      expect(found).toEqual(frames);
    }
  });

  it.each([
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\n".padEnd(20_000, "x"))],
    ["a packet without a whole header", Buffer.from([0, 3, 0x80, 0xe0, 0])],
    ["another payload type", Buffer.from([0, 12, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  ])("refuses %s", (_, bytes) => {
    expect(() => [...new FrameReader().read(bytes)]).toThrow("not a packet of the camera");
  });
});

/** Type and data of each chunk; every CRC is checked. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    expect(png.readUInt32BE(end)).toBe(crc32(png.subarray(at + 4, end)));
    chunks.set(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, end));
    at = end + 4;
  }
  return chunks;
}

describe("drawFrame", () => {
  it("gives a PNG whose every pixel has a colour", () => {
    const chunks = chunksOf(drawFrame(123));
    expect([...chunks.keys()]).toEqual(["IHDR", "PLTE", "IDAT", "IEND"]);
    expect(chunks.get("PLTE")?.length).toBe(16 * 3);
    const rows = inflateSync(chunks.get("IDAT") ?? Buffer.alloc(0));
    expect(rows.length).toBe(HEIGHT * (WIDTH + 1));
    expect(Math.max(...new Set(rows))).toBe(15);
  });

  it("draws each frame differently, and the same one the same", () => {
    const drawn = Array.from({ length: 50 }, (_, n) => drawFrame(n).toString("base64"));
    expect(new Set(drawn).size).toBe(50);
    expect(drawFrame(7).toString("base64")).toBe(drawn[7]);
  });
});
