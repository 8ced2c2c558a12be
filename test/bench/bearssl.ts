// SPDX-License-Identifier: Apache-2.0
// BearSSL's ChaCha20-Poly1305 on the same machine as the core (scripts/bench-images.ts): instructions
// of one seal or open by length, after it has shown that it makes the same bytes as the core.

import { Rv32Engine } from "../../host/core/engine-rv32.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { buildBearsslImage } from "../../scripts/bench-images.ts";
import { Seeded } from "./seeded.ts";

const KEY_AT = 0;
const NONCE_AT = 32;
const AAD_AT = 48;
const DATA_AT = 64;
const TAG_LEN = 16;
const EMPTY = new Uint8Array(0);

/** Measures and remembers; opening costs the same. Throws when the machine or BearSSL is missing. */
export function openBearssl(wasm: Uint8Array): (bytes: number) => number {
  const engine = new Rv32Engine("rv32-aot", buildBearsslImage(), {});
  const core = new Primitives(openV8(wasm));
  const known = new Map<number, number>();
  return (bytes) => {
    const before = known.get(bytes);
    if (before !== undefined) return before;
    const instructions = sealOnce(engine, core, bytes);
    known.set(bytes, instructions);
    return instructions;
  };
}

function sealOnce(engine: Rv32Engine, core: Primitives, bytes: number): number {
  const random = new Seeded(29);
  const [key, nonce, plain] = [random.bytes(32), random.bytes(12), random.bytes(bytes)];
  engine.write(KEY_AT, key);
  engine.write(NONCE_AT, nonce);
  engine.write(DATA_AT, plain);
  engine.call("seal", KEY_AT, NONCE_AT, AAD_AT, 0, DATA_AT, bytes, DATA_AT + bytes);
  const instructions = Number(engine.lastInstructions);
  const sealed = Buffer.from(engine.read(DATA_AT, bytes + TAG_LEN));
  if (sealed.equals(core.aeadSeal(key, nonce, EMPTY, plain))) return instructions;
  throw new Error("BearSSL seals other bytes than the core");
}
