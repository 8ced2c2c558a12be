// SPDX-License-Identifier: Apache-2.0
// Fuzzer of the outermost bytes: a recorded transcript, as Connector or as STLink, of which some of what
// arrives is changed, left out, put in another order or said again, some of it another transcript's.
// Before: index.ts. After: test/transcripts/machine.ts. The instance ends before memory does: what lies
// behind it may not change.

import { openEngine } from "../../host/core/engine-open.ts";
import { Machine } from "../transcripts/machine.ts";
import { doLine, hex, type Line, readTranscript, unhex } from "../transcripts/player.ts";
import { FILES, splits } from "../transcripts/playing.ts";
import { checkNoSecret, checkResult, type Fuzzer } from "./fuzzer.ts";
import { Mutator } from "./mutator.ts";

const FENCE_BYTES = 65_536;
const FENCE = 0xa5;
const KEY_LEN = 32;

export const wire: Fuzzer = { name: "wire", about: "mutated bytes on a hop's wire", round };

function round(seed: number): void {
  const mutator = new Mutator(`wire ${seed}`);
  const file = mutator.pick(FILES);
  const lines = mutated(readTranscript(file), mutator);
  const engine = openEngine("v8");
  const ownBytes = engine.memoryBytes();
  engine.growTo?.(ownBytes + FENCE_BYTES);
  engine.write(ownBytes, new Uint8Array(FENCE_BYTES).fill(FENCE));
  const machine = new Machine(engine, splits(`${seed}`));
  machine.size("MEMORY_BYTES", ownBytes);
  for (const line of lines) step(machine, line);
  if (engine.call("stop") !== 0) throw new Error(`${file}: stop was refused`);
  if (engine.read(ownBytes, FENCE_BYTES).some((byte) => byte !== FENCE)) {
    throw new Error(`${file}: memory behind the instance has changed`);
  }
  checkNoSecret(engine, secretsOf(lines));
}

/** The lines with other bytes in some of `rx`. */
function mutated(lines: readonly Line[], mutator: Mutator): Line[] {
  const other = readTranscript(mutator.pick(FILES)).filter(({ words }) => words[0] === "rx");
  return lines.flatMap((line) => {
    if (line.words[0] !== "rx" || mutator.below(4) > 0) return [line];
    const [verb = "", hop = "", bytes = "-"] = line.words;
    const source = other.length > 0 && mutator.below(6) === 0 ? mutator.pick(other) : line;
    const mutant = mutator.mutate(unhex(source.words[2] ?? "-"));
    const changed = { ...line, words: [verb, hop, hex(mutant)] };
    const whole = { ...line, words: [verb, hop, bytes] };
    return mutator.pick([[changed], [changed, whole], [whole, changed], [whole, whole], []]);
  });
}

function step(machine: Machine, { words }: Line): void {
  machine.seen.length = 0;
  const [verb = "", what = "", handle = ""] = words;
  try {
    if (verb !== "expect") doLine(machine, words);
    else if (what === "tx") machine.tx(Number(handle));
    else if (what === "out") machine.out(Number(handle));
    else if (what === "datagram") machine.takeDatagram(Number(handle));
  } catch (error) {
    // A hop that waits for its host, or is gone.
    if (!/takes no bytes$/.test((error as Error).message)) throw error;
  }
  checkResult(machine.result, words.slice(0, 2).join(" "));
}

/** Private keys and entropy that a transcript gives to the core. */
function secretsOf(lines: readonly Line[]): Uint8Array[] {
  return lines.flatMap(({ words }, i) => {
    const [verb, bytes = ""] = words;
    if (verb === "seed") return [unhex(bytes)];
    const isIdentity = lines[i + 1]?.words.join(" ") === "call identity_set";
    return verb === "arg" && isIdentity ? [unhex(bytes).subarray(0, KEY_LEN)] : [];
  });
}
