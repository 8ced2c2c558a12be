// SPDX-License-Identifier: Apache-2.0
// Builds the core: assembly/index.ts -> asc -> optimize.ts -> build/core.debug.wasm (with names, for
// the gates) -> build/core.wasm, the file that ships: the same code, to the byte, without custom sections.
// One compilation makes both, so a name belongs to exactly the code that ships.
// `--if-needed` does nothing while the file is newer than its sources; `--quiet` prints errors only.

import { createHash } from "node:crypto";
import {
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { optimize } from "./optimize.ts";
import { BUILD_DIR, CORE_DEBUG_WASM, ROOT, run, SHIPPED_WASM } from "./run.ts";
import { parseWasm, stripCustomSections } from "./wasm-file.ts";

/** What makes the core, to the byte: any of these newer than the file means building again. */
const SOURCES = [
  "assembly/**/*.ts",
  "asconfig.json",
  "package-lock.json",
  "scripts/build.ts",
  "scripts/optimize.ts",
];

export type BuildResult = { ok: boolean; message: string };

/** Compiles the core. The message is one line, or the compiler's output where it failed. */
export async function buildCore({ ifNeeded = false } = {}): Promise<BuildResult> {
  if (ifNeeded && isFresh(SHIPPED_WASM)) return { ok: true, message: describe(SHIPPED_WASM) };
  const made = await makeCore();
  if (!made.ok) return made;
  replaceFile(SHIPPED_WASM, stripCustomSections(made.named));
  replaceFile(CORE_DEBUG_WASM, made.named);
  return { ok: true, message: describe(SHIPPED_WASM) };
}

/** Makes the core without writing it: the module that ships, with its names. */
export async function makeCore(): Promise<
  { ok: true; named: Uint8Array } | { ok: false; message: string }
> {
  const plain = await compile("release");
  if (!plain.ok) return plain;
  const named = optimize(readFileSync(plain.path));
  rmSync(plain.path, { force: true });
  return { ok: true, named };
}

/**
 * Runs asc for one target of asconfig.json into a file of this process's own (two builds at once
 * must not mix), which the caller renames or removes.
 */
export async function compile(
  target: string,
): Promise<{ ok: true; path: string } | { ok: false; message: string }> {
  mkdirSync(BUILD_DIR, { recursive: true });
  const path = join(BUILD_DIR, `${target}-${process.pid}.wasm`);
  const args = ["--config", "asconfig.json", "--target", target, "--outFile", path];
  const { code, output } = await run("asc", args, { timeoutMs: 5 * 60_000 });
  if (code === 0) return { ok: true, path };
  rmSync(path, { force: true });
  return { ok: false, message: output };
}

/** Whether a built file exists and no source is newer. */
export function isFresh(path: string): boolean {
  const builtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return globSync(SOURCES, { cwd: ROOT }).every((s) => statSync(join(ROOT, s)).mtimeMs < builtMs);
}

function replaceFile(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.${process.pid}`, bytes);
  renameSync(`${path}.${process.pid}`, path);
}

function describe(path: string): string {
  const bytes = readFileSync(path);
  const functions = parseWasm(bytes).functions.length;
  const hash = createHash("sha256").update(bytes).digest("hex");
  return `build/core.wasm: ${bytes.length} bytes, ${functions} functions, SHA-256 ${hash}`;
}

if (import.meta.main) {
  const { ok, message } = await buildCore({ ifNeeded: process.argv.includes("--if-needed") });
  if (!ok) console.error(message);
  else if (!process.argv.includes("--quiet")) console.log(message);
  process.exitCode = ok ? 0 : 1;
}
