// SPDX-License-Identifier: Apache-2.0
// Configurations after activation (PROTOCOL 10.3, T9, T10, F11): versions, damage, flash that fails,
// peers that are revoked, added or changed, Routes that are withdrawn, and who may open what. Two devices
// and a Connector are cores; the Commander is the reference.

import { describe, expect, it } from "vitest";
import { Status } from "../../host/core/abi.gen.ts";
import { ConfigSection, type CoreError, StreamFlag } from "../../host/core/core.ts";
import { concat, toHex } from "../reference/bytes.ts";
import { encodeConfiguration } from "../reference/configuration.ts";
import { decodeState, encodeControl } from "../reference/control.ts";
import type { Entry } from "./control-commander.ts";
import { Pair } from "./control-pair.ts";

const REVOKED = 10;
const WITHDRAWN = 18;
const NO_SUCH_MAPPING = 5;
const CONFIG_BEHIND = 6;

describe("a configuration", () => {
  it("makes links and Routes, and a stream through them", () => {
    const pair = new Pair("whole");
    const stream = pair.connect();
    const [a, b] = pair.devices;
    expect(a.core.streamPut(stream, new Uint8Array([1, 2, 3]))).toBe(3);
    pair.world.run(1000);
    const offered = b.news[0] as number;
    expect([...b.core.streamTake(offered)]).toEqual([1, 2, 3]);
    const routes = b.core.configurationEntries(ConfigSection.Routes);
    expect(routes.map((bytes) => toHex(bytes.subarray(0, 16)))).toEqual([toHex(pair.mappingId)]);
    expect(b.core.configurationEntries(ConfigSection.Connectors)).toHaveLength(1);
    expect(b.core.configurationEntries(ConfigSection.Peers)).toHaveLength(1);
  });

  it("is in force again after a reboot, without its Commander", () => {
    const pair = new Pair("boot");
    pair.commander.hangUp();
    for (const device of pair.devices) device.reboot();
    pair.world.run(1000);
    pair.connect();
  });

  it.each([
    ["the same version", 1, 2n],
    ["a lower serial", 1, 1n],
    ["a lower epoch", 0, 9n],
  ])("has no effect with %s", (_, epoch, serial) => {
    const pair = new Pair(`old ${epoch} ${serial}`);
    const before = pair.inForce(pair.b);
    const config = { ...pair.next([], []), epoch, serial, id: pair.b.id };
    pair.commander.tell(pair.b, { type: "CONFIG", configuration: encodeConfiguration(config) });
    pair.world.run(3000);
    expect(pair.b.device.drops).toContain("OldConfig");
    expect(pair.inForce(pair.b)).toBe(before);
  });

  it("is taken with a greater epoch and a lower serial", () => {
    const pair = new Pair("epoch");
    pair.deploy(pair.b, { ...pair.next([pair.peer(pair.a)], []), epoch: 2, serial: 1n });
    pair.settle(pair.b);
    expect(pair.b.device.core.configurationEntries(ConfigSection.Routes)).toEqual([]);
  });

  it("has no effect when it is cut anywhere", () => {
    const pair = new Pair("cut");
    const before = pair.inForce(pair.b);
    const config = { ...pair.next([pair.peer(pair.a)], [pair.mapping()], true), id: pair.b.id };
    const whole = encodeConfiguration(config);
    for (let length = 0; length < whole.length; length++) {
      const configuration = whole.subarray(0, length);
      pair.commander.tellBytes(pair.b, encodeControl({ type: "CONFIG", configuration }));
      pair.world.run(100);
    }
    pair.world.run(3000);
    expect(new Set(pair.b.device.drops)).toEqual(new Set(["BadConfig"]));
    expect(pair.b.device.stored).toBe(2);
    expect(pair.inForce(pair.b)).toBe(before);
  });

  it("has no effect with flipped bits that it can notice, nor with others before it is stored", () => {
    const pair = new Pair("flip");
    pair.b.device.stores = false;
    const before = pair.inForce(pair.b);
    const config = { ...pair.next([pair.peer(pair.a)], [pair.mapping()], true), id: pair.b.id };
    const whole = encodeConfiguration(config);
    for (let bit = 0; bit < whole.length * 8; bit += 3) {
      const configuration = whole.slice();
      configuration[bit >> 3] = (configuration[bit >> 3] as number) ^ (1 << (bit & 7));
      pair.commander.tellBytes(pair.b, encodeControl({ type: "CONFIG", configuration }));
      pair.world.run(50);
    }
    pair.world.run(3000);
    expect(pair.b.device.drops).toContain("BadConfig");
    expect(pair.b.device.stored).toBeGreaterThan(2);
    expect(pair.inForce(pair.b)).toBe(before);
    pair.connect();
  });

  it("is refused from flash when any bit has changed or a byte is missing", () => {
    const pair = new Pair("flash");
    const { device } = pair.b;
    const good = device.flash;
    const load = (bytes: Uint8Array) => {
      device.flash = bytes;
      try {
        device.reboot();
        return "Ok";
      } catch (error) {
        return (error as CoreError).code;
      }
    };
    for (let at = 0; at < good.length; at += 5) {
      const wrong = good.slice();
      wrong[at] = (wrong[at] as number) ^ (1 << (at & 7));
      expect(load(wrong)).toBe("BadConfig");
      if (at > 8) expect(load(good.subarray(0, at))).toBe("BadConfig");
    }
    expect(load(good)).toBe("Ok");
  });

  it("stays out of force when flash fails, and the Commander sends it again", () => {
    const pair = new Pair("fails");
    const { b } = pair;
    const before = pair.inForce(b);
    b.device.stores = false;
    pair.deploy(b, pair.next([], [], true));
    pair.world.run(5000);
    expect(pair.inForce(b)).toBe(before);
    expect(b.confirmed).not.toContain(pair.commander.hash(b));
    b.device.stores = true;
    pair.settle(b, 700_000);
  });

  it("is refused when it has more peers than links, or doesn't fit", () => {
    const pair = new Pair("many");
    const many = (count: number) =>
      Array.from({ length: count }, () => ({
        ...pair.peer(pair.a, pair.world.keyPair()),
        id: pair.world.random(16),
      }));
    pair.deploy(pair.b, pair.next(many(4), [], true));
    pair.world.run(2000);
    pair.deploy(pair.b, pair.next(many(40), [], true));
    pair.world.run(2000);
    expect(pair.b.device.drops).toEqual(["NoLinkSlot", "NoBuffer"]);
    pair.deploy(pair.b, pair.next(many(3), [], true));
    pair.settle(pair.b);
  });
});

