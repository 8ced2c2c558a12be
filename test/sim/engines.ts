// SPDX-License-Identifier: Apache-2.0
// Core instances for the simulation, used again and again: V8 compiles the module once, and a world
// takes its cores from here and gives them back stopped. An instance that trapped is thrown away.

import { readFileSync } from "node:fs";
import { Core } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { CORE_WASM } from "../../scripts/run.ts";

let wasm: Uint8Array | null = null;
const idle: Core[] = [];

function open(): Core {
  wasm ??= readFileSync(CORE_WASM);
  return new Core(openV8(wasm));
}

/** A stopped core; `fresh`: one that never ran. */
export function takeCore(fresh = false): Core {
  return fresh ? open() : (idle.pop() ?? open());
}

/** Gives a core back; it is stopped. */
export function giveBack(core: Core): void {
  try {
    core.stop();
    idle.push(core);
  } catch {
    // It trapped; nobody gets it again.
  }
}
