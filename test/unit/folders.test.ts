// SPDX-License-Identifier: Apache-2.0
// Folders that are made on the way to a file: host/service/folders.ts.

import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemCode } from "../../host/service/app-error.ts";
import { makeFolders } from "../../host/service/folders.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "sealed-folders-"));
});

afterEach(() => rmSync(base, { recursive: true }));

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

function refusalOf(path: string): string | undefined {
  try {
    makeFolders(path);
    return undefined;
  } catch (error) {
    return systemCode(error);
  }
}

describe("a folder", () => {
  test("is made with those above it, for their owner alone; one that was there stays as it is", () => {
    chmodSync(base, 0o755);
    makeFolders(join(base, "a", "b"));
    makeFolders(join(base, "a", "b"));
    expect([base, join(base, "a"), join(base, "a", "b")].map(modeOf)).toEqual([
      0o755, 0o700, 0o700,
    ]);
  });

  test("is not made where there is something else", () => {
    writeFileSync(join(base, "file"), "");
    symlinkSync(join(base, "nowhere"), join(base, "link"));
    expect(refusalOf(join(base, "file"))).toBe("EEXIST");
    expect(refusalOf(join(base, "file", "deeper"))).toBe("ENOTDIR");
    expect(refusalOf(join(base, "link"))).toBe("EEXIST");
  });

  test("is refused where the file system has none, at once", () => {
    expect(refusalOf("/proc/site")).toBe("ENOENT");
    expect(refusalOf("/proc/site/deeper")).toBe("ENOENT");
  });
});
