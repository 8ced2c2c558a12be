// SPDX-License-Identifier: Apache-2.0
// What the builds make once, where two processes make it at the same time: tests run side by side, and in a fresh
// clone nothing is there yet. scripts/native-build.ts.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeOnce } from "../../scripts/native-build.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sealed-build-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("makeOnce", () => {
  it.each([
    ["a file", ""],
    ["a folder", "core.c"],
  ])("of %s takes what another process has made meanwhile", (_, name) => {
    const result = join(folder, "made-0123456789abcdef");
    const make = (path: string): void => {
      if (name !== "") mkdirSync(path);
      writeFileSync(join(path, name), "whole");
    };
    makeOnce(result, (aside) => {
      make(aside);
      cpSync(aside, result, { recursive: true });
    });
    expect(readFileSync(join(result, name), "utf8")).toBe("whole");
    expect(readdirSync(folder)).toEqual(["made-0123456789abcdef"]);
    makeOnce(result, () => {
      throw new Error("it is there");
    });
  });
});
