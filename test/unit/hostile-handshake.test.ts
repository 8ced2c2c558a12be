// SPDX-License-Identifier: Apache-2.0
// The hop's handshake under hostile input, the core as Connector and as STLink: each input closes the
// hop with one status (S8), is not answered, and leaves the instance fit for the next hop.
// PROTOCOL.md sections 3, 4.1 and 13.1. Sealed records: hostile-hop.test.ts.

import { describe, expect, it } from "vitest";
import { concat, encodeUint } from "../reference/bytes.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { flip, framed, HopBench, positions } from "./hostile-tools.ts";

const random = seededRandom("hostile hop");
const ROLES = ["connector", "stlink"] as const;

// Points of small order: a DH with any of them is zero (RFC 7748 section 6.1).
const ZERO_POINT = new Uint8Array(32);
const ONE_POINT = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
const BAD_KEM_KEY = new Uint8Array(1184).fill(0xff);

/** Bytes of the message that the reference sends first: message 1, or message 2 as an answer. */
function firstMessage(bench: HopBench): Uint8Array {
  if (bench.role === "stlink") for (const _ of bench.remote.receive(bench.take()));
  return bench.remote.take();
}

/** Message 3, of a bench whose core is the Connector. */
function thirdMessage(bench: HopBench): Uint8Array {
  bench.give(bench.remote.take());
  for (const _ of bench.remote.receive(bench.take()));
  return bench.remote.take();
}

function fits(bench: HopBench): boolean {
  bench.again().up();
  return bench.answers;
}

describe.each(ROLES)("handshake against a core that is %s", (role) => {
  const bench = new HopBench(role);

  it("with another version is BadVersion", () => {
    for (const version of [0, 2, 0xff]) {
      const message = firstMessage(bench.again());
      message[2] = version;
      expect(bench.give(message)).toBe("BadVersion");
    }
    expect(fits(bench)).toBe(true);
  });

  it("with another length is BadHandshake, before its body has come", () => {
    const right = role === "connector" ? 1249 : 1153;
    for (const length of [0, 1, 16, 17, 65, right - 1, right + 1, 1500, 65_535]) {
      firstMessage(bench.again());
      expect(bench.give(encodeUint(length, 2)), `length ${length}`).toBe("BadHandshake");
    }
    expect(fits(bench)).toBe(true);
  });

  it("with a changed bit at any position is BadTag or BadPoint, and is not answered", () => {
    const length = firstMessage(bench.again()).length;
    for (const at of positions(length, 40, 30)) {
      if (at < 3) continue;
      const message = firstMessage(bench.again());
      const status = bench.give(flip(message, at, at % 8));
      expect(["BadTag", "BadPoint"], `position ${at}`).toContain(status);
      expect(bench.take().length, `position ${at}`).toBe(0);
    }
    expect(fits(bench)).toBe(true);
  });

  it("cut anywhere waits, and ends after 10 s, or 5 s where a Connector holds a part of it", () => {
    for (const cut of [0, 1, 2, 3, 500]) {
      const message = firstMessage(bench.again());
      const most = cut > 0 && role === "connector" ? 5000 : 10_000;
      expect(bench.give(message.subarray(0, cut))).toBe("Ok");
      bench.tick(most - 1000);
      expect(bench.closed, `cut at ${cut}`).toBe(false);
      bench.tick(1001);
      expect(bench.closed, `cut at ${cut}`).toBe(true);
    }
    expect(fits(bench)).toBe(true);
  });

  it("with a small-order point is BadPoint", () => {
    for (const e of [ZERO_POINT, ONE_POINT]) {
      bench.again({ shown: { e } });
      let message: Uint8Array;
      try {
        message = firstMessage(bench);
      } catch {
        continue;
      }
      const point = concat(message.subarray(0, 3), e, message.subarray(35));
      expect(bench.give(point)).toBe("BadPoint");
    }
    expect(fits(bench)).toBe(true);
  });

  it("with random bytes of the right length is BadTag", () => {
    const length = role === "connector" ? 1248 : 1152;
    for (let i = 0; i < 5; i++) {
      firstMessage(bench.again());
      const status = bench.give(framed(concat(Uint8Array.of(1), random(length))));
      expect(["BadTag", "BadPoint"]).toContain(status);
    }
    expect(fits(bench)).toBe(true);
  });
});

