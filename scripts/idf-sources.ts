// SPDX-License-Identifier: Apache-2.0
// node scripts/idf-sources.ts wasm3|aot FILE: writes, as CMake lists, what ESP-IDF's build of the firmware
// needs beside the folders of sources: what runs the core's file, and the core's hash. Builds the core
// when it is missing or old. Before it: firmware/ports/esp32/main/CMakeLists.txt. After it: ESP-IDF.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildCore } from "./build.ts";
import { hashFolder } from "./build-firmware.ts";
import { FIRMWARE_CORE, POSIX_PORT } from "./build-native.ts";
import { WASM3_FILES, WASM3_FOLDER, WASM3_IN_ARENA, WASM3_SETTINGS } from "./native-build.ts";
import { BUILD_DIR, CORE_WASM } from "./run.ts";
import { translate, WASM2C_SETTINGS } from "./wasm2c.ts";

export type Vm = "wasm3" | "aot";

/** By the names that CMakeLists.txt takes. */
export type IdfLists = {
  /** Compiled with OTHERS_FLAGS; those in OTHERS_HOT for speed, the rest for size. */
  OTHERS_SOURCES: readonly string[];
  OTHERS_HOT: readonly string[];
  OTHERS_FLAGS: readonly string[];
  /** For our own sources. */
  OWN_FLAGS: readonly string[];
  OWN_FOLDERS: readonly string[];
};

export function idfLists(vm: Vm): IdfLists {
  const OWN_FOLDERS = [hashFolder(CORE_WASM)];
  const embedded = join(POSIX_PORT, "core_wasm.S");
  const wasm = `-DCORE_WASM="${CORE_WASM}"`;
  if (vm === "wasm3") {
    const vmSource = join(FIRMWARE_CORE, "vm_wasm3.c");
    return {
      OTHERS_SOURCES: [...WASM3_FILES, vmSource, embedded],
      // It holds all operations, so it alone decides the speed.
      OTHERS_HOT: WASM3_FILES.filter((path) => path.endsWith("m3_compile.c")),
      OTHERS_FLAGS: [...WASM3_SETTINGS, ...WASM3_IN_ARENA, wasm],
      OWN_FLAGS: [],
      OWN_FOLDERS: [...OWN_FOLDERS, WASM3_FOLDER],
    };
  }
  const folder = translate(join(BUILD_DIR, "firmware"), CORE_WASM);
  const code = join(folder, "core.c");
  return {
    OTHERS_SOURCES: [code, join(FIRMWARE_CORE, "vm_aot.c"), embedded],
    OTHERS_HOT: [code],
    OTHERS_FLAGS: [...WASM2C_SETTINGS, wasm],
    OWN_FLAGS: ["-DSEALED_AOT"],
    OWN_FOLDERS: [...OWN_FOLDERS, folder],
  };
}

/** CMake's bracket arguments take every character but their own end. */
export function cmakeText(lists: IdfLists): string {
  const entries = Object.entries(lists).map(
    ([name, values]) => `set(${name}${values.map((value) => `\n  [[${value}]]`).join("")})\n`,
  );
  return entries.join("");
}

async function main([vm = "", file = ""]: readonly string[]): Promise<number> {
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) console.error(message);
  if (ok) writeFileSync(file, cmakeText(idfLists(vm as Vm)));
  return ok ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
