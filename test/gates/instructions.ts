// SPDX-License-Identifier: Apache-2.0
// Decodes a function's code from the file's own bytes and measures it: stack slots, the longest
// straight line, the calls on it. shape.ts uses it; binaryen can't tell, it knows no bytes.
// Source: WebAssembly core specification 1.0 section 5.4, bulk memory, sign extension. An instruction
// outside these (SIMD, threads, references) throws: the gate fails at it.
// Under wasm3 without tail calls each operation nests in the one before until a return or the back
// edge of a loop, so native stack grows with the longest acyclic path: forward branches go on nesting
// (a loop's exit too), and of two arms only the longer counts.

import { type FunctionType, functionType, Reader, type WasmFile } from "../../scripts/wasm-file.ts";

export type Call = { target: number; depthBytes: number };

export type BodyMetrics = {
  /** Parameters, locals and the deepest operand stack, as wasm3 counts them. */
  stackSlots: number;
  localCount: number;
  /** The longest acyclic path from the function's entry, in bytes of code. */
  straightBytes: number;
  /** Direct calls with the length of the longest path to each. */
  calls: Call[];
};

type Frame = {
  isLoop: boolean;
  /** Operand height below the frame's own values. */
  base: number;
  resultCount: number;
  /** Longest path to the frame's end by a branch; for an `if` without `else` also the empty arm. */
  endDepth: number;
  /** Path length at the `if`, where the other arm starts; null for other frames. */
  elseDepth: number | null;
};

type Walk = {
  file: WasmFile;
  reader: Reader;
  end: number;
  localCount: number;
  frames: Frame[];
  height: number;
  maxHeight: number;
  /** Length of the longest path to here; -Infinity where no path leads. */
  depth: number;
  maxDepth: number;
  calls: Call[];
  decisions: Decision[];
};

/** Measures function `index` (whole index space) of a parsed file. */
export function measureBody(file: WasmFile, index: number): BodyMetrics {
  const walk = startWalk(file, index);
  walkCode(walk);
  return {
    stackSlots: walk.localCount + walk.maxHeight,
    localCount: walk.localCount,
    straightBytes: walk.maxDepth,
    calls: walk.calls,
  };
}

export type Decision = { kind: "if" | "br_if" | "br_table"; offset: number };

/** Where a function decides, in the file's order; `offset` is from the file's beginning. */
export function listDecisions(file: WasmFile, index: number): Decision[] {
  const walk = startWalk(file, index);
  walkCode(walk);
  return walk.decisions;
}

function startWalk(file: WasmFile, index: number): Walk {
  const body = file.bodies[index - file.importedFunctionCount];
  if (body === undefined) throw new Error(`function ${index} has no body`);
  const { params, results } = functionType(file, index);
  const reader = new Reader(file.bytes, body.start);
  return {
    file,
    reader,
    end: body.start + body.length,
    localCount: params.length + readLocalCount(reader),
    frames: [frame(false, 0, results.length)],
    height: 0,
    maxHeight: 0,
    depth: 0,
    maxDepth: 0,
    calls: [],
    decisions: [],
  };
}

function readLocalCount(reader: Reader): number {
  let count = 0;
  for (let groups = reader.u32(); groups > 0; groups--) {
    count += reader.u32();
    reader.u8();
  }
  return count;
}

function frame(
  isLoop: boolean,
  base: number,
  resultCount: number,
  elseDepth: number | null = null,
): Frame {
  return { isLoop, base, resultCount, endDepth: -Infinity, elseDepth };
}

function walkCode(walk: Walk): void {
  while (walk.reader.offset < walk.end) {
    const from = walk.reader.offset;
    const opcode = walk.reader.u8();
    const kind = DECISIONS[opcode];
    if (kind !== undefined) walk.decisions.push({ kind, offset: from });
    const advance = (): void => {
      walk.depth += walk.reader.offset - from;
      walk.maxDepth = Math.max(walk.maxDepth, walk.depth);
    };
    if (isControl(opcode)) control(walk, opcode, advance);
    else {
      plain(walk, opcode);
      advance();
    }
    walk.maxHeight = Math.max(walk.maxHeight, walk.height);
  }
  if (walk.frames.length !== 0) throw new Error("function ends inside a block");
}

// ---- control instructions -------------------------------------------------------------------

const UNREACHABLE = 0x00;
const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const RETURN = 0x0f;

const DECISIONS: Readonly<Record<number, Decision["kind"]>> = {
  [IF]: "if",
  [BR_IF]: "br_if",
  [BR_TABLE]: "br_table",
};

function isControl(opcode: number): boolean {
  return opcode !== 0x01 && opcode <= RETURN;
}

function control(walk: Walk, opcode: number, advance: () => void): void {
  switch (opcode) {
    case BLOCK:
    case LOOP:
    case IF:
      return open(walk, opcode, advance);
    case ELSE:
      return startOtherArm(walk);
    case END:
      return close(walk, advance);
    case BR:
    case BR_IF:
    case BR_TABLE:
      return branch(walk, opcode, advance);
    case RETURN:
    case UNREACHABLE:
      advance();
      return endPath(walk);
    default:
      throw unknown(opcode);
  }
}

function open(walk: Walk, opcode: number, advance: () => void): void {
  const { params, results } = readBlockType(walk);
  advance();
  if (opcode === IF) pop(walk, 1);
  pop(walk, params.length);
  const elseDepth = opcode === IF ? walk.depth : null;
  walk.frames.push(frame(opcode === LOOP, walk.height, results.length, elseDepth));
  walk.height += params.length;
}

