// SPDX-License-Identifier: Apache-2.0
// Small modules in text form for the gates' own tests: one that is right, and ways to spoil it.
// Assembled with binaryen. No part of the core.

import binaryen from "binaryen";

const FEATURES = binaryen.Features.All;

/** A module in the shape that the gate wants; `imports` and `extra` add fields, `body` replaces the code. */
export function moduleText({
  imports = "",
  extra = "",
  body = "(i32.add (local.get 0) (i32.const 1))",
} = {}): string {
  return `(module
    ${imports}
    (memory (export "memory") 1)
    (func $next (export "next") (param i32) (result i32) (local i64) ${body})
    ${extra})`;
}

/** Assembles text, names kept. Nothing is optimised or validated: bad modules are wanted too. */
export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(FEATURES);
    binaryen.setDebugInfo(true);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
