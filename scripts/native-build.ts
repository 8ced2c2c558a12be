// SPDX-License-Identifier: Apache-2.0
// Compiles C and C++ for the builds of the firmware, its images and tests, and for
// host/wasm3-node/build.ts: direct compiler calls, no make. What a build makes is named after a hash of
// everything that went into it (command, compiler's version, source, headers), so nothing is ever stale
// and different inputs do not disturb one another. Synchronous, since engines are opened synchronously.
// Invariant: a file under its final name is complete (written aside, then renamed).

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ROOT } from "./run.ts";

/** Who holds a lock may have to fetch sources over a slow line before it compiles (debian-source.ts). */
const LOCK_TIMEOUT_MS = 600_000;
const LOCK_RETRY_MS = 50;
const COMPILE_TIMEOUT_MS = 300_000;
/** How many results of one name are kept, the latest used: other cores, other flags. */
const KEPT_RESULTS = 8;

/** wasm3 0.5.0's C sources, as npm's react-native-webassembly carries them. */
export const WASM3_FOLDER = join(ROOT, "node_modules", "react-native-webassembly", "cpp");
export const WASM3_FILES: readonly string[] = [
  "m3_bind",
  "m3_code",
  "m3_compile",
  "m3_core",
  "m3_env",
  "m3_exec",
  "m3_function",
  "m3_info",
  "m3_module",
  "m3_parse",
].map((name) => join(WASM3_FOLDER, `${name}.c`));

/** They decide the layout of wasm3's structures: the same for every file that sees its headers. */
export const WASM3_SETTINGS: readonly string[] = [
  "-DNDEBUG",
  "-Dd_m3HasFloat=0",
  "-Dd_m3MaxFunctionStackHeight=128",
  "-Dd_m3MaxConstantTableSize=120",
  "-Dd_m3VerboseErrorMessages=0",
  "-Dd_m3CodePageAlignSize=1024",
  "-Dd_m3MaxDuplicateFunctionImpl=1",
  "-isystem",
  WASM3_FOLDER,
];

/** Its allocator becomes the firmware's own (firmware/core/arena.h), for its sources alone. */
export const WASM3_IN_ARENA: readonly string[] = ["calloc", "realloc", "free"].map(
  (name) => `-D${name}=arena_${name}`,
);

export type Tool = { command: string; debianPackage: string; versionFlag?: string };

export type Source = {
  path: string;
  flags: readonly string[];
  /** Files, and folders of files, that the object depends on beside the source. */
  dependsOn: readonly string[];
};

export type Compiled = { objects: string[]; compiledCount: number };

/** 16 hexadecimal digits over texts and the contents of files (a folder: its C files and headers). */
export function hashOf(texts: readonly string[], paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\0");
  for (const file of paths.flatMap(filesOf)) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex").slice(0, 16);
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => /\.[ch]$/.test(name));
  return names.sort().map((name) => join(path, name));
}

/** The tool's version line; throws with the package to install when it is not there. */
export function requireTool({ command, debianPackage, versionFlag = "--version" }: Tool): string {
  const { status, stdout } = spawnSync(command, [versionFlag], { encoding: "utf8" });
  if (status === 0) return stdout.split("\n")[0] ?? "";
  throw new Error(`${command} is not installed (Debian: apt install ${debianPackage})`);
}

/** Makes the objects that are not there yet; gives the paths of all, in order. */
export function compileAll(compiler: Tool, folder: string, sources: readonly Source[]): Compiled {
  const version = requireTool(compiler);
  let compiledCount = 0;
  const objects = sources.map((source) => {
    const hash = hashOf([version, ...source.flags], [source.path, ...source.dependsOn]);
    const object = join(folder, `${basename(source.path).replace(/\.\w+$/, "")}-${hash}.o`);
    const isNew = makeOnce(object, (aside) => {
      runTool(compiler.command, [...source.flags, "-c", source.path, "-o", aside]);
    });
    if (isNew) compiledCount += 1;
    return object;
  });
  return { objects, compiledCount };
}

/** Makes a file or folder under a name aside, unless it is there; true when it was made. */
export function makeOnce(result: string, make: (aside: string) => void): boolean {
  if (existsSync(result)) {
    const now = new Date();
    utimesSync(result, now, now); // the longest unused go first
    return false;
  }
  mkdirSync(dirname(result), { recursive: true });
  const aside = `${result}.${process.pid}.tmp`;
  try {
    make(aside);
    putInPlace(aside, result);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  dropOldResults(result);
  return true;
}

/** Another process may have been first: what it made is the same, and no rename replaces a folder. */
function putInPlace(aside: string, result: string): void {
  try {
    renameSync(aside, result);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "EEXIST"].includes(code)) throw error;
  }
}

function dropOldResults(latest: string): void {
  const folder = dirname(latest);
  const seriesOf = (name: string) => name.replace(/-[0-9a-f]{16}(\.\w+)?$/, "");
  const series = seriesOf(basename(latest));
  const byAge = readdirSync(folder)
    .filter((name) => seriesOf(name) === series && !name.endsWith(".tmp"))
    .map((name) => ({ path: join(folder, name), usedMs: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.usedMs - a.usedMs);
  for (const { path } of byAge.slice(KEPT_RESULTS)) rmSync(path, { recursive: true, force: true });
}

/** Runs a tool to its end; throws with what it said when it fails. */
export function runTool(command: string, args: readonly string[]): void {
  const run = spawnSync(command, args, { encoding: "utf8", timeout: COMPILE_TIMEOUT_MS });
  if (run.status === 0) return;
  const said = run.stderr || String(run.error ?? `ended with ${run.status ?? run.signal}`);
  throw new Error(`${command} ${args.join(" ")}\n${said}`);
}

/** Does `work` while no other process does so for `folder`; takes over a lock whose owner is gone. */
export function withLock<T>(folder: string, work: () => T): T {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, "lock");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  while (!takeLock(lock)) {
    if (Date.now() > deadline) throw new Error(`another build holds ${lock}; is it still running?`);
    Atomics.wait(cell, 0, 0, LOCK_RETRY_MS);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): boolean {
  try {
    const file = openSync(lock, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (isAbandoned(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isAbandoned(lock: string): boolean {
  try {
    const owner = Number(readFileSync(lock, "utf8"));
    if (owner === 0) return false; // just being written
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
