// SPDX-License-Identifier: Apache-2.0
// `sealed device emulate` as a person calls it: the device's console on the terminal, a flash that is made
// and then kept, and what it says where the image is missing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFirmware } from "../../scripts/build-firmware.ts";
import { endAll, SEALED, type SealedProcess, sealed } from "../e2e/sealed-tools.ts";

const KEY = /public: ([0-9a-f]{64})/;

let image: string;
let folder: string;

beforeAll(() => {
  image = buildFirmware("virt-rv32-aot");
  folder = mkdtempSync(join(tmpdir(), "sealed-device-"));
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function emulate(): SealedProcess {
  return sealed(
    folder,
    "device",
    "emulate",
    "--image",
    image,
    "--core",
    "aot",
    "--flash",
    "own.flash",
  );
}

it("shows the device's console, and keeps the flash that it has made", async () => {
  const first = emulate();
  const key = await saidBy(first, KEY);
  expect((await first.end("SIGINT")).code).toBe(0);
  const second = emulate();
  await saidBy(second, new RegExp(`no configuration.*${key}`));
  expect(second.out).not.toContain("made a key");
  await second.end("SIGINT");
});

it("says which image there is not, and how to make one", () => {
  const args = ["device", "emulate", "--image", "none.bin", "--flash", "other.flash"];
  const { status, stderr } = spawnSync(process.execPath, [SEALED, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(status).toBe(3);
  expect(stderr).toContain("There is no image none.bin; make one: node scripts/build-firmware.ts");
});

/** What the pattern's group, or the whole of it, has matched, once it does. */
function saidBy(process: SealedProcess, pattern: RegExp): Promise<string> {
  return process.when(() => {
    const found = pattern.exec(process.out);
    return found === null ? undefined : (found[1] ?? found[0]);
  }, String(pattern));
}
