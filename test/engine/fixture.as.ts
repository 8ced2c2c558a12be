// SPDX-License-Identifier: Apache-2.0
// @ts-nocheck: AssemblyScript, compiled by engine.test.ts. A small module that does what the core
// does to an engine: arithmetic, memory, a global, a loop that costs the same for all data, traps.

const BUFFER = memory.data(4096, 16);
let total: i32 = 0;

export function buffer(): i32 {
  return <i32>BUFFER;
}

export function add(a: i32, b: i32): i32 {
  return a + b;
}

export function accumulate(value: i32): void {
  total += value;
}

export function accumulated(): i32 {
  return total;
}

/** Sum of the bytes, by way of a 64-bit product. */
export function weigh(ptr: i32, len: i32): i32 {
  let sum: u64 = 0;
  for (let i = 0; i < len; i++) sum += <u64>load<u8>(ptr + i) * <u64>(i + 1);
  return <i32>sum;
}

export function copy_fill(to: i32, from: i32, len: i32): void {
  memory.copy(to, from, len);
  memory.fill(from, 0xee, len);
}

export function divide(a: i32, b: i32): i32 {
  return a / b;
}

export function load_word(ptr: i32): i32 {
  return load<i32>(ptr);
}

export function recurse(n: i32): i32 {
  return n < 1 ? 0 : (1 + recurse(n - 1)) ^ n;
}

export function trap(): void {
  unreachable();
}
