// SPDX-License-Identifier: Apache-2.0
// The camera's JPEG encoder and its synthetic picture, each decoded by Chromium: every quality, blocks
// at their extremes, every room for the result. Pixels are compared block by block: the sum of squared
// errors is that of the coefficients (Parseval), whose errors are at most half a quantisation step.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesOf, CameraMachine } from "./camera-machine.ts";
import { decodeAll, openChromium, type Picture } from "./chromium.ts";

const TILE = 16;
const HALF = 8;
const TILE_BYTES = TILE * TILE + 2 * HALF * HALF;
const SCENE = { width: 160, height: 120 };
/** Pixels are rounded by the decoder, coefficients by the encoder before they are quantised. */
const ROUNDING = 1;

let machine: CameraMachine;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  machine = new CameraMachine();
  browser = await openChromium();
  page = await browser.newPage();
});
afterAll(async () => {
  machine.stop();
  await browser.close();
});

/** A colour plane as a function of the pixel. */
type Plane = (x: number, y: number) => number;
const NEUTRAL: Plane = () => 128;

/** The tiles that cover a picture of this size, row by row; colour planes at half size. */
function tilesOf(width: number, height: number, y: Plane, cb = NEUTRAL, cr = NEUTRAL): string {
  const tiles: number[] = [];
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      for (let i = 0; i < TILE * TILE; i++) tiles.push(y(left + (i % TILE), top + (i >> 4)));
      for (const plane of [cb, cr]) {
        for (let i = 0; i < HALF * HALF; i++) {
          tiles.push(plane(left / 2 + (i % HALF), top / 2 + (i >> 3)));
        }
      }
    }
  }
  return Buffer.from(tiles).toString("hex");
}

async function encode(
  width: number,
  height: number,
  quality: number,
  tiles: string,
  most = 60_000,
) {
  const [hex] = await machine.askWords(
    `encode ${width} ${height} ${quality} ${most} ${tiles}`,
    "jpeg",
  );
  return bytesOf(hex);
}

async function decode(jpeg: Buffer): Promise<Picture> {
  const [picture] = await decodeAll(page, [jpeg]);
  if (picture === null || picture === undefined) throw new Error("Chromium can't decode it");
  return picture;
}

/** Quantisation steps as they are written, in zigzag order. */
function stepsOf(jpeg: Buffer, table: number): number[] {
  const at = jpeg.indexOf(Buffer.from([0xff, 0xdb, 0, 132])) + 4 + 65 * table;
  expect(jpeg[at]).toBe(table);
  return [...jpeg.subarray(at + 1, at + 65)];
}

/** The root of a block's mean squared error: the most that quantisation may do, and what it did. */
function errorBound(steps: readonly number[]): number {
  return Math.sqrt(steps.reduce((sum, step) => sum + (step / 2) ** 2, 0) / 64) + ROUNDING;
}

function blockError(picture: Picture, plane: Plane, left: number, top: number): number {
  let sum = 0;
  for (let y = top; y < top + 8; y++) {
    for (let x = left; x < left + 8; x++) {
      const grey = picture.rgba[4 * (y * picture.width + x)] ?? 0;
      sum += (grey - plane(x, y)) ** 2;
    }
  }
  return Math.sqrt(sum / 64);
}

/** The largest of all blocks. */
function worstError(picture: Picture, plane: Plane): number {
  let worst = 0;
  for (let top = 0; top < picture.height; top += 8) {
    for (let left = 0; left < picture.width; left += 8) {
      worst = Math.max(worst, blockError(picture, plane, left, top));
    }
  }
  return worst;
}

/** The same for the same pixel: a hash of it. */
function noise(x: number, y: number): number {
  let hash = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & 0xff;
}

/** A tile each: what drives DC differences, AC values and runs of zeros to their ends. */
const EXTREMES: readonly Plane[] = [
  () => 0,
  () => 255,
  () => 0,
  (x, y) => ((x + y) % 2) * 255,
  (x) => (x % 2) * 255,
  (_, y) => (y % 2) * 255,
  (x, y) => (x % 8 === 7 && y % 8 === 7 ? 255 : 0),
  (x, y) => (x % 8 === 0 && y % 8 === 0 ? 0 : 255),
  noise,
  (x, y) => (noise(x, y) > 127 ? 255 : 0),
  (x) => (x % 8 < 4 ? 0 : 255),
  (x, y) => (((x >> 3) + (y >> 3)) % 2) * 255,
];
const WIDTH = 4 * TILE;
const HEIGHT = 3 * TILE;
const extremes: Plane = (x, y) => EXTREMES[(y >> 4) * 4 + (x >> 4)]?.(x, y) ?? 0;

