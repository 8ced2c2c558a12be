// SPDX-License-Identifier: Apache-2.0
// The core on a bare RV32IMAC machine in the emulator, interpreted by wasm3 or compiled ahead of
// time; see engine.ts for the contract. It adds what only a machine can tell: the exact number of
// instructions of each call, RAM and stack in use, and batches whose counts come back one by one.
// Requests and replies are those of firmware/ports/virt-rv32/runner.c.
// Invariant: the counts depend only on what was called since the instance was opened.

import { buildRv32, type Rv32Variant } from "../../scripts/build-rv32.ts";
import {
  CoreCallError,
  type CoreEngine,
  type CoreFunction,
  CoreTrap,
  checkRange,
  deadInstance,
  noExport,
  type TrapKind,
  wrongArguments,
} from "./engine.ts";
import { EXCHANGE_BYTES, Rv32Machine } from "./engine-rv32-machine.ts";

export type Rv32Options = {
  /** RAM for the runner and its arena. The mailbox to the host lies beside it. Default 4 MiB. */
  ramBytes?: number;
  /** What wasm3, its compiled code and linear memory may take in all; that is the device's limit to
   * set. Default: all RAM but 512 KiB. */
  arenaBytes?: number;
  /** Linear memory, any size; 0 is what the module asks for. Default 0. */
  memoryBytes?: number;
  /** wasm3's value stack. Default 4 KiB, as on a device. */
  stackBytes?: number;
  /** For any one exchange: a call or a batch. Default 60 s. */
  timeoutMs?: number;
  /** False: wasm3 built without tail calls, as compilers for Xtensa do. Default true. */
  tailCalls?: boolean;
};

export type Rv32Stats = {
  /** RAM held by compiled code, and the part of it in use, bytes. */
  codeBytes: number;
  codeUsedBytes: number;
  functions: number;
  compiledFunctions: number;
  memoryBytes: number;
  valueStackBytes: number;
  arenaBytes: number;
  heapBytes: number;
  heapHighWaterBytes: number;
  /** The highest address in use in the arena, holes included. */
  heapTopBytes: number;
  nativeStackHighWaterBytes: number;
  nativeStackBytes: number;
  /** The runner's code, constants and static data, the module's bytes included. */
  imageBytes: number;
};

/** One step of a batch: bytes into linear memory, or a call. */
export type BatchStep = { write: number; bytes: Uint8Array } | { call: string; args: number[] };

export type BatchResult = { result: number; instructions: number };

const MEBIBYTE = 1 << 20;
const RUNNER_BYTES = 512 * 1024;
const CALL_REPLY_BYTES = 13;
const TRAPS: readonly TrapKind[] = [
  "other",
  "unreachable",
  "out of bounds",
  "divide by zero",
  "integer overflow",
  "stack overflow",
  "other",
];
const STATUS_DEAD = 16;
const STATUS_NO_MEMORY = 17;

/** Builds the image if need be, starts a machine and opens an instance on it. */
export function openRv32(
  kind: "wasm3" | "aot",
  wasmPath: string,
  options: Rv32Options = {},
): Rv32Engine {
  const hasTailCalls = kind === "aot" || options.tailCalls !== false;
  const variant: Rv32Variant = hasTailCalls ? kind : "wasm3-no-tail-calls";
  return new Rv32Engine(`rv32-${kind}`, buildRv32(variant, wasmPath), options);
}

export class Rv32Engine implements CoreEngine {
  readonly name: "rv32-wasm3" | "rv32-aot";
  /** Instructions of the last call alone; a first call under wasm3 includes compiling. */
  lastInstructions = 0n;
  readonly #machine: Rv32Machine;
  readonly #arenaBytes: number;
  readonly #stackBytes: number;
  readonly #askedMemoryBytes: number;
  readonly #exports = new Map<string, { handle: number; argCount: number }>();
  #memory = 0;
  #valueStack = 0;
  #nativeStack = 0;
  #memoryBytes = 0;
  #deadBecause = "";

  constructor(name: "rv32-wasm3" | "rv32-aot", image: string, options: Rv32Options) {
    const { ramBytes = 4 * MEBIBYTE, memoryBytes = 0, stackBytes = 4096 } = options;
    this.name = name;
    this.#arenaBytes = options.arenaBytes ?? ramBytes - RUNNER_BYTES;
    this.#stackBytes = stackBytes;
    this.#askedMemoryBytes = memoryBytes;
    this.#machine = new Rv32Machine(image, ramBytes, options.timeoutMs ?? 60_000);
    this.reset();
  }

  /** A fresh instance on the same machine: memory, globals, compiled code and high-water marks. */
  reset(): void {
    const sizes = u32s(this.#arenaBytes, this.#askedMemoryBytes, this.#stackBytes);
    const reply = this.#machine.exchange(request("O", sizes));
    if (reply[0] !== 0) this.#failToOpen();
    this.#memory = reply.readUInt32LE(1);
    this.#valueStack = reply.readUInt32LE(5);
    this.#nativeStack = reply.readUInt32LE(9);
    this.#deadBecause = "";
    this.#memoryBytes = this.stats().memoryBytes;
  }

  #failToOpen(): never {
    const why = this.#why();
    this.close();
    throw new Error(`${this.name}: the core could not be opened: ${why}`);
  }

  call(name: string, ...args: number[]): number {
    const reply = this.#exchange(this.#callRequest(name, args));
    this.lastInstructions = reply.readBigUInt64LE(5);
    this.#checkStatus(reply[0] ?? 0, name);
    return reply.readInt32LE(1);
  }

