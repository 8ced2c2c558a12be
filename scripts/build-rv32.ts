// SPDX-License-Identifier: Apache-2.0
// Builds the runner for a bare RV32IMAC machine (firmware/ports/virt-rv32) around one core.wasm:
// under wasm3, or compiled ahead of time by wasm2c. Called by host/core/engine-rv32.ts; from the
// command line: node scripts/build-rv32.ts [wasm3|wasm3-no-tail-calls|aot] [core.wasm].
// Only what depends on the core is made again when the core changes.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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
  WASM3_SETTINGS,
  withLock,
} from "./native-build.ts";
import { BUILD_DIR, CORE_WASM, ROOT } from "./run.ts";

/** `wasm3-no-tail-calls` shows the native stack of compilers that make none (Xtensa). */
export type Rv32Variant = "wasm3" | "wasm3-no-tail-calls" | "aot";

const OUT = join(BUILD_DIR, "rv32");
const CORE = join(ROOT, "firmware", "core");
const PORT = join(ROOT, "firmware", "ports", "virt-rv32");
const LINK_SCRIPT = join(PORT, "link.ld");
const PICOLIBC_SPECS = "/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs";

const GCC: Tool = { command: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" };
const WASM2C: Tool = { command: "wasm2c", debianPackage: "wabt" };
/** What wasm2c's output includes; copied, because its folder also holds the system's own headers. */
const WASM_RT_HEADER = "/usr/include/wasm-rt.h";

// The architecture must stay rv32imac: with zicsr added GCC 12 links 64-bit libraries. For the few
// instructions that need it, the assembler is told on the spot.
const TARGET = [
  ...["-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany", "--specs=picolibc.specs"],
  ...["-ffunction-sections", "-fdata-sections", "-fno-common"],
];
const OWN = [...TARGET, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", CORE];
const ARENA_FOR_WASM3 = ["-Dcalloc=arena_calloc", "-Drealloc=arena_realloc", "-Dfree=arena_free"];

/** The image (ELF) for this core; made when it is not there. Throws with what is missing. */
export function buildRv32(variant: Rv32Variant, wasmPath: string): string {
  return withLock(OUT, () => {
    const startedMs = performance.now();
    requireTool(GCC);
    if (!existsSync(PICOLIBC_SPECS)) {
      throw new Error("picolibc is missing (Debian: apt install picolibc-riscv64-unknown-elf)");
    }
    const sources = [
      ...portSources(variant),
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

function portSources(variant: Rv32Variant): Source[] {
  const small = [...OWN, "-Os"];
  const dependsOn = [CORE, PORT];
  const hasWasm = variant === "aot" ? [] : ["-DHAS_CORE_WASM"];
  return [
    { path: join(PORT, "start.S"), flags: TARGET, dependsOn: [] },
    // Otherwise GCC makes memcpy's loop into a call of memcpy.
    {
      path: join(PORT, "mem.c"),
      flags: [...OWN, "-O2", "-fno-tree-loop-distribute-patterns"],
      dependsOn,
    },
    { path: join(PORT, "machine.c"), flags: small, dependsOn },
    { path: join(PORT, "runner.c"), flags: [...small, ...hasWasm], dependsOn },
    { path: join(CORE, "arena.c"), flags: small, dependsOn },
  ];
}

function wasm3Sources(variant: Rv32Variant, wasmPath: string): Source[] {
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
    flags: [...theirs, path.endsWith("m3_compile.c") ? "-O2" : "-Os", ...ARENA_FOR_WASM3],
    dependsOn: [WASM3_FOLDER],
  }));
  return [
    ...interpreter,
    {
      path: join(CORE, "vm_wasm3.c"),
      flags: [...OWN, "-Os", ...WASM3_SETTINGS],
      dependsOn: [CORE, WASM3_FOLDER],
    },
    {
      path: join(PORT, "core_wasm.S"),
      flags: [...TARGET, `-DCORE_WASM="${wasmPath}"`],
      dependsOn: [wasmPath],
    },
  ];
}

function aotSources(wasmPath: string): Source[] {
  const folder = translate(wasmPath);
  // No depth counter: the core does not recurse, and the stack's end is guarded by the machine.
  const settings = ["-DNDEBUG", "-DWASM_RT_USE_STACK_DEPTH_COUNT=0"];
  return [
    {
      path: join(folder, "core.c"),
      flags: [...TARGET, "-std=gnu11", "-w", "-O2", ...settings],
      dependsOn: [folder],
    },
    {
      path: join(CORE, "vm_aot.c"),
      flags: [...OWN, "-Os", "-isystem", folder, ...settings],
      dependsOn: [CORE, folder],
    },
  ];
}

/** The folder with wasm2c's C and aot_exports.h for this module. */
function translate(wasmPath: string): string {
  const version = requireTool(WASM2C);
  const hash = hashOf([version], [wasmPath, join(ROOT, "scripts", "build-rv32.ts")]);
  const folder = join(OUT, `wasm2c-${hash}`);
  makeOnce(folder, (aside) => {
    mkdirSync(aside);
    runTool(WASM2C.command, [wasmPath, "--module-name=core", "-o", join(aside, "core.c")]);
    const code = readFileSync(join(aside, "core.c"), "utf8");
    writeFileSync(join(aside, "core.c"), withFixedMemory(code));
    copyFileSync(WASM_RT_HEADER, join(aside, "wasm-rt.h"));
    const header = readFileSync(join(aside, "core.h"), "utf8");
    writeFileSync(join(aside, "aot_exports.h"), exportsHeader(header));
  });
  return folder;
}

/**
 * Lets the compiler know that linear memory neither moves nor changes its size within a call, as the
 * core never grows it: otherwise both are loaded again after every store. Saves 9 % of X25519. The
 * bounds checks stay; only the barrier goes that keeps unused loads for their trap.
 */
function withFixedMemory(code: string): string {
  const edits = [
    ['#include "core.h"\n', "$&\nextern u8 *const aot_data;\nextern const u32 aot_size;\n"],
    ["RANGE_CHECK(mem, a, sizeof(t))", "if (UNLIKELY((a) + (u64)sizeof(t) > aot_size)) TRAP(OOB);"],
    ["&mem->data[addr]", "&aot_data[addr]"],
    ['wasm_asm("" ::"r"(result));', ""],
  ] as const;
  return edits.reduce((text, [from, to]) => {
    if (!text.includes(from))
      throw new Error(`wasm2c's output is not that of wabt 1.0.32: no ${from}`);
    return text.replaceAll(from, to);
  }, code);
}

type AotExport = { name: string; symbol: string; returns: string; argCount: number };

/** The header that hides wasm2c's names (those of 1.0.32) from firmware/core/vm_aot.c. */
function exportsHeader(header: string): string {
  const exported = readExports(header);
  const lines = [
    "/* Generated by scripts/build-rv32.ts from wasm2c's core.h. */",
    '#include "core.h"',
    "typedef Z_core_instance_t aot_instance;",
    "#define AOT_INIT Z_core_init_module",
    "#define AOT_INSTANTIATE Z_core_instantiate",
    "#define AOT_MEMORY Z_coreZ_memory",
    ...exported.map(adapter),
    "static const struct {",
    "  const char *name;",
    "  uint32_t arg_count;",
    "  int32_t (*run)(aot_instance *, const int32_t *);",
    "} AOT_EXPORTS[] = {",
    ...exported.map(({ name, argCount }) => `  {"${name}", ${argCount}, run_${name}},`),
    "};",
    `#define AOT_EXPORT_COUNT ${exported.length}u`,
  ];
  return `${lines.join("\n")}\n`;
}

function readExports(header: string): AotExport[] {
  const pattern = /export: '(\w+)' \*\/\n(void|u32) (\w+)\(Z_core_instance_t\*((?:, u32)*)\);/g;
  const exported = [...header.matchAll(pattern)].map(
    ([, name = "", returns = "", symbol = "", args = ""]) => ({
      name,
      symbol,
      returns,
      argCount: args.split("u32").length - 1,
    }),
  );
  if (exported.length > 0 && header.includes("Z_coreZ_memory")) return exported;
  throw new Error("wasm2c's header is not that of wabt 1.0.32, or the module exports no memory");
}

function adapter({ name, symbol, returns, argCount }: AotExport): string {
  const args = Array.from({ length: argCount }, (_, i) => `, (u32)args[${i}]`).join("");
  const run = `${symbol}(instance${args})`;
  const body = returns === "void" ? `${run}; return 0;` : `return (int32_t)${run};`;
  return `static int32_t run_${name}(aot_instance *instance, const int32_t *args) { (void)args; ${body} }`;
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
