// SPDX-License-Identifier: Apache-2.0
// The folder of an STLink that has a Commander: for its owner alone, its files whole or as they were before.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StateFolder } from "../../host/stlink/state-folder.ts";

let path: string;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "sealed-state-")), "state");
});

afterEach(() => rmSync(join(path, ".."), { recursive: true }));

function text(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString();
}

describe("a state folder", () => {
  test("is made for its owner alone, and so are its files", () => {
    const folder = StateFolder.make(join(path, "deeper"));
    folder.save("configuration", Uint8Array.of(1, 2));
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    expect(statSync(folder.pathOf("configuration")).mode & 0o777).toBe(0o600);
    expect(folder.load("configuration")).toEqual(Uint8Array.of(1, 2));
    expect(folder.load("lease")).toBeNull();
  });

  test("has the file of before, and nothing beside it, when a new one can't be written", () => {
    const folder = StateFolder.make(path);
    folder.save("configuration", "old");
    mkdirSync(`${folder.pathOf("configuration")}.new`);
    expect(() => folder.save("configuration", "new")).toThrow(/can't be written: /);
    expect(text(folder.load("configuration"))).toBe("old");
    rmSync(`${folder.pathOf("configuration")}.new`, { recursive: true });
    folder.save("configuration", "new");
    expect(text(folder.load("configuration"))).toBe("new");
    expect(readdirSync(path)).toEqual(["configuration"]);
  });

  test("takes what a kill has left beside a file for nothing", () => {
    const folder = StateFolder.make(path);
    writeFileSync(`${folder.pathOf("lease")}.new`, "half", { mode: 0o600 });
    expect(folder.load("lease")).toBeNull();
    folder.save("lease", "7");
    expect(text(folder.load("lease"))).toBe("7");
    folder.remove("lease");
    expect(folder.has("lease")).toBe(false);
    folder.remove("lease");
  });

  test("does not write where a link beside a file leads", () => {
    const folder = StateFolder.make(path);
    const elsewhere = join(path, "..", "elsewhere");
    writeFileSync(elsewhere, "kept");
    symlinkSync(elsewhere, `${folder.pathOf("code")}.new`);
    folder.save("code", "secret");
    expect(statSync(elsewhere).size).toBe(4);
    expect(text(folder.load("code"))).toBe("secret");
  });

  test("that others may read is refused, and so is a file of it", () => {
    const folder = StateFolder.make(path);
    folder.save("code", "secret");
    chmodSync(folder.pathOf("code"), 0o640);
    expect(() => folder.load("code")).toThrow(/others may read it: chmod 600/);
    chmodSync(path, 0o701);
    expect(() => new StateFolder(path)).toThrow(/others may read it: chmod 700/);
  });

  test("that is a file, or in one, or not there has its sentence", () => {
    expect(() => new StateFolder(path)).toThrow(/is not there: "sealed stlink activate" makes it/);
    writeFileSync(path, "");
    expect(() => StateFolder.make(path)).toThrow(/is no folder/);
    expect(() => StateFolder.make(join(path, "deeper"))).toThrow(/can't be written: a part of/);
  });
});
