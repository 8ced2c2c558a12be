// SPDX-License-Identifier: Apache-2.0
// The store of records on flash: power cuts at every step (flash/flash_cuts.cpp, under the sanitizers),
// wear, flash that fails, images that are corrupt or somebody else's, and the same bytes from
// host/device/store-image.ts.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DeviceRecord,
  type DeviceRecordNumber,
  type FlashShape,
  LARGE_FLASH,
  RECORD_MOST,
  SMALL_FLASH,
  storeImage,
} from "../../host/device/store-image.ts";
import { buildNative, FIRMWARE_CORE } from "../../scripts/build-native.ts";

const FLASH = join(import.meta.dirname, "flash");
const TIMEOUT_MS = 120_000;
const SEED = Number(process.env["SEED"] ?? 7);

let program: string;
let folder: string;

beforeAll(() => {
  const sources = [join(FLASH, "flash_cuts.cpp"), join(FLASH, "sim_flash.cpp")];
  program = buildNative({
    name: "flash-cuts",
    sources: [...sources, join(FIRMWARE_CORE, "crc32.cpp"), join(FIRMWARE_CORE, "flash_store.cpp")],
    include: [FLASH, FIRMWARE_CORE],
    sanitized: true,
  });
  folder = mkdtempSync(join(tmpdir(), "flash-store-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: (string | number)[]): string {
  const { stdout, stderr, status } = spawnSync(program, args.map(String), {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  return status === 0 ? stdout.trimEnd() : `${status}: ${stdout}${stderr}`;
}

/** What the firmware finds in an image: a line how it is, and a line for each record. */
function read(image: Uint8Array, { sectorBytes, sectorCount }: FlashShape): string[] {
  const path = join(folder, "image.bin");
  writeFileSync(path, image);
  return run("read", path, sectorBytes, sectorCount).split("\n");
}

function seeded(length: number, seed = SEED): Uint8Array {
  return createHash("shake256", { outputLength: length }).update(`${seed}`).digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("a power cut", () => {
  const CASES: [string, number, number, number, number][] = [
    ["at every step, and each second one, in banks of 256 bytes", 256, 2, 1, 1e6],
    ["at every step, and four second ones, in banks of one sector", 4096, 2, 1, 4],
    ["at every step, and four second ones, in banks of four sectors", 1024, 8, 1, 4],
    ["at every seventh step, in sectors of 256 KiB", 256 * 1024, 2, 7, 1],
  ];
  it.each(CASES)(
    "%s leaves each record old or new, and none lost",
    (_, sectorBytes, sectorCount, stride, secondCuts) => {
      const said = run("cuts", sectorBytes, sectorCount, stride, secondCuts, SEED);
      console.log(`seed ${SEED}: ${said}`);
      expect(said).toMatch(/^cuts \d{4,}$/);
    },
    TIMEOUT_MS,
  );
});

describe("flash", () => {
  it("is worn evenly: 20,000 saves erase each of 16 sectors the same few times", () => {
    const erasures = run("wear").split(" ").map(Number);
    expect(erasures).toHaveLength(16);
    expect(Math.max(...erasures) - Math.min(...erasures)).toBeLessThanOrEqual(1);
    expect(Math.max(...erasures)).toBeLessThanOrEqual(20_000 / (32_768 / 12) + 1);
  });

  it("that can't be written at one place costs no record", () => {
    expect(run("worn")).toBe("all there");
  });
});

describe("an image", () => {
  const identity = Uint8Array.from({ length: 64 }, (_, i) => 0xa1 + 7 * i);
  const configuration = Uint8Array.from({ length: 901 }, (_, i) => 0xc3 + 7 * i);
  const records = new Map<DeviceRecordNumber, Uint8Array>([
    [DeviceRecord.Identity, identity],
    [DeviceRecord.Configuration, configuration],
    [DeviceRecord.LogLevel, Uint8Array.of(2)],
  ]);
  const lines = ["good", `1 ${hex(identity)}`, `3 ${hex(configuration)}`, "7 02"];

  it.each([SMALL_FLASH, LARGE_FLASH])(
    "made here is to the byte what the firmware writes, and is read by it (%o)",
    (shape) => {
      const image = storeImage(shape, records);
      const path = join(folder, "written.bin");
      expect(run("write", path, shape.sectorBytes, shape.sectorCount)).toBe("");
      expect(readFileSync(path).equals(image)).toBe(true);
      expect(read(image, shape)).toEqual(lines);
    },
  );

  it("made here refuses a record that is too long, none at all, and more than it holds", () => {
    const image = (shape: FlashShape, ...sizes: number[]) =>
      storeImage(
        shape,
        new Map(sizes.map((size, i) => [(i + 1) as DeviceRecordNumber, new Uint8Array(size)])),
      );
    expect(() => image(SMALL_FLASH, RECORD_MOST + 1)).toThrow("record 1 has 2049 bytes");
    expect(() => image(SMALL_FLASH, 0)).toThrow("record 1 has 0 bytes");
    expect(() => image({ sectorBytes: 4096, sectorCount: 2 }, 2048, 2048)).toThrow("exceed");
  });

  it("that is blank holds nothing", () => {
    expect(read(new Uint8Array(65_536).fill(0xff), SMALL_FLASH)).toEqual(["blank"]);
  });

  it("of somebody else is recognised", () => {
    expect(read(seeded(65_536), SMALL_FLASH)).toEqual(["foreign"]);
    expect(read(new Uint8Array(65_536), SMALL_FLASH)).toEqual(["foreign"]);
  });

  it("with a damaged header is recognised", () => {
    for (let at = 0; at < 16; at++) {
      const image = storeImage(SMALL_FLASH, records);
      image[at]! ^= 0x10;
      expect(read(image, SMALL_FLASH)).toEqual(["foreign"]);
    }
  });

  it("with a damaged record lacks that one alone", () => {
    const image = storeImage(SMALL_FLASH, records);
    image[16 + 8 + 20]! ^= 1;
    expect(read(image, SMALL_FLASH)).toEqual(lines.filter((line) => !line.startsWith("1 ")));
  });

  it("damaged at any place is read without a fault, and gives nothing that was not stored", () => {
    const written = storeImage(SMALL_FLASH, records);
    for (let i = 0; i < 60; i++) {
      const image = Uint8Array.from(written);
      const at = (i * 2_654_435_761) % 1008;
      image.set(seeded(1 + (i % 40), SEED + i), at);
      const [how, ...found] = read(image, SMALL_FLASH);
      expect(["good", "foreign"]).toContain(how);
      for (const line of found) expect(lines).toContain(line);
    }
  });
});
