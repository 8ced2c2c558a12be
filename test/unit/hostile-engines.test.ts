// SPDX-License-Identifier: Apache-2.0
// The same hostile inputs, from one seed, on V8 and under wasm3: no trap, no byte to the application,
// and the same status for each input. PROTOCOL.md section 13.1. What each status has to be:
// hostile-link, hostile-frame and hostile-record.test.ts.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat } from "../reference/bytes.ts";
import { randomBelow, seededRandom } from "../reference/random.ts";
import { TEST_ENGINES } from "../vectors/engines.ts";
import { flip, LinkBench } from "./hostile-tools.ts";

afterEach(() => watchSeals());

const INPUTS = 400;
const FIRST_BYTES = [0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0xff];
const FRAME_TYPES = Array.from({ length: 13 }, (_, i) => 0x20 + i);

type Play = (bench: LinkBench) => string[];

const PLAYS: [string, Play][] = [
  ["random packets", packets],
  ["random frames under the session", frames],
  ["packets with changed bits", changed],
];

function statuses(engine: "v8" | "wasm3", play: Play): string[] {
  const bench = new LinkBench({ engine, seed: "engines" });
  const said = play(bench);
  expect(bench.silent).toBe(true);
  return said;
}

function packets(bench: LinkBench): string[] {
  const random = seededRandom("packets");
  return Array.from({ length: INPUTS }, () => {
    const packet = random(1 + randomBelow(random, 1400));
    packet[0] = FIRST_BYTES[randomBelow(random, FIRST_BYTES.length)] ?? 0;
    return bench.give(packet).join();
  });
}

// The link may end by a violation; what comes then has its status too.
function frames(bench: LinkBench): string[] {
  const random = seededRandom("frames");
  return Array.from({ length: INPUTS }, () => {
    const type = FRAME_TYPES[randomBelow(random, FRAME_TYPES.length)] ?? 0;
    const fields = random(4 + randomBelow(random, 1300));
    // A stream that is there, as often as not.
    if (randomBelow(random, 2) === 0) fields.set([bench.theirs.stream.number, 0, 0, 0]);
    const { current } = bench.reference.peer.linkTo(bench.core.id);
    return current ? bench.sayPlaintext(concat(Uint8Array.of(type), fields)).join() : "none";
  });
}

function changed(bench: LinkBench): string[] {
  const random = seededRandom("changed");
  return Array.from({ length: INPUTS }, () => {
    const packet = bench.seal(random(1 + randomBelow(random, 300)));
    return bench
      .give(flip(packet, randomBelow(random, packet.length), randomBelow(random, 8)))
      .join();
  });
}

describe.each(PLAYS)("%s", (_name, play) => {
  it("have the same statuses on V8 and under wasm3, and none traps", () => {
    const v8 = statuses("v8", play);
    expect(v8.length).toBe(INPUTS);
    expect(new Set(v8).size).toBeGreaterThan(1);
    // The coverage build runs on V8 alone: its counters are imports.
    if (TEST_ENGINES.includes("wasm3")) expect(statuses("wasm3", play)).toEqual(v8);
  });
});
