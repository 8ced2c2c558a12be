// SPDX-License-Identifier: Apache-2.0
// Where the host finds build/core.wasm, and a fresh instance of it, under V8 or under the interpreter of
// devices. Before it: the build. After it: STLink, Connector, keys. CORE_WASM names another file: a
// coverage run's, with counters.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CoreEngine } from "./engine.ts";
import { openV8, type V8Engine } from "./engine-v8.ts";

const CORE_WASM =
  process.env["CORE_WASM"] ?? join(import.meta.dirname, "..", "..", "build", "core.wasm");

/** A fresh instance. Throws the system's error where there is no such file: `npm run build` makes it. */
export function openCore(): V8Engine {
  return openV8(readFileSync(CORE_WASM));
}

/** The SHA-256 of the file: which core this is. */
export function coreHash(): Uint8Array {
  return createHash("sha256").update(readFileSync(CORE_WASM)).digest();
}

export const ENGINE_NAMES = ["v8", "wasm3"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Named at run time: the package has no such file, and none of its modules may name one. */
const WASM3_FILE = "./engine-wasm3.ts";

/**
 * A fresh instance under an engine of choice. wasm3 is loaded only where it is asked for, and compiled
 * the first time: throws an Error that says why where it can't be.
 */
export async function openCoreUnder(name: EngineName): Promise<CoreEngine> {
  if (name === "v8") return openCore();
  const wasm3: { openWasm3(wasm: Uint8Array): CoreEngine } = await import(WASM3_FILE);
  return wasm3.openWasm3(readFileSync(CORE_WASM));
}
