// SPDX-License-Identifier: Apache-2.0
// `node scripts/device-sizes.ts [--write]`: flash and RAM of the images that build here, beside their
// budgets and the figures of the last commit (test/firmware/device-sizes.json); --write puts the new ones
// there. Before it: build-firmware.ts. After it: test/firmware/device-sizes.test.ts, which prints the same.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEVICE_BUDGETS, DEVICE_MISSED } from "../test/firmware/device-budgets.ts";
import { buildVirtFirmware, type VirtTarget } from "./build-firmware.ts";
import { ROOT } from "./run.ts";

/** Bytes. `static` is .data and .bss; `ram` is that, the stack and the arena. */
export type DeviceSizes = { flash: number; static: number; ram: number };
export type AllDeviceSizes = Record<VirtTarget, DeviceSizes>;

export const DEVICE_TARGETS = Object.keys(DEVICE_BUDGETS) as VirtTarget[];
const FIGURES = join(ROOT, "test", "firmware", "device-sizes.json");
const WIDTHS = [16, 9, 10, 10, 10];

/** Builds what is not there. Throws with what is missing. */
export function measureDevices(): AllDeviceSizes {
  const entries = DEVICE_TARGETS.map((target) => {
    const { flash, data, bss, stack, arena } = buildVirtFirmware(target).sizes;
    const figures = { flash, static: data + bss, ram: data + bss + stack + arena };
    return [target, figures] as const;
  });
  return Object.fromEntries(entries) as AllDeviceSizes;
}

export function committedSizes(): AllDeviceSizes {
  return JSON.parse(readFileSync(FIGURES, "utf8")) as AllDeviceSizes;
}

/** One line for each figure: image, figure, bytes, difference, budget, and why that is missed. */
export function deviceTable(now: AllDeviceSizes, before: AllDeviceSizes): string {
  const lines = DEVICE_TARGETS.flatMap((target) =>
    (["flash", "static", "ram"] as const).map((part) => {
      const bytes = now[target][part];
      const change = bytes - before[target][part];
      const cells = [target, part, bytes, change > 0 ? `+${change}` : change];
      return layOut([...cells, ...verdict(target, part, bytes)]);
    }),
  );
  const heads = ["image", "bytes of", "now", "change", "budget", ""];
  return [layOut(heads), ...lines].join("\n");
}

function verdict(target: VirtTarget, part: keyof DeviceSizes, bytes: number): (string | number)[] {
  if (part === "static") return [];
  const budget = DEVICE_BUDGETS[target][part];
  const reason = DEVICE_MISSED[target][part]?.reason;
  return [budget, bytes <= budget ? "met" : `missed: ${reason ?? "nobody said why"}`];
}

function layOut(cells: readonly (string | number)[]): string {
  const padded = cells.map((cell, i) => {
    const width = WIDTHS[i] ?? 0;
    return i < 2 ? String(cell).padEnd(width) : String(cell).padStart(width);
  });
  return padded.join(" ").trimEnd();
}

if (import.meta.main) {
  const now = measureDevices();
  console.log(deviceTable(now, committedSizes()));
  if (process.argv.includes("--write")) {
    writeFileSync(FIGURES, `${JSON.stringify(now, null, 2)}\n`);
    console.log(`Written: ${FIGURES}`);
  }
}
