// SPDX-License-Identifier: Apache-2.0
// The core's exports called wrongly: handles that are none, lengths beyond the room, before start, after
// stop, in the wrong role and order, after an error. Each answers with a status, none traps, and the
// instance works afterwards. assembly/abi/; PROTOCOL.md section 13.1. Calls in any order: test/fuzz.

import { afterEach, describe, expect, it } from "vitest";
import { statusName } from "../../host/core/core.ts";
import { watchSeals } from "../reference/aead.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A, pattern } from "../reference/world.ts";
import { EXPORTED, instance, isRaw, raw, STATES, starts } from "./abi-tools.ts";
import { HopBench, LinkBench } from "./hostile-tools.ts";

afterEach(() => watchSeals());

const random = seededRandom("abi");
const NO_HANDLES = [-1, 99_999, 2 ** 31 - 1, -(2 ** 31)];

// Each export that takes a handle, with further arguments that are right by themselves.
const BY_HANDLE: [string, ...number[]][] = [
  ["hop_free"],
  ["hop_state"],
  ["hop_status"],
  ["hop_peer_ptr"],
  ["hop_rx_ptr"],
  ["hop_rx_room"],
  ["hop_rx_commit", 1],
  ["hop_rx_step"],
  ["hop_tx_fill"],
  ["hop_tx_ptr"],
  ["hop_tx_consume", 0],
  ["hop_answer"],
  ["hop_admit", 1000],
  ["hop_close", 48],
  ["hop_drain", 1000],
  ["hop_tell", 0, 33],
  ["hop_silent"],
  ["forward_ptr", 100],
  ["forward_commit", 0, 100],
  ["link_goodbye", 16],
  ["link_remove", 10],
  ["link_connect"],
  ["link_ptr"],
  ["link_info"],
  ["link_mute", 60],
  ["stream_open", 1],
  ["stream_flags"],
  ["stream_info"],
  ["stream_connected"],
  ["stream_reset", 12],
  ["stream_fin"],
  ["stream_hold", 1000],
  ["stream_release"],
  ["in_room"],
  ["in_commit", 1],
  ["out_len"],
  ["out_ptr"],
  ["out_consume", 0],
  ["datagram_commit", 0, 1, 0],
  ["datagram_out"],
];

describe.each(STATES)("a handle that is none, %s", (state) => {
  for (const [name, ...rest] of BY_HANDLE) {
    it(`${name} answers with a status`, () => {
      const core = instance(state);
      for (const handle of NO_HANDLES) {
        const result = core.engine.call(name, handle, ...rest);
        expect(["BadHandle", "BadState"], `${handle}`).toContain(statusName(result));
      }
      expect(starts(core)).toBe(true);
    });
  }

  it("handles 0 and 1 too, which nobody has made", () => {
    const core = instance(state);
    for (const [name, ...rest] of BY_HANDLE) {
      for (const handle of [0, 1]) {
        expect(core.engine.call(name, handle, ...rest), `${name}(${handle})`).toBeLessThan(0);
      }
    }
    expect(starts(core)).toBe(true);
  });
});

describe("the table of this test", () => {
  it("names every export that takes a handle", () => {
    const others = [
      "start",
      "feed",
      "tick",
      "clock",
      "hop_open",
      "config_stored",
      "config_load",
      "code_load",
    ];
    others.push("config_count", "config_entry", "control_report", "lease_set");
    others.push("peer_changed", "peer_confirm", "about_set");
    const known = [...BY_HANDLE.map(([name]) => name), ...others];
    const missing = EXPORTED.filter(
      ({ name, arity }) => arity > 0 && !isRaw(name) && !known.includes(name),
    );
    expect(missing).toEqual([]);
  });
});

describe("before start and after stop", () => {
  for (const state of ["fresh", "stopped"] as const) {
    it(`nothing can be done (${state}), and nothing happens`, () => {
      const core = instance(state);
      const makers: [string, ...number[]][] = [
        ["tick", 5],
        ["clock", 5],
        ["hop_open", 0],
        ["link_add"],
        ["stream_next"],
        ["about_set", 32],
        ["code_load", 0],
      ];
      for (const [name, ...args] of makers) {
        expect(core.engine.call(name, ...args), name).toBeLessThan(0);
      }
      expect([core.work(), core.flags() & 1]).toEqual([false, 0]);
      expect(starts(core)).toBe(true);
    });
  }
});

