// SPDX-License-Identifier: Apache-2.0
// The shape of a core: what it may hold at all (walked with binaryen, the release that asc uses), and
// the measures of each function (from the file's bytes). shape.test.ts holds them against budgets.ts,
// scripts/gates.ts prints them. Takes the file with names, whose code is that of the shipped one.
// A violation is a sentence; an empty list means the shape is right.

import binaryen from "binaryen";
import {
  ExportKind,
  functionName,
  functionType,
  parseWasm,
  ValueType,
  type WasmFile,
} from "../../scripts/wasm-file.ts";
import { type BodyMetrics, measureBody } from "./instructions.ts";

export type FunctionShape = BodyMetrics & {
  index: number;
  name: string;
  wasmBytes: number;
  divisionCount: number;
  /** The longest chain of straight lines from here down through its calls, in bytes of code. */
  chainBytes: number;
};

export type Shape = { violations: string[]; functions: FunctionShape[]; file: WasmFile };

type Info = ReturnType<typeof binaryen.getExpressionInfo> & Record<string, unknown>;

/** The expressions a core may hold, with the fields that lead to their operands. */
export const OPERANDS: ReadonlyMap<number, readonly string[]> = new Map([
  [binaryen.BlockId, ["children"]],
  [binaryen.IfId, ["condition", "ifTrue", "ifFalse"]],
  [binaryen.LoopId, ["body"]],
  [binaryen.BreakId, ["value", "condition"]],
  [binaryen.SwitchId, ["value", "condition"]],
  [binaryen.CallId, ["operands"]],
  [binaryen.CallIndirectId, ["operands", "target"]],
  [binaryen.LocalGetId, []],
  [binaryen.LocalSetId, ["value"]],
  [binaryen.GlobalGetId, []],
  [binaryen.GlobalSetId, ["value"]],
  [binaryen.LoadId, ["ptr"]],
  [binaryen.StoreId, ["ptr", "value"]],
  [binaryen.ConstId, []],
  [binaryen.UnaryId, ["value"]],
  [binaryen.BinaryId, ["left", "right"]],
  [binaryen.SelectId, ["ifTrue", "ifFalse", "condition"]],
  [binaryen.DropId, ["value"]],
  [binaryen.ReturnId, ["value"]],
  [binaryen.MemorySizeId, []],
  [binaryen.MemoryCopyId, ["dest", "source", "size"]],
  [binaryen.MemoryFillId, ["dest", "value", "size"]],
  [binaryen.NopId, []],
  [binaryen.UnreachableId, []],
]);

const ALLOWED_TYPES: ReadonlySet<number> = new Set([
  binaryen.none,
  binaryen.unreachable,
  binaryen.i32,
  binaryen.i64,
]);

const DIVISIONS: ReadonlySet<number> = new Set([
  binaryen.DivSInt32,
  binaryen.DivUInt32,
  binaryen.RemSInt32,
  binaryen.RemUInt32,
  binaryen.DivSInt64,
  binaryen.DivUInt64,
  binaryen.RemSInt64,
  binaryen.RemUInt64,
]);

/** What wasm3, wasm2c and V8 all run without being asked. */
export const FEATURES: number =
  binaryen.Features.MVP |
  binaryen.Features.MutableGlobals |
  binaryen.Features.BulkMemory |
  binaryen.Features.BulkMemoryOpt;

/** Measures a module and lists what it must not have. Divisions are counted, not judged. */
export function examine(bytes: Uint8Array): Shape {
  const file = parseWasm(bytes);
  const walked = walkModule(bytes);
  const violations = [...examineSections(file), ...walked.violations];
  if (file.importCount > 0) return { violations, functions: [], file };
  const functions = file.functions.map((_, index) =>
    describe(file, index, walked.divisionCounts[index] ?? 0, violations),
  );
  measureChains(functions);
  return { violations, functions, file };
}

// ---- what the sections say ------------------------------------------------------------------

function examineSections(file: WasmFile): string[] {
  const found: string[] = [];
  if (file.importCount > 0) found.push(`has ${file.importCount} imports`);
  if (file.start !== null) found.push(`has a start function, ${functionName(file, file.start)}`);
  if (file.memory === null) found.push("has no memory of its own");
  if (!file.exports.some((e) => e.kind === ExportKind.Memory && e.name === "memory")) {
    found.push('does not export its memory as "memory"');
  }
  for (const { name, kind, index } of file.exports) {
    if (kind === ExportKind.Table) found.push(`exports a table, ${name}`);
    if (kind === ExportKind.Global && file.globals[index]?.value === null) {
      found.push(`exports ${name}, which is not a constant of type i32`);
    }
    // Without imports an export's index is the defined function's own.
    if (kind === ExportKind.Function && file.importCount === 0) {
      found.push(...examineSignature(file, name, index));
    }
  }
  return found;
}

