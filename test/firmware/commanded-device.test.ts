// SPDX-License-Identifier: Apache-2.0
// The emulated device under a real Commander: it activates with a code that is typed on its console, is shown with
// its board and versions, gets a Route while it runs, serves its page through it, and loses it. Commander and
// Connector are `sealed up`; the desktop is an STLink in this process, which finds the Connector on loopback where
// the device finds it at 10.0.2.2. PROTOCOL 10; Show 4 of the Commander.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Emulator, RAM_KIB } from "../../host/device/emulator.ts";
import { systemWorld, type World } from "../../host/net/world.ts";
import type { Log } from "../../host/service/log.ts";
import { type RunningCommanded, startCommanded } from "../../host/stlink/commanded.ts";
import { StateFolder } from "../../host/stlink/state-folder.ts";
import { buildVirtFirmware, type VirtTarget } from "../../scripts/build-firmware.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { freePort } from "../e2e/free-port.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { closeAll, dial, endingOf } from "../e2e/services.ts";
import { UpSite, until } from "../e2e/up-site.ts";
import { CameraServer } from "./camera-server.ts";
import { HOST } from "./virt-app.ts";

const HEARD_MS = 60_000;
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

describe.each<VirtTarget>(["virt-rv32", "virt-rv32-aot"])("a device on %s", (target) => {
  let site: UpSite;
  let device: Emulator;
  let office: RunningCommanded;

  beforeAll(async () => {
    const { flash: image } = buildVirtFirmware(target);
    const port = await freePort();
    site = await UpSite.start({ listen: `127.0.0.1:${port}`, address: `${HOST}:${port}` });
    const flash = join(site.folder, "device.flash");
    device = await Emulator.start({ image, ramKib: RAM_KIB[target], flash });
    office = await startOffice(site);
  });
  afterAll(async () => {
    await office?.stop();
    await device?.powerCut();
    await closeAll();
    await endAll();
  });

  it("activates with a code that is typed, and appears with its board and versions", async () => {
    await device.line(/type `activate` and a code/, HEARD_MS);
    device.type(`activate ${await site.invite("camera")}\n`);
    await device.line(/a configuration of \d+ bytes is stored/, HEARD_MS);
    await until(() => site.facts("camera").report.core !== null, "its core is known");
    const shown = await site.sealed("stlink", "show", "camera");
    expect(shown).toMatch(/^state +online$/m);
    expect(shown).toMatch(/^platform +virt-rv32$/m);
    expect(shown).toMatch(/^board +QEMU virt$/m);
    expect(shown).toMatch(/^firmware +camera \d+\.\d+\.\d+/m);
    const core = createHash("sha256").update(readFileSync(CORE_WASM)).digest("hex");
    expect(shown).toMatch(new RegExp(`^core +${core}$`, "m"));
    console.log(
      shown
        .split("\n")
        .filter((line) => /^(board|firmware|core|platform)/.test(line))
        .join("\n"),
    );
  });

  it("gets a Route while it runs, serves its page through it, and loses it", async () => {
    const port = await freePort();
    await site.sealed("route", "add", "page", "--address", "localhost", "--port", "80");
    await site.sealed("route", "add", "here", "--mapping", "page", "--port", String(port));
    await site.sealed("template", "add", "cameras", "--route", "page");
    await site.sealed("template", "add", "desks", "--route", "here");
    await site.sealed("stlink", "set", "office", "--add-template", "desks");
    const from = device.lines.length;
    const setMs = performance.now();
    await site.sealed("stlink", "set", "camera", "--add-template", "cameras");
    await device.line(/a configuration of \d+ bytes is stored/, HEARD_MS, from);
    await until(() => office.status().bindings[0]?.listening.length === 1, "the office listens");
    console.log(
      `the Route is there ${Math.round(performance.now() - setMs)} ms after the command began`,
    );

    const native = new CameraServer();
    const expected = await fetched(await native.start());
    native.stop();
    expect((await fetched(`http://127.0.0.1:${port}/`)).equals(expected)).toBe(true);
    const pictures = dial(port);
    pictures.write("GET /stream HTTP/1.1\r\nHost: camera\r\n\r\n");
    await once(pictures, "data");
    const ending = endingOf(pictures);

    await site.sealed("stlink", "set", "camera", "--rm-template", "cameras");
    expect(await ending).toBe("ECONNRESET");
    await until(() => office.status().bindings.length === 0, "the office listens no more");
    await expect(fetched(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect(await site.sealed("stlink", "show", "camera")).toMatch(/no Routes/);
  });
});

/** The device's address of this machine is its loopback. */
async function startOffice(site: UpSite): Promise<RunningCommanded> {
  const { transport } = systemWorld;
  const connect: typeof transport.connect = (address, events) => {
    const host = address.host === HOST ? "127.0.0.1" : address.host;
    return transport.connect({ ...address, host }, events);
  };
  const world: World = { ...systemWorld, transport: { ...transport, connect } };
  const folder = StateFolder.make(join(site.folder, "office"));
  folder.save("code", await site.invite("office"));
  const running = startCommanded({ folder, log: SILENT, world });
  await running.activated;
  return running;
}

async function fetched(url: string): Promise<Buffer> {
  const signal = AbortSignal.timeout(HEARD_MS);
  const response = await fetch(url, { headers: { connection: "close" }, signal });
  return Buffer.from(await response.arrayBuffer());
}
