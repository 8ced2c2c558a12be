// SPDX-License-Identifier: Apache-2.0
// Gate: the build is reproducible. Building the core once more gives the bytes that are tested and
// shipped, so build/core.wasm is neither stale nor a matter of luck.

import { readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../scripts/build.ts";
import { SHIPPED_WASM } from "../../scripts/run.ts";
import { stripCustomSections } from "../../scripts/wasm-file.ts";

test("a second build gives the same bytes", async () => {
  const built = await compile("release");
  if (!built.ok) throw new Error(built.message);
  const again = stripCustomSections(readFileSync(built.path));
  rmSync(built.path);
  expect(Buffer.compare(again, readFileSync(SHIPPED_WASM))).toBe(0);
});
