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
} as const;

/** Functions that may hold a division or a remainder: they see no secret. Name -> reason. */
export const DIVISION_ALLOWED: Readonly<Record<string, string>> = {};

/** Functions with a longer straight line than the budget: at most `bytes`, and why. */
export const STRAIGHT_EXCEPTIONS: Readonly<Record<string, { bytes: number; reason: string }>> = {};

/** Goals of the whole file that are missed: at most `limit`, and why. */
export const MISSED: Readonly<
  Partial<Record<keyof typeof BUDGETS, { limit: number; reason: string }>>
> = {};
