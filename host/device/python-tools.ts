// SPDX-License-Identifier: Apache-2.0
// PlatformIO, esptool and Espressif's NVS generator in .venv, from PyPI at pinned versions, made when they
// are first needed. Before it: `npm run pio`, `sealed device flash`. After it: the paths of the tools.
// SCons takes the place of PlatformIO's own package of it, so its registry is not asked for one. One
// process installs at a time. Invariant: .venv/ready holds the list that was installed, written last.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError, systemCode } from "../service/app-error.ts";

/** The repository; in the npm package there are neither boards nor firmware. */
export const REPOSITORY: string = join(import.meta.dirname, "..", "..");

const REQUIREMENTS = join(REPOSITORY, "boards", "platform", "requirements.txt");
const VENV = join(REPOSITORY, ".venv");
const READY = join(VENV, "ready");
const LOCK = join(VENV, "lock");
const LOOK_MS = 100;
const CORE_FOLDER = join(VENV, "platformio");
/** Measured: 13 s on two cores. */
const SIZES = "to download: 17 MB, installed: 113 MB, about 20 s";
/** The package that PlatformIO 6.2.0 asks its registry for: SCons 4.11.1, in its numbering. */
const SCONS_VERSION = "4.41101.0";
const SCONS_START = "import SCons.Script\n\nSCons.Script.main()\n";

/** Where a tool of .venv is, and what its environment needs. */
export type PythonTools = { tool(name: string): string; env: Record<string, string> };

/** Installs what is not there yet, after saying how large it is. Throws AppError(ToolMissing). */
export function preparePythonTools(): PythonTools {
  requireRepository();
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  while (!isReady(wanted)) installAlone(wanted);
  return {
    tool: (name) => join(VENV, "bin", name),
    env: { PLATFORMIO_CORE_DIR: CORE_FOLDER, PLATFORMIO_SETTING_ENABLE_TELEMETRY: "no" },
  };
}

/** Throws AppError(ToolMissing) in the npm package. */
export function requireRepository(): void {
  if (existsSync(REQUIREMENTS)) return;
  const message = "Firmware is built in the project's repository, which has its sources: clone it.";
  throw new AppError("ToolMissing", message);
}

function isReady(wanted: string): boolean {
  return existsSync(READY) && readFileSync(READY, "utf8") === wanted;
}

/** Installs; where another process does so, waits a little for it instead. */
function installAlone(wanted: string): void {
  mkdirSync(VENV, { recursive: true });
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    if (isAbandoned()) rmSync(LOCK, { force: true });
    return;
  }
  try {
    if (!isReady(wanted)) install(wanted);
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/** The process that held the lock has died, such as by Ctrl-C. */
function isAbandoned(): boolean {
  try {
    process.kill(Number(readFileSync(LOCK, "utf8")), 0);
    return false;
  } catch (error) {
    return systemCode(error) === "ESRCH";
  }
}

function install(wanted: string): void {
  console.error(`PlatformIO, esptool and the NVS generator into .venv: ${SIZES}`);
  step("python3", ["-m", "venv", VENV], "python3 with its venv module (Debian: python3-venv)");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  step(join(VENV, "bin", "python"), [...pip, "-r", REQUIREMENTS], "the Python package index");
  placeScons();
  writeFileSync(READY, wanted);
}

function step(command: string, args: readonly string[], needs: string): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  const said = (stderr || String(error)).trim().split("\n").at(-1);
  throw new AppError("ToolMissing", `.venv can't be made: it needs ${needs}. ${said}`);
}

/** A folder that PlatformIO takes for its package tool-scons. */
function placeScons(): void {
  const folder = join(CORE_FOLDER, "packages", "tool-scons");
  mkdirSync(folder, { recursive: true });
  const about = { type: "tool", name: "tool-scons", version: SCONS_VERSION };
  const spec = { owner: "platformio", name: "tool-scons" };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...about, system: "*" }));
  writeFileSync(join(folder, ".piopm"), JSON.stringify({ ...about, spec }));
  writeFileSync(join(folder, "scons.py"), SCONS_START);
}
