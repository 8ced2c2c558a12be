// SPDX-License-Identifier: Apache-2.0
// The tests of the C++ reader (firmware/test) on one vm of the firmware, natively: every transcript
// whole, in splits and byte by byte ends with the same linear memory as here on V8, and broken ones
// are refused with the same words. Before: reader-wasm3.test.ts, reader-aot.test.ts. After:
// scripts/build-reader.ts, player.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "../../host/core/engine-open.ts";
import { buildReader, type ReaderVm } from "../../scripts/build-reader.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { TEST_ENGINES } from "../vectors/engines.ts";
import { BY_BYTE, type Cut, Machine, WHOLE } from "./machine.ts";
import { FOLDER, play, readTranscript } from "./player.ts";
import { FILES, SPLIT_SEED, splits } from "./playing.ts";

/** Of one run over all transcripts, which takes seconds. */
const TIMEOUT_MS = 240_000;
/** The engine that decides whether a vm is tested: what that one needs is there. */
const ALONG_WITH = { wasm3: "wasm3", aot: "rv32-aot" } as const;

const WAYS: { how: string; word: string; cutOf: (file: string) => Cut }[] = [
  { how: "whole", word: "whole", cutOf: () => WHOLE },
  { how: "in random splits", word: "splits", cutOf: splits },
  { how: "byte by byte", word: "bytes", cutOf: () => BY_BYTE },
];

/** What is wrong with each, and its lines. They lie beside a transcript that they can include. */
const BROKEN: Record<string, string> = {
  "another byte is expected": "include start-stlink.txt\nexpect tx 0 00",
  "bytes are expected where none are": `include hop-padding.txt\nexpect out 0 ${"ab".repeat(150)}`,
  "another number is expected": "call sizes_ptr\nexpect 1",
  "another status is expected": "call tick 1\nexpect status BadTag",
  "a status is expected that is none": "call tick 1\nexpect status BadTag2",
  "a status is not expected": "call tick 1\n# which nobody expects\nwork",
  "a status is not expected at the end": "work\ncall tick 1",
  "an odd number of digits": "seed 123",
  "upper case": "arg AB",
  "no number": "now 12x",
  "a number that is missing": "size HOPS",
  "a size that is none": "size HOPPS 3",
  "a role that is none": "start relay",
  "a line that is none": "gve 0 12",
  "two spaces": "rx  0 12",
  "a hop that is not there": "include start-stlink.txt\nrx 0 12",
  "a packet that is not there": "include start-stlink.txt\nexpect packet 0 0 0 - 00",
};

/** Runs the program; what it says of each file, by name. */
function runReader(
  vm: ReaderVm,
  folder: string,
  word: string,
  files: readonly string[],
): Map<string, string> {
  const args = [CORE_WASM, folder, word, `${SPLIT_SEED}`, ...files];
  const run = spawnSync(buildReader(vm, CORE_WASM), args, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  const said = new Map<string, string>();
  for (const line of run.stdout.split("\n")) {
    const [verdict = "", file = "", ...rest] = line.split(" ");
    if (file !== "") said.set(file, `${verdict} ${rest.join(" ")}`);
  }
  return said;
}

/** What the reader here makes of a transcript on V8, in the program's words. */
function expectedOf(file: string, cut: Cut): string {
  const engine = openEngine("v8");
  try {
    const lines = readTranscript(file);
    play(new Machine(engine, cut), lines);
    const memory = engine.read(0, engine.memoryBytes());
    return `ok ${lines.length} ${hashOf(memory).toString(16).padStart(8, "0")}`;
  } catch (error) {
    return `failed ${(error as Error).message.replaceAll("\n", " ")}`;
  } finally {
    engine.close();
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return hash >>> 0;
}

/** Declares the tests on one vm, where TEST_ENGINES names its engine. */
export function testReader(vm: ReaderVm): void {
  if (!TEST_ENGINES.includes(ALONG_WITH[vm])) return;
  describe(`the C++ reader on ${vm}`, () => {
    beforeAll(() => {
      buildReader(vm, CORE_WASM);
    });

    describe.each(WAYS)("$how", ({ how, word, cutOf }) => {
      let said: ReadonlyMap<string, string>;
      beforeAll(() => {
        console.log(`reader on ${vm}: ${FILES.length} transcripts ${how} (seed ${SPLIT_SEED})`);
        said = runReader(vm, FOLDER, word, FILES);
      });
      it.each(FILES)("%s", (file) => {
        expect(said.get(file)).toBe(expectedOf(file, cutOf(file)));
      });
    });

    describe("refuses, as the reader here does,", () => {
      const names = Object.keys(BROKEN).map((_, i) => `broken-${i}.txt`);
      let folder: string;
      let said: ReadonlyMap<string, string>;
      beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), "broken-transcripts-"));
        for (const [i, text] of Object.values(BROKEN).entries()) {
          writeFileSync(join(folder, `broken-${i}.txt`), inlined(text));
        }
        said = runReader(vm, folder, "whole", names);
      });
      afterAll(() => rmSync(folder, { recursive: true, force: true }));
      it.each(Object.keys(BROKEN))("%s", (what) => {
        const file = `broken-${Object.keys(BROKEN).indexOf(what)}.txt`;
        const expected = expectedOf(join(folder, file), WHOLE);
        expect(said.get(file)).toBe(expected.replace(folder, "").replace("failed /", "failed "));
        expect(expected).toMatch(/^failed/);
      });
    });
  });
}

/** The text with included transcripts of FOLDER in place: the program looks in one folder alone. */
function inlined(text: string): string {
  return text.replaceAll(/^include (.+)$/gm, (_, file: string) =>
    readTranscript(file)
      .map(({ words }) => words.join(" "))
      .join("\n"),
  );
}
