// SPDX-License-Identifier: Apache-2.0
// The shape gate's own test: a right module passes, and each way to be wrong is noticed.
// A gate that lets everything through is worse than none.

import { describe, expect, test } from "vitest";
import { assemble, moduleText } from "./modules.ts";
import { examine, type FunctionShape } from "./shape.ts";

function examineText(text: string) {
  return examine(assemble(text));
}

function only(body: string, extra = ""): FunctionShape {
  const found = examineText(moduleText({ body, extra })).functions.find((f) => f.name === "next");
  if (found === undefined) throw new Error("no such function");
  return found;
}

describe("examine", () => {
  test("finds nothing wrong with a right module", () => {
    expect(examineText(moduleText()).violations).toEqual([]);
  });

  test.each([
    ["a start function", "(func $go (nop)) (start $go)", "start function"],
    ["memory.grow", "(func (drop (memory.grow (i32.const 1))))", "MemoryGrow"],
    ["a float constant", "(func (drop (f64.const 1)))", "float or SIMD"],
    ["a float local", "(func (local f32))", "float or SIMD local"],
    ["a float global", "(global f32 (f32.const 0))", "integer"],
    ["SIMD", "(func (drop (v128.const i32x4 0 0 0 0)))", "0xfd is not in the core's subset"],
    ["an atomic", "(func (drop (i32.atomic.load (i32.const 0))))", "0xfe is not in"],
    ["an i64 parameter", '(func (export "wide") (param i64))', "takes more than i32"],
    ["an i64 result", '(func (export "wide") (result i64) (i64.const 1))', "returns something"],
    ["an exported variable", '(global (export "g") (mut i32) (i32.const 1))', "not a constant"],
    ["an exported table", '(table (export "t") 1 funcref)', "table"],
  ])("refuses %s", (_, extra, message) => {
    expect(examineText(moduleText({ extra })).violations.join("; ")).toContain(message);
  });

  test("refuses an import", () => {
    const imports = '(import "env" "log" (func (param i32)))';
    expect(examineText(moduleText({ imports })).violations).toContain("has 1 imports");
  });

  test("refuses a module that keeps its memory to itself", () => {
    const wanted = 'does not export its memory as "memory"';
    expect(examineText("(module (memory 1))").violations).toContain(wanted);
  });

  test.each(["div_s", "div_u", "rem_s", "rem_u"])("counts %s of 32 and of 64 bits", (name) => {
    const narrow = `(i32.${name} (local.get 0) (i32.const 7))`;
    const wide = `(i32.wrap_i64 (i64.${name} (local.get 1) (i64.const 7)))`;
    expect(only(`(i32.add ${narrow} ${wide})`).divisionCount).toBe(2);
  });

  test("finds recursion", () => {
    expect(only("(call $next (local.get 0))").chainBytes).toBe(Infinity);
  });
});

describe("measureBody", () => {
  const NOP = "(nop)";

  test("counts parameters, locals and the deepest operand stack", () => {
    // One parameter, one local, three operands at once.
    const nested = "(i32.add (local.get 0) (i32.add (local.get 0) (local.get 0)))";
    expect(only(nested).stackSlots).toBe(1 + 1 + 3);
  });

  test("takes the longer of two arms, not both", () => {
    const long = NOP.repeat(50);
    const arms = `(if (local.get 0) (then ${long}) (else ${NOP})) (i32.const 1)`;
    const swapped = `(if (local.get 0) (then ${NOP}) (else ${long})) (i32.const 1)`;
    const both = `(if (local.get 0) (then ${long}) (else ${long})) (i32.const 1)`;
    expect(only(both).straightBytes).toBeLessThan(70);
    expect(Math.abs(only(arms).straightBytes - only(swapped).straightBytes)).toBeLessThan(4);
  });

  test("ends a path at a return", () => {
    const body = `(if (local.get 0) (then ${NOP.repeat(40)} (return (i32.const 2)))) ${NOP.repeat(40)} (i32.const 1)`;
    expect(only(body).straightBytes).toBeLessThan(60);
  });

  test("goes on after a loop that is left by its end", () => {
    const loop = `(loop $l ${NOP.repeat(40)} (br_if $l (local.get 0))) ${NOP.repeat(40)} (i32.const 1)`;
    expect(only(loop).straightBytes).toBeGreaterThan(80);
  });

  test("adds up straight lines through calls", () => {
    const extra = `(func $leaf (param i32) (result i32) ${NOP.repeat(100)} (local.get 0))`;
    const caller = only(`${NOP.repeat(30)} (call $leaf (local.get 0))`, extra);
    expect(caller.straightBytes).toBeLessThan(50);
    expect(caller.chainBytes).toBeGreaterThan(130);
  });
});
