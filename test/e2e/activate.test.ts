// SPDX-License-Identifier: Apache-2.0
// `sealed stlink activate` and `run --state` as their users meet them: from a code to a connection, killed at
// any moment, and every input that is wrong with its sentence and exit code. The Commander and the Connector
// are those of the simulation, on a real port.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Prng } from "../../host/net/sim/prng.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { toHex } from "../reference/bytes.ts";
import { decodeStored } from "../reference/configuration.ts";
import { versionText } from "../sim/control/database.ts";
import { codeOf, endCommanded, isConfirmed, newBridge } from "./commanded-tools.ts";
import { endAll, makeFolder, SEALED, sealed } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
});

/** A folder with a file of the code. */
function folderWith(code: string): string {
  const folder = makeFolder();
  writeFileSync(join(folder, "code.txt"), `${code}\n`, { mode: 0o600 });
  return folder;
}

/** What `sealed` ends with, given this on standard input. */
function sealedWith(folder: string, input: string, ...args: string[]) {
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const { status, stderr } = spawnSync(process.execPath, [SEALED, ...args], {
    cwd: folder,
    env,
    input,
    encoding: "utf8",
  });
  return { code: status, err: stderr };
}

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
    const deploying = setInterval(() => commander.deploy(), 15);
    let newest = 0n;
    for (let i = 0; i < 7; i++) {
      const run = sealed(folder, "stlink", "run", "--state", "office", "--code", "code.txt");
      await run.logged("ready");
      await new Promise((resolve) => setTimeout(resolve, prng.below(i < 4 ? 400 : 1500)));
      await run.end("SIGKILL");
      const file = join(folder, "office", "configuration");
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

describe("a wrong input", () => {
  it("of a code has its sentence, and leaves nothing behind", async () => {
    const bridge = await newBridge("codes");
    const code = codeOf(bridge, "office");
    const folder = makeFolder();
    const at = code.length - 12;
    const other = code[at] === "A" ? "B" : "A";
    const cases: [string, RegExp][] = [
      [code.slice(0, -9), /is cut short/],
      [code.slice(0, at) + other + code.slice(at + 1), /has a wrong letter in it/],
      [`B${code.slice(1)}`, /is of version \d+, and this program knows version 1 alone/],
      [code.replace(/^./, "1"), /has a character that no code has/],
      ["", /is cut short/],
    ];
    for (const [text, sentence] of cases) {
      const { code: exit, err } = sealedWith(
        folder,
        text,
        "stlink",
        "activate",
        "-",
        "--state",
        "s",
      );
      expect(err).toMatch(sentence);
      expect(exit).toBe(12);
      expect(err.trim().split("\n")).toHaveLength(1);
      if (text.length > 60) expect(err).not.toContain(text.slice(-40));
    }
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, "open.txt"), code, { mode: 0o644 });
    const open = await sealed(folder, "stlink", "activate", "open.txt", "--state", "s").ended();
    expect(open).toMatchObject({
      code: 4,
      err: expect.stringMatching(/others may read it: chmod 600/),
    });
    const none = await sealed(folder, "stlink", "activate", "none.txt", "--state", "s").ended();
    expect(none).toMatchObject({ code: 3, err: expect.stringMatching(/there is no such file/) });
  });

  it("of a code that is used, expired or unknown ends with the reason and what to do", async () => {
    const bridge = await newBridge("refused");
    const { commander } = bridge.site;
    const folder = folderWith("");
    const [used, expired, unknown] = ["used", "expired", "unknown"].map((name) =>
      codeOf(bridge, name),
    );
    const [first, second] = commander.db.codes;
    if (first !== undefined) first.usedBy = bridge.site.recovery.key;
    if (second !== undefined) second.expiresAtMs = 0;
    commander.db.codes.pop();
    commander.publish();
    const cases = [
      [used, /^CodeUsed: .*get a new code/m],
      [expired, /^CodeExpired: .*get a new one/m],
      [unknown, /^CodeUnknown: .*get a new one/m],
    ] as const;
    for (const [code = "", sentence] of cases) {
      writeFileSync(join(folder, "code.txt"), code);
      const ended = await sealed(folder, "stlink", "activate", "code.txt", "--state", "s").ended();
      expect(ended.err).toMatch(sentence);
      expect(ended.code).toBe(13);
    }
  });

  it("of a state folder has its sentence", async () => {
    const folder = makeFolder();
    const state = join(folder, "s");
    const run = () => sealed(folder, "stlink", "run", "--state", "s").ended();
    expect(await run()).toMatchObject({
      code: 3,
      err: expect.stringMatching(/s is not there: "sealed stlink activate" makes it/),
    });
    mkdirSync(state, { mode: 0o700 });
    expect(await run()).toMatchObject({
      code: 3,
      err: expect.stringMatching(/neither a configuration nor a code/),
    });
    chmodSync(state, 0o750);
    expect(await run()).toMatchObject({
      code: 4,
      err: expect.stringMatching(/others may read it: chmod 700/),
    });
    chmodSync(state, 0o700);
    writeFileSync(join(state, "configuration"), "half", { mode: 0o600 });
    expect(await run()).toMatchObject({
      code: 3,
      err: expect.stringMatching(/configuration can't be used \(Bad\w+\): restore it/),
    });
    rmSync(join(state, "stlink.key"));
    expect(await run()).toMatchObject({
      code: 4,
      err: expect.stringMatching(/a configuration and no key/),
    });
    writeFileSync(join(state, "stlink.key"), "no key", { mode: 0o600 });
    expect(await run()).toMatchObject({
      code: 4,
      err: expect.stringMatching(/holds no private key/),
    });
    writeFileSync(join(folder, "site.toml"), "", { mode: 0o600 });
    const both = await sealed(folder, "stlink", "run", "site.toml", "--state", "s").ended();
    expect(both).toMatchObject({
      code: 2,
      err: expect.stringMatching(/a site's file or --state, and not both/),
    });
    const swapped = await sealed(folder, "stlink", "run", "--state", "site.toml").ended();
    expect(swapped).toMatchObject({
      code: 3,
      err: expect.stringMatching(/site\.toml is no folder/),
    });
  });
});
