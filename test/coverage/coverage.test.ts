// SPDX-License-Identifier: Apache-2.0
// The coverage tools' own tests: an instrumented module does what it did before, and each bit says
// what was reached. Instantiates small modules, never the core.

import { beforeEach, describe, expect, test } from "vitest";
import { assemble } from "../gates/modules.ts";
import { IMPORT_MODULE, type Instrumented, instrument } from "./instrument.ts";
import { mergeWords, percent, report } from "./report.ts";
import { SourceCounts } from "./v8-ranges.ts";

const MODULE = `(module
  (func $choose (export "choose") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 7)) (else (i32.const 9))))
  (func $maybe (export "maybe") (param i32)
    (if (local.get 0) (then (nop))))
  (func $count (export "count") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (i32.const 3)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func $pick (export "pick") (param i32) (result i32)
    (block $b (block $a (br_table $a $b $a (local.get 0))) (return (i32.const 1)))
    (i32.const 2)))`;

type Run = (name: string, argument: number) => unknown;

describe("an instrumented module", () => {
  const instrumented: Instrumented = instrument(assemble(MODULE));
  let counters: Record<string, WebAssembly.Global>;
  let run: Run;

  beforeEach(() => {
    const module = new WebAssembly.Module(instrumented.wasm);
    const names = WebAssembly.Module.imports(module).map(({ name }) => name);
    counters = Object.fromEntries(
      names.map((name) => [name, new WebAssembly.Global({ value: "i32", mutable: true }, 0)]),
    );
    const { exports } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: counters });
    run = (name, argument) => (exports[name] as (argument: number) => unknown)(argument);
  });

  const missing = (): string[] => {
    const words = Object.keys(counters).map((_, i) => Number(counters[`w${i}`]?.value));
    return report(instrumented.points, words).lines;
  };

  test("does what it did before", () => {
    expect([run("choose", 1), run("choose", 0)]).toEqual([7, 9]);
    expect(run("count", 4)).toBe(12);
    expect([0, 1, 2, 3].map((index) => run("pick", index))).toEqual([1, 2, 1, 1]);
  });

  test("names functions that were never entered", () => {
    run("choose", 1);
    run("choose", 0);
    expect(missing()).toEqual([
      "count: never entered",
      "maybe: never entered",
      "pick: never entered",
    ]);
  });

  test("names the arm that is missing, written or not", () => {
    run("choose", 0);
    run("maybe", 1);
    expect(missing()).toContain("choose: then");
    expect(missing()).toContain("maybe: else");
  });

  test("tells a branch that was taken from one that was not", () => {
    run("count", 1);
    expect(missing()).toContain("count: branch");
    run("count", 2);
    expect(missing().join()).not.toContain("count");
  });

  test("knows each target of a table", () => {
    run("pick", 1);
    expect(missing()).toContain("pick: case 0, default");
    for (const index of [0, 99]) run("pick", index);
    expect(missing().join()).not.toContain("pick");
  });
});

describe("report", () => {
  test("merges the words of several processes", () => {
    expect(mergeWords([[1, 0], [2], [0, 4]])).toEqual([3, 4]);
  });

  test("counts functions and branches apart", () => {
    const point = (what: string) => ({ functionName: "f", what, where: "" });
    const found = report(["function", "then", "else"].map(point), [0b011]);
    expect(found).toEqual({
      functions: { covered: 1, total: 1 },
      branches: { covered: 1, total: 2 },
      lines: ["f: else"],
    });
    expect(percent(found.branches)).toBe("50.0 % (1 of 2)");
  });
});

describe("counts of a source file", () => {
  const TEXT = `let calls = 0;
function half(n) {
  if (n % 2 === 1) {
    return null;
  }
  return n / 2;
}
const never = () => half(3);
`;
  const at = (text: string): number => TEXT.indexOf(text);
  const range = (first: string, last: string, count: number) => ({
    startOffset: at(first),
    endOffset: at(last) + last.length,
    count,
  });

  /** What V8 would say of a process that called `half` with even or with odd numbers. */
  function counts(even: number, odd: number) {
    const [whole, body] = [range("let", "half(3);\n", 1), range("function", "/ 2;\n}", even + odd)];
    const ranges = [
      body,
      range("{\n    return", "null;\n  }", odd),
      range("\n  return n", "2;\n", even),
    ];
    const unused = { functionName: "never", ranges: [range("() =>", "half(3)", 0)] };
    const half = { functionName: "half", ranges: even + odd > 0 ? ranges : [body] };
    return { url: "", functions: [{ functionName: "", ranges: [whole] }, half, unused] };
  }

  test("name functions that no process called, without what is in them", () => {
    const source = new SourceCounts("a.ts", TEXT);
    expect(source.isLoaded).toBe(false);
    source.add(counts(0, 0));
    expect(source.isLoaded).toBe(true);
    expect(source.report()).toEqual({
      functions: { covered: 0, total: 2 },
      branches: { covered: 0, total: 0 },
      lines: ["a.ts:2: not called: half", "a.ts:8: not called: never"],
    });
  });

  test("name branches that were not taken, by their line", () => {
    const source = new SourceCounts("a.ts", TEXT);
    source.add(counts(3, 0));
    const { branches, lines } = source.report();
    expect(branches).toEqual({ covered: 1, total: 2 });
    expect(lines).toEqual(["a.ts:8: not called: never", "a.ts:4: not taken: return null;"]);
  });

  test("are those of all processes together", () => {
    const source = new SourceCounts("a.ts", TEXT);
    for (const one of [counts(2, 0), counts(0, 1), counts(0, 0)]) source.add(one);
    const { functions, branches, lines } = source.report();
    expect(functions).toEqual({ covered: 1, total: 2 });
    expect(branches).toEqual({ covered: 2, total: 2 });
    expect(lines).toEqual(["a.ts:8: not called: never"]);
  });
});
