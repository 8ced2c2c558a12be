// SPDX-License-Identifier: Apache-2.0
// Opens the core on an engine by its name: for tests, benches and gates, which run on all four.
// The host itself only needs engine-v8.ts and must not import this file, which brings compilers and
// an emulator with it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { CORE_WASM } from "../../scripts/run.ts";
import type { CoreEngine, EngineName } from "./engine.ts";
import { openRv32 } from "./engine-rv32.ts";
import { openV8 } from "./engine-v8.ts";
import { openWasm3 } from "./engine-wasm3.ts";

export const ENGINE_NAMES: readonly EngineName[] = ["v8", "wasm3", "rv32-wasm3", "rv32-aot"];

export type OpenOptions = {
  /** The module. Default build/core.wasm (npm run build makes it). */
  wasmPath?: string;
  /** Linear memory, bytes; 0 is what the module asks for. V8 rounds up to whole pages. Default 0. */
  memoryBytes?: number;
};

/** A fresh instance; close() it. The rv32 engines each start a machine: reset() is cheaper there. */
export function openEngine(name: EngineName, options: OpenOptions = {}): CoreEngine {
  const { wasmPath = CORE_WASM, memoryBytes = 0 } = options;
  if (name === "rv32-wasm3") return openRv32("wasm3", wasmPath, { memoryBytes });
  if (name === "rv32-aot") return openRv32("aot", wasmPath, { memoryBytes });
  const wasm = readFileSync(wasmPath);
  if (name === "wasm3") return openWasm3(wasm, { memoryBytes });
  const engine = openV8(wasm);
  engine.growTo(memoryBytes);
  return engine;
}

/** The SHA-256 of the core's file, hexadecimal: what a test run prints as what it tested. */
export function sha256OfCore(wasmPath = CORE_WASM): string {
  return createHash("sha256").update(readFileSync(wasmPath)).digest("hex");
}
