// SPDX-License-Identifier: Apache-2.0
// What the engines inside this process share: exports bound once and guarded (a trap ends the
// instance, every later call says so), and linear memory as a view. Before: engine-v8.ts and
// engine-wasm3.ts, which say how an export is found and what an error of theirs means. After: engine.ts.
// Invariant: `bytes` is a view of the current linear memory; only growTo replaces it.

import {
  type CoreEngine,
  type CoreFunction,
  CoreTrap,
  checkRange,
  deadInstance,
  type EngineName,
  wrongArguments,
} from "./engine.ts";

const CLOSED = "closed";

export abstract class GuardedEngine implements CoreEngine {
  abstract readonly name: EngineName;
  protected bytes: Uint8Array = new Uint8Array(0);
  readonly #bound = new Map<string, CoreFunction>();
  #deadBecause = "";

  /** The export without its guard. Throws CoreCallError when there is none. */
  protected abstract find(name: string): CoreFunction;
  /** What a failed call means: a CoreTrap ends the instance. */
  protected abstract explain(name: string, args: readonly number[], error: unknown): Error;
  /** Grows linear memory to at least `bytes`; `this.bytes` is a view of it afterwards. */
  abstract growTo(bytes: number): void;
  /** Gives everything back. */
  protected abstract release(): void;

  /** How many arguments an export takes; undefined where the call itself refuses a wrong count. */
  protected arityOf(_exported: CoreFunction): number | undefined {
    return undefined;
  }

  call(name: string, ...args: number[]): number {
    return this.bind(name)(...args);
  }

  bind(name: string): CoreFunction {
    const known = this.#bound.get(name);
    if (known !== undefined) return known;
    if (this.#deadBecause !== "") throw deadInstance(this.name, this.#deadBecause);
    const bound = this.#guard(name, this.find(name));
    this.#bound.set(name, bound);
    return bound;
  }

  #guard(name: string, exported: CoreFunction): CoreFunction {
    const arity = this.arityOf(exported);
    return (...args) => {
      if (this.#deadBecause !== "") throw deadInstance(this.name, this.#deadBecause);
      if (arity !== undefined && args.length !== arity) {
        throw wrongArguments(this.name, name, args.length, `it takes ${arity}`);
      }
      try {
        return exported(...args) | 0;
      } catch (error) {
        const explained = this.explain(name, args, error);
        if (explained instanceof CoreTrap) this.#deadBecause = explained.message;
        throw explained;
      }
    };
  }

  read(ptr: number, len: number): Uint8Array {
    checkRange(this.name, ptr, len, this.bytes.length);
    return this.bytes.slice(ptr, ptr + len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    checkRange(this.name, ptr, bytes.length, this.bytes.length);
    // They may have landed there already.
    if (bytes.byteOffset === ptr && bytes.buffer === this.bytes.buffer) return;
    this.bytes.set(bytes, ptr);
  }

  memoryBytes(): number {
    return this.bytes.length;
  }

  view(): Uint8Array {
    return this.bytes;
  }

  close(): void {
    if (this.#deadBecause === CLOSED) return;
    this.#deadBecause = CLOSED;
    this.#bound.clear();
    this.bytes = new Uint8Array(0);
    this.release();
  }
}
