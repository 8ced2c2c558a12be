// SPDX-License-Identifier: Apache-2.0
// wasm3 in this process: opens a module, binds its exports, lends its linear memory. It knows nothing
// of the core; host/core/engine-wasm3.ts makes an engine of it. The addon behind it is compiled when
// first needed (build.ts). Exports take and return i32 only; the module has no imports.

import { createRequire } from "node:module";
import { buildAddon } from "./build.ts";

export type Wasm3Options = {
  /** The interpreter's value stack, bytes. Default 64 KiB. */
  stackBytes?: number;
  /** Linear memory, bytes, any size; 0 is what the module asks for. Default 0. */
  memoryBytes?: number;
};

export type Wasm3Stats = {
  /** RAM held by compiled code, and the part of it in use, bytes. */
  codeBytes: number;
  codeUsedBytes: number;
  functions: number;
  compiledFunctions: number;
  memoryBytes: number;
};

/** Why a call failed: firmware/core/vm.h's vm_status. */
export const VmStatus = {
  TrapUnreachable: 1,
  TrapBounds: 2,
  TrapDivide: 3,
  TrapOverflow: 4,
  TrapStack: 5,
  TrapOther: 6,
  Dead: 16,
  NoMemory: 17,
  BadModule: 18,
  BadCall: 19,
} as const;

declare const handleMark: unique symbol;
type Handle = { [handleMark]: true };

type Addon = {
  open(wasm: Uint8Array, stackBytes: number, memoryBytes: number): Handle;
  bind(handle: Handle, name: string): (...args: number[]) => number;
  memory(handle: Handle): ArrayBuffer;
  grow(handle: Handle, bytes: number): void;
  stack(handle: Handle): ArrayBuffer;
  stats(handle: Handle): Wasm3Stats;
  drop(handle: Handle): void;
  close(handle: Handle): void;
};

let loaded: Addon | undefined;

function addon(): Addon {
  loaded ??= createRequire(import.meta.url)(buildAddon()) as Addon;
  return loaded;
}

/** The vm_status of an error thrown by an instance or its functions; undefined for other errors. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code !== undefined && /^\d+$/.test(code) ? Number(code) : undefined;
}

/** One module under wasm3. A call that traps throws, and every later call too. */
export class Wasm3Instance {
  readonly #handle: Handle;

  constructor(wasm: Uint8Array, { stackBytes = 65536, memoryBytes = 0 }: Wasm3Options = {}) {
    this.#handle = addon().open(wasm, stackBytes, memoryBytes);
  }

  /** The export as a native function of numbers. Throws (BadCall) when there is none. */
  bind(name: string): (...args: number[]) => number {
    return addon().bind(this.#handle, name);
  }

  /** Linear memory itself. It is empty after `grow` and `close`: ask again. */
  memory(): Uint8Array {
    return new Uint8Array(addon().memory(this.#handle));
  }

  /** Grows linear memory to at least `bytes`, in whole pages of 64 KiB, zero-filled. */
  grow(bytes: number): void {
    addon().grow(this.#handle, bytes);
  }

  /** A copy of the value stack, as the last call left it. */
  stack(): Uint8Array {
    return new Uint8Array(addon().stack(this.#handle));
  }

  stats(): Wasm3Stats {
    return addon().stats(this.#handle);
  }

  /** Gives compiled code back; it is compiled again when called. */
  dropCode(): void {
    addon().drop(this.#handle);
  }

  close(): void {
    addon().close(this.#handle);
  }
}