describe("messages", () => {
  it("of unknown types and odd lengths have no effect", () => {
    const pair = new Pair("odd");
    const before = pair.inForce(pair.b);
    for (const type of [0, 0x60, 0x71, 0x73, 0x74, 0x75, 0x76, 0xff]) {
      for (const length of [0, 1, 12, 31, 33, 67, 69, 5000]) {
        const bytes = new Uint8Array(3 + length);
        bytes.set([type, length & 255, length >> 8]);
        pair.commander.tellBytes(pair.b, bytes);
        pair.world.run(50);
      }
    }
    pair.world.run(1000);
    expect(pair.inForce(pair.b)).toBe(before);
    pair.connect();
  });
});

describe("revocation", () => {
  it("cuts the streams at once, and the peer gets in no more", () => {
    const pair = new Pair("revoked");
    const stream = pair.connect();
    const { b } = pair;
    const offered = b.device.news[0] as number;
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    expect(b.device.core.streamInfo(offered).reason).toBe(REVOKED);
    pair.a.device.core.streamReset(stream, 12);
    const again = pair.open();
    pair.world.run(30_000);
    expect(pair.a.device.core.streamFlags(again) & StreamFlag.Connected).toBe(0);
  });

  it("leaves no link when the host has let the streams go", () => {
    const pair = new Pair("forgotten");
    pair.connect();
    const { b } = pair;
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    expect(pair.link(b, pair.a)).toBeGreaterThanOrEqual(0);
    b.device.core.streamRelease(b.device.news[0] as number);
    pair.world.run(10_000);
    expect(pair.link(b, pair.a)).toBeLessThan(0);
  });

  it("is undone by a configuration with the peer", () => {
    const pair = new Pair("undone");
    pair.connect();
    const { b } = pair;
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    pair.deploy(b, pair.next([pair.peer(pair.a)], [pair.mapping()], true));
    pair.settle(b);
    pair.connect();
  });

  it("cuts a peer whose key changed without having been announced", () => {
    const pair = new Pair("replaced");
    pair.connect();
    const { b } = pair;
    pair.deploy(b, pair.next([pair.peer(pair.a, pair.world.keyPair())], [pair.mapping()], true));
    pair.settle(b);
    expect(b.device.core.streamInfo(b.device.news[0] as number).reason).toBe(REVOKED);
  });

  it("leaves other changes' streams alone", () => {
    const pair = new Pair("kept");
    const stream = pair.connect();
    const { b } = pair;
    pair.deploy(b, pair.next([pair.peer(pair.a)], [pair.mapping({ port: 81 })], true));
    pair.settle(b);
    expect(pair.end(pair.a, stream, 5000)).toBeUndefined();
  });
});

