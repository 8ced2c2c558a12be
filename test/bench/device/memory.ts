// SPDX-License-Identifier: Apache-2.0
// Where a running device's RAM is, by parts, from a copy of all of it and the image's symbols. Before it:
// bench-device.ts, with the emulator. After it: nm. The device knows nothing of it and spends nothing on it.
// What lies in the arena is told apart by its size (firmware/core/arena.c: blocks one after the other).

import { spawnSync } from "node:child_process";

const RAM_START = 0x8000_0000;
/** Of every block of the arena. */
const HEADER = 8;
const USED = 1;
const PAINT = 0xa5a5a5a5;
/** firmware/core/sizes.h. */
const LINEAR_MEMORY = 57_344;
const VALUE_STACK = 4096;
const CODE_PAGE = 1024;
/** TCP's window (lwipopts.h), and one record (pipes.cpp). */
const RINGS = [4380, 1464];

export type DeviceMemory = {
  /** By name, bytes. */
  parts: Map<string, number>;
  /** The most that the arena had in use since the start, and its highest address with what was free below. */
  arenaMost: number;
  arenaTop: number;
  stackMost: number;
  statics: number;
  /** In use at this moment. */
  arenaNow: number;
};

export type Symbols = ReadonlyMap<string, { at: number; bytes: number }>;

export function symbolsOf(elf: string): Symbols {
  const { stdout } = spawnSync("riscv64-unknown-elf-nm", ["-S", elf], { encoding: "utf8" });
  const lines = stdout.split("\n").map((line) => line.split(" "));
  return new Map(
    lines.map((words) => {
      const [at = "0", bytes = "0"] = words.length === 4 ? words : [words[0], "0"];
      return [
        words.at(-1) ?? "",
        { at: Number.parseInt(at, 16), bytes: Number.parseInt(bytes, 16) },
      ];
    }),
  );
}

export function readMemory(ram: Buffer, symbols: Symbols): DeviceMemory {
  const at = (name: string) => (symbols.get(name)?.at ?? RAM_START) - RAM_START;
  const sizeOf = (pattern: RegExp) =>
    [...symbols].reduce((sum, [name, { bytes }]) => sum + (pattern.test(name) ? bytes : 0), 0);
  const statics = at("image_end") - at("data_start");
  const [lwipHeap, receiving] = [sizeOf(/^ram_heap$/), sizeOf(/virtio_netL7buffersE$/)];
  const lwipPools = sizeOf(/^memp_memory_/);
  const stackMost = stackOf(ram.subarray(at("stack_bottom"), at("stack_top")));
  const arena = arenaParts(ram.subarray(at("image_end")));
  const [, arenaNow = 0, arenaMost = 0, arenaTop = 0] = words(ram, at("stats"), 4);
  const parts = new Map([
    ...arena,
    ["lwIP: heap", lwipHeap],
    ["lwIP: pools", lwipPools],
    ["network: receive buffers", receiving],
    ["other static data", statics - lwipHeap - lwipPools - receiving],
    ["native stack, most", stackMost],
  ]);
  return { parts, arenaMost, arenaTop, stackMost, statics, arenaNow };
}

function words(ram: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ram.readUInt32LE(at + 4 * i));
}

function stackOf(stack: Buffer): number {
  let at = 0;
  while (at < stack.length && stack.readUInt32LE(at) === PAINT) at += 4;
  return stack.length - at;
}

function arenaParts(arena: Buffer): Map<string, number> {
  const parts = new Map<string, number>();
  for (let at = 0; at + HEADER < arena.length; ) {
    const size = arena.readUInt32LE(at) & ~7;
    if (size === 0) break;
    const name = arena.readUInt32LE(at) & USED ? nameOf(size - HEADER) : "free";
    parts.set(name, (parts.get(name) ?? 0) + size);
    at += size;
  }
  return parts;
}

function nameOf(bytes: number): string {
  const isAbout = (wanted: number) => bytes >= wanted && bytes < wanted + 24;
  if (isAbout(LINEAR_MEMORY)) return "linear memory";
  if (isAbout(CODE_PAGE)) return "compiled code";
  if (isAbout(VALUE_STACK)) return "value stack";
  if (RINGS.some(isAbout)) return "connections: what was received";
  if (bytes > 9000 && bytes < 11_000) return "camera";
  return "parsed module, environment, rest";
}
