// SPDX-License-Identifier: Apache-2.0
// One interface to run the core's WASM file, whatever runs it: V8 (engine-v8.ts), wasm3 in this
// process (engine-wasm3.ts), wasm3 or ahead-of-time code on a bare RV32IMAC machine in the emulator
// (engine-rv32.ts). engine-open.ts opens one by name. Above it sit the typed core, the vectors, the
// transcripts, the benches and the gates. Exports take and return i32 only; there are no imports.

export type EngineName = "v8" | "wasm3" | "rv32-wasm3" | "rv32-aot";

/** A bound export: i32 in, i32 out (0 where the export returns nothing). Throws CoreTrap. */
export type CoreFunction = (...args: number[]) => number;

export interface CoreEngine {
  readonly name: EngineName;
  /** Calls an export. Throws CoreTrap on a trap, CoreCallError on a wrong name or argument count. */
  call(name: string, ...args: number[]): number;
  /** The export as a function, for callers that call it often. Throws CoreCallError at once. */
  bind(name: string): CoreFunction;
  /** A copy of `len` bytes of linear memory. Throws RangeError outside of it. */
  read(ptr: number, len: number): Uint8Array;
  /** Copies into linear memory. Throws RangeError outside of it. */
  write(ptr: number, bytes: Uint8Array): void;
  /** Linear memory, bytes. */
  memoryBytes(): number;
  /** Linear memory itself, where the engine shares the address space; renewed after growTo. */
  view?(): Uint8Array;
  /** Grows linear memory to at least `bytes` (whole 64 KiB pages), before the core is started. */
  growTo?(bytes: number): void;
  /** Gives compiled code back, where there is such, and wipes the interpreter's stack. */
  dropCode?(): void;
  /** Ends the instance; nothing may be called on it afterwards. */
  close(): void;
}

export type TrapKind =
  | "unreachable"
  | "out of bounds"
  | "divide by zero"
  | "integer overflow"
  | "stack overflow"
  | "other";

/** The core trapped, which is a bug of ours. The instance is unusable; `close` it. */
export class CoreTrap extends Error {
  override readonly name = "CoreTrap";
  readonly kind: TrapKind;
  readonly exportName: string;

  constructor(engine: EngineName, kind: TrapKind, exportName: string, detail = "") {
    super(`${engine}: ${kind} in ${exportName}${detail === "" ? "" : ` (${detail})`}`);
    this.kind = kind;
    this.exportName = exportName;
  }
}

/** A call that cannot be made: no such export, other arguments than it takes, or a dead instance. */
export class CoreCallError extends Error {
  override readonly name = "CoreCallError";
}

export function noExport(engine: EngineName, name: string): CoreCallError {
  return new CoreCallError(`${engine}: the core has no export ${name} of i32 only`);
}

export function wrongArguments(
  engine: EngineName,
  name: string,
  given: number,
  why: string,
): CoreCallError {
  return new CoreCallError(`${engine}: ${name} called with ${given} arguments: ${why}`);
}

export function deadInstance(engine: EngineName, why: string): CoreCallError {
  return new CoreCallError(`${engine}: the instance cannot be called any more: ${why}`);
}

/** Throws RangeError unless ptr..ptr+len lies inside linear memory of `total` bytes. */
export function checkRange(engine: EngineName, ptr: number, len: number, total: number): void {
  const isInside = Number.isInteger(ptr) && ptr >= 0 && len >= 0 && ptr + len <= total;
  if (!isInside) {
    throw new RangeError(`${engine}: ${ptr}+${len} is outside of linear memory (${total} bytes)`);
  }
}
