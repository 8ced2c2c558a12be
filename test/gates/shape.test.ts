// SPDX-License-Identifier: Apache-2.0
// Gate: the shape of build/core.wasm (design sections 6 and 8), held against budgets.ts.
// After `npm run build`; `npm run gates` prints the same numbers as a table.

import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { CORE_DEBUG_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { ExportKind, functionName, stripCustomSections } from "../../scripts/wasm-file.ts";
import { BUDGETS, DIVISION_ALLOWED, MISSED, STRAIGHT_EXCEPTIONS } from "./budgets.ts";
import { examine, type Shape } from "./shape.ts";

let shape: Shape;
let shipped: Uint8Array;

beforeAll(() => {
  if (!existsSync(SHIPPED_WASM)) throw new Error("build/core.wasm is missing: npm run build");
  shipped = readFileSync(SHIPPED_WASM);
  shape = examine(readFileSync(CORE_DEBUG_WASM));
});

function limit(goal: keyof typeof BUDGETS): number {
  return MISSED[goal]?.limit ?? BUDGETS[goal];
}

function names(): Set<string> {
  return new Set(shape.functions.map((f) => f.name));
}

describe("the shipped file", () => {
  test("is the examined one without its names", () => {
    expect(Buffer.compare(stripCustomSections(shape.file.bytes), shipped)).toBe(0);
    expect(Buffer.compare(stripCustomSections(shipped), shipped)).toBe(0);
  });

  test("has no import, start, memory.grow, float or SIMD, and exports i32 only", () => {
    expect(shape.violations).toEqual([]);
  });

  test("is no longer than its budget", () => {
    expect(shipped.length).toBeLessThanOrEqual(limit("fileBytes"));
  });

  test("has no more functions than its budget", () => {
    expect(shape.functions.length).toBeLessThanOrEqual(limit("functionCount"));
  });

  test("exports no function under more names than wasm3 keeps", () => {
    const counts = new Map<number, number>();
    for (const { kind, index } of shape.file.exports) {
      if (kind === ExportKind.Function) counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    const over = [...counts].filter(([, count]) => count > BUDGETS.exportNames);
    expect(over.map(([index, count]) => `${functionName(shape.file, index)}: ${count}`)).toEqual(
      [],
    );
    expect(counts.size).toBeGreaterThan(0);
  });

  test("has no recursion", () => {
    expect(shape.functions.filter((f) => f.chainBytes === Infinity).map((f) => f.name)).toEqual([]);
  });
});

describe("each function", () => {
  test("has fewer stack slots than wasm3 allows", () => {
    const over = shape.functions.filter((f) => f.stackSlots > limit("stackSlots"));
    expect(over.map((f) => `${f.name}: ${f.stackSlots}`)).toEqual([]);
  });

  test("has no division or remainder unless it is named as one that sees no secret", () => {
    const dividing = shape.functions.filter((f) => f.divisionCount > 0);
    const over = dividing.filter((f) => !(f.name in DIVISION_ALLOWED));
    expect(over.map((f) => `${f.name}: ${f.divisionCount}`)).toEqual([]);
  });

  test("has a straight line within the budget or within its own exception", () => {
    const over = shape.functions.filter(
      (f) => f.straightBytes > (STRAIGHT_EXCEPTIONS[f.name]?.bytes ?? limit("straightBytes")),
    );
    expect(over.map((f) => `${f.name}: ${f.straightBytes}`)).toEqual([]);
  });
});

describe("the exceptions", () => {
  test("name functions that exist and still need them", () => {
    const dividing = new Set(shape.functions.filter((f) => f.divisionCount > 0).map((f) => f.name));
    const long = new Set(
      shape.functions.filter((f) => f.straightBytes > limit("straightBytes")).map((f) => f.name),
    );
    const stale = [
      ...Object.keys(DIVISION_ALLOWED).filter((name) => !dividing.has(name)),
      ...Object.keys(STRAIGHT_EXCEPTIONS).filter((name) => !long.has(name) || !names().has(name)),
    ];
    expect(stale).toEqual([]);
  });
});