  bind(name: string): CoreFunction {
    this.#find(name);
    return (...args) => this.call(name, ...args);
  }

  /** Does the steps in order without stopping between them; one result for each call. */
  batch(steps: readonly BatchStep[]): BatchResult[] {
    const results: BatchResult[] = [];
    let mail: Buffer[] = [];
    let names: (string | undefined)[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (mail.length > 0) results.push(...this.#batchResults(Buffer.concat(mail), names));
      mail = [];
      names = [];
      bytes = 0;
    };
    for (const step of steps) {
      const next = this.#stepRequest(step);
      const grown = bytes + Math.max(next.length, CALL_REPLY_BYTES);
      if (grown > EXCHANGE_BYTES) flush();
      mail.push(next);
      names.push("call" in step ? step.call : undefined);
      bytes += Math.max(next.length, CALL_REPLY_BYTES);
    }
    flush();
    return results;
  }

  #stepRequest(step: BatchStep): Buffer {
    if ("call" in step) return this.#callRequest(step.call, step.args);
    checkRange(this.name, step.write, step.bytes.length, this.#memoryBytes);
    return request("W", u32s(step.write, step.bytes.length), step.bytes);
  }

  #batchResults(mail: Buffer, names: (string | undefined)[]): BatchResult[] {
    const replies = this.#exchange(mail);
    const results: BatchResult[] = [];
    let at = 0;
    for (const name of names) {
      this.#checkStatus(replies[at] ?? 0, name ?? "a write");
      if (name !== undefined) {
        this.lastInstructions = replies.readBigUInt64LE(at + 5);
        const result = replies.readInt32LE(at + 1);
        results.push({ result, instructions: Number(this.lastInstructions) });
      }
      at += name === undefined ? 1 : CALL_REPLY_BYTES;
    }
    return results;
  }

  read(ptr: number, len: number): Uint8Array {
    checkRange(this.name, ptr, len, this.#memoryBytes);
    return this.#machine.readRam(this.#memory + ptr, len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    checkRange(this.name, ptr, bytes.length, this.#memoryBytes);
    this.#machine.writeRam(this.#memory + ptr, bytes);
  }

  memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** wasm3's value stack as the last call left it; empty ahead of time. */
  valueStack(): Uint8Array {
    if (this.name === "rv32-aot") return new Uint8Array(0);
    return this.#machine.readRam(this.#valueStack, this.#stackBytes);
  }

  /** The machine's own stack as the last call left it. */
  nativeStack(): Uint8Array {
    return this.#machine.readRam(this.#nativeStack, this.stats().nativeStackBytes);
  }

  stats(): Rv32Stats {
    const reply = this.#machine.exchange(request("S"));
    const at = (index: number) => reply.readUInt32LE(1 + 4 * index);
    return {
      codeBytes: at(0),
      codeUsedBytes: at(1),
      functions: at(2),
      compiledFunctions: at(3),
      memoryBytes: at(4),
      valueStackBytes: at(5),
      arenaBytes: at(6),
      heapBytes: at(7),
      heapHighWaterBytes: at(8),
      heapTopBytes: at(9),
      nativeStackHighWaterBytes: at(10),
      nativeStackBytes: at(11),
      imageBytes: at(12),
    };
  }

  /** Gives compiled code back; it is compiled again when called. */
  dropCode(): void {
    this.#exchange(request("D"));
  }

  close(): void {
    this.#deadBecause = "closed";
    this.#machine.close();
  }

  #find(name: string): { handle: number; argCount: number } {
    const known = this.#exports.get(name);
    if (known !== undefined) return known;
    const reply = this.#exchange(request("F", [name.length], Buffer.from(name)));
    if (reply[0] !== 0) throw noExport(this.name, name);
    const found = { handle: reply.readUInt32LE(1), argCount: reply.readUInt32LE(5) };
    this.#exports.set(name, found);
    return found;
  }

  #callRequest(name: string, args: readonly number[]): Buffer {
    const { handle, argCount } = this.#find(name);
    if (args.length !== argCount) {
      throw wrongArguments(this.name, name, args.length, `it takes ${argCount}`);
    }
    return request("C", [argCount], u32s(handle, ...args));
  }

  #exchange(mail: Buffer): Buffer {
    if (this.#deadBecause !== "") throw deadInstance(this.name, this.#deadBecause);
    try {
      return this.#machine.exchange(mail);
    } catch (error) {
      this.#deadBecause = String(error);
      throw error;
    }
  }

  #checkStatus(status: number, name: string): void {
    if (status === 0) return;
    const why = this.#why();
    const kind = TRAPS[status];
    this.#deadBecause = why;
    if (kind !== undefined) throw new CoreTrap(this.name, kind, name, why);
    if (status === STATUS_NO_MEMORY) throw new CoreTrap(this.name, "other", name, why);
    if (status === STATUS_DEAD) throw deadInstance(this.name, why);
    throw new CoreCallError(`${this.name}: ${name}: ${why}`);
  }

  #why(): string {
    return this.#machine.exchange(request("Y")).subarray(2).toString("latin1");
  }
}

function request(letter: string, ...parts: (Uint8Array | number[])[]): Buffer {
  return Buffer.concat([Buffer.from(letter), ...parts.map((part) => Buffer.from(part))]);
}

function u32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeInt32LE(value | 0, 4 * i);
  return bytes;
}
