// SPDX-License-Identifier: Apache-2.0
// The core under V8, instantiated through AssemblyScript's loader: the one file that uses it, and
// the engine of the TypeScript host. See engine.ts for the contract.
// Invariant: `memory` is a view of the current buffer; only growTo replaces it (the core never grows).

import { instantiateSync } from "@assemblyscript/loader";
import {
  type CoreEngine,
  type CoreFunction,
  CoreTrap,
  checkRange,
  deadInstance,
  noExport,
  type TrapKind,
  wrongArguments,
} from "./engine.ts";

const PAGE_BYTES = 65536;

const TRAP_KINDS: [RegExp, TrapKind][] = [
  [/unreachable/, "unreachable"],
  [/out of bounds/, "out of bounds"],
  [/divide by zero|remainder by zero/, "divide by zero"],
  [/divide result unrepresentable/, "integer overflow"],
  [/call stack/, "stack overflow"],
];

/** Instantiates the module. `wasm` is the whole file; it is not kept. */
export function openV8(wasm: Uint8Array): V8Engine {
  return new V8Engine(wasm);
}

export class V8Engine implements CoreEngine {
  readonly name = "v8";
  readonly #exports: WebAssembly.Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #bound = new Map<string, CoreFunction>();
  #bytes: Uint8Array;
  #deadBecause = "";

  constructor(wasm: Uint8Array) {
    this.#exports = instantiateSync(wasm).instance.exports;
    this.#memory = this.#exports.memory as WebAssembly.Memory;
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  call(name: string, ...args: number[]): number {
    return this.bind(name)(...args);
  }

  bind(name: string): CoreFunction {
    const known = this.#bound.get(name);
    if (known !== undefined) return known;
    const exported = this.#exports[name];
    if (typeof exported !== "function") throw noExport(this.name, name);
    const bound = this.#guard(name, exported as CoreFunction);
    this.#bound.set(name, bound);
    return bound;
  }

  #guard(name: string, exported: CoreFunction): CoreFunction {
    return (...args) => {
      if (this.#deadBecause !== "") throw deadInstance(this.name, this.#deadBecause);
      if (args.length !== exported.length) {
        throw wrongArguments(this.name, name, args.length, `it takes ${exported.length}`);
      }
      try {
        return exported(...args) | 0;
      } catch (error) {
        throw this.#trap(name, error);
      }
    };
  }

  #trap(name: string, error: unknown): CoreTrap {
    const detail = error instanceof Error ? error.message : String(error);
    const kind = TRAP_KINDS.find(([pattern]) => pattern.test(detail))?.[1] ?? "other";
    const trap = new CoreTrap(this.name, kind, name, detail);
    this.#deadBecause = trap.message;
    return trap;
  }

  read(ptr: number, len: number): Uint8Array {
    checkRange(this.name, ptr, len, this.#bytes.length);
    return this.#bytes.slice(ptr, ptr + len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    checkRange(this.name, ptr, bytes.length, this.#bytes.length);
    this.#bytes.set(bytes, ptr);
  }

  memoryBytes(): number {
    return this.#bytes.length;
  }

  view(): Uint8Array {
    return this.#bytes;
  }

  growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.#bytes.length) / PAGE_BYTES);
    if (missing > 0) this.#memory.grow(missing);
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  close(): void {
    this.#deadBecause = "closed";
    this.#bound.clear();
    this.#bytes = new Uint8Array(0);
  }
}
