// SPDX-License-Identifier: Apache-2.0
// The camera's flash, made as its owner would: `sealed device provision` with the site file. Before it:
// play.ts, site.ts. After it: demo-device.ts puts it into the machine.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DeviceKind } from "./demo-device.ts";

const SEALED = join(import.meta.dirname, "..", "..", "sealed.cjs");

/** Makes camera.flash of camera.toml and camera.key; gives its path. */
export async function provision(folder: string, kind: DeviceKind): Promise<string> {
  const flash = join(folder, "camera.flash");
  const board = kind === "native" ? "native" : "virt-rv32";
  const files = ["--site", join(folder, "camera.toml"), "--out", flash];
  await promisify(execFile)(process.execPath, [
    ...[SEALED, "device", "provision", "--board", board],
    ...files,
  ]);
  return flash;
}