describe("arguments", () => {
  it("keys that are not canonical are BadKey everywhere", () => {
    const core = instance("stlink");
    core.feed(random(32));
    const good = publicKey(random(32));
    for (const bad of [new Uint8Array(32).fill(0xff), edge()]) {
      expect(() => core.setIdentity(random(32), bad, ID_A)).toThrow("BadKey");
      expect(() => core.hopDial(bad)).toThrow("BadKey");
      expect(() => core.linkAdd({ id: ID_A, key: bad })).toThrow("BadKey");
      expect(() => core.linkAdd({ id: ID_A, key: good, nextKey: bad })).toThrow("BadKey");
    }
    expect(starts(core)).toBe(true);

    // 2^255 - 19 itself.
    function edge(): Uint8Array {
      return Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xed : i === 31 ? 0x7f : 0xff));
    }
  });

  it("a hop without entropy is NoEntropy", () => {
    const core = instance("stlink");
    expect(() => core.hopDial(publicKey(random(32)))).toThrow("NoEntropy");
    core.feed(random(32));
    expect(core.hopDial(publicKey(random(32)))).toBeGreaterThanOrEqual(0);
  });

  it("tables that are full say so, and free places are used again", () => {
    const core = instance("stlink");
    const key = publicKey(random(32));
    for (let i = 0; i < 4; i++) core.linkAdd({ id: new Uint8Array(16).fill(i + 1), key });
    expect(() => core.linkAdd({ id: new Uint8Array(16).fill(9), key })).toThrow("NoLinkSlot");
    core.linkRemove(2, 10);
    expect(core.linkAdd({ id: new Uint8Array(16).fill(9), key })).toBe(2);
    const ids = [pattern(16), pattern(16)] as const;
    for (let i = 0; i < 16; i++) core.streamOpen(0, 1, ...ids);
    expect(() => core.streamOpen(0, 1, ...ids)).toThrow("NoStreamSlot");
    const connector = instance("connector");
    for (let i = 0; i < 8; i++) connector.hopAccept();
    expect(() => connector.hopAccept()).toThrow("NoHopSlot");
    connector.hopFree(3);
    expect(connector.hopAccept()).toBe(3);
  });

  it("a kind, a reason, a hold time or a channel out of range is BadArgument", () => {
    const bench = new LinkBench();
    const { core } = bench.core;
    const link = bench.core.link(bench.reference.id);
    for (const kind of [0, 4, -1, 255]) {
      expect(raw(core, "stream_open", link, kind), `kind ${kind}`).toBe("BadArgument");
    }
    const [mine] = bench.connect("a");
    const handle = handleOf(mine);
    for (const reason of [0, -1, 256]) {
      expect(raw(core, "stream_reset", handle, reason), `reason ${reason}`).toBe("BadArgument");
    }
    for (const ms of [-1, 86_400_001]) {
      expect(raw(core, "stream_hold", handle, ms), `hold ${ms}`).toBe("BadArgument");
    }
    for (const [channel, reason] of [
      [-1, 33],
      [8, 33],
      [0, -4],
      [0, 256],
    ] as const) {
      expect(raw(core, "hop_tell", bench.core.hop, channel, reason)).toBe("BadArgument");
    }
    expect([bench.works, bench.opens]).toEqual([true, true]);
  });
});

describe("lengths", () => {
  const BEYOND = [-1, -(2 ** 31), 2 ** 31 - 1];

  it("beyond a hop's room are BadLength, and the hop goes on", () => {
    const bench = new HopBench("stlink").up();
    const { core, hop } = bench;
    const room = core.engine.call("hop_rx_room", hop);
    for (const n of [room + 1, ...BEYOND]) {
      expect(raw(core, "hop_rx_commit", hop, n), `commit ${n}`).toBe("BadLength");
    }
    bench.remote.send({ type: "PING", token: 1 });
    bench.give(bench.remote.take());
    const ready = core.engine.call("hop_tx_fill", hop);
    expect(ready).toBeGreaterThan(0);
    for (const n of [ready + 1, ...BEYOND]) {
      expect(raw(core, "hop_tx_consume", hop, n), `consume ${n}`).toBe("BadLength");
    }
    expect(bench.answers).toBe(true);
  });

  it("beyond a packet are BadLength where a Connector forwards, and the hop goes on", () => {
    const bench = new HopBench("connector").up();
    const { core, hop } = bench;
    bench.say({ type: "CREDIT", total: 100_000n });
    for (const n of [0, 2049, ...BEYOND]) {
      expect(raw(core, "forward_ptr", hop, n), `forward ${n}`).toBe("BadLength");
    }
    for (const n of [0, 2049, ...BEYOND]) {
      expect(core.engine.call("forward_commit", hop, 0, n), `commit ${n}`).toBeLessThan(0);
    }
    expect(core.forward(hop, 0, ID_A, pattern(2048))).toBe(true);
    bench.exchange();
    expect(bench.frames.some((frame) => frame.type === "PACKET")).toBe(true);
  });

  it("beyond a stream's room are BadLength, and the stream goes on", () => {
    const bench = new LinkBench();
    const { core } = bench.core;
    const handle = handleOf(bench.mine);
    const room = core.inRoom(handle);
    for (const n of [room + 1, ...BEYOND]) {
      expect(raw(core, "in_commit", handle, n), `in ${n}`).toBe("BadLength");
    }
    bench.theirs.write(pattern(50));
    bench.world.wire.pass(50);
    for (const n of [51, ...BEYOND]) {
      expect(raw(core, "out_consume", handle, n), `out ${n}`).toBe("BadLength");
    }
    expect(bench.mine.read().length).toBe(50);
    expect([bench.works, bench.opens]).toEqual([true, true]);
  });

  it("beyond a datagram's room are TooBig or BadLength, and the channel goes on", () => {
    const bench = new LinkBench({}, "b", 2);
    const { core } = bench.core;
    const handle = handleOf(bench.mine);
    const room = core.inRoom(handle);
    for (const n of [room + 1, ...BEYOND]) {
      expect(["TooBig", "BadLength"]).toContain(raw(core, "datagram_commit", handle, 0, n, 0));
    }
    expect(bench.mine.sendDatagram(7, pattern(room))).toBe(true);
  });
});

