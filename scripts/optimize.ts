// SPDX-License-Identifier: Apache-2.0
// Optimizes the core with the binaryen that asc itself uses: the passes of its -O3, with other limits
// for inlining. asc's own limits copy every function under 70 nodes into each of its callers, which
// makes the core a third larger for no speed (npm run bench). Before: asc -O0. After: build.ts.
// Deterministic: the same module in, the same bytes out.

import binaryen from "binaryen";

/** Two rounds reach what `--converge` would. */
const ROUNDS = 2;

/** Sizes in expression nodes: always inlined; inlined where it is a function's only call. */
const ALWAYS_INLINE = 12;
const ONE_CALLER_INLINE = 200;

/**
 * Never inlined: each has returned, and given its native stack back, before its caller goes deeper, or
 * is rare. Inlined it would stand in the straight line above everything that follows (budgets.ts).
 */
const KEPT_APART = [
  "assembly/abi/instance/sizesFit",
  "assembly/seal/hop/bufferTake",
  "assembly/seal/link/packetOpen",
  "assembly/seal/link/packetSeal",
  "assembly/seal/link-handshake/handshakeWrite",
  "assembly/seal/link-handshake/handshakeTick",
  "assembly/seal/link-handshake/handshakeStart",
  "assembly/stream/hop-rx/hopRxReset",
  "assembly/stream/hop-rx/takeHint",
  "assembly/stream/hop-tx/writeRekey",
  "assembly/stream/hop-tx/writeGreeting",
  "assembly/stream/link-tx/linkWrite",
  "assembly/stream/link-tx/writeBody",
  "assembly/stream/opening/openNext",
  "assembly/stream/recovery/holdTick",
  "assembly/stream/stream/streamsLayout",
];

const PASSES = `
  duplicate-function-elimination remove-unused-module-elements once-reduction inlining
  simplify-globals-optimizing generate-global-effects rse vacuum code-folding ssa-nomerge local-cse
  remove-unused-brs remove-unused-names merge-blocks precompute-propagate
  simplify-globals-optimizing dae-optimizing simplify-locals-nostructure flatten vacuum
  simplify-locals-notee-nostructure vacuum local-cse licm merge-locals reorder-locals
  optimize-instructions avoid-reinterprets dce remove-unused-brs remove-unused-names merge-blocks
  inlining precompute-propagate simplify-globals-optimizing pick-load-signs
  simplify-locals-notee-nostructure vacuum local-cse reorder-locals coalesce-locals simplify-locals
  coalesce-locals reorder-locals vacuum rse vacuum simplify-globals-optimizing remove-unused-brs
  remove-unused-names merge-blocks optimize-instructions simplify-globals-optimizing dae-optimizing
  inlining-optimizing precompute-propagate simplify-globals-optimizing directize dae-optimizing
  gufa-optimizing inlining-optimizing code-folding ssa-nomerge rse code-pushing simplify-globals
  vacuum precompute-propagate inlining-optimizing dae-optimizing local-cse merge-locals
  coalesce-locals simplify-locals vacuum inlining precompute-propagate rse vacuum ssa-nomerge
  simplify-locals coalesce-locals optimize-instructions remove-unused-brs remove-unused-names
  merge-blocks vacuum simplify-globals-optimizing remove-unused-brs optimize-instructions vacuum
  reorder-globals reorder-functions duplicate-function-elimination memory-packing
  remove-unused-module-elements discard-global-effects
`
  .trim()
  .split(/\s+/);

/** The optimized module, with its names. Throws where binaryen refuses the module. */
export function optimize(wasm: Uint8Array): Uint8Array {
  binaryen.setOptimizeLevel(4);
  binaryen.setShrinkLevel(0);
  binaryen.setDebugInfo(true);
  binaryen.setFastMath(true);
  binaryen.setAlwaysInlineMaxSize(ALWAYS_INLINE);
  binaryen.setFlexibleInlineMaxSize(0);
  binaryen.setOneCallerInlineMaxSize(ONE_CALLER_INLINE);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  const module = binaryen.readBinary(wasm);
  const { MVP, MutableGlobals, BulkMemory, BulkMemoryOpt, SignExt } = binaryen.Features;
  module.setFeatures(MVP | MutableGlobals | BulkMemory | BulkMemoryOpt | SignExt);
  for (const name of KEPT_APART) {
    if (module.getFunction(name) === 0) throw new Error(`there is no function ${name}`);
    binaryen.setPassArgument("no-inline", name);
    module.runPasses(["no-inline"]);
  }
  for (let round = 0; round < ROUNDS; round++) module.runPasses(PASSES);
  if (module.validate() === 0) throw new Error("binaryen made a module that does not validate");
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}
