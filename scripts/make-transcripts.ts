// SPDX-License-Identifier: Apache-2.0
// Makes test/transcripts/*.txt: the core under V8 talks with far ends driven by hand
// (test/transcripts/make), and every byte is written down. `--check` compares with the files and
// changes nothing; names of files (`stale.txt`) restrict it to those.
// Invariant: the output follows from build/core.wasm, test/transcripts/make and test/reference alone.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SCENES } from "../test/transcripts/make/scenes.ts";
import { type Scene, Stage } from "../test/transcripts/make/stage.ts";
import { ROOT } from "./run.ts";

const FOLDER = join(ROOT, "test", "transcripts");
const MOST_CHARACTERS = 60_000;

const isCheck = process.argv.includes("--check");
const named = process.argv.slice(2).filter((word) => word !== "--check");
const failures: string[] = [];

function textOf([file, title, play, options]: Scene): string {
  const stage = new Stage(file, title, options);
  play(stage);
  return stage.rec.text();
}

/** Writes a transcript, or with --check says whether it is as it should be. */
function emit(scene: Scene): void {
  const [file] = scene;
  try {
    const text = textOf(scene);
    if (text.length > MOST_CHARACTERS) throw new Error(`it has ${text.length} characters`);
    const path = join(FOLDER, file);
    const isFresh = existsSync(path) && readFileSync(path, "utf8") === text;
    if (isCheck && !isFresh) failures.push(`${file}: stale`);
    if (!isCheck && !isFresh) writeFileSync(path, text);
  } catch (error) {
    failures.push(`${file}: ${(error as Error).stack}`);
  }
}

const scenes = SCENES.filter(([file]) => named.length === 0 || named.includes(file));
scenes.forEach(emit);
if (named.length === 0) {
  const made = new Set(SCENES.map(([file]) => file));
  const strays = readdirSync(FOLDER).filter((name) => name.endsWith(".txt") && !made.has(name));
  for (const name of strays) {
    if (isCheck) failures.push(`${name}: no scene makes it`);
    else rmSync(join(FOLDER, name));
  }
}
for (const failure of failures) console.error(failure);
console.log(`${scenes.length - failures.length} of ${scenes.length} transcripts are fresh`);
if (failures.length > 0) process.exitCode = 1;
