// SPDX-License-Identifier: Apache-2.0
// Opens the core on an engine by its name: for tests, benches and gates, which run on all four.
// The host itself only needs engine-v8.ts and must not import this file, which brings compilers and
// an emulator with it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { buildVirtFirmware } from "../../scripts/build-firmware.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import type { CoreEngine, EngineName } from "./engine.ts";
import { openRv32, Rv32Engine } from "./engine-rv32.ts";
import { openV8 } from "./engine-v8.ts";
import { openWasm3 } from "./engine-wasm3.ts";

export const ENGINE_NAMES: readonly EngineName[] = ["v8", "wasm3", "rv32-wasm3", "rv32-aot"];

export type OpenOptions = {
  /** The module. Default build/core.wasm (npm run build makes it). */
  wasmPath?: string;
  /** Linear memory, bytes; 0 is what the module asks for. V8 rounds up to whole pages. Default 0. */
  memoryBytes?: number;
};

/**
 * A fresh instance; close() it. The rv32 engines each start a machine: reset() is cheaper there. The core that ships
 * runs there in the firmware's own image, any other in a bare one.
 */
export function openEngine(name: EngineName, options: OpenOptions = {}): CoreEngine {
  const { wasmPath = CORE_WASM, memoryBytes = 0 } = options;
  if (name === "rv32-wasm3" || name === "rv32-aot") {
    const vm = name === "rv32-aot" ? "aot" : "wasm3";
    if (wasmPath !== CORE_WASM) return openRv32(vm, wasmPath, { memoryBytes });
    const { flash } = buildVirtFirmware(vm === "aot" ? "virt-rv32-aot" : "virt-rv32");
    return new Rv32Engine(name, flash, { memoryBytes });
  }
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