describe("order", () => {
  it("of hop calls that do not fit is BadState", () => {
    const bench = new HopBench("connector");
    const { core } = bench;
    expect(raw(core, "hop_answer", bench.hop)).toBe("BadState");
    expect(raw(core, "hop_admit", bench.hop, 1000)).toBe("BadState");
    expect(raw(core, "hop_close", bench.hop, 48)).toBe("BadState");
    bench.shaken();
    expect(raw(core, "hop_answer", bench.hop)).toBe("BadState");
    expect(raw(core, "hop_admit", bench.hop, 1000)).toBe("BadState");
    bench.again().up();
    expect(raw(core, "hop_admit", bench.hop, 1000)).toBe("BadState");
    expect(raw(core, "hop_close", bench.hop, 48)).toBe("Ok");
    expect(raw(core, "hop_close", bench.hop, 48)).toBe("BadState");
    bench.take();
    expect(bench.closed).toBe(true);
    for (const name of ["hop_rx_step", "hop_tx_fill", "hop_rx_room"]) {
      expect(core.engine.call(name, bench.hop), name).toBeLessThanOrEqual(0);
    }
    expect(bench.again().up().answers).toBe(true);
  });

  it("of calls for the other role is refused", () => {
    const stlink = new HopBench("stlink").up();
    for (const [name, ...args] of [
      ["hop_admit", 100],
      ["forward_ptr", 100],
      ["forward_commit", 0, 100],
    ] as [string, ...number[]][]) {
      expect(["BadHandle", "BadState"], name).toContain(
        raw(stlink.core, name, stlink.hop, ...args),
      );
    }
    expect(stlink.answers).toBe(true);
    const connector = new HopBench("connector").up();
    for (const name of ["link_add", "stream_next"]) {
      expect(raw(connector.core, name), name).toBe("BadState");
    }
    expect(connector.answers).toBe(true);
  });

  it("of stream calls that do not fit is BadState, and the others go on", () => {
    const bench = new LinkBench();
    const { core } = bench.core;
    const link = bench.core.link(bench.reference.id);
    const waiting = core.streamOpen(link, 1, pattern(16), pattern(16));
    for (const name of ["stream_fin", "stream_connected", "stream_release"]) {
      expect(raw(core, name, waiting), name).toBe("BadState");
    }
    expect(raw(core, "datagram_commit", waiting, 0, 1, 0)).toBe("BadState");
    expect(raw(core, "in_commit", waiting, 1)).toBe("BadLength");
    core.streamReset(waiting, 12);
    expect(raw(core, "stream_fin", waiting)).toBe("BadState");
    expect(raw(core, "stream_release", waiting)).toBe("Ok");
    const handle = handleOf(bench.mine);
    for (const name of ["stream_connected", "stream_release", "datagram_out"]) {
      expect(raw(core, name, handle), name).toBe("BadState");
    }
    expect([bench.works, bench.opens]).toEqual([true, true]);
    expect(raw(core, "stream_fin", handle)).toBe("Ok");
    expect(raw(core, "stream_fin", handle)).toBe("Ok");
    expect(raw(core, "in_commit", handle, 1)).toBe("BadLength");
    expect(bench.opens).toBe(true);
  });

  it("of byte calls on a channel of datagrams is BadState, and the other way", () => {
    const bench = new LinkBench({}, "b", 2);
    const { core } = bench.core;
    const handle = handleOf(bench.mine);
    for (const [name, ...args] of [
      ["in_commit", 1],
      ["out_consume", 0],
      ["stream_fin"],
      ["datagram_out"],
    ] as [string, ...number[]][]) {
      expect(raw(core, name, handle, ...args), name).toBe("BadState");
    }
    bench.mine.sendDatagram(7, pattern(10));
    expect(bench.opens).toBe(true);
  });

  it("of link calls after the link is gone is BadHandle, and it can be added again", () => {
    const bench = new LinkBench();
    const { core } = bench.core;
    const link = bench.core.link(bench.reference.id);
    expect(raw(core, "link_remove", link, 10)).toBe("Ok");
    for (const [name, ...args] of [
      ["link_remove", 10],
      ["link_goodbye", 10],
      ["link_connect"],
      ["link_ptr"],
      ["stream_open", 1],
    ] as [string, ...number[]][]) {
      expect(raw(core, name, link, ...args), name).toBe("BadHandle");
    }
    bench.world.wire.pass(1000);
    const { secrets, psk } = bench.world;
    core.linkAdd({
      id: bench.reference.id,
      key: publicKey(secrets.b),
      psk: psk.link,
      pskName: psk.name,
    });
    bench.world.wire.pass(10_000);
    expect(bench.opens).toBe(true);
  });
});

function handleOf(pipe: unknown): number {
  return (pipe as { handle: number }).handle;
}