describe("the encoder", () => {
  it("keeps the tables of Annex K at quality 50, steps of 1 at 100, of 255 at most at 1", async () => {
    const tiles = tilesOf(16, 16, NEUTRAL);
    const at50 = await encode(16, 16, 50, tiles);
    expect(stepsOf(at50, 0).slice(0, 8)).toEqual([16, 11, 12, 14, 12, 10, 16, 14]);
    expect(stepsOf(at50, 1).slice(0, 8)).toEqual([17, 18, 18, 24, 21, 24, 47, 26]);
    expect(new Set(stepsOf(await encode(16, 16, 100, tiles), 0))).toEqual(new Set([1]));
    expect(new Set(stepsOf(await encode(16, 16, 1, tiles), 1))).toEqual(new Set([255]));
  });

  it("keeps extreme blocks within half a step of each coefficient, at every quality", async () => {
    const tiles = tilesOf(WIDTH, HEIGHT, extremes);
    const jpegs: Buffer[] = [];
    for (let quality = 1; quality <= 100; quality++) {
      jpegs.push(await encode(WIDTH, HEIGHT, quality, tiles));
    }
    const pictures = await decodeAll(page, jpegs);
    pictures.forEach((picture, i) => {
      const jpeg = jpegs[i] ?? Buffer.alloc(0);
      if (picture === null) throw new Error(`quality ${i + 1} can't be decoded`);
      expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
      const bound = errorBound(stepsOf(jpeg, 0));
      expect(worstError(picture, extremes), `quality ${i + 1}`).toBeLessThan(bound);
    });
  });

  it("keeps colours", async () => {
    const colours = [
      [76, 85, 255, "red"],
      [150, 44, 21, "green"],
      [29, 255, 107, "blue"],
      [235, 128, 128, "white"],
    ] as const;
    for (const [y, cb, cr, name] of colours) {
      const tiles = tilesOf(
        32,
        32,
        () => y,
        () => cb,
        () => cr,
      );
      const { rgba } = await decode(await encode(32, 32, 95, tiles));
      const wanted = [
        y + 1.402 * (cr - 128),
        y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
        y + 1.772 * (cb - 128),
      ];
      wanted.forEach((value, i) => {
        const bounded = Math.min(255, Math.max(0, value));
        expect(Math.abs((rgba[i] ?? 0) - bounded), `${name} ${i}`).toBeLessThanOrEqual(4);
      });
    }
  });

  it.each([
    [1, 1],
    [17, 33],
    [15, 16],
    [160, 120],
  ])("makes pictures of %i x %i", async (width, height) => {
    const plane: Plane = (x, y) => (3 * x + 5 * y) % 256;
    const picture = await decode(await encode(width, height, 90, tilesOf(width, height, plane)));
    expect([picture.width, picture.height]).toEqual([width, height]);
  });

  it("gives no picture where it doesn't fit, and never writes behind its room", async () => {
    const tiles = tilesOf(WIDTH, HEIGHT, extremes);
    const whole = await encode(WIDTH, HEIGHT, 60, tiles);
    expect(await encode(WIDTH, HEIGHT, 60, tiles, whole.length)).toEqual(whole);
    for (const most of [whole.length - 1, whole.length - 2, 700, 620, 100, 1]) {
      expect((await encode(WIDTH, HEIGHT, 60, tiles, most)).length).toBe(0);
    }
  });
});

/** The drawn planes of the scene at this time. */
async function drawScene(ms: number): Promise<Record<"y" | "cb" | "cr", Plane>> {
  const [hex] = await machine.askWords(`draw ${ms}`, "tiles");
  const tiles = bytesOf(hex);
  const offset = (x: number, y: number) =>
    ((y >> 4) * (SCENE.width / TILE) + (x >> 4)) * TILE_BYTES;
  const half = (part: number): Plane => {
    const start = TILE * TILE + part * HALF * HALF;
    return (x, y) => tiles[offset(x, y) + start + ((y >> 1) % 8) * HALF + ((x >> 1) % 8)] ?? 0;
  };
  const y: Plane = (x, row) => tiles[offset(x, row) + (row % TILE) * TILE + (x % TILE)] ?? 0;
  return { y, cb: half(0), cr: half(1) };
}

