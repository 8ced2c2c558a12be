// SPDX-License-Identifier: Apache-2.0
// Looks for secrets in the memory of another process: every readable map of it, as the kernel shows them
// in /proc. Before it: a test that has stopped the process, so that nothing moves. Linux alone.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const CHUNK_BYTES = 4 << 20;
/** The kernel's own pages: no file shows them. */
const KERNEL_MAPS = ["[vvar]", "[vvar_vclock]", "[vsyscall]"];

export type Found = {
  /** The names of the needles that lie there somewhere. */
  names: string[];
  bytesRead: number;
};

/** Searches the memory of a process that is a child of this one, or of the same superuser. */
export function searchMemory(pid: number, needles: ReadonlyMap<string, Buffer>): Found {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const names = new Set<string>();
  const overlap = Math.max(...[...needles.values()].map(({ length }) => length)) - 1;
  let bytesRead = 0;
  try {
    for (const chunk of chunksOf(memory, pid, overlap)) {
      bytesRead += chunk.length;
      for (const [name, needle] of needles) if (chunk.includes(needle)) names.add(name);
    }
  } finally {
    closeSync(memory);
  }
  return { names: [...names].sort(), bytesRead };
}

/** Each chunk begins with the last `overlap` bytes of the one before in its map. The buffer is reused. */
function* chunksOf(memory: number, pid: number, overlap: number): Generator<Buffer> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (const [from, to] of readableMaps(pid)) {
    for (let at = from; at < to; at += CHUNK_BYTES - overlap) {
      const have = readAt(memory, buffer, at, Math.min(CHUNK_BYTES, to - at));
      if (have === 0) break;
      yield buffer.subarray(0, have);
    }
  }
}

function readableMaps(pid: number): [number, number][] {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  const readable = lines.filter((line) => /^\S+ r/.test(line));
  const shown = readable.filter((line) => !KERNEL_MAPS.some((name) => line.endsWith(name)));
  return shown.map((line) => {
    const [from = "", to = ""] = (line.split(" ")[0] ?? "").split("-");
    return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  });
}

/** 0 where the map has no bytes to show, as behind the end of a mapped file. */
function readAt(memory: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(memory, buffer, 0, length, at);
  } catch {
    return 0;
  }
}
