// SPDX-License-Identifier: Apache-2.0
// Compiles C and C++ of the firmware for this machine: the device as a program, and the programs of
// its tests. Before it: build-firmware.ts, build-reader.ts, build-camera.ts, test/firmware. After it:
// native-build.ts, gcc and g++. Linked by the C compiler: nothing of the C++ library is needed, as on a
// board.

import { globSync } from "node:fs";
import { extname, join } from "node:path";
import {
  compileAll,
  hashOf,
  makeOnce,
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
import { translate, WASM2C_SETTINGS } from "./wasm2c.ts";

export const FIRMWARE = join(ROOT, "firmware");
export const FIRMWARE_CORE = join(FIRMWARE, "core");
export const POSIX_PORT = join(FIRMWARE, "ports", "posix");

const OUT = join(BUILD_DIR, "native");
const CC: Tool = { command: "gcc", debianPackage: "gcc" };
const CXX: Tool = { command: "g++", debianPackage: "g++" };

// Tail calls are what keeps wasm3 from filling the native stack.
const SPEED = ["-O2", "-g", "-foptimize-sibling-calls"];
const STRICT = ["-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"];
const C = ["-std=gnu11", ...SPEED, ...STRICT];
const CPLUSPLUS = [
  ...["-std=c++17", "-fno-exceptions", "-fno-rtti"],
  ...["-fno-threadsafe-statics", "-fno-use-cxa-atexit"],
  ...[...SPEED, ...STRICT, "-Wconversion"],
];
/** A trap of either ends the program with a report; wasm3 reads unaligned words on purpose. */
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const THEIRS = ["-std=gnu11", "-w", "-O2", "-foptimize-sibling-calls"];

export type NativeProgram = {
  name: string;
  /** .c, .cpp and .S */
  sources: readonly string[];
  /** Folders of headers, which what is compiled depends on. */
  include: readonly string[];
  /** Objects of others' sources, from wasm3Sources or aotSources. */
  others?: readonly Source[];
  flags?: readonly string[];
  /** Under AddressSanitizer and UndefinedBehaviorSanitizer. */
  sanitized: boolean;
};

/** The program's path; made when it is not there. Throws with what is missing, or the compiler's words. */
export function buildNative(program: NativeProgram): string {
  const { name, sources, sanitized, others = [] } = program;
  return withLock(OUT, () => {
    const startedMs = performance.now();
    const flags = sanitized ? SANITIZERS : [];
    const folder = join(OUT, "objects");
    const all = [...sources.map((path) => ownSource(path, program)), ...others];
    const isPlus = ({ path }: Source) => extname(path) === ".cpp";
    const c = compileAll(
      CC,
      folder,
      all.filter((one) => !isPlus(one)),
    );
    const plus = compileAll(CXX, folder, all.filter(isPlus));
    const objects = [...plus.objects, ...c.objects];
    const result = join(OUT, `${name}-${hashOf([...flags, ...objects], [])}.bin`);
    makeOnce(result, (aside) =>
      runTool(CC.command, [...flags, ...objects, "-pthread", "-o", aside]),
    );
    const count = c.compiledCount + plus.compiledCount;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (count > 0) console.log(`${name}: compiled ${count} files, ${seconds} s`);
    return result;
  });
}

function ownSource(path: string, { include, flags = [], sanitized }: NativeProgram): Source {
  const language = extname(path) === ".cpp" ? CPLUSPLUS : C;
  const guards = sanitized ? SANITIZERS : [];
  const folders = include.flatMap((folder) => ["-I", folder]);
  return { path, flags: [...language, ...guards, ...flags, ...folders], dependsOn: include };
}

/** The interpreter and the vm on it. It reads words that are not aligned, and says so to no one. */
export function wasm3Sources(sanitized: boolean): Source[] {
  const guards = sanitized ? ["-fsanitize=address"] : [];
  const theirs = WASM3_FILES.map((path) => ({
    path,
    flags: [...THEIRS, ...guards, ...WASM3_SETTINGS, ...WASM3_IN_ARENA],
    dependsOn: [WASM3_FOLDER],
  }));
  const vm = join(FIRMWARE_CORE, "vm_wasm3.c");
  const flags = [...C, ...guards, ...WASM3_SETTINGS, "-I", FIRMWARE_CORE];
  return [...theirs, { path: vm, flags, dependsOn: [FIRMWARE_CORE, WASM3_FOLDER] }];
}

/** The core compiled ahead of time, and the vm on it. */
export function aotSources(wasmPath: string, sanitized: boolean): Source[] {
  const guards = sanitized ? SANITIZERS : [];
  const folder = translate(OUT, wasmPath);
  const flags = [...THEIRS, ...guards, ...WASM2C_SETTINGS];
  const vm = [...C, ...guards, ...WASM2C_SETTINGS, "-isystem", folder, "-I", FIRMWARE_CORE];
  return [
    { path: join(folder, "core.c"), flags, dependsOn: [folder] },
    { path: join(FIRMWARE_CORE, "vm_aot.c"), flags: vm, dependsOn: [FIRMWARE_CORE, folder] },
  ];
}

/** The files of a folder with these endings, sorted. */
export function sourcesIn(folder: string, pattern: string): string[] {
  return globSync(pattern, { cwd: folder })
    .sort()
    .map((name) => join(folder, name));
}
