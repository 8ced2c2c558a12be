// SPDX-License-Identifier: Apache-2.0
// What is wrong with a code or a state folder, as the users of `sealed stlink activate` and `run --state` meet
// it: each its sentence and exit code. The Commander and the Connector are those of the simulation, on a real
// port.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { codeOf, endCommanded, folderWith, newBridge } from "./commanded-tools.ts";
import { endAll, makeFolder, SEALED, sealed } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
});

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

/** Until reading without an end has failed. */
const ENDLESS_MS = 30_000;

describe("a code from a pipe", () => {
  it("is waited for where who writes it is slow", async () => {
    // Longer than `sealed` takes to start: it is the reading that has to wait.
    const command = `(sleep 4; echo none) | "$0" "$1" stlink activate - --state s`;
    const { stderr, status } = spawnSync("sh", ["-c", command, process.execPath, SEALED], {
      cwd: makeFolder(),
      encoding: "utf8",
    });
    expect(stderr).toMatch(/The activation code is/);
    expect(status).toBe(12);
  });

  it("is refused where the pipe has no end", () => {
    const command = `yes none | "$0" "$1" stlink activate - --state s`;
    const { stderr, status } = spawnSync("sh", ["-c", command, process.execPath, SEALED], {
      cwd: makeFolder(),
      encoding: "utf8",
      timeout: ENDLESS_MS,
    });
    expect(stderr).toMatch(/The activation code is/);
    expect(status).toBe(12);
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
    const word = await sealed(folder, "stlink", "activate", "nocode", "--state", "s").ended();
    expect(word).toMatchObject({ code: 3, err: expect.stringMatching(/there is no such file/) });
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
