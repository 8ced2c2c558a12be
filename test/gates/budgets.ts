// SPDX-License-Identifier: Apache-2.0
// The budgets of the core's shape, in one place: the design's goals, and what is let off them.
// Read by shape.test.ts (asserts) and scripts/gates.ts (prints). Every exception carries its number
// and its reason; one that is no longer needed fails the gate too, so that this list stays true.

export const BUDGETS = {
  /** Length of build/core.wasm. */
  fileBytes: 32 * 1024,
  /** Functions: each costs about 90 bytes of RAM under wasm3, parsed. */
  functionCount: 130,
  /** Parameters, locals and deepest operand stack of a function: wasm3's d_m3MaxFunctionStackHeight. */
  stackSlots: 127,
  /** Longest path without a back edge through a function, in bytes of code (see instructions.ts). */
  straightBytes: 600,
  /** Names under which one function is exported: wasm3 keeps no more (d_m3MaxDuplicateFunctionImpl). */
  exportNames: 3,
} as const;

/** Functions that may hold a division or a remainder: they see no secret. Name -> reason. */
export const DIVISION_ALLOWED: Readonly<Record<string, string>> = {};

/** Functions with a longer straight line than the budget: at most `bytes`, and why. */
export const STRAIGHT_EXCEPTIONS: Readonly<Record<string, { bytes: number; reason: string }>> = {
  "assembly/crypto/keccak/keccakPermute": {
    bytes: 1100,
    reason: "one unrolled round in locals; looped lanes in memory are four times slower",
  },
  "assembly/crypto/field25519/fieldSquare": {
    bytes: 800,
    reason: "ten limbs in locals; split it is 2.5 % slower ahead of time, and is no deepest call",
  },
  "assembly/crypto/field25519/fieldMul": {
    bytes: 660,
    reason: "set-up of ten limbs before a looped multiply",
  },
  "assembly/crypto/chacha20/xorBlocks": {
    bytes: 640,
    reason: "state set-up and one unrolled double round",
  },
  "assembly/stream/hop-rx/takeRecord": {
    bytes: 720,
    reason:
      "one record, with what each frame of a Connector does; packets are dealt with behind it",
  },
};

/** Goals of the whole file that are missed: at most `limit`, and why. */
export const MISSED: Readonly<
  Partial<Record<keyof typeof BUDGETS, { limit: number; reason: string }>>
> = {
  fileBytes: {
    limit: 61_696,
    reason:
      "code by room, KiB: primitives 11.7, links 11.3, streams 6.2, hops 6.1, the boundary's checks 5.5, control 5.8, scheduler and timers 3.2, handshakes 2.6, tests' exports 0.6; export names, data and globals 3.3. No pass of binaryen takes off more than 3 %",
  },
  functionCount: {
    limit: 343,
    reason:
      "108 exports are a floor; fewer, larger functions would hold rare paths in RAM, compiled, with the data path (56 KiB of M3 code)",
  },
};
