// SPDX-License-Identifier: Apache-2.0
// Brings the upstream sources of a Debian source package into build/, never to be committed: lwIP for
// build-virt.ts, BearSSL for bench-images.ts. apt checks signature and checksum; it gets a list of its
// own, made from the system's, which stays as it is. Says how much it fetches before it does.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runTool } from "./native-build.ts";

const APT_TIMEOUT_MS = 120_000;
/** Where this system gets Debian's packages from; its sources lie beside them. */
const SYSTEM_SOURCES = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/** Unpacks the package's archive as `folder`, unless it is there. Throws with what apt said. */
export function fetchDebianSource(name: string, folder: string): void {
  if (existsSync(folder)) return;
  const aside = `${folder}.apt`;
  for (const part of ["lists/partial", "cache", "unpacked"]) {
    mkdirSync(join(aside, part), { recursive: true });
  }
  const options = [
    `Dir::Etc::sourcelist=${writeSourceList(name, aside)}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::lists=${join(aside, "lists")}`,
    `Dir::Cache=${join(aside, "cache")}`,
  ].flatMap((option) => ["-o", option]);
  console.log(`${name}: its source comes from Debian; first the lists of packages, about 10 MB`);
  apt(name, aside, [...options, "update"]);
  const size = apt(name, aside, [...options, "source", "--print-uris", name]);
  console.log(`${name}: ${/Need to get (.*) of source/.exec(size)?.[1] ?? "unknown size"}`);
  apt(name, aside, [...options, "source", "--download-only", name]);
  const [archive] = globSync(`${name}_*.orig.tar.*`, { cwd: aside });
  if (archive === undefined) throw new Error(`Debian's source package of ${name} has no archive`);
  const unpacked = join(aside, "unpacked");
  runTool("tar", ["-xf", join(aside, archive), "-C", unpacked, "--strip-components=1"]);
  renameSync(unpacked, folder);
  rmSync(aside, { recursive: true, force: true });
}

/** The system's list of packages as a list of source packages. */
function writeSourceList(name: string, folder: string): string {
  const system = SYSTEM_SOURCES.find((path) => existsSync(path) && statSync(path).size > 0);
  if (system === undefined) throw new Error(`${name} comes from Debian: this system has no apt`);
  const list = join(folder, system.endsWith(".sources") ? "sources.sources" : "sources.list");
  const text = readFileSync(system, "utf8").replace(/^Types: .*$/gm, "Types: deb-src");
  writeFileSync(list, text.replace(/^deb /gm, "deb-src "));
  return list;
}

function apt(name: string, folder: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync("apt-get", args, {
    cwd: folder,
    encoding: "utf8",
    timeout: APT_TIMEOUT_MS,
  });
  if (status === 0) return stdout;
  throw new Error(
    `the source of ${name} could not be had from Debian: ${error?.message ?? stderr}`,
  );
}
