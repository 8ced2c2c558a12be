// SPDX-License-Identifier: Apache-2.0
// X25519 (assembly/crypto/{x25519,field25519}.ts, RFC 7748): published vectors
// (test/vectors/rfc7748.json), the field against big integers at the limits of its limbs, a second
// library on seeded inputs, points of small order, points in other than canonical form.

import { x25519 as other } from "@noble/curves/ed25519.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import type { V8Engine } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import vectors from "../vectors/rfc7748.json" with { type: "json" };
import {
  hex,
  leftInStaticMemory,
  openCrypto,
  scratchOf,
  seeded,
  toBytes,
  toNumber,
  unhex,
} from "./crypto-core.ts";

const P = (1n << 255n) - 19n;
const ELEMENT_LEN = 40;

/** The core that ships, and the fixture for what lies inside it. */
let shipped: CoreEngine;
let primitives: Primitives;
let core: V8Engine;
let at: number;
beforeAll(() => {
  shipped = openEngine("v8");
  primitives = new Primitives(shipped);
  core = openCrypto();
  at = scratchOf(core);
});
afterAll(() => {
  shipped.close();
  core.close();
});

describe("published vectors", () => {
  it.each(vectors.single)("$name", ({ scalar, u, result }) => {
    expect(hex(primitives.x25519(unhex(scalar), unhex(u)) as Uint8Array)).toBe(result);
  });

  it.each(vectors.iterated)("section 5.2, $times times", ({ times, result }) => {
    let k = toBytes(9n, 32);
    let u = k;
    for (let i = 0; i < times; i++) {
      [k, u] = [primitives.x25519(k, u) as Uint8Array, k];
    }
    expect(hex(k)).toBe(result);
  });

  it.each(vectors.exchange)("$name", (v) => {
    expect(hex(primitives.x25519Public(unhex(v.aliceSecret)))).toBe(v.alicePublic);
    expect(hex(primitives.x25519Public(unhex(v.bobSecret)))).toBe(v.bobPublic);
    const shared = primitives.x25519(unhex(v.aliceSecret), unhex(v.bobPublic));
    expect(hex(shared as Uint8Array)).toBe(v.shared);
    expect(primitives.x25519(unhex(v.bobSecret), unhex(v.alicePublic))).toEqual(shared);
  });
});

describe("agreement with a second library", () => {
  it("on 200 seeded secrets and points", () => {
    for (let i = 0; i < 200; i++) {
      const [secret, point] = [seeded(`secret ${i}`, 32), seeded(`point ${i}`, 32)];
      const result = hex(primitives.x25519(secret, point) as Uint8Array);
      expect(result, `${i}`).toBe(hex(other.getSharedSecret(secret, point)));
      expect(hex(primitives.x25519Public(secret)), `${i}`).toBe(hex(other.getPublicKey(secret)));
    }
  });

  it("on secrets of one repeated byte, and with the base point given as a point", () => {
    const base = toBytes(9n, 32);
    for (let fill = 0; fill < 256; fill += 5) {
      const secret = new Uint8Array(32).fill(fill);
      const wanted = hex(other.getPublicKey(secret));
      expect(hex(primitives.x25519Public(secret))).toBe(wanted);
      expect(hex(primitives.x25519(secret, base) as Uint8Array)).toBe(wanted);
    }
  });
});

