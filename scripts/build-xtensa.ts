// SPDX-License-Identifier: Apache-2.0
// Builds the image that plays recorded calls into a core under wasm3 on a bare Xtensa machine
// (test/bench/native/xtensa): Debian's compiler for lx106 (call0, no tail calls) and QEMU's lx60
// board. Before it: test/bench/xtensa-stack.ts, which alone needs it. The compiler brings no C library:
// headers are picolibc's for RISC-V; what is called of it is in library.c and the RISC-V port's mem.c.

import { join } from "node:path";
import { requireToolchain } from "./build-rv32.ts";
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
import { BUILD_DIR, ROOT } from "./run.ts";

const OUT = join(BUILD_DIR, "xtensa");
const CORE = join(ROOT, "firmware", "core");
const PORT = join(ROOT, "firmware", "ports", "virt-rv32");
const PLAYER = join(ROOT, "test", "bench", "native", "xtensa");
const LINK_SCRIPT = join(PLAYER, "link.ld");
const PICOLIBC_HEADERS = "/usr/lib/picolibc/riscv64-unknown-elf/include";

const GCC: Tool = { command: "xtensa-lx106-elf-gcc", debianPackage: "gcc-xtensa-lx106" };
const TARGET = [
  ...["-mtext-section-literals", "-mlongcalls", "-isystem", PICOLIBC_HEADERS],
  ...["-ffunction-sections", "-fdata-sections", "-fno-common", "-std=gnu11"],
];
const OWN = [...TARGET, "-Wall", "-Wextra", "-Werror", "-I", CORE, "-Os"];
/** Otherwise GCC makes a loop of memcpy or strlen into a call of itself. */
const LIBRARY = ["-fno-tree-loop-distribute-patterns"];

/** The image (ELF) for this core; made when it is not there. Throws with what is missing. */
export function buildXtensaPlayer(wasmPath: string): string {
  requireTool(GCC);
  requireToolchain(); // for its headers
  return withLock(OUT, () => {
    const { objects } = compileAll(GCC, join(OUT, "objects"), sources(wasmPath));
    const image = join(OUT, `player-${hashOf(objects, [LINK_SCRIPT])}.elf`);
    makeOnce(image, (aside) => {
      const flags = ["-nostartfiles", "-nostdlib", "-Wl,--gc-sections,--no-warn-rwx-segments"];
      runTool(GCC.command, [...flags, "-T", LINK_SCRIPT, ...objects, "-lgcc", "-o", aside]);
    });
    return image;
  });
}

function sources(wasmPath: string): Source[] {
  const dependsOn = [CORE, PLAYER];
  // The same optimisation as on RV32 (build-rv32.ts).
  const interpreter = WASM3_FILES.map((path) => ({
    path,
    flags: [
      ...TARGET,
      ...["-w", ...WASM3_SETTINGS, "-Dd_m3CascadedOpcodes=0", ...WASM3_IN_ARENA],
      path.endsWith("m3_compile.c") ? "-O2" : "-Os",
    ],
    dependsOn: [WASM3_FOLDER],
  }));
  return [
    { path: join(PLAYER, "start.S"), flags: TARGET, dependsOn: [] },
    { path: join(PLAYER, "player.c"), flags: OWN, dependsOn },
    { path: join(PLAYER, "library.c"), flags: [...OWN, ...LIBRARY], dependsOn: [] },
    { path: join(PORT, "mem.c"), flags: [...OWN, ...LIBRARY], dependsOn },
    { path: join(CORE, "arena.c"), flags: OWN, dependsOn },
    {
      path: join(CORE, "vm_wasm3.c"),
      flags: [...OWN, ...WASM3_SETTINGS],
      dependsOn: [CORE, WASM3_FOLDER],
    },
    ...interpreter,
    {
      path: join(PORT, "core_wasm.S"),
      flags: [...TARGET, `-DCORE_WASM="${wasmPath}"`],
      dependsOn: [wasmPath],
    },
  ];
}
