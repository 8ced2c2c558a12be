// SPDX-License-Identifier: Apache-2.0
// Reads a WebAssembly file's sections: what the build, the ABI generator and the gates need to know
// in the file's own bytes (binaryen hides offsets and sizes).
// Source: WebAssembly core specification 1.0 section 5.5, and its appendix for the name section.
// Numbers of types, functions and globals are indices as the file counts them, imports first.

const HEADER_LEN = 8;

export const Section = {
  Custom: 0,
  Type: 1,
  Import: 2,
  Function: 3,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Start: 8,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
} as const;

export const ValueType = { I32: 0x7f, I64: 0x7e, F32: 0x7d, F64: 0x7c, V128: 0x7b } as const;
export const ExportKind = { Function: 0, Table: 1, Memory: 2, Global: 3 } as const;

export type FunctionType = { params: number[]; results: number[] };
export type Export = { name: string; kind: number; index: number };
/** `value` is the constant of an immutable i32 global, otherwise null. */
export type Global = { type: number; mutable: boolean; value: number | null };
/** A function's body: where its bytes (locals and code) begin in the file, and how many they are. */
export type Body = { start: number; length: number };

export type WasmFile = {
  bytes: Uint8Array;
  sectionIds: number[];
  types: FunctionType[];
  importCount: number;
  importedFunctionCount: number;
  /** The type index of each function that the file defines. */
  functions: number[];
  globals: Global[];
  exports: Export[];
  start: number | null;
  bodies: Body[];
  /** Function names by index; empty where there is no name section. */
  names: Map<number, string>;
  memory: { initialPages: number; maximumPages: number | null } | null;
};

/** A cursor over bytes with the format's number and string encodings. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  u8(): number {
    const value = this.bytes[this.offset];
    if (value === undefined) throw new Error(`WebAssembly file ends early, at ${this.offset}`);
    this.offset += 1;
    return value;
  }

  /** LEB128, unsigned, 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error(`number too long at ${this.offset}`);
  }

  /** LEB128, signed; the low 32 bits of up to 64. */
  signed(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte & 0x40) value -= 1n << (shift + 7n);
        return Number(BigInt.asIntN(32, value));
      }
    }
    throw new Error(`number too long at ${this.offset}`);
  }

  text(): string {
    const length = this.u32();
    const start = this.offset;
    this.offset += length;
    return new TextDecoder().decode(this.bytes.subarray(start, this.offset));
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.u32() }, item);
  }
}

/** Parses the sections named above; throws on a file that isn't WebAssembly 1. */
export function parseWasm(bytes: Uint8Array): WasmFile {
  const file = emptyFile(bytes);
  for (const { id, start, end } of sections(bytes)) {
    file.sectionIds.push(id);
    readSection(file, id, new Reader(bytes, start), end);
  }
  return file;
}

/** The same module without custom sections (names, source map's address). */
export function stripCustomSections(bytes: Uint8Array): Uint8Array {
  const kept = [bytes.subarray(0, HEADER_LEN)];
  for (const { id, from, end } of sections(bytes)) {
    if (id !== Section.Custom) kept.push(bytes.subarray(from, end));
  }
  return new Uint8Array(Buffer.concat(kept));
}

/** A function's name where the file has one, else its export's, else `#index`. */
export function functionName(file: WasmFile, index: number): string {
  const exported = file.exports.find((e) => e.kind === ExportKind.Function && e.index === index);
  return file.names.get(index) ?? exported?.name ?? `#${index}`;
}

/** The type of a defined function by its index in the whole index space. */
export function functionType(file: WasmFile, index: number): FunctionType {
  const type = file.types[file.functions[index - file.importedFunctionCount] ?? -1];
  if (type === undefined) throw new Error(`no type for function ${index}`);
  return type;
}

function emptyFile(bytes: Uint8Array): WasmFile {
  return {
    bytes,
    sectionIds: [],
    types: [],
    importCount: 0,
    importedFunctionCount: 0,
    functions: [],
    globals: [],
    exports: [],
    start: null,
    bodies: [],
    names: new Map(),
    memory: null,
  };
}

function* sections(bytes: Uint8Array) {
  if (
    bytes.length < HEADER_LEN ||
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) !== 0x0061736d
  ) {
    throw new Error("not a WebAssembly file");
  }
  const reader = new Reader(bytes, HEADER_LEN);
  while (reader.offset < bytes.length) {
    const from = reader.offset;
    const id = reader.u8();
    const length = reader.u32();
    const start = reader.offset;
    reader.offset = start + length;
    yield { id, from, start, end: reader.offset };
  }
}

function readSection(file: WasmFile, id: number, reader: Reader, end: number): void {
  switch (id) {
    case Section.Type:
      file.types = reader.list(() => readType(reader));
      break;
    case Section.Import:
      readImports(file, reader);
      break;
    case Section.Function:
      file.functions = reader.list(() => reader.u32());
      break;
    case Section.Memory:
      file.memory = reader.list(() => readLimits(reader))[0] ?? null;
      break;
    case Section.Global:
      file.globals = reader.list(() => readGlobal(reader));
      break;
    case Section.Export:
      file.exports = reader.list(() => ({
        name: reader.text(),
        kind: reader.u8(),
        index: reader.u32(),
      }));
      break;
    case Section.Start:
      file.start = reader.u32();
      break;
    case Section.Code:
      file.bodies = reader.list(() => readBody(reader));
      break;
    case Section.Custom:
      if (reader.text() === "name") readNames(file, reader, end);
      break;
  }
}

function readType(reader: Reader): FunctionType {
  if (reader.u8() !== 0x60) throw new Error("a type that is not a function");
  return { params: reader.list(() => reader.u8()), results: reader.list(() => reader.u8()) };
}

function readImports(file: WasmFile, reader: Reader): void {
  // Only their number matters: a core has none, and the gate stops there.
  file.importCount = reader.u32();
  file.importedFunctionCount = file.importCount;
}

function readLimits(reader: Reader) {
  const hasMaximum = (reader.u8() & 1) === 1;
  const initialPages = reader.u32();
  return { initialPages, maximumPages: hasMaximum ? reader.u32() : null };
}

function readGlobal(reader: Reader): Global {
  const type = reader.u8();
  const mutable = reader.u8() === 1;
  const value = readConstant(reader);
  return { type, mutable, value: type === ValueType.I32 && !mutable ? value : null };
}

/** An initialiser of one integer constant gives its low 32 bits, one of floats null. */
function readConstant(reader: Reader): number | null {
  const opcode = reader.u8();
  let value: number | null = null;
  if (opcode === 0x41 || opcode === 0x42) value = reader.signed();
  else if (opcode === 0x43) reader.offset += 4;
  else if (opcode === 0x44) reader.offset += 8;
  else throw new Error(`global with initialiser 0x${opcode.toString(16)}`);
  if (reader.u8() !== 0x0b) throw new Error("global with a long initialiser");
  return value;
}

function readBody(reader: Reader): Body {
  const length = reader.u32();
  const start = reader.offset;
  reader.offset += length;
  return { start, length };
}

function readNames(file: WasmFile, reader: Reader, end: number): void {
  while (reader.offset < end) {
    const kind = reader.u8();
    const next = reader.u32() + reader.offset;
    if (kind === 1) file.names = new Map(reader.list(() => [reader.u32(), reader.text()] as const));
    reader.offset = next;
  }
}
