// SPDX-License-Identifier: Apache-2.0
// The module that a bench measures: a copy made at its start, so a build meanwhile changes nothing. Before it: the
// build. After it: every bench, which prints what it measured.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_DIR, CORE_DEBUG_WASM, CORE_WASM } from "../../scripts/run.ts";

export type CoreCopy = { wasm: Uint8Array; wasmPath: string; debugPath: string };

/** Copies the module and its twin with names, and says which one it is. */
export function copyCore(): CoreCopy {
  const folder = join(BUILD_DIR, "bench");
  mkdirSync(folder, { recursive: true });
  const wasmPath = join(folder, "core.wasm");
  const debugPath = join(folder, "core.debug.wasm");
  copyFileSync(CORE_WASM, wasmPath);
  copyFileSync(CORE_DEBUG_WASM, debugPath);
  const wasm = readFileSync(wasmPath);
  const hash = createHash("sha256").update(wasm).digest("hex");
  console.log(`core.wasm: ${wasm.length} bytes, SHA-256 ${hash}`);
  return { wasm, wasmPath, debugPath };
}
