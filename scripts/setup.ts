// SPDX-License-Identifier: Apache-2.0
// What the tests need besides npm: C and C++ compilers, the RISC-V cross compiler with its C library,
// QEMU, wasm2c, clang-format, cppcheck, Python, two theorem provers and SPIN, a browser and the tools of
// networks, all Debian packages. Quiet and instant when everything is there.
// Otherwise it says what is missing, how large and about how long; installs when it may (root), or
// prints the command and ends with code 1. Called by scripts/test.ts before anything else.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

type Need = { packageName: string; isThere: () => boolean; what: string };

const PICOLIBC_SPECS = "/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs";

const NEEDS: readonly Need[] = [
  { packageName: "gcc", isThere: () => hasCommand("gcc"), what: "C compiler" },
  { packageName: "g++", isThere: () => hasCommand("g++"), what: "C++ compiler" },
  { packageName: "libc6-dev", isThere: () => hasFile("/usr/include/stdio.h"), what: "C headers" },
  {
    packageName: "gcc-riscv64-unknown-elf",
    isThere: () => hasCommand("riscv64-unknown-elf-gcc"),
    what: "RISC-V cross compiler",
  },
  {
    packageName: "picolibc-riscv64-unknown-elf",
    isThere: () => hasFile(PICOLIBC_SPECS),
    what: "C library for RISC-V",
  },
  {
    packageName: "qemu-system-misc",
    isThere: () => hasCommand("qemu-system-riscv32"),
    what: "RISC-V machine emulator",
  },
  { packageName: "wabt", isThere: () => hasCommand("wasm2c"), what: "wasm2c" },
  { packageName: "clang-format", isThere: () => hasCommand("clang-format"), what: "formatter" },
  { packageName: "cppcheck", isThere: () => hasCommand("cppcheck"), what: "linter" },
  { packageName: "python3-venv", isThere: hasPythonVenv, what: "Python's environments" },
  { packageName: "eprover", isThere: () => hasCommand("eprover"), what: "theorem prover" },
  { packageName: "spass", isThere: () => hasCommand("SPASS"), what: "second theorem prover" },
  { packageName: "spin", isThere: () => hasCommand("spin"), what: "model checker" },
  { packageName: "chromium", isThere: () => hasCommand("chromium"), what: "browser" },
  { packageName: "iproute2", isThere: () => hasCommand("ip"), what: "network interfaces" },
  { packageName: "util-linux", isThere: () => hasCommand("nsenter"), what: "namespaces" },
  { packageName: "nftables", isThere: () => hasCommand("nft"), what: "firewall" },
  { packageName: "tcpdump", isThere: () => hasCommand("tcpdump"), what: "packet capture" },
];

/** Compressed packages unpack at about this speed on a small machine: the estimate's one number. */
const INSTALL_MB_PER_SECOND = 10;
const APT_TIMEOUT_MS = 20 * 60_000;
const APT_ENV = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };

/** What the firmware needs as a program of this machine. */
export const NATIVE_PACKAGES: readonly string[] = ["gcc", "g++", "libc6-dev"];
/** What it needs besides for an emulated board. */
export const DEVICE_PACKAGES: readonly string[] = [
  "gcc-riscv64-unknown-elf",
  "picolibc-riscv64-unknown-elf",
  "qemu-system-misc",
  "wabt",
];

/** The packages among these (all) that are not there. */
export function missingPackages(among?: readonly string[]): string[] {
  return missingAmong(among).map(({ packageName }) => packageName);
}

function missingAmong(among?: readonly string[]): Need[] {
  const wanted = NEEDS.filter(({ packageName }) => among?.includes(packageName) ?? true);
  return wanted.filter((need) => !need.isThere());
}

/** True when these packages (all) are there, after installing what was missing if this user may. */
export async function setUp(among?: readonly string[]): Promise<boolean> {
  const missing = missingAmong(among);
  if (missing.length === 0) return true;
  const packages = missing.map((need) => need.packageName);
  console.log(`missing: ${missing.map((n) => `${n.packageName} (${n.what})`).join(", ")}`);
  const isRoot = process.getuid?.() === 0;
  if (!hasCommand("apt-get")) return explain(packages, "this system has no apt-get");
  if (isRoot) await refreshListsIfNeeded(packages);
  console.log(await describeSize(packages));
  if (!isRoot) return explain(packages, "installing needs root");
  return install(packages);
}

async function refreshListsIfNeeded(packages: readonly string[]): Promise<void> {
  for (const name of packages) {
    const { code } = await run("apt-cache", ["show", "--quiet", name], { env: APT_ENV });
    if (code !== 0) return refreshLists();
  }
}

async function refreshLists(): Promise<void> {
  console.log("updating the package lists (apt-get update)");
  await run("apt-get", ["update", "-q"], { env: APT_ENV, timeoutMs: APT_TIMEOUT_MS });
}

/** apt's own numbers, from a run that changes nothing and takes no lock. */
async function describeSize(packages: readonly string[]): Promise<string> {
  const args = ["install", "--assume-no", "--no-install-recommends"];
  const { output } = await run("apt-get", [...args, "-o", "Debug::NoLocking=1", ...packages], {
    env: APT_ENV,
  });
  const download = /Need to get (?:[\d.,]+ [kMG]?B\/)?([\d.,]+) ([kMG]?B)/.exec(output);
  const disk = /After this operation, ([\d.,]+) ([kMG]?B)/.exec(output);
  if (download === null || disk === null) return "size: not known to apt";
  const diskMb = megabytes(disk);
  const seconds = Math.ceil((megabytes(download) + diskMb) / INSTALL_MB_PER_SECOND / 10) * 10;
  const toGet = Math.ceil(megabytes(download));
  return `to download: ${toGet} MB, installed: ${Math.ceil(diskMb)} MB, about ${seconds} s`;
}

function megabytes(match: RegExpExecArray): number {
  const factor = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 }[match[2] ?? ""] ?? 1;
  return Number((match[1] ?? "0").replaceAll(",", "")) * factor;
}

async function install(packages: readonly string[]): Promise<boolean> {
  const args = ["install", "--yes", "-q", "--no-install-recommends", ...packages];
  const options = { env: APT_ENV, timeoutMs: APT_TIMEOUT_MS };
  let result = await run("apt-get", args, options);
  if (result.code !== 0) {
    // Lists that are there may be too old: the archive no longer has what they name.
    await refreshLists();
    result = await run("apt-get", args, options);
  }
  if (result.code !== 0) {
    console.error(result.output);
    return explain(packages, "apt-get failed");
  }
  const still = missingAmong(packages);
  for (const need of still) console.error(`${need.packageName} is installed, ${need.what} is not`);
  return still.length === 0;
}

function explain(packages: readonly string[], why: string): false {
  console.error(`${why}; run this, then start again:`);
  console.error(`  sudo apt-get install --no-install-recommends ${packages.join(" ")}`);
  return false;
}

export function hasCommand(name: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders, "/usr/sbin"].some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  return canAccess(path, constants.X_OK);
}

/** PlatformIO is installed into one. */
function hasPythonVenv(): boolean {
  return spawnSync("python3", ["-c", "import venv, ensurepip"]).status === 0;
}

function hasFile(path: string): boolean {
  return canAccess(path, constants.R_OK);
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) process.exitCode = (await setUp()) ? 0 : 1;
