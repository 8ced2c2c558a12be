// SPDX-License-Identifier: Apache-2.0
// The core under V8, instantiated through AssemblyScript's loader: the one file that uses it, and
// the engine of the TypeScript host. See engine.ts for the contract, engine-guard.ts for what it
// shares with wasm3's.

import { instantiateSync } from "@assemblyscript/loader";
import { type CoreFunction, CoreTrap, noExport, type TrapKind } from "./engine.ts";
import { GuardedEngine } from "./engine-guard.ts";

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

export class V8Engine extends GuardedEngine {
  readonly name = "v8";
  readonly #exports: WebAssembly.Exports;
  readonly #memory: WebAssembly.Memory;

  constructor(wasm: Uint8Array) {
    super();
    this.#exports = instantiateSync(wasm).instance.exports;
    this.#memory = this.#exports.memory as WebAssembly.Memory;
    this.bytes = new Uint8Array(this.#memory.buffer);
  }

  protected find(name: string): CoreFunction {
    const exported = this.#exports[name];
    if (typeof exported !== "function") throw noExport(this.name, name);
    return exported as CoreFunction;
  }

  /** V8 takes any number of arguments. */
  protected override arityOf(exported: CoreFunction): number {
    return exported.length;
  }

  protected explain(name: string, _args: readonly number[], error: unknown): Error {
    const detail = error instanceof Error ? error.message : String(error);
    const kind = TRAP_KINDS.find(([pattern]) => pattern.test(detail))?.[1] ?? "other";
    return new CoreTrap(this.name, kind, name, detail);
  }

  growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.bytes.length) / PAGE_BYTES);
    if (missing > 0) this.#memory.grow(missing);
    this.bytes = new Uint8Array(this.#memory.buffer);
  }

  /** The garbage collector has the rest. */
  protected release(): void {}
}
