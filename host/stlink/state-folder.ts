// SPDX-License-Identifier: Apache-2.0
// Where an STLink keeps what a Commander gave it: a folder for its owner alone (0700), a few files in it
// (0600). Before it: holdings.ts. After it: the disk. Invariant: a file is whole, or as it was before,
// whenever the process is killed or the power goes: written beside, fsync, rename, fsync of the folder.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { makeFolders } from "../service/folders.ts";

const OTHERS = 0o077;

export type StateFile = "stlink.key" | "next.key" | "configuration" | "lease" | "code";

export class StateFolder {
  readonly path: string;

  /** The folder, which is there. Throws AppError: BadFile, BadKeyFile (others may read it). */
  constructor(path: string) {
    this.path = resolve(path);
    checkFolder(this.path);
  }

  /** Makes the folder where it is not there. Throws AppError: NotWritten too. */
  static make(path: string): StateFolder {
    try {
      makeFolders(path);
    } catch (error) {
      // What is there and is no folder gets its own sentence.
      if (systemCode(error) !== "EEXIST") throw notWritten(path, error);
    }
    return new StateFolder(path);
  }

  pathOf(name: StateFile): string {
    return join(this.path, name);
  }

  has(name: StateFile): boolean {
    return statSync(this.pathOf(name), { throwIfNoEntry: false }) !== undefined;
  }

  /** null: it is not there. Throws AppError: BadFile, BadKeyFile (others may read it). */
  load(name: StateFile): Uint8Array | null {
    if (!this.has(name)) return null;
    const path = this.pathOf(name);
    const handle = openFor(path, "r", (error) => {
      const message = `${path} can't be read: ${systemReason(error)}.`;
      return new AppError("BadFile", message, { cause: error });
    });
    try {
      const status = fstatSync(handle);
      if (!status.isFile()) throw new AppError("BadFile", `${path} is no file: move it away.`);
      if ((status.mode & OTHERS) === 0) return new Uint8Array(readFileSync(handle));
      const message = `${path} holds secrets and others may read it: chmod 600 ${path}`;
      throw new AppError("BadKeyFile", message);
    } finally {
      closeSync(handle);
    }
  }

  /** Whole or not there. Throws AppError(NotWritten): then what was there before is there still. */
  save(name: StateFile, bytes: Uint8Array | string): void {
    const path = this.pathOf(name);
    const beside = `${path}.new`;
    try {
      rmSync(beside, { force: true });
      writeSynced(beside, bytes);
      renameSync(beside, path);
      this.#sync();
    } catch (error) {
      if (systemCode(error) === "") throw error;
      throw notWritten(path, error);
    }
  }

  /** It is not there any more. Throws AppError(NotWritten). */
  remove(name: StateFile): void {
    const path = this.pathOf(name);
    try {
      rmSync(path, { force: true });
      this.#sync();
    } catch (error) {
      if (systemCode(error) === "") throw error;
      throw notWritten(path, error);
    }
  }

  #sync(): void {
    const handle = openSync(this.path, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}

function checkFolder(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) {
    const message = `${path} is not there: "sealed stlink activate" makes it.`;
    throw new AppError("BadFile", message);
  }
  if (!status.isDirectory()) {
    const message = `${path} is no folder: an STLink of a Commander keeps its state in one; a site's file is given without --state.`;
    throw new AppError("BadFile", message);
  }
  if (status.uid !== userInfo().uid) {
    const message = `${path} is another user's folder: run as that user, or choose a folder of yours.`;
    throw new AppError("BadKeyFile", message);
  }
  if ((status.mode & OTHERS) === 0) return;
  throw new AppError(
    "BadKeyFile",
    `${path} holds secrets and others may read it: chmod 700 ${path}`,
  );
}

function writeSynced(path: string, bytes: Uint8Array | string): void {
  const handle = openSync(path, "wx", 0o600);
  try {
    writeFileSync(handle, bytes);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function openFor(path: string, flags: string, toError: (error: unknown) => AppError): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw toError(error);
  }
}

function notWritten(path: string, error: unknown): AppError {
  const message = `${path} can't be written: ${systemReason(error)}.`;
  return new AppError("NotWritten", message, { cause: error });
}
