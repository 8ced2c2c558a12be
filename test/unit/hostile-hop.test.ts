// SPDX-License-Identifier: Apache-2.0
// Sealed hop records and their frames under hostile input, the core as Connector and as STLink: each
// input closes the hop with one status (S8), gives nothing out, and leaves the instance fit for the
// next hop. PROTOCOL.md sections 4.1 to 4.5 and 13.1. The handshake: hostile-handshake.test.ts.

import { describe, expect, it } from "vitest";
import { HopState } from "../../host/core/core.ts";
import { concat, encodeUint } from "../reference/bytes.ts";
import { encodeHopFrame, type HopFrame } from "../reference/hop-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_B, pattern } from "../reference/world.ts";
import { flip, framed, HELLO, HOP_FRAMES, HopBench, positions, WELCOME } from "./hostile-tools.ts";

const random = seededRandom("hostile hop");
const ROLES = ["connector", "stlink"] as const;

function fits(bench: HopBench): boolean {
  bench.again().up();
  return bench.answers;
}

describe.each(ROLES)("record against a core that is %s", (role) => {
  const bench = new HopBench(role);
  const ping: HopFrame = { type: "PING", token: 7 };

  function sealed(...frames: HopFrame[]): Uint8Array {
    bench.remote.send(...frames);
    return bench.remote.take();
  }

  it("with a changed bit at any position is BadTag, BadLength or waits", () => {
    const length = 66;
    for (const at of positions(length, length, 0)) {
      for (const bit of [0, 7]) {
        bench.again().up();
        const bytes = flip(sealed(ping), at, bit);
        const status = bench.give(bytes);
        const expected = at < 2 ? ["BadTag", "BadLength", "Ok"] : ["BadTag"];
        expect(expected, `position ${at}, bit ${bit}`).toContain(status);
        expect(bench.take().length).toBe(0);
      }
    }
  });

  it("shorter than 17 bytes is BadLength", () => {
    for (const length of [0, 1, 15, 16]) {
      bench.again().up();
      expect(bench.give(framed(random(length)))).toBe("BadLength");
    }
  });

  it("longer than what the receiver can hold is BadLength at once", () => {
    if (role === "connector") return;
    bench.again().up();
    expect(bench.give(encodeUint(65_535, 2))).toBe("BadLength");
  });

  it("twice is BadTag", () => {
    bench.again().up();
    const bytes = sealed(ping);
    expect(bench.give(concat(bytes, bytes))).toBe("BadTag");
  });

  it("left out is BadTag", () => {
    bench.again().up();
    sealed(ping);
    expect(bench.give(sealed(ping))).toBe("BadTag");
  });

  it("in another order is BadTag", () => {
    bench.again().up();
    const [first, second] = [sealed(ping), sealed(ping)];
    expect(bench.give(concat(second, first))).toBe("BadTag");
  });

  it("of another hop is BadTag", () => {
    bench.again().up();
    const bytes = sealed(ping);
    bench.again().up();
    expect(bench.give(bytes)).toBe("BadTag");
  });

  it("of its own direction is BadTag", () => {
    bench.again().up();
    bench.say(ping);
    const reflected = bench.take();
    expect(reflected.length).toBeGreaterThan(0);
    expect(bench.give(reflected)).toBe("BadTag");
  });

  it("spliced from two is BadTag", () => {
    bench.again().up();
    const [first, second] = [sealed(ping), sealed({ type: "PING", token: 8 })];
    expect(bench.give(concat(first.subarray(0, 30), second.subarray(30)))).toBe("BadTag");
  });

  it("cut short is waited for: a Connector says HopBuffers after 5 s, else silence ends it", () => {
    bench.again().up();
    expect(bench.give(sealed(ping).subarray(0, 20))).toBe("Ok");
    bench.tick(4999);
    expect(bench.state).toBe(HopState.Up);
    bench.tick(1);
    expect(bench.state).toBe(role === "connector" ? HopState.Closing : HopState.Up);
    bench.tick(role === "connector" ? 5000 : 55_000);
    expect(bench.closed).toBe(true);
  });

  it("with nothing but padding is taken", () => {
    bench.again().up();
    expect(bench.sayPlaintext(new Uint8Array(48))).toBe("Ok");
    expect(bench.sayPlaintext(new Uint8Array(1))).toBe("Ok");
    expect(bench.answers).toBe(true);
  });
});

