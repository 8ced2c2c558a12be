// SPDX-License-Identifier: Apache-2.0
// Paths of the repository and one way to start a child process, for all the scripts beside it.
// A child reads nothing from standard input. `node_modules/.bin` comes first in its PATH, so that
// "node" is the pinned one and "asc", "biome", "tsc" are the project's own.

import { spawn } from "node:child_process";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "..");
export const BUILD_DIR: string = join(ROOT, "build");
/** The file that ships, and the same with names: what the build writes and the gates examine. */
export const SHIPPED_WASM: string = join(BUILD_DIR, "core.wasm");
export const CORE_DEBUG_WASM: string = join(BUILD_DIR, "core.debug.wasm");
/** The file that tests run: the shipped one, or in a coverage run the one with counters. */
export const CORE_WASM: string = process.env["CORE_WASM"] ?? SHIPPED_WASM;

export type RunResult = { code: number; output: string; ms: number };

export type RunOptions = {
  /** Added to the environment. */
  env?: Record<string, string>;
  /** Show the child's output as it comes; otherwise it is only collected. */
  show?: boolean;
  timeoutMs?: number;
};

const DEFAULT_TIMEOUT_MS = 10 * 60_000;

/** Runs a command in the repository's root. Never rejects: a command that can't start has code 127. */
export function run(
  command: string,
  args: readonly string[],
  { env = {}, show = false, timeoutMs = DEFAULT_TIMEOUT_MS }: RunOptions = {},
): Promise<RunResult> {
  const startedMs = performance.now();
  const path = `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`;
  return new Promise((resolve) => {
    let output = "";
    const finish = (code: number): void =>
      resolve({ code, output, ms: performance.now() - startedMs });
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
    });
    for (const [stream, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
        if (show) target.write(text);
      });
    }
    child.on("error", (error) => {
      output += `${command}: ${error.message}\n`;
      finish(127);
    });
    // A child that a signal ended (a time-out too) has no code of its own.
    child.on("close", (code) => finish(code ?? 1));
  });
}
