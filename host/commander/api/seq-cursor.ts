// SPDX-License-Identifier: Apache-2.0
// Cursors of lists that go from the newest to the oldest: the number of a page's last row. Before it: codes.ts,
// tokens.ts, audit.ts. After it: the next page's query.

import { fieldProblem, Refusal } from "../domain/problem.ts";

export function seqCursor(seq: number | undefined): string | null {
  return seq === undefined ? null : String(seq);
}

/** Throws Refusal(Invalid): a cursor that no list gave. */
export function seqOf(cursor: string): number {
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  const what = "is none that this list gave: begin with the first page again.";
  throw new Refusal([fieldProblem("Invalid", "The request", ["cursor"], what)]);
}