describe.each(ROLES)("frame against a core that is %s", (role) => {
  const bench = new HopBench(role);

  it("of an unknown type is BadFrame", () => {
    for (const type of [0x12, 0x13, 0x20, 0x29, 0x41, 0x80, 0xff]) {
      bench.again().up();
      expect(bench.sayPlaintext(Uint8Array.of(type, 0, 0, 0)), `type ${type}`).toBe("BadFrame");
    }
  });

  it("cut at any length is BadFrame", () => {
    for (const frame of HOP_FRAMES) {
      const bytes = encodeHopFrame(frame);
      for (const cut of new Set([1, 2, bytes.length - 1])) {
        if (cut >= bytes.length) continue;
        bench.again().up();
        const status = bench.sayPlaintext(bytes.subarray(0, cut));
        expect(status, `${frame.type} of ${cut} bytes`).toBe("BadFrame");
      }
    }
  });

  it("PACKET without a byte of packet is BadFrame", () => {
    bench.again().up();
    const empty = new Uint8Array(0);
    expect(bench.say({ type: "PACKET", class: 0, channel: 0, packet: empty })).toBe("BadFrame");
  });

  it("that travels the wrong way is BadFrame", () => {
    const toStlink: HopFrame[] = [
      WELCOME,
      { type: "REFUSED", reason: 50 },
      { type: "DROPPED", channel: 0, reason: 33, count: 1 },
      { type: "AWAY", channel: 0 },
      { type: "BACK", channel: 0 },
      { type: "DRAIN", afterMs: 1 },
    ];
    const toConnector: HopFrame[] = [
      HELLO,
      { type: "TICKET", codeId: random(8), ticket: random(32) },
      { type: "CREDIT", total: 5000n },
      { type: "MUTE", channel: 0, seconds: 1 },
    ];
    for (const frame of role === "stlink" ? toConnector : toStlink) {
      bench.again().up();
      expect(bench.say(frame), frame.type).toBe("BadFrame");
    }
  });

  it("that may come once, a second time is BadFrame", () => {
    bench.again().up();
    expect(bench.say(role === "stlink" ? WELCOME : HELLO)).toBe("BadFrame");
  });

  it("that names a channel beyond what was stated is BadFrame", () => {
    for (const channel of [8, 4096, 65_535]) {
      bench.again().up();
      expect(bench.say({ type: "NAME", channel, id: ID_B }), `${channel}`).toBe("BadFrame");
    }
  });

  it("after CLOSE has no effect", () => {
    bench.again().up();
    bench.say({ type: "CLOSE", reason: 48 }, { type: "PING", token: 1 });
    expect([bench.closed, bench.core.hopState(bench.hop).reason]).toEqual([true, 48]);
    expect(bench.take().length).toBe(0);
  });

  it("REKEY and NEWKEYS out of order end the hop", () => {
    bench.again().up();
    expect(bench.say({ type: "NEWKEYS" })).toBe("BadFrame");
    bench.again().up();
    const rekey: HopFrame = {
      type: "REKEY",
      version: 1,
      message: random(role === "stlink" ? 1152 : 64),
    };
    expect(["BadFrame", "BadHandshake", "BadTag"]).toContain(bench.say(rekey));
    expect(bench.closed).toBe(true);
    bench.again().up();
    expect(["BadVersion", "BadFrame"]).toContain(bench.say({ ...rekey, version: 2 }));
    expect(bench.closed).toBe(true);
  });

  it("as random plaintext never gets further than the hop's end", () => {
    for (let i = 0; i < 60; i++) {
      bench.again().up();
      const status = bench.sayPlaintext(random(1 + ((i * 7) % 200)));
      expect([
        "Ok",
        "BadFrame",
        "BadVersion",
        "BadHandshake",
        "BadTag",
        "PeerViolation",
        "TooBig",
      ]).toContain(status);
    }
    expect(fits(bench)).toBe(true);
  });
});

