// SPDX-License-Identifier: Apache-2.0
// The scenarios that show one thing each, through all their cases or a number of seeds; the tests at
// the end of the rules by their numbers. `npm run sim -- --scenario name` runs one alone.

import { describe, expect, it } from "vitest";
import { Core } from "../../host/core/core.ts";
import type { SeenPacket } from "../../host/net/sim/connector.ts";
import { SimFailure } from "./failure.ts";
import { keeps } from "./keeps.ts";
import { currentSession, openPacket, sealPacket } from "./keyring.ts";
import { PACKET } from "./packets.ts";
import { runSeed, scenarioNamed } from "./run.ts";
import { inWorld, QUIET } from "./scenario.ts";

describe("healthy lines", () => {
  keeps("plain", 100);
  keeps("entropy", 10);
  keeps("crowd");
  keeps("slow-reader", 10);
});

describe("test 1: echo with credit of one packet, windows of two records, 2 % loss", () => {
  keeps("echo", 300);
});

describe("test 2: exactly packet n is lost", () => {
  keeps("drop-nth");
  keeps("lossy", 50);
});

describe("test 3: the receiver's Connector is killed, queue limits are hit", () => {
  keeps("receiver-killed", 50);
  keeps("connector-nth");
  keeps("queue-full", 20);
  keeps("queue-age", 10);
});

describe("test 4: reboot, eviction, rekey at every packet", () => {
  for (const name of ["reboot", "evict", "rekey", "rehop"]) {
    keeps(`${name}-A`);
    keeps(`${name}-B`);
  }
  keeps("rekey-both");
});

describe("test 5: messages 1 to 3 lost, doubled, replayed; glare", () => {
  keeps("handshake-lost");
  keeps("handshake-twice");
  keeps("handshake-replayed");
  keeps("handshake-flood");
  keeps("glare");
  keeps("slots");
  keeps("slots-hops");
});

describe("test 6: one garbage packet after each packet", () => {
  keeps("garbage", 20);
});

describe("test 7: what is sent again is the same", () => {
  keeps("resend", 20);
});

describe("two Connectors, a hop to each", () => {
  for (const name of ["dies", "partitioned", "swallows", "one-way", "liar", "drains", "overlap"]) {
    keeps(`two-${name}`, 30);
  }
});

describe("datagrams", () => {
  keeps("datagrams", 30);
});

describe("hops and hours", () => {
  keeps("cuts", 100);
  keeps("outages", 50);
  keeps("hours", 5);
  keeps("sleepers", 10);
});

describe("the simulation itself", () => {
  it.each([
    ["mixed", 3],
    ["mixed", 8],
    ["mixed", 21],
    ["host", 3],
    ["host", 8],
  ])(
    "gives the same run of %s for seed %i, on new instances and on used ones",
    async (name, seed) => {
      const [first, ...others] = [[], [], []] as string[][];
      for (const lines of [first, ...others]) {
        const trace = (line: string): unknown => lines?.push(line);
        const context = { trace, isFresh: lines === first };
        expect(await runSeed(scenarioNamed(name), seed, context)).toBeNull();
      }
      expect(others).toEqual([first, first]);
    },
  );

  it("names the seed and the command when an invariant breaks", async () => {
    const broken = {
      name: "broken",
      about: "",
      run: () => {
        throw new SimFailure("as planned");
      },
    };
    const failure = await runSeed(broken, 77, QUIET);
    expect(failure?.message).toBe("as planned");
    expect(failure?.command).toBe("npm run sim -- --scenario broken --seed 77");
  });

  const lies: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    changed: (bytes) => bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
    lost: (bytes) => bytes.slice(1),
    doubled: (bytes) => Uint8Array.of(bytes[0] as number, ...bytes),
    swapped: (bytes) => bytes.slice().reverse(),
  };
  for (const [name, lie] of Object.entries(lies)) {
    it(`notices a byte that is ${name}`, async () => {
      inWorld(QUIET, { seed: "notices" }, (world) => {
        world.flow({ upBytes: 2000, downBytes: 0 });
        const { core } = world.stlink("B");
        const take = core.streamTake.bind(core);
        core.streamTake = (stream, most) => {
          const bytes = take(stream, most);
          return bytes.length > 4 ? lie(bytes) : bytes;
        };
        try {
          expect(() => world.finish(10_000)).toThrow(SimFailure);
        } finally {
          core.streamTake = Core.prototype.streamTake;
        }
      });
    });
  }

  it("notices a counter, and a record's number, that seal two things", async () => {
    inWorld(QUIET, { seed: "notices" }, (world) => {
      const packets: SeenPacket[] = [];
      world.meddle((packet) => {
        packets.push(packet);
        return [{ bytes: packet.bytes, delayMs: 0 }];
      });
      world.flow({ upBytes: 2000, downBytes: 0 });
      world.finish(10_000);
      const { sendKey } = currentSession(world.stlink("A"), 0);
      const data = packets.filter(({ from, bytes }) => from === "A" && bytes[0] === PACKET.Data);
      const record = data.findLast(({ bytes }) => bytes.length > 700) as SeenPacket;
      expect(world.wire.see(record)).not.toBeNull();
      const plain = openPacket(sendKey, record.bytes) as Uint8Array;
      plain[plain.length - 1] = (plain[plain.length - 1] as number) ^ 1;
      const again = { ...record, bytes: sealPacket(sendKey, record.bytes, plain) };
      expect(() => world.wire.see(again)).toThrow("two packets under one key");
      const counter = record.bytes.slice();
      new DataView(counter.buffer).setBigUint64(5, 5000n, true);
      const other = { ...record, bytes: sealPacket(sendKey, counter, plain) };
      expect(() => world.wire.see(other)).toThrow("two records under one key");
    });
  });
});
