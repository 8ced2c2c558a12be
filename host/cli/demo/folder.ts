// SPDX-License-Identifier: Apache-2.0
// The demo's folder: keys, files, logs and sockets of one run, for its user alone, under the system's
// temporary one. Before it: play.ts. After it: everything that the demo starts. A run that was killed
// could not remove its own: the next one does, by the process id in the name.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAME = /^sealed-demo-(\d+)-\w{6}$/;

/** A new folder, after what dead runs left has been removed. */
export function makeFolder(): string {
  sweep();
  return mkdtempSync(join(tmpdir(), `sealed-demo-${process.pid}-`));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeQuietly(join(tmpdir(), name));
  }
}

/** Whether there is such a process, another user's too. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** It may be another user's, who removes it at his next start. */
function removeQuietly(folder: string): void {
  try {
    removeFolder(folder);
  } catch {}
}