describe("handshake against a core that is connector", () => {
  const bench = new HopBench("connector");

  it("with a KEM key that FIPS 203 refuses is BadKemKey", () => {
    expect(bench.again({ shown: { kemKey: BAD_KEM_KEY } }).give(bench.remote.take())).toBe(
      "BadKemKey",
    );
    expect(fits(bench)).toBe(true);
  });

  it("to another Connector's key is BadTag", () => {
    bench.again({ connectorKey: publicKey(random(32)) });
    expect(bench.give(bench.remote.take())).toBe("BadTag");
  });

  it("with message 3 changed at any position is BadTag, and the hop never greets", () => {
    for (const at of positions(67, 0, 12)) {
      if (at < 3) continue;
      const message = thirdMessage(bench.again());
      expect(bench.give(flip(message, at)), `position ${at}`).toBe("BadTag");
      expect(bench.take().length).toBe(0);
    }
    expect(fits(bench)).toBe(true);
  });

  it("with message 3 of another hop is BadTag", () => {
    const other = thirdMessage(bench.again());
    thirdMessage(bench.again());
    expect(bench.give(other)).toBe("BadTag");
  });

  it("with message 3 of another length or version is BadHandshake, BadVersion", () => {
    thirdMessage(bench.again());
    expect(bench.give(encodeUint(66, 2))).toBe("BadHandshake");
    const message = thirdMessage(bench.again());
    message[2] = 9;
    expect(bench.give(message)).toBe("BadVersion");
  });

  it("with a wrong PSK is BadTag", () => {
    bench.again({ pskFor: () => random(32) });
    expect(bench.give(thirdMessage(bench))).toBe("BadTag");
  });

  it("with a static key that is not canonical is BadKey", () => {
    const s = new Uint8Array(32).fill(0xff);
    bench.again({ shown: { s } });
    expect(bench.give(thirdMessage(bench))).toBe("BadKey");
    expect(fits(bench)).toBe(true);
  });

  it("with a static key whose secret is another's is BadTag", () => {
    bench.again({ shown: { s: publicKey(random(32)) } });
    expect(bench.give(thirdMessage(bench))).toBe("BadTag");
  });

  it("with message 1 twice is BadHandshake", () => {
    const message = bench.again().remote.take();
    bench.give(message);
    expect(bench.give(message)).toBe("BadHandshake");
    expect(fits(bench)).toBe(true);
  });

  it("replayed as a whole gets message 2 and no further", () => {
    const first = bench.again().remote.take();
    const third = (() => {
      bench.give(first);
      for (const _ of bench.remote.receive(bench.take()));
      return bench.remote.take();
    })();
    bench.again();
    bench.give(first);
    expect(bench.take().length).toBe(1155);
    expect(bench.give(third)).toBe("BadTag");
  });

  it("says nothing but message 2 before message 3", () => {
    bench.again();
    expect(bench.take().length).toBe(0);
    bench.give(bench.remote.take());
    expect(bench.take().length).toBe(1155);
    bench.tick(5000);
    expect(bench.take().length).toBe(0);
  });
});

describe("handshake against a core that is stlink", () => {
  const bench = new HopBench("stlink");

  it("with message 2 by a Connector of another key is BadTag", () => {
    const other = new HopBench("connector");
    const message = other.again().remote.take();
    other.give(message);
    const foreign = other.take();
    bench.again().take();
    expect(bench.give(foreign)).toBe("BadTag");
    expect(fits(bench)).toBe(true);
  });

  it("with message 2 twice is closed by what it can't be", () => {
    const message = firstMessage(bench.again());
    bench.give(message);
    bench.take();
    expect(bench.give(message)).toBe("BadTag");
  });

  it("with a PSK that the Connector does not have ends at the Connector", () => {
    const refused = new HopBench("stlink", { pskFor: () => random(32) });
    expect(() => refused.exchange()).toThrow("BadTag");
  });
});
