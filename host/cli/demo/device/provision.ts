// SPDX-License-Identifier: Apache-2.0
// The camera's flash, made as its owner would: `sealed device provision` with the site file. Before it:
// play.ts, site.ts. After it: demo-device.ts puts it into the machine.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DeviceKind } from "./demo-device.ts";

const SEALED = join(import.meta.dirname, "..", "..", "sealed.cjs");

/** Makes camera.flash of camera.toml and its key; gives its path. */
export async function provision(folder: string, kind: DeviceKind): Promise<string> {
  const flash = join(folder, "camera.flash");
  const whose = kind === "native" ? "native" : "virt-rv32";
  const file = join(folder, "camera.toml");
  const args = ["device", "provision", file, "--out", flash, "--for", whose];
  await promisify(execFile)(process.execPath, [SEALED, ...args]);
  return flash;
}
