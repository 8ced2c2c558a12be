// SPDX-License-Identifier: Apache-2.0
// Loaded into every Node process of a coverage run (`--import`, by scripts/coverage.ts): gives each
// instrumented core the counters that it imports, the same ones to every instance, and writes them
// to COVERAGE_DIR. No host code knows of it; a core without counters is instantiated as ever.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const IMPORT_MODULE = "coverage";
const WRITE_EVERY_MS = 200;

const counters: Record<string, WebAssembly.Global> = {};
/** Process ids come again, so a name needs more than one. */
const fileName = `${process.pid}-${Date.now()}.json`;
let written = "";

const Original = WebAssembly.Instance;

class CountingInstance extends Original {
  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    const wanted = WebAssembly.Module.imports(module).filter((i) => i.module === IMPORT_MODULE);
    for (const { name } of wanted) {
      counters[name] ??= new WebAssembly.Global({ value: "i32", mutable: true }, 0);
    }
    super(module, wanted.length === 0 ? imports : { ...imports, [IMPORT_MODULE]: counters });
  }
}

/** Writes this process's counters, when they have changed: word by word, in the order of points. */
function writeCounters(): void {
  const directory = process.env["COVERAGE_DIR"];
  const words = Object.keys(counters).map((_, i) => counters[`w${i}`]?.value ?? 0);
  const text = JSON.stringify(words.map(Number));
  if (directory === undefined || words.length === 0 || text === written) return;
  writeFileSync(join(directory, fileName), text);
  written = text;
}

WebAssembly.Instance = CountingInstance;
// Test workers may be ended without an "exit": so in between, too.
setInterval(writeCounters, WRITE_EVERY_MS).unref();
process.on("exit", writeCounters);
Object.assign(globalThis, { writeCoverageCounters: writeCounters });
