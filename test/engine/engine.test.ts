// SPDX-License-Identifier: Apache-2.0
// Every engine gives the same answers through the one interface, traps in the same words, and the
// bare machine counts the same instructions each time. Runs a small module (fixture.as.ts) rather
// than the core, so that it says which of the two is at fault.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CoreCallError, type CoreEngine, CoreTrap, type TrapKind } from "../../host/core/engine.ts";
import { ENGINE_NAMES, openEngine, sha256OfCore } from "../../host/core/engine-open.ts";
import { openRv32, type Rv32Engine } from "../../host/core/engine-rv32.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { openWasm3, type Wasm3Engine } from "../../host/core/engine-wasm3.ts";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";

const PAGE_BYTES = 65536;
const FIXTURE = join(BUILD_DIR, "engine-test", "fixture.wasm");

beforeAll(() => {
  mkdirSync(join(BUILD_DIR, "engine-test"), { recursive: true });
  const asc = join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");
  const flags = ["--runtime", "stub", "-O3", "--converge", "--noAssert"];
  // Not from the root, where asc would add the core's own configuration.
  const options = { cwd: import.meta.dirname };
  execFileSync(process.execPath, [asc, "fixture.as.ts", "-o", FIXTURE, ...flags], options);
  console.log(`fixture.wasm: sha256 ${sha256OfCore(FIXTURE)}`);
});

function pattern(len: number): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => (i * 37 + 11) & 0xff);
}

function weightOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, i) => sum + byte * (i + 1), 0) | 0;
}

function trapOf(work: () => unknown): CoreTrap {
  try {
    work();
  } catch (error) {
    if (error instanceof CoreTrap) return error;
    throw error;
  }
  throw new Error("no trap");
}

describe.each(ENGINE_NAMES)("%s", (name) => {
  let engine: CoreEngine;
  let buffer = 0;

  beforeAll(() => {
    engine = openEngine(name, { wasmPath: FIXTURE });
    buffer = engine.call("buffer");
  });
  afterAll(() => engine.close());

  it("passes i32 in and out, wrapping", () => {
    expect(engine.name).toBe(name);
    expect(engine.call("add", 40, 2)).toBe(42);
    expect(engine.call("add", 0x7fffffff, 1)).toBe(-0x80000000);
    expect(engine.call("add", 0xffffffff, -1)).toBe(-2);
  });

  it("returns 0 for an export that returns nothing, and keeps globals", () => {
    expect(engine.call("accumulate", 5)).toBe(0);
    expect(engine.call("accumulate", 6)).toBe(0);
    expect(engine.call("accumulated")).toBe(11);
  });

  it("reads back what it wrote, and the module sees it", () => {
    const bytes = pattern(1000);
    engine.write(buffer + 3, bytes);
    expect(engine.read(buffer + 3, bytes.length)).toEqual(bytes);
    expect(engine.call("weigh", buffer + 3, bytes.length)).toBe(weightOf(bytes));
  });

  it("copies and fills memory over any alignment", () => {
    const bytes = pattern(61);
    for (const [from, to] of [
      [0, 512],
      [1, 514],
      [3, 513],
      [2, 7],
      [9, 2],
    ] as const) {
      engine.write(buffer, new Uint8Array(1024).fill(0xa5));
      engine.write(buffer + from, bytes);
      const expected = engine.read(buffer, 1024);
      expected.copyWithin(to, from, from + 61);
      expected.fill(0xee, from, from + 61);
      engine.call("copy_fill", buffer + to, buffer + from, 61);
      expect(engine.read(buffer, 1024)).toEqual(expected);
    }
  });

  it("gives a copy that later calls do not change", () => {
    const before = engine.read(buffer, 4);
    engine.write(buffer, Uint8Array.of(1, 2, 3, 4));
    expect(before).not.toEqual(engine.read(buffer, 4));
  });

  it("refuses ranges outside of linear memory", () => {
    const end = engine.memoryBytes();
    expect(end).toBe(PAGE_BYTES);
    expect(engine.read(end - 4, 4)).toHaveLength(4);
    expect(() => engine.read(end - 3, 4)).toThrow(RangeError);
    expect(() => engine.write(end, Uint8Array.of(1))).toThrow(RangeError);
    expect(() => engine.read(-1, 1)).toThrow(RangeError);
  });

  it("refuses unknown exports and other argument counts, and lives on", () => {
    expect(() => engine.call("absent")).toThrow(CoreCallError);
    expect(() => engine.bind("absent")).toThrow(CoreCallError);
    expect(() => engine.call("add", 1)).toThrow(CoreCallError);
    expect(() => engine.call("add", 1, 2, 3)).toThrow(CoreCallError);
    expect(engine.bind("add")(1, 2)).toBe(3);
  });

  const traps: [TrapKind, string, number[]][] = [
    ["unreachable", "trap", []],
    ["divide by zero", "divide", [1, 0]],
    ["integer overflow", "divide", [-0x80000000, -1]],
    ["out of bounds", "load_word", [PAGE_BYTES - 3]],
    ["out of bounds", "load_word", [-4]],
    ["out of bounds", "copy_fill", [0, PAGE_BYTES - 8, 9]],
  ];
  it("throws CoreTrap with the kind and the export, and is dead after it", () => {
    for (const [kind, exportName, args] of traps) {
      const fresh = openEngine(name, { wasmPath: FIXTURE });
      expect(fresh.call("load_word", PAGE_BYTES - 4)).toBe(0);
      const trap = trapOf(() => fresh.call(exportName, ...args));
      expect(trap).toMatchObject({ kind, exportName });
      expect(trap.message).toContain(`${kind} in ${exportName}`);
      expect(() => fresh.call("add", 1, 2)).toThrow(CoreCallError);
      fresh.close();
    }
  });
});

