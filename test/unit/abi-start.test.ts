// SPDX-License-Identifier: Apache-2.0
// `start` with sizes that section 12 of PROTOCOL.md does not allow, in too little memory, twice, in no
// role: a status each time, and right sizes work after it. assembly/abi/, assembly/layout.ts.

import { describe, expect, it } from "vitest";
import { Core, CoreError } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { publicKey } from "../reference/noise.ts";
import { randomBelow, seededRandom } from "../reference/random.ts";
import { ID_A, ID_B } from "../reference/world.ts";
import { instance, raw, starts } from "./abi-tools.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { openTestEngine } from "./core-world.ts";
import { HopBench } from "./hostile-tools.ts";

describe("start", () => {
  it("twice is BadState, in another role too", () => {
    const core = instance("stlink");
    expect([raw(core, "start", 1, 0), raw(core, "start", 2, 0)]).toEqual(["BadState", "BadState"]);
    expect(starts(core)).toBe(true);
  });

  it("in no role is BadArgument", () => {
    const core = instance("fresh");
    for (const role of [0, 3, -1, 2 ** 31 - 1]) {
      expect(raw(core, "start", role, 0)).toBe("BadArgument");
    }
    expect(starts(core)).toBe(true);
  });

  const wrong: [string, Partial<typeof TEST_SIZES>][] = [
    ["maxPacket 2,047", { maxPacketBytes: 2047 }],
    [
      "maxPacket 65,001",
      { maxPacketBytes: 65_001, hopBufferBytes: 70_000, hopCreditBytes: 70_000 },
    ],
    ["maxRecord 511", { maxRecordBytes: 511 }],
    ["maxRecord above maxPacket - 128", { maxRecordBytes: 4096 - 127 }],
    ["no hop", { hops: 0 }],
    ["more than 4 MiB of configuration", { configBytes: 4_194_305 }],
    ["65,536 hops", { hops: 65_536 }],
    ["no channel", { channels: 0 }],
    ["4,097 channels", { channels: 4097 }],
    ["a replay window of 32", { replayBits: 32 }],
    ["a replay window of 100", { replayBits: 100 }],
    ["a replay window of 2,048", { replayBits: 2048 }],
    ["blocks of 100", { blockBytes: 100 }],
    ["blocks of 32", { blockBytes: 32 }],
    ["hop buffers below a packet", { hopBufferBytes: 4096 }],
    ["credit below a packet", { hopCreditBytes: 4095 }],
    ["no handshake slot", { handshakes: 0 }],
    ["no pending open", { pendingOpens: 0 }],
    ["a window below two records", { windowBytes: 4095 }],
    ["no hop buffer", { hopBuffers: 0 }],
    ["65,536 links", { links: 65_536 }],
    ["65,536 streams", { streams: 65_536 }],
  ];
  for (const [title, change] of wrong) {
    it(`with ${title} is BadArgument, and right sizes work after it`, () => {
      const core = instance("fresh");
      expect(() => core.start("stlink", { ...TEST_SIZES, ...change }, 0)).toThrow("BadArgument");
      expect(starts(core)).toBe(true);
    });
  }

  it("with links in a Connector is BadArgument", () => {
    const core = new Core(openTestEngine("v8", TEST_CONNECTOR_SIZES));
    expect(() => core.start("connector", { ...TEST_CONNECTOR_SIZES, links: 1 }, 0)).toThrow(
      "BadArgument",
    );
  });

  it("in too little memory is NoBuffer, and right sizes work after it", () => {
    for (const memory of [1, 1000, 60_000, 65_536]) {
      const engine = openTestEngine();
      const core = new Core(withMemory(engine, memory));
      expect(() => core.start("stlink", TEST_SIZES, 0), `${memory}`).toThrow("NoBuffer");
      expect(starts(new Core(engine))).toBe(true);
    }
  });

  it("in memory that is not there is NoBuffer, and right sizes work after it", () => {
    for (const memory of [2 ** 24, 2 ** 31, 2 ** 32 - 1]) {
      const engine = openTestEngine();
      const core = new Core(withMemory(engine, memory));
      expect(() => core.start("stlink", TEST_SIZES, 0), `${memory}`).toThrow("NoBuffer");
      expect(starts(new Core(engine))).toBe(true);
    }
  });

  it("with any sizes at all answers with a status", () => {
    const engine = openTestEngine();
    const core = new Core(withMemory(engine));
    const seeded = seededRandom("sizes");
    const values = [0, 1, 2, 63, 64, 512, 2048, 4096, 65_000, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1];
    const names = Object.keys(TEST_SIZES) as (keyof typeof TEST_SIZES)[];
    for (let i = 0; i < 2000; i++) {
      const sizes = { ...TEST_SIZES };
      // One size changed at first, then more and more of them.
      for (let changes = 0; changes <= i / 200; changes++) {
        const name = names[randomBelow(seeded, names.length)];
        if (name) sizes[name] = values[randomBelow(seeded, values.length)] ?? 0;
      }
      const status = statusOf(() => core.start(i % 2 ? "stlink" : "connector", sizes, 0));
      expect(["Ok", "BadArgument", "NoBuffer"], `case ${i}`).toContain(status);
      core.stop();
    }
    expect(starts(new Core(engine))).toBe(true);
  });

  it("after a Connector has run wipes nothing where its last record was", () => {
    const bench = new HopBench("connector").up();
    const { core } = bench;
    bench.say(
      { type: "NAME", channel: 0, id: ID_B },
      { type: "PACKET", class: 0, channel: 0, packet: new Uint8Array(100).fill(1) },
    );
    const { ptr } = core.packetInfo();
    core.stop();
    core.start("stlink", TEST_SIZES, 9);
    const secret = seededRandom("own")(32);
    core.setIdentity(secret, publicKey(secret), ID_A);
    core.feed(seededRandom("entropy")(32));
    const hop = core.hopDial(publicKey(secret));
    const there = new Uint8Array(100).fill(0xa5);
    core.engine.write(ptr, there);
    core.hopStep(hop);
    expect(core.engine.read(ptr, there.length)).toEqual(there);
  });

  it("is not needed by stop, which may come twice", () => {
    const core = instance("fresh");
    for (let i = 0; i < 3; i++) expect(raw(core, "stop")).toBe("Ok");
    expect(starts(core)).toBe(true);
  });
});

function statusOf(start: () => void): string {
  try {
    start();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "Ok";
}

/** The engine, with another statement about its memory, and none that grows. */
function withMemory(engine: CoreEngine, bytes = engine.memoryBytes()): CoreEngine {
  return {
    name: engine.name,
    call: engine.call.bind(engine),
    bind: engine.bind.bind(engine),
    read: engine.read.bind(engine),
    write: engine.write.bind(engine),
    memoryBytes: () => bytes,
    close: engine.close.bind(engine),
  };
}
