// SPDX-License-Identifier: Apache-2.0
// A device and its Commander: activation by a code, new configurations, new keys, and the power cut in
// between. The Commander and the Connector are those of the simulation, on a real port (test/sim/control/bridge.ts).
// PROTOCOL 10.2 to 10.4; rules T3, T5 to T9.

import { afterEach, describe, expect, test } from "vitest";
import { waitingFingerprint } from "../../host/commander/waiting.ts";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { makeFolder } from "../e2e/sealed-tools.ts";
import { toHex } from "../reference/bytes.ts";
import { ControlBridge } from "../sim/control/bridge.ts";
import { versionText } from "../sim/control/database.ts";
import { buildTestDevice, TestDevice, writeFlash } from "./test-device.ts";

const DAY_MS = 86_400_000;
const devices: TestDevice[] = [];
const bridges: ControlBridge[] = [];

afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.kill()));
  for (const bridge of bridges.splice(0)) bridge.close();
});

async function newBridge(seed: string): Promise<ControlBridge> {
  const bridge = new ControlBridge(seed);
  bridges.push(bridge);
  return bridge.start();
}

function start(flash: string): TestDevice {
  const device = new TestDevice(buildTestDevice(), ["--flash", flash]);
  devices.push(device);
  return device;
}

/** A flash with a fresh code of this Commander. */
function flashWithCode(bridge: ControlBridge): string {
  const { text } = bridge.site.commander.issue("camera", DAY_MS);
  return writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]]));
}

/** The Commander's STLink has confirmed the version in force, under its own id. */
function isConfirmed({ site: { commander } }: ControlBridge): boolean {
  const [row] = commander.db.rows;
  return row?.confirmed === versionText(commander.db) && commander.got.includes("camera STATE");
}

describe("a device with a code", () => {
  test("is activated, keeps its configuration over a power cut, and takes the next one", async () => {
    const bridge = await newBridge("activation");
    const flash = flashWithCode(bridge);
    const device = start(flash);
    await device.hear(/a configuration of \d+ bytes is stored/);
    await bridge.until(() => isConfirmed(bridge), "activated");
    await device.kill();

    const { commander } = bridge.site;
    const before = commander.got.length;
    const again = start(flash);
    await again.hear(/hop up/);
    await bridge.until(() => commander.got.slice(before).includes("camera STATE"), "back again");
    expect(commander.got.slice(before)).not.toContain("camera ACTIVATE");

    commander.deploy();
    await again.hear(/a configuration of \d+ bytes is stored/);
    await bridge.until(() => isConfirmed(bridge), "the next version");
    expect(commander.db.rows).toHaveLength(1);
    await again.statusWith(/phase: running/);
  });

  test("is activated once, however often the power goes or the line is cut meanwhile", async () => {
    const bridge = await newBridge("cuts");
    const flash = flashWithCode(bridge);
    for (let ms = 10; ms < 200; ms += 15) {
      const device = start(flash);
      await device.hear(/started, core/);
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (ms % 2 === 0) bridge.cut();
      await device.kill();
    }
    start(flash);
    await bridge.until(() => isConfirmed(bridge), "activated");
    expect(bridge.site.commander.db.rows).toHaveLength(1);
  });

  test("waits for approval with the fingerprint that its Commander shows, and goes on by itself", async () => {
    const bridge = await newBridge("approval");
    const { commander } = bridge.site;
    commander.asksForApproval = true;
    const { row, text } = commander.issue("camera", DAY_MS);
    const device = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]])));
    const key = (await device.hear(/made a key; public: [0-9a-f]{64}/)).slice(-64);
    const told = await device.hear(/waiting for approval/);
    const fingerprint = waitingFingerprint(
      {
        commanderId: toHex(commander.authority.commanderId),
        commanderKey: toHex(commander.authority.commanderKey),
      },
      { key, codeId: toHex(row.codeId), sinceMs: 0 },
    );
    expect(told.split(": ").at(-1)).toBe(fingerprint);
    await device.statusWith(new RegExp(`waiting for approval: .*: ${fingerprint}`));
    commander.asksForApproval = false;
    bridge.cut();
    await bridge.until(() => isConfirmed(bridge), "activated");
  });

  test("says what to do where somebody else has used the code", async () => {
    const bridge = await newBridge("used");
    const { text } = bridge.site.commander.issue("camera", DAY_MS);
    const first = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]])));
    await bridge.until(() => isConfirmed(bridge), "activated");
    await first.kill();
    const second = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]])));
    await second.hear(/CodeUsed: get a new code, and type `activate` with it/);
  });

  test("says so of a code that is not whole", async () => {
    const bridge = await newBridge("damaged");
    const { text } = bridge.site.commander.issue("camera", DAY_MS);
    text[20] = (text[20] ?? 0) ^ 1;
    const device = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]])));
    await device.hear(/the code is not whole: copy it again, all of it/);
  });
});

describe("a device's key", () => {
  test("is replaced once the Commander has published the next one, also over a power cut", async () => {
    const bridge = await newBridge("rotation");
    const { commander } = bridge.site;
    const flash = flashWithCode(bridge);
    const device = start(flash);
    await bridge.until(() => isConfirmed(bridge), "activated");
    const before = toHex(commander.row("camera").key);
    device.tell("rotate");
    await device.hear(/this device has a new key; public: [0-9a-f]{64}/);
    await bridge.until(() => toHex(commander.row("camera").key) !== before, "the new key heard");
    await bridge.until(() => isConfirmed(bridge), "confirmed under the new key");
    await device.kill();

    const second = toHex(commander.row("camera").key);
    const got = commander.got.length;
    await start(flash).hear(/hop up/);
    await bridge.until(() => commander.got.slice(got).includes("camera STATE"), "back again");
    expect(toHex(commander.row("camera").key)).toBe(second);
  });
});