describe.each(["v8", "wasm3"] as const)("%s, in this process", (name) => {
  it("shares linear memory both ways", () => {
    const engine = openEngine(name, { wasmPath: FIXTURE });
    const buffer = engine.call("buffer");
    engine.view?.().set(pattern(16), buffer);
    expect(engine.call("weigh", buffer, 16)).toBe(weightOf(pattern(16)));
    engine.close();
  });

  it("grows linear memory, zero-filled, and keeps what was there", () => {
    const engine = openEngine(name, { wasmPath: FIXTURE });
    const buffer = engine.call("buffer");
    engine.write(buffer, pattern(16));
    engine.growTo?.(5 * PAGE_BYTES - 10);
    expect(engine.memoryBytes()).toBe(5 * PAGE_BYTES);
    expect(engine.view?.()).toHaveLength(5 * PAGE_BYTES);
    expect(engine.read(buffer, 16)).toEqual(pattern(16));
    expect(engine.read(PAGE_BYTES, 4 * PAGE_BYTES)).toEqual(new Uint8Array(4 * PAGE_BYTES));
    engine.write(5 * PAGE_BYTES - 4, Uint8Array.of(1, 2, 3, 4));
    expect(engine.call("load_word", 5 * PAGE_BYTES - 4)).toBe(0x04030201);
    engine.close();
  });

  it("answers nothing after close", () => {
    const engine = openEngine(name, { wasmPath: FIXTURE });
    const add = engine.bind("add");
    engine.close();
    engine.close();
    expect(() => add(1, 2)).toThrow(CoreCallError);
    expect(() => engine.read(0, 1)).toThrow(RangeError);
  });
});

describe("wasm3", () => {
  let engine: Wasm3Engine;

  beforeAll(() => {
    engine = openWasm3(readFileSync(FIXTURE), { stackBytes: 2048, memoryBytes: 40_000 });
  });
  afterAll(() => engine.close());

  it("limits linear memory to a size below one page", () => {
    expect(engine.memoryBytes()).toBe(40_000);
    expect(engine.call("load_word", 40_000 - 4)).toBe(0);
    const other = openWasm3(readFileSync(FIXTURE), { memoryBytes: 40_000 });
    expect(trapOf(() => other.call("load_word", 40_000 - 3)).kind).toBe("out of bounds");
    other.close();
  });

  it("compiles lazily, and gives compiled code back in place", () => {
    engine.dropCode();
    expect(engine.stats()).toMatchObject({ codeBytes: 0, compiledFunctions: 0 });
    engine.call("accumulate", 7);
    expect(engine.stats()).toMatchObject({ compiledFunctions: 1 });
    expect(engine.stats().codeUsedBytes).toBeGreaterThan(0);
    for (let round = 0; round < 100; round++) {
      engine.dropCode();
      expect(engine.call("add", round, 1)).toBe(round + 1);
    }
    expect(engine.call("accumulated")).toBe(7);
  });

  it("shows its value stack, with what a call left on it", () => {
    engine.call("add", 0x5ec7e711, 0);
    const stack = engine.valueStack();
    expect(stack).toHaveLength(2048);
    expect(Buffer.from(stack).includes(Buffer.from([0x11, 0xe7, 0xc7, 0x5e]))).toBe(true);
  });

  it("traps when the value stack is too small", () => {
    const small = openWasm3(readFileSync(FIXTURE), { stackBytes: 512 });
    expect(small.call("recurse", 3)).toBe(7);
    expect(trapOf(() => small.call("recurse", 1000)).kind).toBe("stack overflow");
    small.close();
  });

  it("refuses what is no module, with the reason", () => {
    expect(() => openWasm3(Uint8Array.of(1, 2, 3, 4))).toThrow(/underrun|magic|Wasm/);
    expect(() => openV8(Uint8Array.of(1, 2, 3, 4))).toThrow();
  });
});

