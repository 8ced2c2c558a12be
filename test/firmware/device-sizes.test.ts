// SPDX-License-Identifier: Apache-2.0
// Gate: flash and RAM of the emulated device's images, held against device-budgets.ts and against the
// figures of the last commit (device-sizes.json), from which it prints the difference. It needs the
// cross compiler, which npm run check does not, so it lies here and not in test/gates.

import { beforeAll, describe, expect, it } from "vitest";
import {
  type AllDeviceSizes,
  committedSizes,
  DEVICE_TARGETS,
  deviceTable,
  measureDevices,
} from "../../scripts/device-sizes.ts";
import {
  DEVICE_BUDGETS,
  DEVICE_MISSED,
  FLASH_MARGIN,
  STATIC_MARGIN_BYTES,
} from "./device-budgets.ts";

const REFRESH = "if it is meant: node scripts/device-sizes.ts --write, and commit the figures";
const committed = committedSizes();
let now: AllDeviceSizes;

beforeAll(() => {
  now = measureDevices();
  console.log(deviceTable(now, committed));
});

describe.each(DEVICE_TARGETS)("the image %s", (target) => {
  it.each(["flash", "ram"] as const)("keeps its budget of %s, or its exception", (part) => {
    const limit = DEVICE_MISSED[target][part]?.limit ?? DEVICE_BUDGETS[target][part];
    expect(now[target][part]).toBeLessThanOrEqual(limit);
  });

  it.each(["flash", "ram"] as const)("needs the exception that it has for %s", (part) => {
    const isExcused = DEVICE_MISSED[target][part] !== undefined;
    expect(now[target][part] > DEVICE_BUDGETS[target][part]).toBe(isExcused);
  });

  it("has hardly more flash than when its figures were written", () => {
    const most = committed[target].flash * (1 + FLASH_MARGIN);
    expect(now[target].flash, REFRESH).toBeLessThanOrEqual(most);
  });

  it("has hardly more static data than when its figures were written", () => {
    const most = committed[target].static + STATIC_MARGIN_BYTES;
    expect(now[target].static, REFRESH).toBeLessThanOrEqual(most);
  });

  it("runs in the RAM that its figures say", () => {
    expect(now[target].ram, REFRESH).toBe(committed[target].ram);
  });
});