describe("a Route whose options change", () => {
  it("keeps its streams, and shows the new ones", () => {
    const pair = new Pair("options");
    const stream = pair.connect();
    const [connections, rate] = [Uint8Array.of(20, 0), Uint8Array.of(0, 0, 16, 0)];
    const options = [
      { type: 2, value: connections },
      { type: 3, value: rate },
    ];
    pair.deploy(pair.a, pair.next([pair.peer(pair.b)], [{ ...pair.binding(), options }], true));
    pair.settle(pair.a);
    expect(pair.end(pair.a, stream, 5000)).toBeUndefined();
    const [entry] = pair.a.device.core.configurationEntries(ConfigSection.Routes);
    expect(toHex(entry as Uint8Array).slice(-24)).toBe("0a000202140003040000" + "1000");
  });
});

describe("a Route that is withdrawn", () => {
  /** Two Routes from `a` to `b`, and a stream through each. */
  function twoRoutes(pair: Pair) {
    const [otherMapping, otherBinding] = [pair.world.random(16), pair.world.random(16)];
    const mappings = [pair.mapping(), pair.mapping({ id: otherMapping })];
    const bindings = [
      pair.binding(),
      { ...pair.binding(), id: otherBinding, mappingId: otherMapping },
    ];
    pair.deploy(pair.b, pair.next([pair.peer(pair.a)], mappings, true));
    pair.settle(pair.b);
    pair.deploy(pair.a, pair.next([pair.peer(pair.b)], bindings));
    pair.settle(pair.a);
    const withdrawn = pair.connect();
    const { core } = pair.a.device;
    const link = pair.link(pair.a, pair.b);
    const kept = core.streamOpen(link, 1, otherBinding, otherMapping);
    pair.world.run(5000, () => (core.streamFlags(kept) & StreamFlag.Connected) !== 0);
    const isEchoed = () => {
      core.streamPut(kept, new Uint8Array([7]));
      pair.world.run(2000);
      const { device } = pair.b;
      return [...device.core.streamTake(device.news.at(-1) as number)].length === 1;
    };
    return { withdrawn, isEchoed, mappings, bindings };
  }

  it.each(["a", "b"] as const)("at %s ends its streams, and no other", (side) => {
    const pair = new Pair(`withdrawn ${side}`);
    const { withdrawn, isEchoed, mappings, bindings } = twoRoutes(pair);
    const other = side === "a" ? pair.b : pair.a;
    const routes = (side === "a" ? bindings : mappings).slice(1);
    pair.deploy(pair[side], pair.next([pair.peer(other)], routes, true));
    pair.settle(pair[side]);
    expect(pair.end(pair.a, withdrawn)).toBe(WITHDRAWN);
    expect(pair.b.device.core.streamInfo(pair.b.device.news[0] as number).reason).toBe(WITHDRAWN);
    expect(isEchoed()).toBe(true);
  });

  it("ends a stream that still waits for its peer", () => {
    const pair = new Pair("withdrawn early");
    pair.world.withheld.add(toHex(pair.b.id));
    const stream = pair.open();
    pair.world.run(1000);
    pair.deploy(pair.a, pair.next([pair.peer(pair.b)], [], true));
    pair.settle(pair.a);
    expect(pair.end(pair.a, stream, 1000)).toBe(WITHDRAWN);
  });

  it("no longer lets its peer end streams that it does not name", () => {
    const pair = new Pair("withdrawn peer");
    const stream = pair.connect();
    pair.deploy(pair.b, pair.next([pair.peer(pair.a)], [pair.mapping({ peers: [] })], true));
    pair.settle(pair.b);
    expect(pair.end(pair.a, stream)).toBe(WITHDRAWN);
  });
});

