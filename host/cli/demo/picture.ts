// SPDX-License-Identifier: Apache-2.0
// The camera's pictures, drawn by code: a yard at dusk, a car that crosses it, a lamp that blinks, and the
// frame's number burnt in. Frame n is the same bytes everywhere. Before it: camera.ts. After it: PNG
// (RFC 2083) with a palette, which every browser shows.

import { crc32, deflateSync } from "node:zlib";

export const WIDTH = 320;
export const HEIGHT = 180;
export const FRAMES_PER_SECOND = 10;

const SKY = 0;
const HILL = 8;
const ROAD = 9;
const LINE = 10;
const CAR = 11;
const GLASS = 12;
const TYRE = 13;
const LIGHT = 14;
const INK = 15;

/** Red, green, blue of each colour; the first eight are the sky from top to bottom. */
const COLOURS = [
  ...["0b1026", "131a3a", "1e2450", "322c63", "4f3572", "753f78", "a04c76", "c9606e"],
  ...["16281f", "2b2d33", "d8d3a8", "d94f3d", "a9d3e8", "101114", "ffd166", "f4f6fb"],
];
const PALETTE = Buffer.from(COLOURS.join(""), "hex");

/** Frame number `n`, a PNG of 2 to 4 KB. */
export function drawFrame(n: number): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT);
  drawYard(pixels, n);
  drawCar(pixels, ((n * 3) % (WIDTH + 70)) - 70);
  drawNumber(pixels, n, 10, 10);
  return encodePng(pixels);
}

function drawYard(pixels: Buffer, n: number): void {
  for (let y = 0; y < HEIGHT; y++) {
    const colour = y < 120 ? SKY + Math.floor(y / 15) : ROAD;
    pixels.fill(colour, y * WIDTH, (y + 1) * WIDTH);
  }
  for (let x = 0; x < WIDTH; x++) {
    const top = Math.round(104 + 9 * Math.sin(x / 31) + 5 * Math.sin(x / 13));
    fill(pixels, x, top, 1, 122 - top, HILL);
  }
  for (let x = 0; x < WIDTH; x += 40) fill(pixels, x + 8, 150, 22, 3, LINE);
  fill(pixels, 286, 58, 3, 64, TYRE);
  fill(pixels, 278, 52, 19, 8, n % FRAMES_PER_SECOND < FRAMES_PER_SECOND / 2 ? LIGHT : GLASS);
}

function drawCar(pixels: Buffer, x: number): void {
  fill(pixels, x, 134, 64, 18, CAR);
  fill(pixels, x + 14, 121, 34, 14, CAR);
  fill(pixels, x + 18, 124, 12, 9, GLASS);
  fill(pixels, x + 33, 124, 12, 9, GLASS);
  fill(pixels, x + 9, 147, 12, 12, TYRE);
  fill(pixels, x + 43, 147, 12, 12, TYRE);
  fill(pixels, x + 60, 138, 4, 5, LIGHT);
}

/** Rows of 3 by 5 dots, from the top left: three bits for each row. */
const DIGITS = [31599, 11415, 29671, 29647, 23497, 31183, 31215, 29257, 31727, 31695];
const DOT = 4;

function drawNumber(pixels: Buffer, n: number, left: number, top: number): void {
  for (const [i, digit] of [...String(n).padStart(6, "0")].entries()) {
    const dots = DIGITS[Number(digit)] ?? 0;
    for (let dot = 0; dot < 15; dot++) {
      if ((dots & (1 << (14 - dot))) === 0) continue;
      const x = left + (i * 4 + (dot % 3)) * DOT;
      fill(pixels, x, top + Math.floor(dot / 3) * DOT, DOT, DOT, INK);
    }
  }
}

/** A rectangle, cut at the picture's edges. */
function fill(pixels: Buffer, x: number, y: number, width: number, height: number, c: number) {
  const from = Math.max(x, 0);
  const to = Math.min(x + width, WIDTH);
  if (from >= to) return;
  for (let row = y; row < y + height; row++) pixels.fill(c, row * WIDTH + from, row * WIDTH + to);
}

/** RFC 2083: one byte for each pixel, an index into the palette; no row is filtered. */
function encodePng(pixels: Buffer): Buffer {
  const rows = Array.from({ length: HEIGHT }, (_, y) => [
    Buffer.alloc(1),
    pixels.subarray(y * WIDTH, (y + 1) * WIDTH),
  ]).flat();
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  header.set([8, 3], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("PLTE", PALETTE),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(data.length, 0);
  typed.copy(framed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}
