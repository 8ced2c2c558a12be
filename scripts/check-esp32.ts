// SPDX-License-Identifier: Apache-2.0
// `IDF_PATH=... npm run check:esp32`: the ESP32 port against the real headers of an ESP-IDF checkout, for
// each board: its sdkconfig made by Espressif's own generator, each file through -fsyntax-only. Says which
// files went through, which header was missing, which setting ESP-IDF did not take. Before it:
// firmware/ports/esp32, boards/. IDF_EXTRA names folders of further components (esp32-camera, esp_jpeg).
// The C library is Debian's picolibc, so ESP-IDF is told to use picolibc too; Xtensa's files are read by
// the RISC-V compiler, which sees their declarations but not whether their assembly is right.

import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { preparePythonTools } from "../host/device/python-tools.ts";
import { AppError } from "../host/service/app-error.ts";
import { requireTool, type Tool } from "./native-build.ts";
import { BUILD_DIR, ROOT } from "./run.ts";

type Board = { name: string; chip: string; isXtensa: boolean; hasCamera: boolean };

const GXX: Tool = {
  command: "riscv64-unknown-elf-g++",
  debianPackage: "gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf",
};
const OUT = join(BUILD_DIR, "esp32");
const BOARDS = join(ROOT, "boards");
const PORT = join(ROOT, "firmware", "ports", "esp32", "main");
const POSIX = join(ROOT, "firmware", "ports", "posix");
const FIRMWARE_CORE = join(ROOT, "firmware", "core");
const APP = join(ROOT, "firmware", "apps", "camera");
const TARGET = ["-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"];
const LANGUAGE = ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror"];
/** ESP-IDF 5 has newlib otherwise, which Debian has not for this compiler. */
const PICOLIBC = "CONFIG_IDF_EXPERIMENTAL_FEATURES=y\nCONFIG_LIBC_PICOLIBC=y\n";
const SETTINGS_TIMEOUT_MS = 60_000;

function main(): number {
  const idf = process.env["IDF_PATH"];
  if (idf === undefined || !existsSync(join(idf, "components", "esp_wifi"))) {
    console.error(
      "Set IDF_PATH to a checkout of ESP-IDF 5.4 or newer, with its submodules: IDF_PATH=~/esp-idf npm run check:esp32",
    );
    return 1;
  }
  requireTool(GXX);
  const wrong = boards().map((board) => checkBoard(board, idf));
  return wrong.every((count) => count === 0) ? 0 : 1;
}

function boards(): Board[] {
  return globSync("*/sdkconfig.defaults", { cwd: BOARDS })
    .sort()
    .map((path) => {
      const name = path.split("/")[0] ?? "";
      const chip = JSON.parse(readFileSync(join(BOARDS, `${name}.json`), "utf8")).build.mcu;
      const isXtensa = chip === "esp32" || chip === "esp32s3";
      return { name, chip, isXtensa, hasCamera: existsSync(join(BOARDS, name, "board.h")) };
    });
}

/** How much was wrong. A missing header is said and counted apart: it is the checkout's, not ours. */
function checkBoard(board: Board, idf: string): number {
  const folder = join(OUT, board.name);
  const untaken = makeSettings(board, idf, folder);
  for (const line of untaken) console.log(`${board.name}: ESP-IDF did not take ${line}`);
  const flags = [...TARGET, ...LANGUAGE, "-fsyntax-only", ...definesOf(board)];
  const folders = [folder, PORT, FIRMWARE_CORE, APP, POSIX, join(BOARDS, board.name)];
  const own = folders.flatMap((path) => ["-I", path]);
  const theirs = headerFolders(board, idf).flatMap((path) => ["-isystem", path]);
  const results = sourcesOf(board).map((path) => compile(path, [...flags, ...own, ...theirs]));
  const good = results.filter(({ outcome }) => outcome === "good").map(({ name }) => name);
  console.log(`${board.name} (${board.chip}): ${good.length} of ${results.length} files compiled`);
  for (const { name, outcome, said } of results) {
    if (outcome !== "good") console.log(`  ${name}: ${said}`);
  }
  return untaken.length + results.filter(({ outcome }) => outcome === "wrong").length;
}

function definesOf({ isXtensa }: Board): string[] {
  return [
    "-DESP_PLATFORM",
    '-DIDF_VER="check"',
    ...(isXtensa ? ["-D__XTENSA__", "-U__riscv"] : []),
  ];
}

function sourcesOf({ hasCamera }: Board): string[] {
  const port = globSync("*.cpp", { cwd: PORT }).sort();
  const own = port.filter((name) => hasCamera || name !== "esp_camera_source.cpp");
  const shared = ["sockets_bsd.cpp", "lookup_bsd.cpp"].map((name) => join(POSIX, name));
  return [...own.map((name) => join(PORT, name)), ...shared.filter((path) => existsSync(path))];
}

