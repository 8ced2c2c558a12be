// SPDX-License-Identifier: Apache-2.0
// The transcripts as a whole: one for every status of PROTOCOL 13.1 that bytes or calls can produce,
// and all of them what scripts/make-transcripts.ts makes of this core.

import { expect, it } from "vitest";
import { Status } from "../../host/core/abi.gen.ts";
import { run } from "../../scripts/run.ts";
import { readTranscript, statusesOf } from "./player.ts";
import { FILES } from "./playing.ts";

/** Statuses that no byte and no call brings about, and why. */
const NOT_PRODUCED: Readonly<Record<string, string>> = {
  Ok: "it is expected as 0",
  Internal: "a bug",
  Exhausted: "a session that is used up is not sealed under: a new one is made before",
};

it("there is a transcript for every status that bytes or calls can produce", () => {
  const expected = new Set(FILES.flatMap((file) => statusesOf(readTranscript(file))));
  const missing = Object.keys(Status).filter((name) => !expected.has(name));
  expect(missing.sort()).toEqual(Object.keys(NOT_PRODUCED).sort());
});

it("the transcripts are what scripts/make-transcripts.ts makes of this core", async () => {
  const { code, output } = await run("node", ["scripts/make-transcripts.ts", "--check"]);
  expect(code, output).toBe(0);
});