describe("frame against a core that is connector", () => {
  const bench = new HopBench("connector");

  it("before HOP_HELLO is BadFrame", () => {
    for (const frame of [
      { type: "PING", token: 1 },
      { type: "NAME", channel: 0, id: ID_B },
      { type: "CREDIT", total: 5000n },
      { type: "CLOSE", reason: 1 },
      { type: "PACKET", class: 0, channel: 0, packet: random(50) },
      { type: "TICKET", codeId: random(8), ticket: random(32) },
    ] as HopFrame[]) {
      expect(bench.again().shaken().say(frame), frame.type).toBe("BadFrame");
    }
  });

  it("before WELCOME, other than TICKET, PING and PONG, is BadFrame", () => {
    bench.again().shaken();
    expect(bench.say(HELLO, { type: "TICKET", codeId: random(8), ticket: random(32) })).toBe("Ok");
    expect(bench.say({ type: "PING", token: 1 }, { type: "PONG", token: 1 })).toBe("Ok");
    expect(bench.say({ type: "NAME", channel: 0, id: ID_B })).toBe("BadFrame");
    for (const frame of [
      { type: "CREDIT", total: 5000n },
      { type: "MUTE", channel: 0, seconds: 1 },
      { type: "PACKET", class: 0, channel: 0, packet: random(50) },
    ] as HopFrame[]) {
      bench.again().shaken();
      expect(bench.say(HELLO)).toBe("Ok");
      expect(bench.say(frame), frame.type).toBe("BadFrame");
    }
  });

  it("HOP_HELLO out of range is BadFrame", () => {
    for (const maxPacket of [0, 2047, 65_001, 65_535]) {
      bench.again().shaken();
      expect(bench.say({ ...HELLO, maxPacket }), `${maxPacket}`).toBe("BadFrame");
    }
    bench.again().shaken();
    expect(bench.say({ ...HELLO, channels: 0 })).toBe("BadFrame");
  });

  it("CREDIT that falls is BadFrame", () => {
    bench.again().up();
    expect(bench.say({ type: "CREDIT", total: 5000n })).toBe("Ok");
    expect(bench.say({ type: "CREDIT", total: 5000n })).toBe("Ok");
    expect(bench.say({ type: "CREDIT", total: 4999n })).toBe("BadFrame");
  });

  it("CREDIT of 2^64 - 1 is taken and lets one packet through after the other", () => {
    bench.again().up();
    expect(bench.say({ type: "CREDIT", total: 2n ** 64n - 1n })).toBe("Ok");
    for (let i = 0; i < 3; i++)
      expect(bench.core.forward(bench.hop, 0, ID_B, pattern(100))).toBe(true);
    bench.exchange();
    expect(bench.frames.filter((frame) => frame.type === "PACKET").length).toBe(3);
  });

  it("PACKET of an unknown class is BadFrame", () => {
    for (const packetClass of [201, 254]) {
      bench.again().up();
      const status = bench.say({
        type: "PACKET",
        class: packetClass,
        channel: 0,
        packet: random(9),
      });
      expect(status).toBe("BadFrame");
    }
  });

  it("PACKET on a channel without a name is handed out without an id, for DROPPED", () => {
    bench.again().up();
    bench.packets.length = 0;
    expect(bench.say({ type: "PACKET", class: 0, channel: 3, packet: random(9) })).toBe("Ok");
    expect(bench.say({ type: "PACKET", class: 0, channel: 60_000, packet: random(9) })).toBe("Ok");
    expect(bench.packets.length).toBe(2);
    expect(bench.core.packetInfo().to).toBe(null);
    expect(bench.answers).toBe(true);
  });

  it("MUTE of a channel that was never named to the sender is refused", () => {
    bench.again().up();
    expect(bench.say({ type: "MUTE", channel: 4, seconds: 1 })).toBe("BadFrame");
  });

  it("is not told of an STLink's hop that it has not admitted", () => {
    bench.again().shaken();
    expect(bench.say(HELLO)).toBe("Ok");
    bench.core.hopClose(bench.hop, 50);
    bench.exchange();
    expect(bench.frames).toEqual([{ type: "REFUSED", reason: 50 }]);
    expect(bench.state).toBe(HopState.Closed);
  });
});

