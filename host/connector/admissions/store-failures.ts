// SPDX-License-Identifier: Apache-2.0
// What SQLite says when a Connector's admissions can't be read or written, as sentences: which file, what
// happened, what to do now. Before it: store.ts. After it: the log, or the end of the start. Anything else
// that SQLite says is a bug, and stays as it is.

import { AppError, type AppErrorCode } from "../../service/app-error.ts";

type Failure = [code: AppErrorCode, what: string];

const LOCKED: Failure = [
  "AlreadyRunning",
  "is held by another process: nothing was changed. Stop the other one.",
];
const DAMAGED: Failure = [
  "BadFile",
  "is damaged, or no database at all: move it away and start again; the Commander tells whom to admit once it is connected.",
];

/** By SQLite's primary result code. https://sqlite.org/rescode.html */
const FAILURES: Readonly<Record<number, Failure>> = {
  5: LOCKED,
  6: LOCKED,
  8: ["NotWritten", "can't be written: check who owns it and its folder."],
  10: ["NotWritten", "can't be read or written: check the disk."],
  11: DAMAGED,
  13: ["NotWritten", "has no room on its disk: nothing was changed. Make room."],
  14: ["NotWritten", "can't be opened: check who owns its folder."],
  26: DAMAGED,
};
const PRIMARY = 0xff;

/** Does it, and turns what SQLite says of the file itself into an AppError. */
export function guarded<Value>(file: string, act: () => Value): Value {
  try {
    return act();
  } catch (error) {
    const [code, what] = failureOf(error) ?? [];
    if (code === undefined) throw error;
    throw new AppError(code, `${file} ${what}`, { cause: error });
  }
}

export function unusable(file: string, what: string): AppError {
  return new AppError("BadFile", `${file} ${what}`);
}

function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return FAILURES[Number(error.errcode) & PRIMARY];
}
