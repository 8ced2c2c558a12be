// SPDX-License-Identifier: Apache-2.0
// Builds firmware for QEMU's riscv32 virt machine as a device (firmware/ports/virt-rv32): the whole
// port with lwIP, the core under wasm3 or compiled ahead of time, and an application. The image runs
// from flash in the RAM of its budget and no more; with more RAM it can be the bare runner
// (host/core/engine-rv32.ts), so that tests of the core run inside it. lwIP comes from Debian.
// Command line: node scripts/build-virt.ts [wasm3|aot].

import { spawnSync } from "node:child_process";
import { globSync, truncateSync } from "node:fs";
import { join } from "node:path";
import {
  aotSources,
  GCC,
  portSources,
  requireToolchain,
  TARGET,
  wasm3Sources,
} from "./build-rv32.ts";
import { fetchDebianSource } from "./debian-source.ts";
import { compileAll, hashOf, makeOnce, runTool, type Source, withLock } from "./native-build.ts";
import { BUILD_DIR, CORE_WASM, ROOT } from "./run.ts";

export type VirtVm = "wasm3" | "aot";

/** Bytes of each part of an image, and of the RAM that it runs in. */
export type VirtSizes = {
  text: number;
  rodata: number;
  data: number;
  bss: number;
  stack: number;
  arena: number;
  ram: number;
  flash: number;
};

/** `flash` is what QEMU takes as pflash unit 0, `elf` the same with its symbols. */
export type VirtImage = { flash: string; elf: string; sizes: VirtSizes };

export type VirtSources = {
  name: string;
  /** C++ files, one of them with `main`, and the folders whose headers they see. */
  files: readonly string[];
  folders: readonly string[];
};

const KIBIBYTE = 1024;
/** The whole RAM of the device, goals of the design. */
const VIRT_RAM_BYTES: Readonly<Record<VirtVm, number>> = {
  wasm3: 192 * KIBIBYTE,
  aot: 112 * KIBIBYTE,
};
/** What QEMU's flash holds: an image file must have exactly this length. */
const FLASH_BYTES = 32 << 20;
const STACK_BYTES = 6 * KIBIBYTE;

const OUT = join(BUILD_DIR, "virt");
const CORE = join(ROOT, "firmware", "core");
const PORT = join(ROOT, "firmware", "ports", "virt-rv32");
/** The firmware's; other images bring their own. */
export const VIRT_MAIN = join(PORT, "main.cpp");
const LINK_SCRIPT = join(PORT, "firmware.ld");
const LWIP = join(OUT, "lwip-2.1.3");
const LWIP_FILES = [
  ...["def", "dns", "inet_chksum", "init", "ip", "mem", "memp", "netif", "pbuf", "stats"],
  ...["tcp", "tcp_in", "tcp_out", "timeouts", "udp"],
  ...["dhcp", "etharp", "icmp", "ip4", "ip4_addr"].map((name) => `ipv4/${name}`),
];

const LWIP_HEADERS = [
  ...["-isystem", join(LWIP, "src", "include")],
  ...["-isystem", join(PORT, "lwip")],
];
const CXX = [
  ...TARGET,
  ...["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
  ...["-fno-use-cxa-atexit", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Os"],
];

/** Makes the image of an application that has its own `main`; nothing when it is there. */
export function buildVirt(vm: VirtVm, app: VirtSources, wasmPath = CORE_WASM): VirtImage {
  return withLock(OUT, () => {
    const startedMs = performance.now();
    requireToolchain();
    fetchDebianSource("lwip", LWIP);
    const sources = [
      ...portSources("start_flash.S"),
      ...(vm === "aot" ? aotSources(wasmPath) : wasm3Sources("wasm3", wasmPath)),
      ...lwipSources(),
      ...cxxSources(vm, app),
    ];
    const { objects, compiledCount } = compileAll(GCC, join(OUT, "objects"), sources);
    const elf = link(`${app.name}-${vm}`, VIRT_RAM_BYTES[vm], objects);
    const image = { flash: flashOf(elf), elf, sizes: sizesOf(elf) };
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (compiledCount > 0)
      console.log(`${app.name} on ${vm}: compiled ${compiledCount} files, ${seconds} s`);
    return image;
  });
}

function lwipSources(): Source[] {
  const paths = LWIP_FILES.map((name) => join(LWIP, "src", "core", `${name}.c`));
  return [...paths, join(LWIP, "src", "netif", "ethernet.c")].map((path) => ({
    path,
    flags: [...TARGET, "-std=gnu11", "-w", "-Os", ...LWIP_HEADERS],
    dependsOn: [join(PORT, "lwip"), join(PORT, "lwip", "arch")],
  }));
}

/** The port's files but its own `main`, and the application's. */
function cxxSources(vm: VirtVm, { files, folders }: VirtSources): Source[] {
  const names = globSync("*.cpp", { cwd: PORT }).sort();
  const port = names.map((name) => join(PORT, name)).filter((path) => path !== VIRT_MAIN);
  const include = [CORE, PORT, ...folders];
  const ahead = vm === "aot" ? ["-DCORE_AHEAD_OF_TIME"] : [];
  return [...port, ...files].map((path) => ({
    path,
    flags: [...CXX, ...ahead, ...LWIP_HEADERS, ...include.flatMap((folder) => ["-I", folder])],
    dependsOn: [...include, join(PORT, "lwip"), join(PORT, "lwip", "arch")],
  }));
}

function link(name: string, ramBytes: number, objects: string[]): string {
  const sizes = [`RAM_BYTES=${ramBytes}`, `STACK_BYTES=${STACK_BYTES}`];
  const elf = join(OUT, `${name}-${hashOf([...objects, ...sizes], [LINK_SCRIPT])}.elf`);
  makeOnce(elf, (aside) => {
    const flags = ["-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments", "-T", LINK_SCRIPT];
    const symbols = sizes.map((size) => `-Wl,--defsym=${size}`);
    runTool(GCC.command, [...TARGET, ...flags, ...symbols, ...objects, "-o", aside]);
  });
  return elf;
}

/** The image's bytes, and nothing behind them up to the flash's end: the file has holes there. */
function flashOf(elf: string): string {
  const flash = elf.replace(/\.elf$/, ".bin");
  makeOnce(flash, (aside) => {
    runTool("riscv64-unknown-elf-objcopy", ["-O", "binary", elf, aside]);
    truncateSync(aside, FLASH_BYTES);
  });
  return flash;
}

function sizesOf(elf: string): VirtSizes {
  const run = spawnSync("riscv64-unknown-elf-size", ["-A", elf], { encoding: "utf8" });
  const of = (section: string) =>
    Number(new RegExp(`^\\.${section}\\s+(\\d+)`, "m").exec(run.stdout)?.[1] ?? 0);
  const [text, rodata, data] = [of("text"), of("rodata"), of("data")];
  const [bss, stack] = [of("bss"), of("stack")];
  const ram = VIRT_RAM_BYTES[elf.includes("-aot-") ? "aot" : "wasm3"];
  const arena = ram - stack - data - bss;
  return { text, rodata, data, bss, stack, arena, ram, flash: text + rodata + data };
}

/** One line for each part, in bytes. */
export function sizeTable({ sizes }: VirtImage): string {
  return Object.entries(sizes)
    .map(([part, bytes]) => `${part.padEnd(8)} ${bytes.toLocaleString("en").padStart(10)}`)
    .join("\n");
}
