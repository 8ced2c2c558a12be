// SPDX-License-Identifier: Apache-2.0
// What limits each goal that is missed, printed under its table: computed from what the same run
// measured wherever a number can say it. Keys are those of goals.ts. table.ts prints.

import type { GoalId, PeerGoalId } from "./goals.ts";
import { type Facts, formatNumber, type Goal } from "./table.ts";

type Explain = (goal: Goal, facts: Facts) => string;

/** By how much a goal is missed, and a line about why. */
export function limitOf(goal: Goal, facts: Facts): { by: string; why: string } {
  const by = `${formatNumber(Math.abs(goal.measured - goal.limit))}${goal.unit}`;
  return { by, why: LIMITS[goal.id as GoalId | PeerGoalId](goal, facts) };
}

function of(facts: Facts, name: string): number {
  return facts.get(name) ?? Number.NaN;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

/** Instructions of three bare AEADs of 2 KiB for a byte, beside which everything else is framing. */
const interpretedLayers =
  (way: "seal" | "open"): Explain =>
  ({ measured, limit }, facts) => {
    const bare = (3 * of(facts, `rv32.wasm3.AEAD ${way}, 2048 B`)) / 2048;
    return (
      `Three bare AEADs of 2,048 B are ${formatNumber(bare)} (${percent(bare, measured)}); ` +
      `framing has ${formatNumber(limit - bare)} and takes ${formatNumber(measured - bare)}, ` +
      `${formatNumber((measured - bare) * 2048)} instructions a record, most of them calls.`
    );
  };

const v8Layers =
  (way: "seal" | "open"): Explain =>
  ({ measured }, facts) => {
    const alone = of(facts, `v8.${way}.16384`);
    return (
      `Three bare AEADs of the core are ${formatNumber(alone)} MB/s in this run: framing and the ` +
      `host's copies take ${percent(alone - measured, alone)}. WebAssembly without SIMD sets the rest; ` +
      "the file has to run under wasm3, which has none."
    );
  };

/** What a new connection cannot do ahead: one X25519, one decapsulation; and what it could. */
const oneMore =
  (kind: "wasm3" | "aot"): Explain =>
  ({ measured }, facts) => {
    const x25519 = of(facts, `rv32.${kind}.X25519`);
    const decaps = of(facts, `rv32.${kind}.ML-KEM-768 decapsulation`);
    const keygen = of(facts, `rv32.${kind}.ML-KEM-768 key generation`);
    return (
      `X25519 ${formatNumber(x25519)} and decapsulation ${formatNumber(decaps)} have to wait for the peer; ` +
      `an ML-KEM key pair is ${formatNumber(keygen)}, which idle time can make ahead as it makes e; ` +
      `hashing, sealing and framing OPEN and ACCEPT are at most ${formatNumber(measured - x25519 - decaps)}.`
    );
  };

const firstConnection =
  (kind: "wasm3" | "aot"): Explain =>
  ({ measured }, facts) => {
    const x25519 = of(facts, `rv32.${kind}.X25519`);
    return (
      `X25519 is ${formatNumber(x25519)}, about ${(measured / x25519).toFixed(1)} of them in all; ` +
      "hop and link need four each, the connection two."
    );
  };

/** Four sealings and four openings a byte, in scalar WebAssembly. */
const fourLayers: Explain = () =>
  "Each byte is sealed and opened four times, in three processes, by ChaCha20-Poly1305 in WebAssembly without SIMD; " +
  "kernel and Node are most of the rest. The others do it once or twice with the processor's AES or vector " +
  "instructions, and let the relay read.";

const deviceBytes: Explain = () =>
  "What waits to be acknowledged: of the pool of DEVICE_SIZES one stream gets nine records. The goals take 13 and 14 " +
  "of them, some 10 KB more, and linear memory is full (56 KiB).";

const deviceFlash: Explain = () =>
  "The core, its interpreter or its code, lwIP and the camera, in this order.";

const deviceBack: Explain = () => "Dialling anew, the hop's handshake, and the link's PROBE.";

const LIMITS: Record<GoalId | PeerGoalId, Explain> = {
  "peers.throughput": fourLayers,
  "peers.cpu": fourLayers,
  "peers.rounds": () =>
    "A byte there and back passes six processes' event loops; each costs a read, a write and a turn in Node, some " +
    "30 µs. rathole has no client's side, so it passes four.",
  "peers.memory": () =>
    "Three times Node, V8 with its compiled WebAssembly, and the core's memory, most of it there before the first byte.",
  "hop.idle": (_goal, facts) =>
    `The core's table has ${formatNumber(of(facts, "hop.core"))} B of a hop; the rest is Node's socket and the seat.`,
  "layers.wasm3.seal": interpretedLayers("seal"),
  "layers.wasm3.open": interpretedLayers("open"),
  "layers.aot": () =>
    "The kernels match BearSSL's (table of primitives); the rest is framing: calls and bounds checks.",
  "layers.v8.seal": v8Layers("seal"),
  "layers.v8.open": v8Layers("open"),
  "first.wasm3": firstConnection("wasm3"),
  "first.aot": firstConnection("aot"),
  "again.wasm3": oneMore("wasm3"),
  "again.aot": oneMore("aot"),
  "longest.wasm3": () => "One piece of a step in noise.ts does too much; compiling counts in it.",
  file: (_goal, facts) =>
    `The last table shows what is large, by folder and function; what a device ran compiled to ${formatNumber(of(facts, "code.all"))} B.`,
  functions: (goal, facts) =>
    `${of(facts, "exports")} exports are a floor; parsed, the module takes ${formatNumber(of(facts, "parsed"))} B, ` +
    `${formatNumber(of(facts, "parsed") / goal.measured)} B a function.`,
  memory: () => "Tables and pools of DEVICE_SIZES, above static data.",
  "code.wasm3": (_goal, facts) =>
    `The data path alone is ${formatNumber(of(facts, "code.data"))} B of M3 code, and one call may add ` +
    `${formatNumber(of(facts, "code.call"))} B before anything can be given back.`,
  "stack.wasm3": () =>
    "Without tail calls each operation of a straight run nests 16 B, and the runs of callers add up: " +
    "npm run gates lists them (chain).",
  "ram.wasm3": (_goal, facts) =>
    `Linear memory ${formatNumber(of(facts, "memory"))}, parsed module ${formatNumber(of(facts, "parsed"))}, ` +
    "the rest is compiled code (next table).",
  "device.ram.wasm3": () =>
    "One call may have 47 KiB compiled before anything can be given back (firmware/core/core.cpp); linear memory and " +
    "the parsed module are most of the rest.",
  "device.ram.aot": () =>
    "Linear memory is half of it; lwIP, connections and the camera are the rest.",
  "device.flash.wasm3": deviceFlash,
  "device.flash.aot": deviceFlash,
  "device.bytes.40": deviceBytes,
  "device.bytes.100": deviceBytes,
  "device.back.wasm3": deviceBack,
  "device.back.aot": deviceBack,
  "ram.aot": (_goal, facts) => `Linear memory is ${formatNumber(of(facts, "memory"))} of it.`,
};