/** Makes sdkconfig.h as ESP-IDF's build does. Returns the lines of our defaults that it has not taken. */
function makeSettings({ name, chip }: Board, idf: string, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const menus = (pattern: string, file: string) => {
    const paths = globSync(`components/*/${pattern}`, { cwd: idf }).sort();
    writeFileSync(
      join(folder, file),
      paths.map((path) => `source "${join(idf, path)}"\n`).join(""),
    );
    return join(folder, file);
  };
  const env = {
    IDF_PATH: idf,
    IDF_TARGET: chip,
    IDF_ENV_FPGA: "",
    IDF_INIT_VERSION: "5.4.0",
    IDF_VERSION: "5.4.0",
    IDF_TOOLCHAIN: "gcc",
    IDF_MINIMAL_BUILD: "n",
    COMPONENT_KCONFIGS_SOURCE_FILE: menus("Kconfig", "kconfigs.in"),
    COMPONENT_KCONFIGS_PROJBUILD_SOURCE_FILE: menus("Kconfig.projbuild", "projbuild.in"),
  };
  const ours = [join(BOARDS, "sdkconfig.defaults"), join(BOARDS, name, "sdkconfig.defaults")];
  writeFileSync(join(folder, "picolibc"), PICOLIBC);
  const inputs = [...ours, join(folder, "picolibc")].flatMap((path) => ["--defaults", path]);
  const outputs = ["config", join(folder, "sdkconfig"), "header", join(folder, "sdkconfig.h")];
  const made = spawnSync(
    preparePythonTools().tool("python"),
    ["-m", "kconfgen", "--list-separator=semicolon", "--kconfig", join(idf, "Kconfig"), ...inputs]
      .concat(["--output", outputs[0] ?? "", outputs[1] ?? ""])
      .concat(["--output", outputs[2] ?? "", outputs[3] ?? ""]),
    { env: { ...process.env, ...env }, encoding: "utf8", timeout: SETTINGS_TIMEOUT_MS },
  );
  if (made.status !== 0) throw new Error(`${name}: ESP-IDF's configuration failed\n${made.stderr}`);
  const taken = new Set(readFileSync(join(folder, "sdkconfig"), "utf8").split("\n"));
  return ours.flatMap((path) => settingsIn(path)).filter((line) => !isTaken(line, taken));
}

function settingsIn(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("CONFIG_"));
}

/** What is off may also have vanished with what it belongs to. */
function isTaken(line: string, taken: ReadonlySet<string>): boolean {
  return line.endsWith("=n") ? !taken.has(line.replace(/n$/, "y")) : taken.has(line);
}

/** Where headers lie in ESP-IDF's components; its build has the same from the components' own files. */
function headerFolders({ chip, isXtensa }: Board, idf: string): string[] {
  const kind = isXtensa ? "xtensa" : "riscv";
  const patterns = [
    "components/*/include",
    `components/*/${chip}/include`,
    `components/*/include/${chip}`,
    `components/soc/${chip}{,/register}`,
    "components/hal/platform_port/include",
    `components/freertos/config/{,${kind}/}include{,/freertos}`,
    `components/freertos/FreeRTOS-Kernel/{,portable/${kind}/}include{,/freertos}`,
    "components/freertos/esp_additions/include",
    "components/esp_hw_support/{etm,}/include",
    "components/lwip/lwip/src/include",
    "components/lwip/port/{,freertos/,esp32xx/}include",
    "components/lwip/include/apps",
    "components/{newlib,esp_libc}/platform_include",
    `components/esp_system/port/include/${kind}`,
    "components/xtensa/deprecated_include",
  ];
  const found = patterns.flatMap((pattern) => globSync(pattern, { cwd: idf }).sort());
  const extra = (process.env["IDF_EXTRA"] ?? "").split(":").filter((path) => path !== "");
  const parts = extra.flatMap((path) =>
    globSync("{,driver/,conversions/}include", { cwd: path }).map((name) => join(path, name)),
  );
  // ESP-IDF on Linux has headers that hide those of the C library.
  const idfFolders = found.filter((path) => !path.startsWith("components/linux/"));
  return [...idfFolders.map((path) => join(idf, path)), ...parts].filter(isFolder);
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}

type Result = { name: string; outcome: "good" | "missing" | "wrong"; said: string };

function compile(path: string, flags: readonly string[]): Result {
  const name = basename(path);
  const { status, stderr } = spawnSync(GXX.command, [...flags, path], { encoding: "utf8" });
  if (status === 0) return { name, outcome: "good", said: "" };
  const missing = /fatal error: (\S+): No such file/.exec(stderr)?.[1];
  const first = stderr.split("\n").find((line) => line.includes("error:")) ?? stderr.trim();
  if (missing === undefined) return { name, outcome: "wrong", said: first };
  return { name, outcome: "missing", said: `${missing} is missing in this checkout` };
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
