// SPDX-License-Identifier: Apache-2.0
// Images for the bare RV32IMAC machine that only the bench needs, around the same runner as the core's
// and compiled as that is (build-rv32.ts): BearSSL's ChaCha20-Poly1305 in plain C, a count of the M3 code
// of each function, and the camera's frames. BearSSL comes from Debian's source package into build/ and
// is never committed.

import { globSync } from "node:fs";
import { join } from "node:path";
import { coreBytes, GCC, portSources, TARGET } from "./build-rv32.ts";
import { fetchDebianSource } from "./debian-source.ts";
import {
  compileAll,
  hashOf,
  makeOnce,
  runTool,
  type Source,
  WASM3_FILES,
  WASM3_FOLDER,
  WASM3_IN_ARENA,
  WASM3_SETTINGS,
  withLock,
} from "./native-build.ts";
import { BUILD_DIR, ROOT } from "./run.ts";

const OUT = join(BUILD_DIR, "bench");
const CORE = join(ROOT, "firmware", "core");
const PORT = join(ROOT, "firmware", "ports", "virt-rv32");
const CAMERA = join(ROOT, "firmware", "apps", "camera");
const NATIVE = join(ROOT, "test", "bench", "native");
const LINK_SCRIPT = join(PORT, "link.ld");

const C = [...TARGET, "-std=gnu11"];
const OWN = [...C, "-Wall", "-Wextra", "-Werror", "-I", CORE];
/** Exports of vm_wasm3.c that vm-m3-sizes.c replaces. */
const RENAMED = ["-Dvm_find=wasm3_find", "-Dvm_call=wasm3_call"];

const BEARSSL = join(OUT, "bearssl");
const BEARSSL_FILES = ["symcipher/chacha20_ct.c", "symcipher/poly1305_ctmul.c", "codec/*.c"];

/** The image with BearSSL's "seal" and "open" (test/bench/native/vm-bearssl.c). */
export function buildBearsslImage(): string {
  return withLock(OUT, () => {
    fetchDebianSource("bearssl", BEARSSL);
    const include = ["inc", "src"].flatMap((folder) => ["-isystem", join(BEARSSL, folder)]);
    const theirs = globSync(BEARSSL_FILES, { cwd: join(BEARSSL, "src") }).sort();
    return link("bearssl", [
      ...portSources("start.S"),
      coreBytes(),
      ...theirs.map((path) => ({
        path: join(BEARSSL, "src", path),
        flags: [...C, "-w", "-O2", ...include],
        dependsOn: [join(BEARSSL, "src"), join(BEARSSL, "inc")],
      })),
      own(join(NATIVE, "vm-bearssl.c"), include),
    ]);
  });
}

/** The image that compiles single functions of this core (test/bench/native/vm-m3-sizes.c). */
export function buildM3SizesImage(wasmPath: string): string {
  return withLock(OUT, () =>
    link("m3-sizes", [
      ...portSources("start.S"),
      coreBytes(wasmPath),
      ...WASM3_FILES.map((path) => ({
        path,
        flags: [...C, "-w", "-Os", ...WASM3_SETTINGS, ...WASM3_IN_ARENA],
        dependsOn: [WASM3_FOLDER],
      })),
      own(join(CORE, "vm_wasm3.c"), [...WASM3_SETTINGS, ...RENAMED]),
      own(join(NATIVE, "vm-m3-sizes.c"), [...WASM3_SETTINGS]),
    ]),
  );
}

/** The image that makes the camera's frames (test/bench/native/vm-camera.cpp). */
export function buildCameraImage(width: number, height: number, optimized: string): string {
  const flags = [
    ...TARGET,
    ...["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
    ...["-Wall", "-Wextra", "-Werror", "-I", CORE, "-I", CAMERA, optimized],
    ...[`-DCAMERA_WIDTH=${width}`, `-DCAMERA_HEIGHT=${height}`],
  ];
  const files = ["jpeg.cpp", "scene.cpp", "synthetic_camera.cpp"].map((name) => join(CAMERA, name));
  return withLock(OUT, () =>
    link("camera", [
      ...portSources("start.S"),
      coreBytes(),
      ...[...files, join(NATIVE, "vm-camera.cpp")].map((path) => ({
        path,
        flags,
        dependsOn: [CORE, CAMERA],
      })),
    ]),
  );
}

function own(path: string, flags: readonly string[] = []): Source {
  return { path, flags: [...OWN, "-Os", ...flags], dependsOn: [CORE, PORT] };
}

function link(name: string, sources: Source[]): string {
  const { objects } = compileAll(GCC, join(OUT, "objects"), sources);
  const image = join(OUT, `${name}-${hashOf(objects, [LINK_SCRIPT])}.elf`);
  makeOnce(image, (aside) => {
    const flags = ["-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments", "-T", LINK_SCRIPT];
    runTool(GCC.command, [...TARGET, ...flags, ...objects, "-o", aside]);
  });
  return image;
}