function startOtherArm(walk: Walk): void {
  const top = innermost(walk);
  top.endDepth = Math.max(top.endDepth, walk.depth);
  walk.depth = top.elseDepth ?? -Infinity;
  top.elseDepth = null;
  walk.height = top.base;
}

function close(walk: Walk, advance: () => void): void {
  const closed = innermost(walk);
  walk.frames.pop();
  walk.depth = Math.max(walk.depth, closed.endDepth, closed.elseDepth ?? -Infinity);
  advance();
  walk.height = closed.base + closed.resultCount;
}

function branch(walk: Walk, opcode: number, advance: () => void): void {
  const { reader } = walk;
  const labels = opcode === BR_TABLE ? reader.list(() => reader.u32()) : [];
  labels.push(reader.u32());
  advance();
  if (opcode !== BR) pop(walk, 1);
  for (const label of labels) {
    const target = walk.frames.at(-1 - label);
    if (target === undefined) throw new Error(`branch to unknown label ${label}`);
    if (!target.isLoop) target.endDepth = Math.max(target.endDepth, walk.depth);
  }
  if (opcode !== BR_IF) endPath(walk);
}

function endPath(walk: Walk): void {
  walk.depth = -Infinity;
  walk.height = innermost(walk).base;
}

function innermost(walk: Walk): Frame {
  const top = walk.frames.at(-1);
  if (top === undefined) throw new Error("code after the function's end");
  return top;
}

function readBlockType(walk: Walk): FunctionType {
  const code = walk.reader.signed();
  if (code === -0x40) return { params: [], results: [] };
  if (code < 0) return { params: [], results: [code & 0x7f] };
  const type = walk.file.types[code];
  if (type === undefined) throw new Error(`unknown block type ${code}`);
  return type;
}

// ---- all others -----------------------------------------------------------------------------

const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const PREFIX_FC = 0xfc;
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;

/** What an instruction leaves on the stack, by ranges of opcodes: [first, last, difference]. */
const EFFECTS: readonly (readonly [number, number, number])[] = [
  [0x01, 0x01, 0], // nop
  [0x1a, 0x1a, -1], // drop
  [0x1b, 0x1b, -2], // select
  [0x20, 0x20, 1], // local.get
  [0x21, 0x21, -1], // local.set
  [0x22, 0x22, 0], // local.tee
  [0x23, 0x23, 1], // global.get
  [0x24, 0x24, -1], // global.set
  [0x28, 0x35, 0], // loads
  [0x36, 0x3e, -2], // stores
  [0x3f, 0x3f, 1], // memory.size
  [0x40, 0x40, 0], // memory.grow
  [0x41, 0x44, 1], // constants
  [0x45, 0x45, 0], // i32.eqz
  [0x46, 0x4f, -1],
  [0x50, 0x50, 0], // i64.eqz
  [0x51, 0x66, -1],
  [0x67, 0x69, 0], // i32 clz, ctz, popcnt
  [0x6a, 0x78, -1],
  [0x79, 0x7b, 0], // i64 clz, ctz, popcnt
  [0x7c, 0x8a, -1],
  [0x8b, 0x91, 0],
  [0x92, 0x98, -1],
  [0x99, 0x9f, 0],
  [0xa0, 0xa6, -1],
  [0xa7, 0xc4, 0], // conversions, sign extension
];

function plain(walk: Walk, opcode: number): void {
  if (opcode === CALL) return call(walk);
  if (opcode === CALL_INDIRECT) return callIndirect(walk);
  if (opcode === PREFIX_FC) return bulk(walk);
  const effect = EFFECTS.find(([first, last]) => opcode >= first && opcode <= last)?.[2];
  if (effect === undefined) throw unknown(opcode);
  skipImmediates(walk.reader, opcode);
  change(walk, effect);
}

function skipImmediates(reader: Reader, opcode: number): void {
  if (opcode >= 0x20 && opcode <= 0x24) reader.u32();
  else if (opcode >= 0x28 && opcode <= 0x3e) {
    reader.u32();
    reader.u32();
  } else if (opcode === 0x3f || opcode === 0x40) reader.u8();
  else if (opcode === 0x41 || opcode === 0x42) reader.signed();
  else if (opcode === 0x43) reader.offset += 4;
  else if (opcode === 0x44) reader.offset += 8;
}

function call(walk: Walk): void {
  const target = walk.reader.u32();
  const { params, results } = functionType(walk.file, target);
  if (walk.depth >= 0) walk.calls.push({ target, depthBytes: walk.depth });
  change(walk, results.length - params.length);
}

function callIndirect(walk: Walk): void {
  const type = walk.file.types[walk.reader.u32()];
  walk.reader.u8();
  if (type === undefined) throw new Error("indirect call of an unknown type");
  change(walk, type.results.length - type.params.length - 1);
}

function bulk(walk: Walk): void {
  const opcode = walk.reader.u32();
  if (opcode <= 7) return;
  if (opcode === MEMORY_COPY) walk.reader.u8();
  else if (opcode !== MEMORY_FILL) throw unknown(0xfc00 | opcode);
  walk.reader.u8();
  change(walk, -3);
}

/** Where no path leads, the stack is polymorphic: it never falls below the frame's base. */
function change(walk: Walk, difference: number): void {
  walk.height = Math.max(walk.height + difference, walk.frames.at(-1)?.base ?? 0);
}

function pop(walk: Walk, count: number): void {
  change(walk, -count);
}

function unknown(opcode: number): Error {
  return new Error(`instruction 0x${opcode.toString(16)} is not in the core's subset`);
}
