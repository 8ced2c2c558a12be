// SPDX-License-Identifier: Apache-2.0
// Which engines the runners of vectors and transcripts use: TEST_ENGINES, a comma list; all four where
// it is not set (scripts/test.ts sets it). Each run prints what it tested: the SHA-256 of the core's
// file, the same on every engine. After: host/core/engine-open.ts.

import type { CoreEngine, EngineName } from "../../host/core/engine.ts";
import { ENGINE_NAMES, openEngine, sha256OfCore } from "../../host/core/engine-open.ts";

/** The engines of this run. Throws for a name that is none. */
export const TEST_ENGINES: readonly EngineName[] = (
  process.env["TEST_ENGINES"] ?? ENGINE_NAMES.join(",")
)
  .split(",")
  .map((name) => {
    const found = ENGINE_NAMES.find((known) => known === name.trim());
    if (found === undefined) throw new Error(`TEST_ENGINES names ${name}, not an engine`);
    return found;
  });

/** A fresh instance of the core, after a line with its SHA-256. */
export function openAndSay(name: EngineName): CoreEngine {
  console.log(`${name}: core.wasm sha256 ${sha256OfCore()}`);
  return openEngine(name);
}

/** True where a machine is emulated: there, what takes long runs as a named subset. */
export function isEmulated(name: EngineName): boolean {
  return name.startsWith("rv32");
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
