// SPDX-License-Identifier: Apache-2.0
// Where the host finds build/core.wasm, and a fresh instance of it under V8. Before it: the build. After
// it: STLink, Connector, keys. CORE_WASM names another file: a coverage run's, with counters.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openV8, type V8Engine } from "./engine-v8.ts";

const CORE_WASM =
  process.env["CORE_WASM"] ?? join(import.meta.dirname, "..", "..", "build", "core.wasm");

/** A fresh instance. Throws the system's error where there is no such file: `npm run build` makes it. */
export function openCore(): V8Engine {
  return openV8(readFileSync(CORE_WASM));
}
