// SPDX-License-Identifier: Apache-2.0
// The native stack that the core takes under wasm3 on Xtensa, whose compiler makes no tail calls: the
// busy run of rv32-footprint.ts is recorded under V8, call by call, and played by a bare lx106 machine
// in QEMU (native/xtensa/player.c), which compares every result. After it: device/bench-device.ts.

import { spawnSync } from "node:child_process";
import { DEVICE_SIZES } from "../../host/core/core.ts";
import type { CoreEngine, CoreFunction } from "../../host/core/engine.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { buildXtensaPlayer } from "../../scripts/build-xtensa.ts";
import { requireTool, type Tool } from "../../scripts/native-build.ts";
import { ExportKind, parseWasm } from "../../scripts/wasm-file.ts";
import { busyTraffic } from "./rv32-footprint.ts";
import { Tunnel } from "./tunnel.ts";

const QEMU: Tool = { command: "qemu-system-xtensa", debianPackage: "qemu-system-misc" };
const TIMEOUT_MS = 120_000;
const ANSWER_BYTES = 16;
/** Steps and outcomes of player.c. */
const [END, CALL, WRITE] = [0, 1, 2];
const OUTCOMES = [
  "played",
  "the core could not be opened",
  "a call failed",
  "a call had another result than under V8",
  "the recording is not as it should be",
];

/** The most bytes of stack in the busy run, and the export that needed them first. */
export function xtensaStack(wasm: Uint8Array, wasmPath: string): { bytes: number; call: string } {
  const image = buildXtensaPlayer(wasmPath);
  requireTool(QEMU);
  const recorder = new Recorder(wasm);
  busyTraffic(new Tunnel(wasm, recorder, DEVICE_SIZES));
  const args = ["-M", "lx60", "-cpu", "lx106", "-m", "64M", "-semihosting", "-kernel", image];
  const quiet = ["-display", "none", "-monitor", "none", "-serial", "none"];
  const input = recorder.recording();
  const run = spawnSync(QEMU.command, [...args, ...quiet], { input, timeout: TIMEOUT_MS });
  if (run.stdout?.length !== ANSWER_BYTES) {
    throw new Error(`${QEMU.command} said nothing: ${run.error ?? run.stderr ?? "it ended"}`);
  }
  const [outcome = 0, at = 0, bytes = 0, deepest = 0] = new Uint32Array(
    run.stdout.buffer.slice(run.stdout.byteOffset, run.stdout.byteOffset + ANSWER_BYTES),
  );
  if (outcome !== 0) throw new Error(`on Xtensa, ${recorder.names[at]}: ${OUTCOMES[outcome]}`);
  return { bytes, call: recorder.names[deepest] ?? "?" };
}

/** The core under V8; writes down what is done to it, in the player's form. */
class Recorder implements CoreEngine {
  readonly name = "v8";
  /** Of the calls, in order. */
  readonly names: string[] = [];
  readonly #inner: CoreEngine;
  readonly #functions: ReadonlyMap<string, number>;
  readonly #steps: Uint8Array[] = [];

  constructor(wasm: Uint8Array) {
    this.#inner = openV8(wasm);
    const functions = parseWasm(wasm).exports.filter(({ kind }) => kind === ExportKind.Function);
    this.#functions = new Map(functions.map(({ name, index }) => [name, index]));
  }

  recording(): Buffer {
    return Buffer.concat([words(this.memoryBytes()), ...this.#steps, words(END)]);
  }

  call(name: string, ...args: number[]): number {
    const result = this.#inner.call(name, ...args);
    this.#steps.push(words(CALL, this.#functions.get(name) ?? -1, args.length, ...args, result));
    this.names.push(name);
    return result;
  }

  bind(name: string): CoreFunction {
    return (...args) => this.call(name, ...args);
  }

  read(ptr: number, len: number): Uint8Array {
    return this.#inner.read(ptr, len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    this.#inner.write(ptr, bytes);
    this.#steps.push(words(WRITE, ptr, bytes.length), Uint8Array.from(bytes));
  }

  memoryBytes(): number {
    return this.#inner.memoryBytes();
  }

  close(): void {
    this.#inner.close();
  }
}

function words(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeInt32LE(value | 0, 4 * i);
  return bytes;
}
