// SPDX-License-Identifier: Apache-2.0
// The core under wasm3 in this process, by way of the addon in host/wasm3-node: the interpreter that
// devices use, for tests at the speed of the desktop. See engine.ts for the contract, engine-guard.ts
// for what it shares with V8's.

import { statusOf, VmStatus, Wasm3Instance, type Wasm3Options, type Wasm3Stats } from "wasm3-node";
import { type CoreFunction, CoreTrap, noExport, type TrapKind, wrongArguments } from "./engine.ts";
import { GuardedEngine } from "./engine-guard.ts";

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

export class Wasm3Engine extends GuardedEngine {
  readonly name = "wasm3";
  readonly #instance: Wasm3Instance;

  constructor(wasm: Uint8Array, options: Wasm3Options) {
    super();
    this.#instance = new Wasm3Instance(wasm, options);
    this.bytes = this.#instance.memory();
  }

  protected find(name: string): CoreFunction {
    try {
      return this.#instance.bind(name);
    } catch (error) {
      if (statusOf(error) === VmStatus.BadCall) throw noExport(this.name, name);
      throw error;
    }
  }

  protected explain(name: string, args: readonly number[], error: unknown): Error {
    const status = statusOf(error);
    const detail = error instanceof Error ? error.message : String(error);
    if (status === VmStatus.BadCall) return wrongArguments(this.name, name, args.length, detail);
    const kind = TRAP_KINDS[status ?? VmStatus.TrapOther] ?? "other";
    return new CoreTrap(this.name, kind, name, detail);
  }

  growTo(bytes: number): void {
    this.#instance.grow(bytes);
    this.bytes = this.#instance.memory();
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

  protected release(): void {
    this.#instance.close();
  }
}
