// SPDX-License-Identifier: Apache-2.0
// Gate: package-lock.json pins each package by a hash of its contents, and names no place to fetch it
// from: `npm ci` takes the same bytes from whichever registry it is set to, or none.
// An exception that is no longer needed fails, as in budgets.ts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/run.ts";

type Entry = { integrity?: string; resolved?: string; link?: boolean };

/**
 * Biome for other platforms: the registry where the lock was made did not carry them, so that npm
 * knew no hash. None is installed where the tests run. `npm install` with a registry that has them,
 * after deleting the entries, adds the hashes.
 */
const WITHOUT_HASH = [
  "android-arm64",
  "android-x64",
  "darwin-arm64",
  "darwin-x64",
  "linux-arm64-musl",
  "linux-x64-musl",
  "win32-arm64",
  "win32-x64",
].map((platform) => `node_modules/@biomejs/cli-${platform}`);

const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
  packages: Record<string, Entry>;
};
/** Without this repository's own packages. */
const fetched = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.includes("node_modules/") && link !== true,
);

describe("package-lock.json", () => {
  test("holds a hash for every package, but for those named here", () => {
    const without = fetched.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ""));
    expect(without.map(([path]) => path).sort()).toEqual(WITHOUT_HASH);
  });

  test("names no host", () => {
    const named = Object.entries(lock.packages).filter(([, { resolved = "" }]) =>
      resolved.includes(":"),
    );
    expect(named.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([]);
  });
});