describe("frame against a core that is stlink", () => {
  const bench = new HopBench("stlink");
  const packet: HopFrame = { type: "PACKET", class: 0, channel: 0, packet: random(100) };

  it("PACKET before WELCOME is BadFrame", () => {
    expect(bench.again().shaken().say(packet)).toBe("BadFrame");
  });

  it("WELCOME out of range is BadFrame", () => {
    for (const maxPacket of [0, 2047, 65_001]) {
      bench.again().shaken();
      expect(bench.say({ ...WELCOME, maxPacket } as HopFrame), `${maxPacket}`).toBe("BadFrame");
    }
  });

  it("packets beyond the credit are PeerViolation, and credit comes back before it is used up", () => {
    bench.again().up();
    bench.exchange();
    const credits = bench.frames.flatMap((frame) => (frame.type === "CREDIT" ? [frame.total] : []));
    expect(credits.length).toBeGreaterThan(0);
    const big: HopFrame = { type: "PACKET", class: 0, channel: 0, packet: random(4000) };
    let status = "Ok";
    let granted = Number(credits.at(-1));
    let sent = 0;
    for (let i = 0; i < 100 && status === "Ok"; i++) {
      sent += 4000;
      status = bench.say(big);
      bench.exchange();
      const last = bench.frames.flatMap((frame) => (frame.type === "CREDIT" ? [frame.total] : []));
      granted = Number(last.at(-1));
      expect(granted - sent).toBeGreaterThanOrEqual(4096);
    }
    expect(status).toBe("Ok");
    bench.again().up();
    const flood = Array.from({ length: 20 }, () => {
      bench.remote.send(big);
      return bench.remote.take();
    });
    expect(bench.give(concat(...flood))).toBe("PeerViolation");
  });

  it("PACKET on a channel without a name, or of a stranger, is dropped", () => {
    bench.again().up();
    expect(bench.say(packet)).toBe("Ok");
    expect(bench.say({ ...packet, channel: 60_000 } as HopFrame)).toBe("Ok");
    expect(bench.say({ type: "NAME", channel: 0, id: random(16) }, packet)).toBe("Ok");
    expect(bench.answers).toBe(true);
  });

  it("PACKET above its maxPacket is TooBig and ends no more than the packet", () => {
    bench.again().up();
    const wide: HopFrame = { type: "PACKET", class: 0, channel: 0, packet: random(4097) };
    expect(bench.say(wide)).toBe("Ok");
    expect(bench.answers).toBe(true);
  });

  it("REFUSED ends the hop with its reason", () => {
    bench.again().shaken();
    bench.say({ type: "REFUSED", reason: 50 });
    expect([bench.closed, bench.core.hopState(bench.hop).reason]).toEqual([true, 50]);
  });

  it("DROPPED, AWAY and BACK about channels that were never named have no effect", () => {
    bench.again().up();
    for (const channel of [0, 1, 7, 8, 65_535]) {
      expect(bench.say({ type: "DROPPED", channel, reason: 33, count: 65_535 })).toBe("Ok");
      expect(bench.say({ type: "AWAY", channel }, { type: "BACK", channel })).toBe("Ok");
    }
    expect(bench.answers).toBe(true);
  });
});