describe("points", () => {
  // 0, 1, p - 1 and the two of order 8, as they are and with p added where that fits 255 bits.
  const SMALL_ORDER = [
    0n,
    1n,
    P - 1n,
    toNumber(unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
    toNumber(unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")),
    P,
    P + 1n,
  ];

  it.each(SMALL_ORDER)("of small order give no secret: %i", (u) => {
    for (let i = 0; i < 4; i++) {
      expect(primitives.x25519(seeded(`secret ${i}`, 32), toBytes(u, 32))).toBe(null);
      expect(primitives.x25519(seeded(`secret ${i}`, 32), toBytes(u + (1n << 255n), 32))).toBe(
        null,
      );
    }
  });

  it("are taken mod p, and without their top bit", () => {
    const secret = seeded("secret", 32);
    for (const u of [2n, 9n, 18n]) {
      const wanted = primitives.x25519(secret, toBytes(u, 32));
      expect(wanted).not.toBe(null);
      expect(primitives.x25519(secret, toBytes(u + P, 32))).toEqual(wanted);
      expect(primitives.x25519(secret, toBytes(u + (1n << 255n), 32))).toEqual(wanted);
    }
  });

  it.each([
    [0n, 1],
    [9n, 1],
    [P - 1n, 1],
    [P, 0],
    [P + 1n, 0],
    [(1n << 255n) - 1n, 0],
    [1n << 255n, 0],
    [(1n << 255n) + 9n, 0],
    [(1n << 256n) - 1n, 0],
  ])("are canonical below p: %i", (u, wanted) => {
    core.write(at, toBytes(u, 32));
    expect(core.call("x25519_canonical", at)).toBe(wanted);
  });
});

describe("the workspace", () => {
  it("needs four steps of the ladder and one for the inversion", () => {
    core.write(at, seeded("secret", 32));
    core.call("prim_x25519_start", at, 0);
    const steps = Array.from({ length: 5 }, () => core.call("prim_x25519_step"));
    expect(steps).toEqual([0, 0, 0, 0, 1]);
    expect(core.call("prim_x25519_finish", at + 32)).toBe(1);
  });

  it("is wiped, and static memory is as before the first call", () => {
    const fresh = openCrypto();
    new Primitives(fresh).x25519(seeded("secret", 32), seeded("point", 32));
    expect(leftInStaticMemory(fresh)).toEqual([]);
    fresh.close();
  });
});

describe("the field", () => {
  const bit = (limb: number): bigint => BigInt((51 * limb + 1) >> 1);
  const reducedMost = (limb: number): number => (limb % 2 ? 2 ** 25 : 2 ** 26) + 2 ** 17;
  const looseMost = (limb: number): number => 3 * (limb % 2 ? 2 ** 25 : 2 ** 26) + 2 ** 17;
  const [A, B, C, D, BYTES] = [0, 1, 2, 3, 4].map((i) => i * ELEMENT_LEN) as [
    number,
    number,
    number,
    number,
    number,
  ];

  /** Limbs at or near the most allowed, or anything below it, by seed. */
  function limbs(label: string, most: (limb: number) => number): number[] {
    const random = new DataView(seeded(label, 80).buffer);
    return Array.from({ length: 10 }, (_, i) => {
      const choice = random.getUint32(8 * i, true);
      if (choice % 3 === 0) return most(i);
      if (choice % 7 === 0) return 0;
      return random.getUint32(8 * i + 4, true) % (most(i) + 1);
    });
  }

  function put(place: number, element: number[]): bigint {
    core.write(at + place, new Uint8Array(Uint32Array.from(element).buffer));
    return element.reduce((sum, limb, i) => sum + (BigInt(limb) << bit(i)), 0n);
  }

  function take(place: number, most: (limb: number) => number): bigint {
    const element = [...new Uint32Array(core.read(at + place, ELEMENT_LEN).buffer)];
    for (const [i, limb] of element.entries()) expect(limb).toBeLessThanOrEqual(most(i));
    return element.reduce((sum, limb, i) => sum + (BigInt(limb) << bit(i)), 0n);
  }

  const same = (a: bigint, b: bigint): void => expect((((a - b) % P) + P) % P).toBe(0n);
  const rounds = Array.from({ length: 300 }, (_, i) => i);

  it("multiplies, also in place", () => {
    for (const i of rounds) {
      const f = put(A, limbs(`f ${i}`, looseMost));
      const g = put(B, limbs(`g ${i}`, looseMost));
      const out = [A, B, C][i % 3] as number;
      core.call("field_mul", at + out, at + A, at + B);
      same(take(out, reducedMost), f * g);
    }
  });

  it("squares in a chain, and neighbours in place", () => {
    for (const i of rounds) {
      const f = put(A, limbs(`f ${i}`, looseMost));
      core.call("field_square", at + B, at + A, 3, 0);
      same(take(B, reducedMost), f ** 8n);
      const g = put(B, limbs(`g ${i}`, looseMost));
      core.call("field_square", at + A, at + A, 2, ELEMENT_LEN);
      same(take(A, reducedMost), f * f);
      same(take(B, reducedMost), g * g);
    }
  });

  it("adds and subtracts, in place", () => {
    for (const i of rounds) {
      const a = put(A, limbs(`a ${i}`, reducedMost));
      const b = put(B, limbs(`b ${i}`, reducedMost));
      core.call("field_add_sub", at + A, at + B, at + A, at + B);
      same(take(A, looseMost), a + b);
      same(take(B, looseMost), a - b);
    }
  });

  it("swaps both pairs or neither, and adds and subtracts", () => {
    for (const i of rounds) {
      const [x2, z2, x3, z3] = [A, B, C, D].map((place) =>
        put(place, limbs(`${place} ${i}`, reducedMost)),
      ) as [bigint, bigint, bigint, bigint];
      core.call("field_swap_add_sub", at, i & 1);
      const [p, q] = i & 1 ? [A, C] : [C, A];
      same(take(q, looseMost), x2 + z2);
      same(take(q + ELEMENT_LEN, looseMost), x2 - z2);
      same(take(p, looseMost), x3 + z3);
      same(take(p + ELEMENT_LEN, looseMost), x3 - z3);
    }
  });

  it("scales a difference", () => {
    for (const i of rounds) {
      const a = put(A, limbs(`a ${i}`, reducedMost));
      const b = put(B, limbs(`b ${i}`, reducedMost));
      const factor = [121665, 8, 2 ** 18 - 1][i % 3] as number;
      core.call("field_scale", at + A, at + C, at + A, at + B, factor);
      same(take(C, looseMost), a - b);
      same(take(A, reducedMost), a + BigInt(factor) * (a - b));
    }
  });

  it("decodes without the top bit and encodes mod p", () => {
    const edges = [0n, 1n, 18n, 19n, 20n].flatMap((d) => [d, P - d, P + d, (1n << 255n) - 1n - d]);
    const values = edges.filter((value) => value < 1n << 255n);
    for (const i of rounds) values.push(toNumber(seeded(`value ${i}`, 32)));
    for (const value of values) {
      core.write(at + BYTES, toBytes(value, 32));
      core.call("field_decode", at + A, at + BYTES);
      core.call("field_encode", at + BYTES, at + A);
      const wanted = (value & ((1n << 255n) - 1n)) % P;
      expect(toNumber(core.read(at + BYTES, 32))).toBe(wanted);
    }
  });

  it("encodes limbs at the most that is allowed", () => {
    for (const i of rounds) {
      const value = put(A, limbs(`limbs ${i}`, reducedMost));
      core.call("field_encode", at + BYTES, at + A);
      expect(toNumber(core.read(at + BYTES, 32))).toBe(value % P);
    }
  });
});
