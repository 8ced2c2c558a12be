// SPDX-License-Identifier: Apache-2.0
// Programs of others as parts of a system: where they are, how they are installed by name into build/peers, started
// on free ports, and ended with this process. Before it: bench-peers.ts. After it: peers.ts, which configures them.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { BUILD_DIR } from "../../../scripts/run.ts";
import type { RunningSystem, SystemPart } from "./system.ts";

const PEERS_DIR = join(BUILD_DIR, "peers");
const INSTALL_MS = 900_000;
const STOP_MS = 2000;

/** How one program is installed: by whom, and what takes how long at most. */
export type Source = { program: string; tool: "go" | "cargo"; name: string };

/** The program's path, from PATH or from an earlier run; null where it is to be installed. */
export function findProgram(program: string): string | null {
  const folders = [join(PEERS_DIR, "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  return found ?? null;
}

/** Installs it by name into build/peers. Throws with what the tool said last. */
export function install({ program, tool, name }: Source): string {
  const bin = join(PEERS_DIR, "bin");
  mkdirSync(bin, { recursive: true });
  const args = tool === "go" ? ["install", name] : ["install", name, "--root", PEERS_DIR];
  const env = { ...process.env, GOBIN: bin };
  const { error, status, stderr } = spawnSync(tool, args, {
    env,
    encoding: "utf8",
    timeout: INSTALL_MS,
  });
  if (error !== undefined) throw new Error(`${tool} can't be run: ${error.message}`);
  const said = stderr.trim().split("\n").at(-1) ?? "";
  if (status !== 0) throw new Error(`${tool} install ${name} failed: ${said}`);
  return join(bin, program);
}

/** One process of a system. */
export type Start = { role: string; path: string; args: readonly string[] };

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts these, in order; clients dial `port`. */
export function startPrograms(port: number, starts: readonly Start[]): RunningSystem {
  const children = starts.map(({ path, args }) => spawn(path, args, { stdio: "ignore" }));
  for (const child of children) {
    running.add(child);
    // A program that can't be started shows as a system that does not come up.
    child.on("error", () => {});
  }
  const parts = starts.map(({ role }, i): SystemPart => ({ role, pid: children[i]?.pid ?? 0 }));
  return { port, parts, stop: async () => void (await Promise.all(children.map(end))) };
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}

/** Free ports of loopback, for programs that take no 0. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
      return promise;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Files of a system for the time of a run: their paths, and how they go. */
export function writeFiles(files: Readonly<Record<string, string>>) {
  mkdirSync(PEERS_DIR, { recursive: true });
  const folder = mkdtempSync(join(PEERS_DIR, "run-"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  return {
    path: (name: string) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
