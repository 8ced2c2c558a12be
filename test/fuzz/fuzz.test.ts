// SPDX-License-Identifier: Apache-2.0
// Every fuzzer for some seeds, the same in each run: seconds. Longer: `npm run fuzz`. After: index.ts.
// Also that a fuzzer's rounds follow from their seeds, and that the promises notice when broken.

import { afterEach, describe, expect, it } from "vitest";
import { openEngine } from "../../host/core/engine-open.ts";
import { watchSeals } from "../reference/aead.ts";
import { checkNoSecret, checkResult } from "./fuzzer.ts";
import { FUZZERS, runRound } from "./index.ts";
import { Mutator } from "./mutator.ts";

afterEach(() => watchSeals());

const ROUNDS: Record<string, number> = {
  wire: 200,
  "hop-frames": 12,
  "link-frames": 12,
  calls: 12,
  control: 4,
};

describe.each(FUZZERS)("$name", (fuzzer) => {
  it(`keeps every promise for ${ROUNDS[fuzzer.name]} seeds`, () => {
    const rounds = ROUNDS[fuzzer.name] ?? 0;
    expect(rounds).toBeGreaterThan(0);
    for (let seed = 1; seed <= rounds; seed++) runRound(fuzzer, seed);
  });
});

describe("a failure", () => {
  it("names the seed and the command that replays it", () => {
    const broken = { name: "broken", about: "", round: () => checkResult(-1000, "rx") };
    expect(() => runRound(broken, 7)).toThrow(
      "broken, seed 7: rx returned -1000, which is no status\n" +
        "replay: npm run fuzz -- --only broken --seed 7 --minutes 0",
    );
  });

  it("is a secret that is still there", () => {
    const engine = openEngine("v8");
    const secret = new Mutator("secret").random(32);
    checkNoSecret(engine, [secret]);
    engine.write(engine.memoryBytes() - 8, secret.subarray(20, 28));
    expect(() => checkNoSecret(engine, [secret])).toThrow("8 bytes of a secret");
  });
});

describe("mutants", () => {
  it("follow from the seed, and differ from what they were made of", () => {
    const bytes = new Mutator("bytes").random(100);
    const mutants = (seed: string) => {
      const mutator = new Mutator(seed);
      return Array.from({ length: 50 }, () => Buffer.from(mutator.mutate(bytes)).toString("hex"));
    };
    expect(mutants("one")).toEqual(mutants("one"));
    expect(mutants("one")).not.toEqual(mutants("two"));
    expect(new Set(mutants("one")).size).toBeGreaterThan(35);
  });
});
