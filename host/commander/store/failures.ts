// SPDX-License-Identifier: Apache-2.0
// What SQLite and the file system say when the database can't be used, as problems: which file, what happened,
// what to do now. Before it: every statement. After it: the API's error, the command line. Anything else
// SQLite says is a bug, and stays as it is.

import { type ProblemCode, Refusal } from "../domain/problem.ts";

type Failure = { code: ProblemCode; what: string };

/** By SQLite's primary result code. https://sqlite.org/rescode.html */
const FAILURES: Readonly<Record<number, Failure>> = {
  5: locked(),
  6: locked(),
  8: { code: "StoreUnusable", what: "can't be written: check who owns it and its folder." },
  10: { code: "StoreUnusable", what: "can't be read or written: check the disk." },
  11: damaged(),
  13: {
    code: "StoreFull",
    what: "has no room on its disk: nothing was changed. Make room, then try again.",
  },
  14: { code: "StoreUnusable", what: "can't be opened: check the path, and who owns its folder." },
  26: damaged(),
};

function locked(): Failure {
  return {
    code: "StoreLocked",
    what: "is held by another process: nothing was changed. Try again, or stop the other one.",
  };
}

function damaged(): Failure {
  return {
    code: "StoreDamaged",
    what: "is damaged, or no database at all: restore the last backup, and keep this file.",
  };
}

/** Does it, and turns what SQLite says of the database itself into a Refusal. */
export function guarded<Value>(file: string, act: () => Value): Value {
  try {
    return act();
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    throw refusalOf(failure.code, file, failure.what, error);
  }
}

export function refusalOf(code: ProblemCode, file: string, what: string, cause?: unknown): Refusal {
  const sentence = `The database ${file} ${what}`;
  return new Refusal([{ code, path: [], sentence }], { cause });
}

const PRIMARY = 0xff;

function failureOf(error: unknown): Failure | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return FAILURES[Number(error.errcode) & PRIMARY] ?? null;
}
