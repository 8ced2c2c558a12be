// SPDX-License-Identifier: Apache-2.0
// The budgets of the emulated device's images (design, section 8), what is let off them and why, and
// how far a figure may be above the one that is committed. Read by device-sizes.test.ts (asserts) and
// scripts/device-sizes.ts (prints). As in test/gates/budgets.ts an exception that is no longer needed
// fails, so that this list stays true. What a running device has in use: npm run bench -- device.

import type { VirtTarget } from "../../scripts/build-firmware.ts";

const KIB = 1024;

/** Bytes. `ram` is static data, stack and arena together: all that the image can ever use. */
export type Budget = { flash: number; ram: number };

export const DEVICE_BUDGETS: Readonly<Record<VirtTarget, Budget>> = {
  "virt-rv32": { flash: 256 * KIB, ram: 176 * KIB },
  "virt-rv32-aot": { flash: 272 * KIB, ram: 104 * KIB },
};

/** Goals that are missed: at most `limit`, and why. */
export const DEVICE_MISSED: Readonly<
  Record<VirtTarget, Partial<Record<keyof Budget, { limit: number; reason: string }>>>
> = {
  "virt-rv32": {
    ram: {
      limit: 192 * KIB,
      reason:
        "one call may have 47 KiB compiled before anything can be given back, beside linear memory (56 KiB) and the parsed module (28 KiB)",
    },
  },
  "virt-rv32-aot": {
    ram: {
      limit: 112 * KIB,
      reason:
        "103 KiB are in use at most (npm run bench -- device), and an arena needs room besides to find a place in",
    },
  },
};

/**
 * Above the committed figures, before they have to be written anew. Compilers of one version but
 * other patches give slightly different code; static data hardly depends on them.
 */
export const FLASH_MARGIN = 0.02;
export const STATIC_MARGIN_BYTES = 512;
