// SPDX-License-Identifier: Apache-2.0
// `sealed stlink activate` and `run --state` as their users meet them: activated, run, rotated, shown, stopped,
// and killed at any moment. The Commander and the Connector are those of the simulation, on a real port.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Prng } from "../../host/net/sim/prng.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { toHex } from "../reference/bytes.ts";
import { decodeStored } from "../reference/configuration.ts";
import { versionText } from "../sim/control/database.ts";
import { codeOf, endCommanded, folderWith, isConfirmed, newBridge } from "./commanded-tools.ts";
import { endAll, sealed } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
});

describe("sealed stlink", () => {
  it("activates with a code from a file, runs, rotates, and shows how it stands", async () => {
    const bridge = await newBridge("process");
    const { commander } = bridge.site;
    const code = codeOf(bridge, "office");
    const folder = folderWith(code);
    const args = ["stlink", "activate", "code.txt", "--state", "office"];
    const activation = await sealed(folder, ...args).ended();
    expect(activation).toMatchObject({ code: 0 });
    expect(activation.out).toMatch(/^Activated: the id of this STLink is [0-9a-f]{32}\. Run it: /);
    const state = join(folder, "office");
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const files = readdirSync(state).map((name) => [
      name,
      statSync(join(state, name)).mode & 0o777,
    ]);
    expect(Object.fromEntries(files)).toEqual({
      configuration: 0o600,
      lease: 0o600,
      "stlink.key": 0o600,
    });
    const again = await sealed(folder, ...args).ended();
    expect(again.code).toBe(8);
    expect(again.err).toMatch(/holds an activated STLink, which takes no code/);

    const running = sealed(folder, "stlink", "run", "--state", "office");
    // The activation itself may have confirmed.
    await running.logged("ready");
    await bridge.until(() => isConfirmed(bridge, "office"), "confirmed");
    const second = await sealed(folder, "stlink", "run", "--state", "office").ended();
    expect(second.code).toBe(6);
    expect(second.err).toMatch(/state folder .*runs already .*stop it first/);
    const before = toHex(commander.row("office").key);
    const rotation = await sealed(folder, "stlink", "rotate", "--state", "office").ended();
    expect(rotation).toMatchObject({ code: 0, err: "" });
    await bridge.until(() => toHex(commander.row("office").key) !== before, "the new key");
    await bridge.until(() => isConfirmed(bridge, "office"), "confirmed under it");
    const { out } = await sealed(folder, "status", "--json").ended();
    const status: StlinkStatus = JSON.parse(out);
    expect(status.publicKey).toBe(toHex(commander.row("office").key));
    expect(status.commander).toMatchObject({
      phase: "activated",
      session: "up",
      version: versionText(commander.db),
      hash: toHex(commander.lastReport("office")?.hash as Uint8Array),
      leaseExpired: false,
      refused: null,
    });
    const table = await sealed(folder, "status").ended();
    expect(table.out).toMatch(/^Commander [0-9a-f]{32} {2}activated {2}session up$/m);
    expect((await running.end("SIGTERM")).code).toBe(0);
    for (const { out, err } of [activation, again, running]) {
      expect(out + err).not.toContain(code.slice(0, 60));
      expect(out + err).not.toContain(code.slice(-60));
    }
    const late = await sealed(folder, "stlink", "rotate", "--state", "office").ended();
    expect(late.code).toBe(7);
  });

  it("killed at any moment has its old version or a new one whole, and is activated once", async () => {
    const bridge = await newBridge("kill");
    const { commander } = bridge.site;
    const prng = new Prng("kill -9");
    const folder = folderWith(codeOf(bridge, "office"));
    const file = join(folder, "office", "configuration");
    const deploying = setInterval(() => commander.deploy(), 15);
    let newest = 0n;
    for (let i = 0; i < 7; i++) {
      const run = sealed(folder, "stlink", "run", "--state", "office", "--code", "code.txt");
      await run.logged("ready");
      // However slow it is, the last ones are killed when it has one.
      if (i >= 5) await bridge.until(() => existsSync(file), "a configuration");
      await new Promise((resolve) => setTimeout(resolve, prng.below(i < 4 ? 400 : 1500)));
      await run.end("SIGKILL");
      const stored = statSync(file, { throwIfNoEntry: false }) && readFileSync(file);
      if (stored === undefined) continue;
      // decodeStored throws where a byte is missing or too many.
      const { serial } = decodeStored(new Uint8Array(stored)).config;
      expect(serial).toBeGreaterThanOrEqual(newest);
      newest = serial;
    }
    clearInterval(deploying);
    const last = sealed(folder, "stlink", "run", "--state", "office", "--code", "code.txt");
    await bridge.until(() => isConfirmed(bridge, "office"), "confirmed");
    expect(newest).toBeGreaterThan(0n);
    expect(commander.db.rows).toHaveLength(1);
    expect(await last.logged("configuration in force")).toBeDefined();
  });
});
