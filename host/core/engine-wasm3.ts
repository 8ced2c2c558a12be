// SPDX-License-Identifier: Apache-2.0
// The core under wasm3 in this process, by way of the addon in host/wasm3-node: the interpreter that
// devices use, for tests at the speed of the desktop. See engine.ts for the contract.
// Invariant: `bytes` is a view of wasm3's own linear memory; only growTo replaces it.

import { statusOf, VmStatus, Wasm3Instance, type Wasm3Options, type Wasm3Stats } from "wasm3-node";
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

const TRAP_KINDS: Readonly<Record<number, TrapKind>> = {
  [VmStatus.TrapUnreachable]: "unreachable",
  [VmStatus.TrapBounds]: "out of bounds",
  [VmStatus.TrapDivide]: "divide by zero",
  [VmStatus.TrapOverflow]: "integer overflow",
  [VmStatus.TrapStack]: "stack overflow",
};

/** Opens the module. Compiles the addon when this is the first time. */
export function openWasm3(wasm: Uint8Array, options: Wasm3Options = {}): Wasm3Engine {
  return new Wasm3Engine(wasm, options);
}

export class Wasm3Engine implements CoreEngine {
  readonly name = "wasm3";
  readonly #instance: Wasm3Instance;
  readonly #bound = new Map<string, CoreFunction>();
  #bytes: Uint8Array;
  #deadBecause = "";

  constructor(wasm: Uint8Array, options: Wasm3Options) {
    this.#instance = new Wasm3Instance(wasm, options);
    this.#bytes = this.#instance.memory();
  }

  call(name: string, ...args: number[]): number {
    return this.bind(name)(...args);
  }

  bind(name: string): CoreFunction {
    const known = this.#bound.get(name);
    if (known !== undefined) return known;
    const bound = this.#guard(name, this.#find(name));
    this.#bound.set(name, bound);
    return bound;
  }

  #find(name: string): CoreFunction {
    if (this.#deadBecause !== "") throw deadInstance(this.name, this.#deadBecause);
    try {
      return this.#instance.bind(name);
    } catch (error) {
      if (statusOf(error) === VmStatus.BadCall) throw noExport(this.name, name);
      throw error;
    }
  }

  #guard(name: string, exported: CoreFunction): CoreFunction {
    return (...args) => {
      try {
        return exported(...args);
      } catch (error) {
        throw this.#explain(name, args, error);
      }
    };
  }

  #explain(name: string, args: number[], error: unknown): Error {
    const status = statusOf(error);
    const detail = error instanceof Error ? error.message : String(error);
    if (this.#deadBecause !== "") return deadInstance(this.name, this.#deadBecause);
    if (status === VmStatus.BadCall) return wrongArguments(this.name, name, args.length, detail);
    const kind = TRAP_KINDS[status ?? VmStatus.TrapOther] ?? "other";
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
    this.#instance.grow(bytes);
    this.#bytes = this.#instance.memory();
  }

  /** A copy of wasm3's value stack, to look for keys that a call left on it. */
  valueStack(): Uint8Array {
    return this.#instance.stack();
  }

  stats(): Wasm3Stats {
    return this.#instance.stats();
  }

  /** Gives compiled code back; it is compiled again when called. */
  dropCode(): void {
    this.#instance.dropCode();
  }

  close(): void {
    if (this.#deadBecause === "closed") return;
    this.#deadBecause = "closed";
    this.#bytes = new Uint8Array(0);
    this.#instance.close();
  }
}