function examineSignature(file: WasmFile, name: string, index: number): string[] {
  const { params, results } = functionType(file, index);
  const found: string[] = [];
  if (params.some((type) => type !== ValueType.I32)) found.push(`${name} takes more than i32`);
  if (results.length > 1 || results.some((type) => type !== ValueType.I32)) {
    found.push(`${name} returns something other than one i32 or nothing`);
  }
  return found;
}

// ---- what the code holds --------------------------------------------------------------------

function walkModule(bytes: Uint8Array): { violations: string[]; divisionCounts: number[] } {
  const module = binaryen.readBinaryWithFeatures(bytes, FEATURES);
  try {
    const violations = new Set<string>();
    const divisionCounts: number[] = [];
    for (let i = 0; i < module.getNumGlobals(); i++) {
      const { name, type } = binaryen.getGlobalInfo(module.getGlobalByIndex(i));
      if (!ALLOWED_TYPES.has(type)) violations.add(`global ${name} is not an integer`);
    }
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const info = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
      // An imported function has no body; that it is there is a violation already.
      if (info.body !== 0) divisionCounts.push(walkFunction(info, violations));
    }
    return { violations: [...violations], divisionCounts };
  } finally {
    module.dispose();
  }
}

function walkFunction(
  { name, params, results, vars, body }: ReturnType<typeof binaryen.getFunctionInfo>,
  violations: Set<string>,
): number {
  const types = [...binaryen.expandType(params), ...binaryen.expandType(results), ...vars];
  if (types.some((type) => !ALLOWED_TYPES.has(type)))
    violations.add(`${name} has a float or SIMD local`);
  let divisionCount = 0;
  const open = [body];
  for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
    const id = binaryen.getExpressionId(ref);
    const fields = OPERANDS.get(id);
    if (fields === undefined) {
      violations.add(`${name} holds ${expressionName(id)}`);
      continue;
    }
    if (!ALLOWED_TYPES.has(binaryen.getExpressionType(ref))) {
      violations.add(`${name} holds a float or SIMD value`);
    }
    // binaryen has no information on kinds without operands (nop, unreachable).
    if (fields.length === 0) continue;
    const info = binaryen.getExpressionInfo(ref) as Info;
    if (id === binaryen.BinaryId && DIVISIONS.has(info["op"] as number)) divisionCount += 1;
    // An operand that isn't there is 0.
    open.push(
      ...fields.flatMap((field) => info[field] as number | number[]).filter((r) => r !== 0),
    );
  }
  return divisionCount;
}

function expressionName(id: number): string {
  // binaryen exports a constant `<Kind>Id` for each kind of expression.
  const entry = Object.entries(binaryen).find(([key, value]) => key.endsWith("Id") && value === id);
  return entry?.[0].slice(0, -2) ?? `expression kind ${id}`;
}

// ---- measures -------------------------------------------------------------------------------

function describe(
  file: WasmFile,
  index: number,
  divisionCount: number,
  violations: string[],
): FunctionShape {
  const name = functionName(file, index);
  const wasmBytes = file.bodies[index]?.length ?? 0;
  return { index, name, wasmBytes, divisionCount, chainBytes: 0, ...measure() };

  function measure(): BodyMetrics {
    try {
      return measureBody(file, index);
    } catch (error) {
      violations.push(`${name}: ${(error as Error).message}`);
      return { stackSlots: 0, localCount: 0, straightBytes: 0, calls: [] };
    }
  }
}

/** A recursive function has no bound: its chain is Infinity. */
function measureChains(functions: FunctionShape[]): void {
  const done = new Map<number, number>();
  const measure = (index: number): number => {
    const known = done.get(index);
    if (known !== undefined) return known;
    const shape = functions[index];
    if (shape === undefined) return 0;
    done.set(index, Infinity);
    const below = shape.calls.map(({ target, depthBytes }) => depthBytes + measure(target));
    shape.chainBytes = Math.max(shape.straightBytes, ...below);
    done.set(index, shape.chainBytes);
    return shape.chainBytes;
  };
  for (const { index } of functions) measure(index);
}
