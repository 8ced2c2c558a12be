// SPDX-License-Identifier: Apache-2.0
// The goals of the design's section 8 that are measured here, in one place; limits.ts
// says of each what limits it where it is missed. Units: instructions, bytes, MB (1,000,000 B) a
// second. Changing a number here needs the design changed first.

import type { Goal } from "./table.ts";

const KIB = 1024;
const MILLION = 1_000_000;

const GOALS = {
  "layers.aot": ["most", 1.2, " x"],
  "layers.wasm3.seal": ["most", 1250, ""],
  "layers.wasm3.open": ["most", 1250, ""],
  "first.wasm3": ["most", 240 * MILLION, ""],
  "first.aot": ["most", 50 * MILLION, ""],
  "again.wasm3": ["most", 32 * MILLION, ""],
  "again.aot": ["most", 6 * MILLION, ""],
  "longest.wasm3": ["most", 8 * MILLION, ""],
  "ram.wasm3": ["most", 176 * KIB, ""],
  "ram.aot": ["most", 104 * KIB, ""],
  "code.wasm3": ["most", 56 * KIB, ""],
  memory: ["most", 56 * KIB, ""],
  functions: ["most", 130, ""],
  "stack.wasm3": ["most", 10 * KIB, ""],
  file: ["most", 32 * KIB, ""],
  "layers.v8.seal": ["least", 200, " MB/s"],
  "layers.v8.open": ["least", 200, " MB/s"],
  "hop.idle": ["most", 16 * KIB, " B"],
  "device.ram.wasm3": ["most", 176 * KIB, ""],
  "device.ram.aot": ["most", 104 * KIB, ""],
  "device.flash.wasm3": ["most", 256 * KIB, ""],
  "device.flash.aot": ["most", 272 * KIB, ""],
  "device.bytes.40": ["least", 4, " Mbit/s"],
  "device.bytes.100": ["least", 1.5, " Mbit/s"],
  "device.back.wasm3": ["most", 2000, " ms"],
  "device.back.aot": ["most", 1000, " ms"],
} as const;

export type GoalId = keyof typeof GOALS;

/** Goals whose number is the best of the others in the same run. */
export type PeerGoalId = "peers.throughput" | "peers.cpu" | "peers.rounds" | "peers.memory";

/** The goal with what was measured for it. */
export function goal(id: GoalId, measured: number): Goal {
  const [kind, limit, unit] = GOALS[id];
  return { id, kind, limit, unit, measured };
}
