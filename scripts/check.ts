// SPDX-License-Identifier: Apache-2.0
// `npm run check`: every check that needs no test engine. Biome (format and lint), tsc (host, test,
// scripts), asc (types of the core, by building it), clang-format and cppcheck (firmware, where
// installed), then the gates. scripts/test.ts calls the same steps, and runs the gates among the other tests.
// `--write` (`npm run format`) repairs instead what the formatters can.

import { globSync } from "node:fs";
import { buildCore } from "./build.ts";
import { ROOT, run } from "./run.ts";
import { hasCommand } from "./setup.ts";
import { closingLine, runProjects } from "./vitest.ts";

type StepResult = { ok: boolean; output: string };
type Step = { name: string; run: () => Promise<StepResult> };

const NATIVE_SOURCES = ["firmware/**/*.{c,cpp,h}", "host/wasm3-node/**/*.{c,cpp,h}"];

const STEPS: readonly Step[] = [
  { name: "biome", run: () => command("biome", ["check", "--error-on-warnings"]) },
  { name: "tsc", run: () => command("tsc", ["--project", "tsconfig.json"]) },
  { name: "asc", run: checkCore },
  { name: "clang-format", run: checkNativeFormat },
  { name: "cppcheck", run: lintFirmware },
];

/** Runs the steps one after another, prints a line for each, and returns how many failed. */
export async function runChecks(): Promise<number> {
  let failedCount = 0;
  for (const step of STEPS) {
    const startedMs = performance.now();
    const { ok, output } = await step.run();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${ok ? "ok    " : "FAILED"} ${step.name} (${seconds} s)`);
    if (output !== "") console.log(output.trimEnd());
    if (!ok) failedCount += 1;
  }
  return failedCount;
}

async function command(name: string, args: string[]): Promise<StepResult> {
  const { code, output } = await run(name, args);
  return { ok: code === 0, output: code === 0 ? "" : output };
}

async function checkCore(): Promise<StepResult> {
  const { ok, message } = await buildCore({ ifNeeded: true });
  return { ok, output: message };
}

async function checkNativeFormat(): Promise<StepResult> {
  const files = nativeFiles();
  if (files.length === 0) return { ok: true, output: "" };
  if (!hasCommand("clang-format")) return { ok: true, output: "  not installed: not checked" };
  const { ok, output } = await command("clang-format", ["--dry-run", "--Werror", ...files]);
  const wrong = files.filter((file) => output.includes(`${file}:`));
  return {
    ok,
    output: wrong.map((file) => `  not formatted: ${file} (npm run format)`).join("\n"),
  };
}

/** What one file excuses from is said there: `// cppcheck-suppress NAME ; REASON`. */
async function lintFirmware(): Promise<StepResult> {
  if (!hasCommand("cppcheck")) return { ok: true, output: "  not installed: not checked" };
  const folders = ["core", "apps/camera", "ports/posix", "ports/virt-rv32", "ports/esp32/main"];
  return command("cppcheck", [
    ...["--quiet", "-j2", "--std=c++17", "--inline-suppr", "--error-exitcode=1"],
    "--enable=warning,performance,portability",
    // The two ends of a section are symbols of the linker's, which it takes for two objects.
    "--suppress=comparePointers",
    // Assembly writes them, which it doesn't read.
    "--suppress=uninitvar:firmware/ports/virt-rv32/machine.c",
    "--suppress=missingInclude",
    "--template={file}:{line}: {message} ({id})",
    ...folders.flatMap((folder) => ["-I", `firmware/${folder}`]),
    ...["firmware/core", "firmware/apps", "firmware/ports"],
  ]);
}

function nativeFiles(): string[] {
  const exclude = (path: string): boolean => /node_modules|\/build\/|\.gen\./.test(path);
  return globSync(NATIVE_SOURCES, { cwd: ROOT, exclude });
}

/** `npm run format`: what the checks above would ask for, as far as the tools can do it. */
async function format(): Promise<number> {
  const files = nativeFiles();
  const biome = await run("biome", ["check", "--write"], { show: true });
  if (files.length === 0 || !hasCommand("clang-format")) return biome.code;
  const native = await run("clang-format", ["-i", ...files], { show: true });
  return Math.max(biome.code, native.code);
}

async function check(): Promise<number> {
  const failedCount = await runChecks();
  const counts = await runProjects({ projects: ["gates"] });
  console.log(closingLine({ ...counts, failed: counts.failed + failedCount }));
  return failedCount + counts.failed === 0 ? 0 : 1;
}

if (import.meta.main)
  process.exitCode = await (process.argv.includes("--write") ? format() : check());
