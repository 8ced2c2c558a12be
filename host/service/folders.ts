// SPDX-License-Identifier: Apache-2.0
// Makes a folder and those above it that are missing. Before it: whoever was given a path. After it: the file
// system. Node's own way (`recursive`) never returns where a file system answers "no such file" to making one in
// a folder that is there, as /proc does.

import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const OWNER_ALONE = 0o700;

/**
 * Those that it makes are for their owner alone; one that is there stays as it is.
 * @throws the system's error where one can't be made: EEXIST too, of what is there and is no folder.
 */
export function makeFolders(path: string): void {
  if (isFolder(path)) return;
  const above = dirname(path);
  if (!existsSync(above)) makeFolders(above);
  try {
    mkdirSync(path, { mode: OWNER_ALONE });
  } catch (error) {
    // Somebody else may have made it since.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