describe.each(["wasm3", "aot"] as const)("bare RV32IMAC, %s", (kind) => {
  let engine: Rv32Engine;
  let buffer = 0;

  beforeAll(() => {
    engine = openRv32(kind, FIXTURE, { ramBytes: 2 << 20, memoryBytes: 100_000 });
    buffer = engine.call("buffer");
  });
  afterAll(() => engine.close());

  function countsOfOneRun(): bigint[] {
    engine.reset();
    return [10, 100, 1000, 1000].map((len) => {
      engine.call("weigh", buffer, len);
      return engine.lastInstructions;
    });
  }

  it("counts the same instructions in each run, and more for more work", () => {
    const [first, second] = [countsOfOneRun(), countsOfOneRun()];
    expect(second).toEqual(first);
    const perByte = Number((first[3] as bigint) - (first[1] as bigint)) / 900;
    console.log(`rv32 ${kind}: weigh costs ${perByte.toFixed(1)} instructions a byte`);
    expect(perByte).toBeGreaterThan(1);
  });

  it("counts independently of data, in a batch of writes and calls", () => {
    engine.reset();
    const steps = Array.from({ length: 300 }, (_, i) => [
      { write: buffer, bytes: new Uint8Array(64).fill(i) },
      { call: "weigh", args: [buffer, 64] },
    ]).flat();
    const results = engine.batch(steps);
    expect(results).toHaveLength(300);
    expect(results[7]?.result).toBe(weightOf(new Uint8Array(64).fill(7)));
    const warm = new Set(results.slice(1).map(({ instructions }) => instructions));
    expect(warm.size).toBe(1);
  });

  it("runs batches larger than one exchange", () => {
    const bytes = pattern(4096);
    const steps = Array.from({ length: 200 }, () => ({ write: buffer, bytes }));
    const results = engine.batch([...steps, { call: "weigh", args: [buffer, 4096] }]);
    expect(results.map(({ result }) => result)).toEqual([weightOf(bytes)]);
  });

  it("holds a linear memory of any size in its arena", () => {
    engine.reset();
    expect(engine.memoryBytes()).toBe(100_000);
    engine.write(99_996, Uint8Array.of(4, 3, 2, 1));
    expect(engine.call("load_word", 99_996)).toBe(0x01020304);
    expect(engine.stats().heapBytes).toBeGreaterThan(100_000);
    expect(engine.stats().heapBytes).toBeLessThan(112_000);
  });

  it("starts over on reset", () => {
    engine.call("accumulate", 3);
    engine.write(buffer, pattern(16));
    engine.reset();
    expect(engine.call("accumulated")).toBe(0);
    expect(engine.read(buffer, 16)).toEqual(new Uint8Array(16));
  });

  it("revives on reset after a trap", () => {
    expect(trapOf(() => engine.call("trap")).kind).toBe("unreachable");
    expect(() => engine.call("add", 1, 2)).toThrow(CoreCallError);
    engine.reset();
    expect(engine.call("add", 1, 2)).toBe(3);
  });

  it("tells RAM, code and stack in use", () => {
    engine.reset();
    engine.call("weigh", buffer, 100);
    const stats = engine.stats();
    expect(stats.nativeStackHighWaterBytes).toBeGreaterThan(64);
    expect(stats.nativeStackHighWaterBytes).toBeLessThan(8192);
    expect(stats.heapHighWaterBytes).toBeGreaterThanOrEqual(stats.heapBytes);
    expect(stats.heapTopBytes).toBeLessThanOrEqual(stats.arenaBytes);
    expect(stats.codeUsedBytes > 0).toBe(kind === "wasm3");
    engine.dropCode();
    expect(engine.stats().codeBytes).toBe(0);
    expect(engine.call("add", 2, 2)).toBe(4);
    expect(engine.nativeStack()).toHaveLength(stats.nativeStackBytes);
  });

  it("says so when the core does not fit", () => {
    const tooLarge = { ramBytes: 2 << 20, arenaBytes: 60_000, memoryBytes: 64_000 };
    expect(() => openRv32(kind, FIXTURE, tooLarge)).toThrow(
      /could not be opened: .*(alloc|memory)/,
    );
  });
});

it("needs more native stack, and the same answers, where wasm3 has no tail calls", () => {
  const [withCalls, without] = [true, false].map((tailCalls) => {
    const engine = openRv32("wasm3", FIXTURE, { tailCalls });
    const bytes = pattern(200);
    engine.write(engine.call("buffer"), bytes);
    expect(engine.call("weigh", engine.call("buffer"), 200)).toBe(weightOf(bytes));
    engine.call("weigh", engine.call("buffer"), 200);
    const instructions = Number(engine.lastInstructions);
    engine.close();
    return instructions;
  });
  expect(without).toBeGreaterThan(withCalls as number);
});

it("ends the machine when the native stack runs over", () => {
  const engine = openRv32("aot", FIXTURE);
  expect(() => engine.call("recurse", 1_000_000)).toThrow(/fault: cause/);
  expect(() => engine.call("add", 1, 2)).toThrow(CoreCallError);
  engine.close();
});
