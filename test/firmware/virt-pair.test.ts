// SPDX-License-Identifier: Apache-2.0
// From device to device: a Binding of one emulated machine leads to the application of another, both with
// the RAM of a board and joined by one Connector. Bytes both ways at once while the Connector is killed.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VirtTarget } from "../../scripts/build-firmware.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { seededHash } from "../e2e/services.ts";
import { giveToDevice, replaceConnector, takeFromDevice } from "./virt-bytes.ts";
import { VirtPair } from "./virt-pair.ts";
import { buildBytesDevice } from "./virt-site.ts";

const KIBIBYTE = 1024;
/** Two machines of this one's two processors, and an interpreter's bytes take forty times as long. */
const MOVED: Record<VirtTarget, number> = {
  "virt-rv32": 128 * KIBIBYTE,
  "virt-rv32-aot": 2048 * KIBIBYTE,
};

afterAll(endAll);

describe.each<VirtTarget>(["virt-rv32", "virt-rv32-aot"])("two devices on %s", (target) => {
  const length = MOVED[target];
  let pair: VirtPair;

  beforeAll(async () => {
    pair = await new VirtPair(buildBytesDevice(target)).start();
  });
  afterAll(() => pair?.stop());

  it("carry bytes whole both ways at once, the Connector being killed in the middle", async () => {
    let killed = 0;
    const kill = async () => {
      killed += 1;
      await replaceConnector(pair.site);
    };
    const nothing = { at: length, begin: async () => {} };
    const [down, up] = await Promise.all([
      takeFromDevice(pair, 7, length, { at: length / 2, begin: kill }),
      giveToDevice(pair, 9, length, nothing),
    ]);
    expect(down).toEqual({ bytes: length, hash: seededHash(7, length) });
    expect(up).toEqual({ bytes: length, hash: seededHash(9, length) });
    expect(killed).toBe(1);
  });
});
