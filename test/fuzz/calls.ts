// SPDX-License-Identifier: Apache-2.0
// Fuzzer of the boundary: any calls in any order with any arguments, on an instance in each state, and
// with hops, a link and streams that are up. Before: index.ts. After: test/unit/abi-tools.ts.
// Calls made wrongly one at a time, with the status that each has to answer: abi-misuse.test.ts.

import type { Core } from "../../host/core/core.ts";
import { EXPORTED, instance, isRaw, STATES, starts } from "../unit/abi-tools.ts";
import { HopBench, LinkBench } from "../unit/hostile-tools.ts";
import { checkResult, type Fuzzer } from "./fuzzer.ts";
import { Mutator } from "./mutator.ts";

const CALLS = 5000;
const VALUES = [0, 1, 2, 3, 5, 16, 33, 255, 256, 2048, 4096, 65_536, 99_999];
VALUES.push(-1, -2, -3, -4, 2 ** 31 - 1, -(2 ** 31));
/** Not `start`: the state that an instance begins in is what is tested. */
const KNOWN = EXPORTED.filter(({ name }) => !isRaw(name) && name !== "start");

export const calls: Fuzzer = {
  name: "calls",
  about: "any calls of exports in any order with any arguments",
  round,
};

function round(seed: number): void {
  const mutator = new Mutator(`calls ${seed}`);
  const core = subject(seed);
  for (let i = 0; i < CALLS; i++) {
    const { name, arity } = mutator.pick(KNOWN);
    if (name === "stop" && mutator.below(50) > 0) continue;
    const args = Array.from({ length: arity }, () => mutator.pick(VALUES));
    if (i % 50 === 0) core.feed(mutator.random(32));
    if (i % 97 === 0) core.engine.write(core.engine.call("arg_ptr"), mutator.random(200));
    checkResult(core.engine.call(name, ...args), name);
  }
  if (!starts(core)) throw new Error("the instance cannot be started anew");
}

/** An instance in one of its states, or with something up. */
function subject(seed: number): Core {
  const state = STATES[seed % (STATES.length + 2)];
  if (state !== undefined) return instance(state);
  if (seed % (STATES.length + 2) === STATES.length) {
    const bench = new HopBench("connector").up();
    bench.say({ type: "CREDIT", total: 100_000n });
    return bench.core;
  }
  const bench = new LinkBench({ seed: `fuzz ${seed}` });
  bench.connect("a");
  bench.connect("b", 2);
  return bench.core.core;
}
