// SPDX-License-Identifier: Apache-2.0
// Runs sessions.pml through SPIN: its C program visits every state within the faults given. What is
// asked stands in SESSION_PROPERTIES; `holds` has to end without an error, the others with one.

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "../../scripts/run.ts";

export type SessionProperty = {
  kind: "holds" | "mutation";
  text: string;
  defines: readonly string[];
};

export const SESSION_PROPERTIES: readonly SessionProperty[] = [
  {
    kind: "holds",
    text: "3 faults: one session in the end, message 1 changes none, nothing is sent before message 3",
    defines: ["FAULTS=3"],
  },
  {
    kind: "mutation",
    text: "lower id answers while it repeats message 3: two handshakes cross",
    defines: ["FAULTS=3", "MUTATE_CROSS_OFFER"],
  },
  {
    kind: "mutation",
    text: "lower id finishes its own and goes on answering: two handshakes cross",
    defines: ["FAULTS=3", "MUTATE_CROSS_ANSWER"],
  },
  { kind: "mutation", text: "both sides win the glare", defines: ["MUTATE_BOTH_WIN"] },
  { kind: "mutation", text: "both sides lose the glare", defines: ["MUTATE_BOTH_LOSE"] },
  { kind: "mutation", text: "responder takes the session at message 1", defines: ["MUTATE_EARLY"] },
  { kind: "mutation", text: "an unknown index is not answered", defines: ["MUTATE_SILENT"] },
  { kind: "mutation", text: "initiator wipes the old session at once", defines: ["MUTATE_BREAK"] },
  { kind: "mutation", text: "message 1 is sent once", defines: ["MUTATE_ONCE"] },
];

/** A run takes about 7 s and 1 GB at three faults. */
const MEMORY_MB = 1500;
const DEPTH = 50_000;
const TIMEOUT_MS = 240_000;

export type SessionAnswer = { isReached: boolean; isExpected: boolean; output: string };

/** Whether SPIN finds an error, whether it should, and the last steps that lead to it. */
export async function askSessions(property: SessionProperty): Promise<SessionAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "model-"));
  try {
    await copyFile(join(ROOT, "test/model/sessions.pml"), join(folder, "s.pml"));
    const defines = property.defines.map((name) => `-D${name}`).join(" ");
    const compile = `gcc -O1 -w -DSAFETY -DNOREDUCE -DMEMLIM=${MEMORY_MB} -o pan pan.c`;
    const script = `cd "$1" && spin -a ${defines} s.pml && ${compile} && ./pan -n -m${DEPTH}`;
    const checked = await run("sh", ["-c", script, "sh", folder], { timeoutMs: TIMEOUT_MS });
    const errors = /errors: (\d+)/.exec(checked.output)?.[1];
    // A search that was cut short proves nothing.
    if (errors === undefined || /max search depth|out of memory/.test(checked.output)) {
      throw new Error(`SPIN has no answer to "${property.text}": ${checked.output.slice(-500)}`);
    }
    const isReached = errors !== "0";
    const trail = `cd "$1" && spin -t -p -g ${defines} s.pml | tail -60`;
    const trace = isReached ? (await run("sh", ["-c", trail, "sh", folder])).output : "";
    const isExpected = isReached === (property.kind !== "holds");
    return { isReached, isExpected, output: checked.output + trace };
  } finally {
    await rm(folder, { recursive: true });
  }
}