describe("a REPORT", () => {
  const stateOf = ({ report }: Entry) => decodeState(report?.state ?? 0);

  it("follows each configuration that is in force, with its version, hash and lease", () => {
    const pair = new Pair("report");
    pair.world.run(1000);
    const { report } = pair.b;
    expect([report?.epoch, report?.serial]).toEqual([1, 2n]);
    expect(toHex(report?.hash as Uint8Array)).toBe(pair.commander.hash(pair.b));
    expect(report?.leaseLeft).toBe(Math.floor((7 * 86_400_000) / 1024));
    expect(stateOf(pair.b)).toMatchObject({ phase: 2, refused: 0, status: 0 });
  });

  it("tells why a configuration was not taken, once for several", () => {
    const pair = new Pair("report refused");
    pair.world.run(1000);
    pair.b.got.length = 0;
    const old = encodeControl({
      type: "CONFIG",
      configuration: encodeConfiguration({ ...pair.next([], []), id: pair.b.id }),
    });
    pair.commander.tellBytes(pair.b, concat(old, old, old));
    pair.world.run(2000);
    expect(pair.b.got).toEqual(["REPORT"]);
    expect(stateOf(pair.b).status).toBe(Status.OldConfig);
    expect(pair.b.report?.serial).toBe(2n);
  });

  it("with the old version says that flash has failed", () => {
    const pair = new Pair("report flash");
    pair.b.device.stores = false;
    pair.deploy(pair.b, pair.next([], [], true));
    pair.world.run(2000);
    expect(pair.b.got.at(-1)).toBe("REPORT");
    expect(pair.b.report?.serial).toBe(2n);
  });

  it("tells a fault of the host's own, the last of several", () => {
    const pair = new Pair("report fault");
    const { b } = pair;
    pair.world.run(1000);
    b.got.length = 0;
    b.device.core.report(Status.NoStreamSlot);
    b.device.core.report(Status.Internal);
    pair.world.run(2000);
    expect(b.got).toEqual(["REPORT"]);
    expect(stateOf(b).status).toBe(Status.Internal);
    expect(b.device.drops).toEqual([]);
    expect(() => b.device.core.report(0)).toThrow("BadArgument");
  });

  it("that found no stream goes on the next one", () => {
    const pair = new Pair("report later");
    const { b } = pair;
    b.device.survivesStore = false;
    pair.deploy(b, pair.next([], [], true));
    pair.world.run(2000);
    pair.commander.hangUp();
    pair.world.run(150_000);
    b.got.length = 0;
    b.device.survivesStore = true;
    pair.world.run(5000);
    pair.commander.dial();
    expect(pair.world.run(200_000, () => b.got.includes("REPORT"))).toBe(true);
    expect(b.report?.serial).toBe(3n);
  });
});

describe("pairs are checked at both ends", () => {
  it("so that an unknown Mapping is refused without a handshake", () => {
    const pair = new Pair("mapping");
    expect(pair.end(pair.a, pair.open(pair.a, pair.b, pair.world.random(16)))).toBe(
      NO_SUCH_MAPPING,
    );
    expect(pair.b.device.news).toEqual([]);
  });

  it("so is a Mapping of another protocol, a control stream, and the other direction", () => {
    const pair = new Pair("kinds");
    const { a, b, mappingId } = pair;
    expect(pair.end(a, pair.open(a, b, mappingId, 2))).toBe(NO_SUCH_MAPPING);
    expect(pair.end(a, pair.open(a, b, mappingId, 3))).toBe(NO_SUCH_MAPPING);
    expect(pair.end(b, pair.open(b, a, mappingId))).toBe(NO_SUCH_MAPPING);
    expect(pair.end(b, pair.open(b, a, pair.bindingId))).toBe(NO_SUCH_MAPPING);
  });

  it("so is a Mapping that names other peers", () => {
    const pair = new Pair("peers");
    pair.deploy(pair.b, pair.next([pair.peer(pair.a)], [pair.mapping({ peers: [] })], true));
    pair.settle(pair.b);
    expect(pair.end(pair.a, pair.open())).toBe(NO_SUCH_MAPPING);
  });
});

describe("versions", () => {
  it("of an opener ahead make the other side ask, and the stream opens without the host", () => {
    const pair = new Pair("behind");
    const { a, b } = pair;
    // The Commander has a newer one for both; only `a` has been told.
    const ahead = pair.next([pair.peer(b)], [pair.binding()], true);
    b.config = { ...pair.next([pair.peer(a)], [pair.mapping()]), id: b.id };
    pair.deploy(a, ahead);
    pair.settle(a);
    pair.connect();
    expect(b.confirmed).toContain(pair.commander.hash(b));
  });

  it("wait for the host's end where the Commander is away", () => {
    const pair = new Pair("away");
    pair.deploy(pair.a, pair.next([pair.peer(pair.b)], [pair.binding()], true));
    pair.settle(pair.a);
    pair.world.withheld.add(toHex(pair.commander.id));
    const stream = pair.open();
    pair.world.run(10_000);
    const { core } = pair.a.device;
    expect(core.streamFlags(stream)).toBe(0);
    core.streamReset(stream, CONFIG_BEHIND);
    expect(core.streamInfo(stream).reason).toBe(CONFIG_BEHIND);
  });
});

describe("after a hop", () => {
  it("nothing of others is taken before the Commander's word, or 5 s", () => {
    const pair = new Pair("gate");
    pair.world.withheld.add(toHex(pair.commander.id));
    pair.b.device.dial();
    pair.world.run(1000);
    const began = pair.world.now;
    pair.connect();
    expect(pair.world.now - began).toBeGreaterThan(3500);
  });

  it("everything is taken as soon as the Commander has answered", () => {
    const pair = new Pair("answered");
    pair.b.device.dial();
    pair.world.run(1000);
    const began = pair.world.now;
    pair.connect();
    expect(pair.world.now - began).toBeLessThan(1500);
  });
});
