// SPDX-License-Identifier: Apache-2.0
// The tests of one engine: every transcript whole, in random splits and byte by byte; on an emulated
// machine in splits, and some byte by byte. Before: v8.test.ts, wasm3.test.ts, ..., one for each engine
// so that they run side by side. After: player.ts, machine.ts.

import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { CoreEngine, EngineName } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { Rv32Engine } from "../../host/core/engine-rv32.ts";
import { isEmulated, openAndSay, TEST_ENGINES } from "../vectors/engines.ts";
import { BY_BYTE, type Cut, Machine, WHOLE } from "./machine.ts";
import { FOLDER, play, readTranscript } from "./player.ts";

export const FILES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .sort();

const LONGEST_PIECE = 700;
/** Decides all splits, together with a transcript's name; the C++ reader is given the same. */
export const SPLIT_SEED = 7;

/** Random pieces, the same for the same label. */
export function splits(label: string): Cut {
  const hashed = (hash: number, char: string): number =>
    (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  let state = [...label].reduce(hashed, SPLIT_SEED);
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

type Way = { how: string; cutOf: (file: string) => Cut; files: readonly string[] };

const EVERY_WAY: readonly Way[] = [
  { how: "whole", cutOf: () => WHOLE, files: FILES },
  { how: "in random splits", cutOf: splits, files: FILES },
  { how: "byte by byte", cutOf: () => BY_BYTE, files: FILES },
];

/** An emulated machine takes minutes for all of the above. */
const EMULATED_WAYS: readonly Way[] = [
  { how: "in random splits", cutOf: splits, files: FILES },
  { how: "byte by byte", cutOf: () => BY_BYTE, files: ["hop-stlink.txt", "stream-data.txt"] },
];

/** A fresh instance: a machine that is emulated starts over, since a new one takes longer. */
function freshFrom(kept: CoreEngine, name: EngineName): CoreEngine {
  if (!(kept instanceof Rv32Engine)) return openEngine(name);
  kept.reset();
  return kept;
}

/** Declares the tests of an engine, where TEST_ENGINES names it. */
export function testEngine(name: EngineName): void {
  if (!TEST_ENGINES.includes(name)) return;
  const ways = isEmulated(name) ? EMULATED_WAYS : EVERY_WAY;
  for (const { how, files } of ways)
    console.log(`${name}: ${files.length} transcripts ${how} (seed ${SPLIT_SEED})`);
  describe(name, () => {
    let kept: CoreEngine;
    beforeAll(() => {
      kept = openAndSay(name);
    });
    afterAll(() => kept.close());

    describe.each(ways)("$how", ({ cutOf, files }) => {
      it.each(files)("%s", (file) => {
        const engine = freshFrom(kept, name);
        try {
          play(new Machine(engine, cutOf(file)), readTranscript(file));
        } finally {
          if (engine !== kept) engine.close();
        }
      });
    });
  });
}
