// SPDX-License-Identifier: Apache-2.0
// The firmware as a program of this machine, with its camera: what it takes of memory and of disk, and what
// its viewers see through the tunnel. Before it: bench-device.ts. After it: viewers.ts, test/e2e's sites.

import { statSync } from "node:fs";
import { firstUsable } from "../../../host/cli/demo/ports.ts";
import { buildFirmware } from "../../../scripts/build-firmware.ts";
import { endDevices, NativeDevice } from "../../e2e/native-devices.ts";
import { StlinkSite } from "../../e2e/stlink-site.ts";
import { costOf } from "../system/process-cost.ts";
import { type CameraRates, watchCamera } from "./viewers.ts";

const WEB = { name: "web", address: "127.0.0.1", port: 80, peers: ["office"] };
const HERE = { name: "here", mapping: "web", port: 0, peers: ["camera"] };

export type NativeFigures = CameraRates & {
  /** The most that was resident at once, and the program's file. */
  mostBytes: number;
  fileBytes: number;
};

export async function nativeFigures(target: "native" | "native-aot"): Promise<NativeFigures> {
  const program = buildFirmware(target);
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  await site.startConnector("hall");
  try {
    await site.startStlink("office", { bindings: [HERE] });
    site.writeStlink("camera", { mappings: [WEB] });
    const device = NativeDevice.start(program, site, "camera", (await firstUsable([0])).port);
    await device.hear(/hop up/);
    const url = `http://127.0.0.1:${await site.portOf("office")}`;
    const rates = await watchCamera(url, async () => {});
    const { mostBytes } = costOf(device.pid);
    return { ...rates, mostBytes, fileBytes: statSync(program).size };
  } finally {
    await endDevices();
    await Promise.all([site.kill("office"), site.kill("hall")]);
  }
}
