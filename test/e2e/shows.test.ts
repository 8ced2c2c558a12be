// SPDX-License-Identifier: Apache-2.0
// The long shows at a size for each run of the tests: downloads while Connectors are killed, connections
// beside a flood, devices, bytes of a device. `npm run shows` runs them at full size (shows.ts), and prints their figures.

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { endDevices } from "./native-devices.ts";
import { endAll } from "./sealed-tools.ts";
import { closeAll } from "./services.ts";
import { converse } from "./show-connections.ts";
import { moveDeviceBytes } from "./show-device-bytes.ts";
import { gather } from "./show-devices.ts";
import { type DownloadKind, download } from "./show-download.ts";

const MIB = 1 << 20;

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  await closeAll();
  await endDevices();
  await endAll();
});

describe("a download", () => {
  it.each([
    ["one", "the only Connector"],
    ["receiver", "the receiver's only Connector, of two"],
  ] as [DownloadKind, string][])(
    "(%s) comes whole through one connection while %s is killed and started again five times",
    async (kind) => {
      const length = 64 * MIB;
      const got = await download(kind, length);
      expect(got.killed).toEqual(["hall", "hall", "hall", "hall", "hall"]);
      expect(got.bytes).toBe(length);
      expect(got.hash).toBe(got.sentHash);
      expect(got.connections).toBe(1);
    },
  );
});

describe("connections at once", () => {
  it("are all right beside a peer that floods theirs and one that nobody reads", async () => {
    const got = await converse({ connections: 50, bytesEach: 2 * 65_536, hasFlood: true });
    expect(got.right).toBe(50);
    expect(got.floodBytes).toBeGreaterThan(MIB);
    expect(got.unreadBytes).toBeLessThan(16 * MIB);
    for (const bytes of Object.values(got.mostMemory)) expect(bytes).toBeLessThan(MOST_MEMORY);
  });
});

describe("devices at once", () => {
  it.each(["native", "native-aot"] as const)(
    "(20, %s) all answer, and again by themselves after the Connector was killed",
    async (firmware) => {
      const got = await gather({ devices: 20, firmware, restMs: 0, tell: () => {} });
      expect(got).toMatchObject({ answered: 20, sessions: 20, answeredAgain: 20, died: 0 });
      expect(got.memory.own).toBeLessThan(DEVICE_MEMORY);
    },
  );
});

describe("bytes of an emulated device", () => {
  it("are right from it and to it while the Connector is killed", async () => {
    const directions: string[] = [];
    for await (const moved of moveDeviceBytes("virt-rv32-aot", MIB, () => {})) {
      directions.push(moved.direction);
      expect(moved).toMatchObject({ bytes: MIB, hash: moved.sentHash });
      expect(moved.killedAt).toBeGreaterThanOrEqual(MIB / 2);
    }
    expect(directions).toEqual(["down", "up"]);
  });
});

/** The arena of a native device, and what the C library has beside it. */
const DEVICE_MEMORY = MIB;
/** A Node process with the core's pools (48 MiB for bytes under way) or the Connector's queues. */
const MOST_MEMORY = 400 * MIB;
