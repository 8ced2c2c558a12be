// SPDX-License-Identifier: Apache-2.0
// Puts counters into a core: one bit for each function, each arm of an `if` (also one that isn't
// written), each way of a `br_if` and each target of a `br_table`. From build/core.plain.wasm (not
// optimised, so that functions are those of the source) to build/core.coverage.wasm and its points.
// The bits live in imported i32 globals, 32 in each, so linear memory is untouched and all instances
// of a process share them: hook.ts provides them, report.ts reads them. A loop has no point of its
// own: its condition is an `if` or a `br_if`.
// Invariant: point p is bit p % 32 of global p / 32.

import { SourceMap } from "node:module";
import binaryen from "binaryen";
import { parseWasm } from "../../scripts/wasm-file.ts";
import { type Decision, listDecisions } from "../gates/instructions.ts";
import { FEATURES, OPERANDS } from "../gates/shape.ts";

export const IMPORT_MODULE = "coverage";
const BITS = 32;

export type Point = { functionName: string; what: string; where: string };
export type Instrumented = { wasm: Uint8Array; points: Point[] };

type Ref = number;
type Info = ReturnType<typeof binaryen.getExpressionInfo> & Record<string, unknown>;

/** Setters that binaryen has but doesn't declare. */
const edit = binaryen as unknown as {
  If: { setIfTrue(ref: Ref, arm: Ref): void; setIfFalse(ref: Ref, arm: Ref): void };
  Break: { setCondition(ref: Ref, condition: Ref): void };
  Switch: { setCondition(ref: Ref, condition: Ref): void };
  Function: { setBody(ref: Ref, body: Ref): void };
};

const DECISION_IDS: ReadonlyMap<number, Decision["kind"]> = new Map([
  [binaryen.IfId, "if"],
  [binaryen.BreakId, "br_if"],
  [binaryen.SwitchId, "br_table"],
]);

/** Instruments a module; `sourceMap` is the text of asc's map, for the points' lines. */
export function instrument(wasm: Uint8Array, sourceMap?: string): Instrumented {
  const module = binaryen.readBinaryWithFeatures(wasm, FEATURES);
  try {
    binaryen.setDebugInfo(true);
    module.setFeatures(FEATURES);
    const points: Point[] = [];
    const locate = locator(wasm, sourceMap);
    const functions = Array.from({ length: module.getNumFunctions() }, (_, i) =>
      module.getFunctionByIndex(i),
    );
    functions.forEach((ref, index) => {
      new Instrumenter(module, points, locate(index)).run(ref);
    });
    for (let word = 0; word * BITS < points.length; word++) {
      module.addGlobalImport(`w${word}`, IMPORT_MODULE, `w${word}`, binaryen.i32, true);
    }
    if (module.validate() !== 1) throw new Error("the instrumented module is not valid");
    return { wasm: module.emitBinary(), points };
  } finally {
    module.dispose();
  }
}

class Instrumenter {
  readonly #module: binaryen.Module;
  readonly #points: Point[];
  readonly #where: (decision: number, kind: Decision["kind"]) => string;
  #functionName = "";
  #decisionCount = 0;

  constructor(
    module: binaryen.Module,
    points: Point[],
    where: (decision: number, kind: Decision["kind"]) => string,
  ) {
    this.#module = module;
    this.#points = points;
    this.#where = where;
  }

  run(ref: Ref): void {
    const { name, body } = binaryen.getFunctionInfo(ref);
    if (name.startsWith("~")) return;
    this.#functionName = name;
    const entry = this.#mark("function", "");
    this.#walk(body);
    edit.Function.setBody(ref, this.#before(entry, body));
  }

  /** Operands first, as the file has them, so that decisions are numbered in its order. */
  #walk(ref: Ref): void {
    const id = binaryen.getExpressionId(ref);
    const fields = OPERANDS.get(id) ?? [];
    if (fields.length === 0) return;
    const info = binaryen.getExpressionInfo(ref) as Info;
    if (id === binaryen.IfId) return this.#walkIf(ref, info);
    for (const operand of fields.flatMap((field) => info[field] as Ref | Ref[])) {
      if (operand !== 0) this.#walk(operand);
    }
    if (id === binaryen.BreakId && info["condition"] !== 0) this.#markBranch(ref, info);
    if (id === binaryen.SwitchId) this.#markSwitch(ref, info);
  }