type Made = { number: number; quality: number; jpeg: Buffer };

async function frameAt(ms: number, most: number): Promise<Made> {
  const [number, quality, hex] = await machine.askWords(`frame ${ms} ${most}`, "frame");
  return { number: Number(number), quality: Number(quality), jpeg: bytesOf(hex) };
}

describe("the synthetic camera", () => {
  it("is decoded to what it drew", async () => {
    for (const ms of [0, 12_345, 3_600_000, 359_999_900]) {
      const drawn = await drawScene(ms);
      const { jpeg, number } = await frameAt(ms, 8192);
      expect(number).toBe(Math.floor(ms / 100));
      const picture = await decode(jpeg);
      expect([picture.width, picture.height]).toEqual([SCENE.width, SCENE.height]);
      expect(meanError(picture, drawn), `at ${ms}`).toBeLessThan(4);
    }
  });

  it("moves: each picture differs from the one before in much of its bar, disc and digits", async () => {
    let before = await drawScene(0);
    for (let ms = 100; ms <= 1000; ms += 100) {
      const now = await drawScene(ms);
      let changed = 0;
      for (let i = 0; i < SCENE.width * SCENE.height; i++) {
        const [x, y] = [i % SCENE.width, Math.floor(i / SCENE.width)];
        if (now.y(x, y) !== before.y(x, y)) changed++;
      }
      expect(changed).toBeGreaterThan(300);
      before = now;
    }
  });

  it("shows hours, minutes, seconds and the number in digits that differ from one another", async () => {
    const shown = new Map<string, string>();
    // Picture 123467 at 03:25:46, then 329178 at 09:08:37: every digit is there.
    for (const [ms, clock] of [
      [12_346_700, "03:25:46"],
      [32_917_800, "09:08:37"],
    ] as const) {
      const drawn = await drawScene(ms);
      const number = String(Math.floor(ms / 100));
      for (const [text, top] of [
        [clock, 2],
        [number, SCENE.height - 16],
      ] as const) {
        [...text].forEach((char, i) => {
          const glyph = glyphAt(drawn.y, 2 + 12 * i, top);
          expect(shown.get(char) ?? glyph, `${char} in ${text}`).toBe(glyph);
          shown.set(char, glyph);
        });
      }
    }
    expect([...shown.keys()].sort().join("")).toBe("0123456789:");
    expect(new Set(shown.values()).size).toBe(11);
  });

  it("lowers its quality until frames fit, and raises it when there is room", async () => {
    const qualities: number[] = [];
    let fitting = 0;
    for (let i = 0; i < 60; i++) {
      const { jpeg, quality } = await frameAt(100 * i, 2000);
      expect(jpeg.length).toBeLessThanOrEqual(2000);
      if (i >= 20 && jpeg.length > 0) fitting++;
      qualities.push(quality);
    }
    expect(fitting).toBeGreaterThan(35);
    const low = qualities.at(-1) ?? 0;
    let high = 0;
    for (let i = 0; i < 60; i++) high = (await frameAt(100 * i, 8192)).quality;
    expect(high).toBeGreaterThan(low + 20);
  });

  it("gives nothing, without a fault, where not even a header fits", async () => {
    for (let i = 0; i < 20; i++) {
      const { jpeg, quality } = await frameAt(100 * i, 300);
      expect([jpeg.length, quality >= 1]).toEqual([0, true]);
    }
  });
});

/** Mean difference in luminance of all pixels; edges of colour at half size are not counted. */
function meanError(picture: Picture, drawn: Record<"y" | "cb" | "cr", Plane>): number {
  let sum = 0;
  for (let i = 0; i < SCENE.width * SCENE.height; i++) {
    const [r = 0, g = 0, b = 0] = picture.rgba.subarray(4 * i, 4 * i + 3);
    const luminance = 0.299 * r + 0.587 * g + 0.114 * b;
    sum += Math.abs(luminance - drawn.y(i % SCENE.width, Math.floor(i / SCENE.width)));
  }
  return sum / (SCENE.width * SCENE.height);
}

/** A glyph of 5 x 7 dots of 2 x 2 pixels: which dots are light. */
function glyphAt(plane: Plane, left: number, top: number): string {
  let dots = "";
  for (let row = 0; row < 7; row++) {
    for (let column = 0; column < 5; column++) {
      dots += plane(left + 2 * column, top + 2 * row) > 200 ? "#" : ".";
    }
  }
  return dots;
}
