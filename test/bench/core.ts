// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- core`: primitives, handshakes and three layers of the core, in V8 in time and on
// bare RV32IMAC in instructions, each beside others and beside its goal. Every section is made by one
// file; a section whose tools are missing says which and is left out.

import { openBearssl } from "./bearssl.ts";
import { copyCore } from "./core-copy.ts";
import { loadRivals } from "./rivals.ts";
import { compiledFunctions, footprint } from "./rv32-footprint.ts";
import { handshakesOnRv32 } from "./rv32-handshakes.ts";
import { layersOnRv32 } from "./rv32-layers.ts";
import { primitivesOnRv32 } from "./rv32-primitives.ts";
import { type Facts, printSection, type Section } from "./table.ts";
import { handshakesUnderV8 } from "./v8-handshakes.ts";
import { layersUnderV8 } from "./v8-layers.ts";
import { primitivesUnderV8 } from "./v8-primitives.ts";

export type CoreOptions = {
  /** Only the tables of V8, or of the machine. */
  only?: "v8" | "rv32" | undefined;
  /** Every function's compiled size. */
  areFunctionsWhole: boolean;
};

/** Measures and prints; returns how many goals are missed and how many sections could not be made. */
export async function benchCore(options: CoreOptions): Promise<{ missed: number; left: number }> {
  const { wasm, wasmPath, debugPath } = copyCore();
  const facts: Facts = new Map();
  const outcome = { missed: 0, left: 0 };
  const print = (what: string, make: () => Section | Section[]): void => {
    try {
      for (const section of [make()].flat()) outcome.missed += printSection(section, facts);
    } catch (error) {
      console.log(`\n${what}: not measured: ${error instanceof Error ? error.message : error}`);
      outcome.left += 1;
    }
  };
  if (options.only !== "rv32") {
    const rivals = await loadRivals();
    print("V8: primitives", () => primitivesUnderV8(wasm, rivals));
    print("V8: layers", () => layersUnderV8(wasm, rivals, facts));
    print("V8: handshakes", () => handshakesUnderV8(wasm));
  }
  if (options.only !== "v8") {
    const bearssl = bearsslOrNothing(wasm);
    print("RV32IMAC: primitives", () => primitivesOnRv32(wasm, wasmPath, bearssl, facts));
    print("RV32IMAC: layers", () => layersOnRv32(wasm, wasmPath, bearssl, facts));
    print("RV32IMAC: handshakes", () => handshakesOnRv32(wasm, wasmPath, facts));
    print("RV32IMAC: size and RAM", () => footprint(wasm, wasmPath, facts));
    print("RV32IMAC: M3 code", () =>
      compiledFunctions(wasmPath, debugPath, options.areFunctionsWhole),
    );
  }
  return outcome;
}

/** Without BearSSL its numbers are missing, and what is compared with it; the rest is measured. */
function bearsslOrNothing(wasm: Uint8Array): (bytes: number) => number {
  try {
    return openBearssl(wasm);
  } catch (error) {
    console.log(`\nBearSSL: not measured: ${error instanceof Error ? error.message : error}`);
    return () => Number.NaN;
  }
}
