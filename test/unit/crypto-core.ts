// SPDX-License-Identifier: Apache-2.0
// What the crypto tests share: the fixture (crypto-fixture.as.ts), compiled where it is older than
// the sources and opened on V8, and seeded bytes. Buffers are laid out by hand behind
// prim_scratch().

import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { shake256 } from "@noble/hashes/sha3.js";
import { openV8, type V8Engine } from "../../host/core/engine-v8.ts";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";

const FIXTURE = "crypto-fixture.as.ts";
const WASM_DIR = join(BUILD_DIR, "unit-test");
const WASM = join(WASM_DIR, "crypto.wasm");

/** A fresh instance of the fixture; close() it. */
export function openCrypto(): V8Engine {
  if (!isFresh()) compile();
  return openV8(readFileSync(WASM));
}

/** The first byte that a test may use, aligned. */
export function scratchOf(core: V8Engine): number {
  return (core.call("prim_scratch") + 63) & -64;
}

/** `len` bytes that depend on the label alone. */
export function seeded(label: string, len: number): Uint8Array {
  return shake256(Buffer.from(label), { dkLen: len });
}

/**
 * Where static memory is not as in a fresh instance: what `core` did must have left nothing there.
 */
export function leftInStaticMemory(core: V8Engine): number[] {
  const end = core.call("prim_scratch");
  const fresh = openCrypto();
  const before = fresh.read(0, end);
  fresh.close();
  const after = core.read(0, end);
  return [...after.keys()].filter((i) => after[i] !== before[i]);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** The number in little-endian bytes, as the standards write it. */
export function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

export function toBytes(value: bigint, len: number): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function isFresh(): boolean {
  const madeMs = statSync(WASM, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync("assembly/crypto/*.ts", { cwd: ROOT });
  const paths = [...sources.map((path) => join(ROOT, path)), join(import.meta.dirname, FIXTURE)];
  return paths.every((path) => statSync(path).mtimeMs < madeMs);
}

function compile(): void {
  mkdirSync(WASM_DIR, { recursive: true });
  const asc = join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");
  const flags = ["--runtime", "stub", "-O3", "--converge", "--noAssert"];
  // Test files run in several processes at once: each makes its own file, the last one stays.
  const own = `${WASM}.${process.pid}`;
  // Not from the root, where asc would add the core's own configuration.
  const options = { cwd: import.meta.dirname };
  execFileSync(process.execPath, [asc, FIXTURE, "-o", own, ...flags], options);
  renameSync(own, WASM);
}
