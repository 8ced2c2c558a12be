// SPDX-License-Identifier: Apache-2.0
// Builds the runner for a bare RV32IMAC machine (firmware/ports/virt-rv32) around one core.wasm:
// under wasm3, or compiled ahead of time by wasm2c. Called by host/core/engine-rv32.ts; from the
// command line: node scripts/build-rv32.ts [wasm3|wasm3-no-tail-calls|aot] [core.wasm].
// Only what depends on the core is made again when the core changes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  compileAll,
  hashOf,
  makeOnce,
  requireTool,
  runTool,
  type Source,
  type Tool,
  WASM3_FILES,
  WASM3_FOLDER,
  WASM3_IN_ARENA,
  WASM3_SETTINGS,
  withLock,
} from "./native-build.ts";
import { BUILD_DIR, CORE_WASM, ROOT } from "./run.ts";
import { translate, WASM2C_SETTINGS } from "./wasm2c.ts";

/** `wasm3-no-tail-calls` shows the native stack of compilers that make none (Xtensa). */
export type Rv32Variant = "wasm3" | "wasm3-no-tail-calls" | "aot";

const OUT = join(BUILD_DIR, "rv32");
const CORE = join(ROOT, "firmware", "core");
const PORT = join(ROOT, "firmware", "ports", "virt-rv32");
const LINK_SCRIPT = join(PORT, "link.ld");
const PICOLIBC_SPECS = "/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs";

export const GCC: Tool = {
  command: "riscv64-unknown-elf-gcc",
  debianPackage: "gcc-riscv64-unknown-elf",
};

// The architecture must stay rv32imac: with zicsr added GCC 12 links 64-bit libraries. For the few
// instructions that need it, the assembler is told on the spot.
export const TARGET = [
  ...["-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany", "--specs=picolibc.specs"],
  ...["-ffunction-sections", "-fdata-sections", "-fno-common"],
];
const OWN = [...TARGET, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", CORE];

/** The image (ELF) for this core; made when it is not there. Throws with what is missing. */
export function buildRv32(variant: Rv32Variant, wasmPath: string): string {
  return withLock(OUT, () => {
    const startedMs = performance.now();
    requireToolchain();
    const sources = [
      ...portSources("start.S"),
      ...(variant === "aot" ? aotSources(wasmPath) : wasm3Sources(variant, wasmPath)),
    ];
    const { objects, compiledCount } = compileAll(GCC, join(OUT, "objects"), sources);
    const image = link(variant, objects);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (compiledCount > 0)
      console.log(`rv32 ${variant}: compiled ${compiledCount} files, ${seconds} s`);
    return image;
  });
}

/** Throws with what is missing. */
export function requireToolchain(): void {
  requireTool(GCC);
  if (existsSync(PICOLIBC_SPECS)) return;
  throw new Error("picolibc is missing (Debian: apt install picolibc-riscv64-unknown-elf)");
}

/** The machine and the runner; `start` is the start-up code, for RAM or for flash. */
export function portSources(start: string): Source[] {
  const small = [...OWN, "-Os"];
  const dependsOn = [CORE, PORT];
  return [
    { path: join(PORT, start), flags: [...TARGET, "-I", PORT], dependsOn: [PORT] },
    // Otherwise GCC makes memcpy's loop into a call of memcpy.
    {
      path: join(PORT, "mem.c"),
      flags: [...OWN, "-O2", "-fno-tree-loop-distribute-patterns"],
      dependsOn,
    },
    { path: join(PORT, "machine.c"), flags: small, dependsOn },
    { path: join(PORT, "runner.c"), flags: small, dependsOn },
    { path: join(CORE, "arena.c"), flags: small, dependsOn },
  ];
}

export function wasm3Sources(variant: Rv32Variant, wasmPath: string): Source[] {
  const calls = variant === "wasm3" ? [] : ["-fno-optimize-sibling-calls"];
  const theirs = [
    ...TARGET,
    "-std=gnu11",
    "-w",
    ...WASM3_SETTINGS,
    "-Dd_m3CascadedOpcodes=0",
    ...calls,
  ];
  // m3_compile.c holds all operations, so it alone decides the speed.
  const interpreter = WASM3_FILES.map((path) => ({
    path,
    flags: [...theirs, path.endsWith("m3_compile.c") ? "-O2" : "-Os", ...WASM3_IN_ARENA],
    dependsOn: [WASM3_FOLDER],
  }));
  return [
    ...interpreter,
    {
      path: join(CORE, "vm_wasm3.c"),
      flags: [...OWN, "-Os", ...WASM3_SETTINGS],
      dependsOn: [CORE, WASM3_FOLDER],
    },
    coreBytes(wasmPath),
  ];
}

export function aotSources(wasmPath: string): Source[] {
  const folder = translate(OUT, wasmPath);
  return [
    {
      path: join(folder, "core.c"),
      flags: [...TARGET, "-std=gnu11", "-w", "-O2", ...WASM2C_SETTINGS],
      dependsOn: [folder],
    },
    {
      path: join(CORE, "vm_aot.c"),
      flags: [...OWN, "-Os", "-isystem", folder, ...WASM2C_SETTINGS],
      dependsOn: [CORE, folder],
    },
    coreBytes(),
  ];
}

/** The bytes of a core in the image; without one none. */
export function coreBytes(wasmPath?: string): Source {
  const path = join(PORT, "core_wasm.S");
  if (wasmPath === undefined) return { path, flags: TARGET, dependsOn: [] };
  return { path, flags: [...TARGET, `-DCORE_WASM="${wasmPath}"`], dependsOn: [wasmPath] };
}

function link(variant: Rv32Variant, objects: string[]): string {
  const hash = hashOf([...objects], [LINK_SCRIPT]);
  const image = join(OUT, `runner-${variant}-${hash}.elf`);
  makeOnce(image, (aside) => {
    const flags = ["-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments", "-T", LINK_SCRIPT];
    runTool(GCC.command, [...TARGET, ...flags, ...objects, "-o", aside]);
  });
  return image;
}

if (import.meta.main) {
  const [variant = "wasm3", wasmPath = CORE_WASM] = process.argv.slice(2);
  console.log(buildRv32(variant as Rv32Variant, wasmPath));
}
