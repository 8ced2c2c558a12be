// SPDX-License-Identifier: Apache-2.0
// Rule H5 as a gate: on a bare RV32IMAC machine, interpreted and compiled ahead of time, X25519, AEAD
// open (good and bad tag) and ML-KEM-768 decapsulation (good and corrupted ciphertext, one key) take
// exactly as many instructions for each of 1,000 random secrets. The emulator counts them one by one.
// A wrong tag returns before anything is decrypted, so good and bad differ there, and only there.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BatchStep, openRv32, type Rv32Engine } from "../../host/core/engine-rv32.ts";
import { CORE_WASM } from "../../scripts/run.ts";

const SECRETS = 1000;
/** Operations in one exchange with the machine: it answers within seconds, whatever else runs. */
const BATCH = 100;
const X25519_STEPS = 5;
/** A start and the steps of a decapsulation: seven, of which the last says 1. */
const DECAPS_STEPS = 7;
const OPENED_LEN = 1000;
const AAD_LEN = 13;
const TEST_MS = 300_000;

/** Which bit of a message is wrong. */
type Flip = "none" | "tag" | "any";

function bytes(label: string, len: number): Uint8Array {
  return shake256(Buffer.from(label), { dkLen: len });
}

/** One bit changed: anywhere in the last `within` bytes, as the label says. */
function flipped(message: Uint8Array, within: number, label: string): Uint8Array {
  const draw = new DataView(bytes(label, 4).buffer).getUint32(0) % (8 * within);
  const at = message.length - within + (draw >> 3);
  return message.map((byte, i) => (i === at ? byte ^ (1 << (draw & 7)) : byte));
}

describe.each(["wasm3", "aot"] as const)("bare RV32IMAC, %s", (kind) => {
  let engine: Rv32Engine;
  let base = 0;
  beforeAll(() => {
    engine = openRv32(kind, CORE_WASM, { timeoutMs: TEST_MS });
    base = (engine.call("prim_scratch") + 63) & -64;
  });
  afterAll(() => engine.close());

  /**
   * Runs the operation for secrets from 0 on, after one to warm up (the interpreter compiles in
   * first calls). Returns each distinct sum of instructions, and checks the last call's result.
   */
  function countsOf(
    what: string,
    result: number,
    stepsOf: (i: number) => BatchStep[],
    secretCount = SECRETS,
  ): number[] {
    engine.batch(stepsOf(secretCount));
    const counts = new Set<number>();
    for (let from = 0; from < secretCount; from += BATCH) {
      const runs = Array.from({ length: BATCH }, (_, i) => stepsOf(from + i));
      const callCount = (runs[0] as BatchStep[]).filter((step) => "call" in step).length;
      const results = engine.batch(runs.flat());
      for (let i = 0; i < BATCH; i++) {
        const own = results.slice(i * callCount, (i + 1) * callCount);
        expect(own.at(-1)?.result).toBe(result);
        counts.add(own.reduce((sum, { instructions }) => sum + instructions, 0));
      }
    }
    console.log(`rv32 ${kind}: ${what}: ${[...counts].join(", ")} instructions`);
    return [...counts];
  }

  function x25519Steps(i: number, point: number): BatchStep[] {
    const [secret, out] = [base, base + 32];
    return [
      { write: secret, bytes: bytes(`secret ${i}`, 32) },
      { call: "prim_x25519_start", args: [secret, point] },
      ...Array.from({ length: X25519_STEPS }, () => ({ call: "prim_x25519_step", args: [] })),
      { call: "prim_x25519_finish", args: [out] },
    ];
  }

  it("X25519 takes as many instructions for every secret", { timeout: TEST_MS }, () => {
    const point = base + 64;
    engine.write(point, bytes("point", 32));
    expect(countsOf("X25519", 1, (i) => x25519Steps(i, point))).toHaveLength(1);
    // The same code but for a constant: fewer will do.
    const ofBase = countsOf("X25519 of the base point", 1, (i) => x25519Steps(i, 0), BATCH);
    expect(ofBase).toHaveLength(1);
  });

  function openSteps(i: number, flip: Flip): BatchStep[] {
    const [key, nonce, aad, at] = [base, base + 32, base + 48, base + 64];
    const [k, n, a] = [bytes(`key ${i}`, 32), bytes(`nonce ${i}`, 12), bytes(`aad ${i}`, AAD_LEN)];
    const sealed = chacha20poly1305(k, n, a).encrypt(bytes(`plaintext ${i}`, OPENED_LEN));
    const within = flip === "tag" ? 16 : sealed.length;
    const message = flip === "none" ? sealed : flipped(sealed, within, `${flip} ${i}`);
    return [
      { write: key, bytes: k },
      { write: nonce, bytes: n },
      { write: aad, bytes: a },
      { write: at, bytes: message },
      { call: "prim_aead_open", args: [key, nonce, aad, AAD_LEN, at, OPENED_LEN] },
    ];
  }

  it("AEAD open takes as many for every key, good tag or bad", { timeout: TEST_MS }, () => {
    const good = countsOf("AEAD open, good tag", 1, (i) => openSteps(i, "none"));
    const badTag = countsOf("AEAD open, a bit of the tag", 0, (i) => openSteps(i, "tag"));
    const badBit = countsOf("AEAD open, a bit anywhere", 0, (i) => openSteps(i, "any"));
    expect([good.length, badTag.length]).toEqual([1, 1]);
    expect(badBit).toEqual(badTag);
    // It has not decrypted: less than half of the work.
    expect(badTag[0]).toBeLessThan((good[0] as number) * 0.6);
  });

  function decapsSteps(i: number, ek: Uint8Array, flip: boolean): BatchStep[] {
    const [dk, ciphertext, secret] = [base, base + 2432, base + 3584];
    const { cipherText } = ml_kem768.encapsulate(ek, bytes(`m ${i}`, 32));
    const message = flip ? flipped(cipherText, cipherText.length, `bit ${i}`) : cipherText;
    return [
      { write: ciphertext, bytes: message },
      { call: "prim_mlkem_decaps_start", args: [dk, ciphertext, secret] },
      ...Array.from({ length: DECAPS_STEPS }, () => ({ call: "prim_mlkem_step", args: [] })),
    ];
  }

  it("decapsulation takes as many for every ciphertext, good or not", { timeout: TEST_MS }, () => {
    const { publicKey, secretKey } = ml_kem768.keygen(bytes("key pair", 64));
    engine.write(base, secretKey);
    const good = countsOf("decapsulation", 1, (i) => decapsSteps(i, publicKey, false));
    const bad = countsOf("decapsulation, a bit wrong", 1, (i) => decapsSteps(i, publicKey, true));
    expect(good).toHaveLength(1);
    expect(bad).toEqual(good);
  });
});
