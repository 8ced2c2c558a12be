// SPDX-License-Identifier: Apache-2.0
// Gate: the build is reproducible. Building the core once more gives the bytes that are tested and
// shipped, so build/core.wasm is neither stale nor a matter of luck.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeCore } from "../../scripts/build.ts";
import { SHIPPED_WASM } from "../../scripts/run.ts";
import { stripCustomSections } from "../../scripts/wasm-file.ts";

test("a second build gives the same bytes", async () => {
  const made = await makeCore();
  if (!made.ok) throw new Error(made.message);
  const again = stripCustomSections(made.named);
  expect(Buffer.compare(again, readFileSync(SHIPPED_WASM))).toBe(0);
});
