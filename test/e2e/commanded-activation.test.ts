// SPDX-License-Identifier: Apache-2.0
// An STLink of this machine that activates with a code: the line cut anywhere, approval, a code that was used;
// and what it holds over restarts. The Commander and the Connector are those of the simulation, on a real
// port. PROTOCOL 10.2, 10.6; rules T5 to T7, T11.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { toHex } from "../reference/bytes.ts";
import { activated, CommandedMember, codeOf, endCommanded, newBridge } from "./commanded-tools.ts";
import { endAll } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
});

describe("an STLink with a code", () => {
  // A hop that activates carries some 2,800 bytes each way. The simulation cuts after every byte.
  const cuts = [1, 1250, 1252, 1316, 1400, 1600, 2000, 2400].flatMap((bytes) => [
    { way: "up" as const, bytes },
    { way: "down" as const, bytes },
  ]);

  it.each([0, 8])("is activated once, wherever the line is cut (from case %i)", async (first) => {
    const done = cuts.slice(first, first + 8).map(async (cut) => {
      const bridge = await newBridge(`cut ${cut.way} ${cut.bytes}`);
      bridge.cuts.push(cut, { ...cut, bytes: cut.bytes + 60 });
      const member = new CommandedMember(bridge, "office").give(codeOf(bridge, "office")).start();
      await member.confirmed();
      const { rows } = bridge.site.commander.db;
      expect(rows.map(({ id }) => toHex(id))).toEqual([member.status().id]);
      expect(readdirSync(member.folder).sort()).toEqual(["configuration", "lease", "stlink.key"]);
    });
    await Promise.all(done);
  });

  it("waits where an administrator has to approve it, says so with its key, and goes on", async () => {
    const bridge = await newBridge("approval");
    const { commander } = bridge.site;
    commander.asksForApproval = true;
    const member = new CommandedMember(bridge, "office").give(codeOf(bridge, "office")).start();
    await bridge.until(() => member.told("waiting for approval").length > 0, "waiting");
    const { publicKey, commander: line } = member.status();
    expect(member.told("waiting for approval")[0]).toMatchObject({ publicKey });
    expect(line).toMatchObject({ phase: "activating", refused: "WaitApproval", version: null });
    commander.asksForApproval = false;
    bridge.cut();
    await member.confirmed();
    expect(member.status().commander).toMatchObject({ phase: "activated", refused: null });
  });

  it("ends with a sentence when another key has used the code", async () => {
    const bridge = await newBridge("used");
    const code = codeOf(bridge, "office");
    const first = new CommandedMember(bridge, "office").give(code).start();
    await first.confirmed();
    const second = new CommandedMember(bridge, "thief").give(code).start();
    await expect(second.running.activated).rejects.toMatchObject({
      code: "CodeRefused",
      message: expect.stringMatching(/^CodeUsed: .*get a new code/),
    });
    expect(JSON.stringify(second.lines)).not.toContain(code.slice(-40));
  });
});

describe("an STLink that starts again", () => {
  it("has no more of its lease than before, and none where the file was damaged", async () => {
    const bridge = await newBridge("lease");
    bridge.site.leaseSeconds = 7200;
    const office = await activated(bridge, "office");
    await office.stop();
    const file = join(office.folder, "lease");
    const savedMs = Number(readFileSync(file, "utf8"));
    expect(savedMs).toBeGreaterThan(7_000_000);
    expect(savedMs).toBeLessThanOrEqual(7_200_000);
    bridge.shut();
    office.start();
    expect(office.status().commander?.leaseLeftSeconds).toBeLessThanOrEqual(savedMs / 1000);
    // What is left an hour later is on disk by now: a kill can't prolong it.
    expect(Number(readFileSync(file, "utf8"))).toBeLessThan(3_700_000);
    await office.stop();
    writeFileSync(file, "forever", { mode: 0o600 });
    office.start();
    expect(office.told("the saved lease can't be read")).toHaveLength(1);
    expect(office.status().commander).toMatchObject({ leaseLeftSeconds: 0 });
    await bridge.open();
    await bridge.until(() => (office.status().commander?.leaseLeftSeconds ?? 0) > 7000, "renewed");
  });
});