  #walkIf(ref: Ref, info: Info): void {
    const ifTrue = info["ifTrue"] as Ref;
    const ifFalse = info["ifFalse"] as Ref;
    this.#walk(info["condition"] as Ref);
    const where = this.#decision(info.id);
    const markThen = this.#mark("then", where);
    const markElse = this.#mark("else", where);
    this.#walk(ifTrue);
    if (ifFalse !== 0) this.#walk(ifFalse);
    edit.If.setIfTrue(ref, this.#before(markThen, ifTrue));
    edit.If.setIfFalse(ref, ifFalse === 0 ? markElse : this.#before(markElse, ifFalse));
  }

  #markBranch(ref: Ref, info: Info): void {
    const where = this.#decision(info.id);
    const { i32, if: choose } = this.#module;
    const taken = this.#before(this.#mark("branch", where), i32.const(1));
    const passed = this.#before(this.#mark("no branch", where), i32.const(0));
    edit.Break.setCondition(
      ref,
      choose.call(this.#module, info["condition"] as Ref, taken, passed),
    );
  }

  /** A helper function takes the index, marks its target and gives the index back. */
  #markSwitch(ref: Ref, info: Info): void {
    const where = this.#decision(info.id);
    const m = this.#module;
    const count = (info["names"] as string[]).length;
    const name = `~switch${this.#points.length}`;
    const index = (): Ref => m.local.get(0, binaryen.i32);
    const cases = Array.from({ length: count }, (_, i) =>
      m.if(m.i32.eq(index(), m.i32.const(i)), this.#mark(`case ${i}`, where)),
    );
    const byDefault = m.if(m.i32.ge_u(index(), m.i32.const(count)), this.#mark("default", where));
    const body = m.block(null, [...cases, byDefault, index()], binaryen.i32);
    m.addFunction(name, binaryen.i32, binaryen.i32, [], body);
    edit.Switch.setCondition(ref, m.call(name, [info["condition"] as Ref], binaryen.i32));
  }

  #decision(id: number): string {
    const kind = DECISION_IDS.get(id);
    if (kind === undefined) throw new Error(`expression ${id} decides nothing`);
    this.#decisionCount += 1;
    return this.#where(this.#decisionCount - 1, kind);
  }

  /** A new point, and the expression that sets its bit. */
  #mark(what: string, where: string): Ref {
    const point = this.#points.length;
    this.#points.push({ functionName: this.#functionName, what, where });
    const { global, i32 } = this.#module;
    const word = `w${Math.floor(point / BITS)}`;
    const bit = i32.const(1 << (point % BITS));
    return global.set(word, i32.or(global.get(word, binaryen.i32), bit));
  }

  #before(mark: Ref, rest: Ref): Ref {
    return this.#module.block(null, [mark, rest], binaryen.getExpressionType(rest));
  }
}

/**
 * For each function, the source line of its n-th decision. The file's decisions and binaryen's are
 * the same and in the same order, but for code that no path reaches; where they differ, no line.
 */
function locator(wasm: Uint8Array, sourceMap: string | undefined) {
  const file = parseWasm(wasm);
  const map = sourceMap === undefined ? null : new SourceMap(JSON.parse(sourceMap));
  return (index: number) => {
    const decisions = listDecisions(file, index);
    return (decision: number, kind: Decision["kind"]): string => {
      const found = decisions[decision];
      if (map === null || found?.kind !== kind) return "";
      return sourceLine(map, found.offset);
    };
  };
}

/** How far before an instruction the statement may begin that it belongs to. */
const MAX_LOOK_BACK = 64;

/** The nearest mapping at or before an offset; some instructions (a `switch`'s) have none. */
function sourceLine(map: SourceMap, offset: number): string {
  for (let at = offset; at > offset - MAX_LOOK_BACK; at--) {
    const entry = map.findEntry(0, at);
    if ("originalSource" in entry && entry.originalSource !== undefined) {
      return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    }
  }
  return "";
}
