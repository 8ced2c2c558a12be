// SPDX-License-Identifier: Apache-2.0
// A small disk of its own at a folder, for those processes alone that run inside: a file system in memory, in a mount
// namespace that goes with its holder. Before it: commander-faults.test.ts. After it: `unshare`, `mount`, `nsenter`. As
// root, or as any user where the kernel lets users make namespaces; else `make` says why not.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./sealed-tools.ts";

const HOLD = 'mount -t tmpfs -o "size=$1,mode=0700" none "$0" && echo held && exec cat';
const PIECES_BYTES = [65_536, 4096, 1];
const FILLER = "filler";

export class SmallDisk {
  readonly folder: string;
  readonly #holder: ChildProcess;
  readonly #user: readonly string[];

  private constructor(folder: string, holder: ChildProcess, user: readonly string[]) {
    this.folder = folder;
    this.#holder = holder;
    this.#user = user;
  }

  /** Why there can be none here; null: there can. */
  static async refusal(): Promise<string | null> {
    const folder = makeFolder();
    try {
      const disk = await SmallDisk.make(folder, 1 << 20);
      await disk.close();
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** At a folder, which is made. Throws an Error that says why it can't be. */
  static async make(folder: string, bytes: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    const isRoot = process.getuid?.() === 0;
    const user = isRoot ? [] : ["--user", "--map-root-user"];
    const args = [...user, "--mount", "sh", "-c", HOLD, folder, String(bytes)];
    const holder = spawn("unshare", args, { stdio: ["pipe", "pipe", "pipe"] });
    const said: string[] = [];
    holder.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
    const ended = once(holder, "close").then(() => said.join("").trim() || "unshare ended");
    const why = await Promise.race([once(holder.stdout, "data").then(() => null), ended]);
    if (why !== null) throw new Error(why);
    return new SmallDisk(folder, holder, isRoot ? [] : ["--user", "--preserve-credentials"]);
  }

  /** Where this process, which is outside, finds the root of those inside. */
  get root(): string {
    return `/proc/${this.#holder.pid}/root`;
  }

  /** The command that runs a command inside, in the working folder `cwd`. */
  inside(command: readonly [string, ...string[]], cwd: string): [string, ...string[]] {
    const enter = ["--target", String(this.#holder.pid), ...this.#user, "--mount"];
    return ["nsenter", ...enter, "sh", "-c", 'cd "$0" && exec "$@"', cwd, ...command];
  }

  /** Until there is no room. */
  fill(): void {
    const file = openSync(this.#filler, "a", 0o600);
    try {
      for (const length of PIECES_BYTES) while (hasRoomFor(file, Buffer.alloc(length)));
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#filler);
  }

  /** What still runs inside keeps it. */
  async close(): Promise<void> {
    const gone = once(this.#holder, "exit");
    this.#holder.stdin?.end();
    await gone;
  }

  get #filler(): string {
    return join(this.root, this.folder, FILLER);
  }
}

function hasRoomFor(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
