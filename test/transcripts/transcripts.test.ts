// SPDX-License-Identifier: Apache-2.0
// Plays every transcript on every engine of TEST_ENGINES: whole, in random splits and byte by byte. A
// transcript for every status of PROTOCOL 13.1 that bytes or calls can produce, and for every rule
// that has bytes. Before: the text files beside this. After: player.ts, machine.ts.

import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Status } from "../../host/core/abi.gen.ts";
import type { CoreEngine, EngineName } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { Rv32Engine } from "../../host/core/engine-rv32.ts";
import { run } from "../../scripts/run.ts";
import { isEmulated, openAndSay, TEST_ENGINES } from "../vectors/engines.ts";
import { BY_BYTE, type Cut, Machine, WHOLE } from "./machine.ts";
import { FOLDER, play, readTranscript, statusesOf } from "./player.ts";

const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .sort();
const LONGEST_PIECE = 700;

/** Statuses that no byte and no call brings about, and why. */
const NOT_PRODUCED: Readonly<Record<string, string>> = {
  Ok: "expected as 0",
  BadConfig: "control",
  OldConfig: "control",
  BadCode: "control",
  Exhausted: "a session that is used up is not sealed under",
  Internal: "a bug",
};

/** On an emulated machine these are played byte by byte; the others whole and in splits there. */
const BY_BYTE_EMULATED: readonly string[] = ["stream-opener.txt", "stream-accepter.txt"];

/** Random pieces, the same for the same label. */
function splits(label: string): Cut {
  let state = [...label].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) >>> 0, 7);
  const below = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % bound;
  };
  return (bytes) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const len = 1 + below(LONGEST_PIECE);
      pieces.push(bytes.subarray(at, at + len));
      at += len;
    }
    return pieces;
  };
}

const CUTS: readonly [how: string, cutOf: (file: string) => Cut][] = [
  ["whole", () => WHOLE],
  ["in random splits", splits],
  ["byte by byte", () => BY_BYTE],
];

/** A fresh instance: a machine that is emulated starts over, since a new one takes longer. */
function freshFrom(kept: CoreEngine, name: EngineName): CoreEngine {
  if (!(kept instanceof Rv32Engine)) return openEngine(name);
  kept.reset();
  return kept;
}

describe.each(TEST_ENGINES)("%s", (name) => {
  let kept: CoreEngine;
  beforeAll(() => {
    kept = openAndSay(name);
  });
  afterAll(() => kept.close());

  describe.each(CUTS)("%s", (how, cutOf) => {
    const isSlow = isEmulated(name) && how === "byte by byte";
    it.each(isSlow ? BY_BYTE_EMULATED : FILES)("%s", (file) => {
      const engine = freshFrom(kept, name);
      try {
        play(new Machine(engine, cutOf(file)), readTranscript(file));
      } finally {
        if (engine !== kept) engine.close();
      }
    });
  });
});

if (TEST_ENGINES.some(isEmulated)) {
  console.log(`byte by byte, emulated engines play only: ${BY_BYTE_EMULATED.join(", ")}`);
}

describe("the collection", () => {
  it("has a transcript for every status that bytes or calls can produce", () => {
    const expected = new Set(FILES.flatMap((file) => statusesOf(readTranscript(file))));
    const missing = Object.keys(Status).filter((name) => !expected.has(name));
    expect(missing.sort()).toEqual(Object.keys(NOT_PRODUCED).sort());
  });

  it("is what scripts/make-transcripts.ts makes of this core", async () => {
    const { code, output } = await run("node", ["scripts/make-transcripts.ts", "--check"]);
    expect(code, output).toBe(0);
  });
});
