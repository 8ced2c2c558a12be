// SPDX-License-Identifier: Apache-2.0
// What a device tells its Commander of itself (ABOUT), and the new key that a Commander asks for (RENEW).
// Devices and Connector are cores; the Commander is the reference. PROTOCOL 10.1, 10.4.

import { describe, expect, it } from "vitest";
import {
  type Core,
  type CoreError,
  CoreFlag,
  connectorSizes,
  DEVICE_SIZES,
} from "../../host/core/core.ts";
import { type ControlMessage, decodeAbout, encodeControl } from "../reference/control.ts";
import { Pair } from "./control-pair.ts";
import { ABOUT, CORE_HASH, Device } from "./control-world.ts";

const RENEW: ControlMessage = { type: "RENEW" };

function statusOf(action: () => void): string {
  try {
    action();
    return "Ok";
  } catch (error) {
    return (error as CoreError).code;
  }
}

/** The device asks again, as it does after each hop; what it said meanwhile. */
function askedAgain(pair: Pair): readonly string[] {
  pair.b.got.length = 0;
  pair.b.device.redial();
  pair.world.run(20_000, () => pair.b.got.includes("ABOUT"));
  return pair.b.got;
}

describe("ABOUT", () => {
  it("follows each STATE: the core's hash, the host's words, sessions and streams", () => {
    const pair = new Pair("about");
    expect(askedAgain(pair).slice(0, 2)).toEqual(["STATE", "ABOUT"]);
    expect(pair.b.about).toMatchObject({ sessions: 0, streams: 0 });
    pair.connect();
    pair.connect();
    expect(askedAgain(pair).slice(0, 2)).toEqual(["STATE", "ABOUT"]);
    const { about } = pair.b;
    expect(about).toMatchObject({ sessions: 1, streams: 2, coreHash: CORE_HASH });
    expect(decodeAbout(about?.text as Uint8Array)).toEqual(ABOUT);
  });

  it("is not sent while the device activates; its text goes with ACTIVATE", () => {
    const pair = new Pair("about activation");
    const activating = pair.b.got.slice(0, pair.b.got.indexOf("CONFIRM"));
    expect(activating).toEqual(["ACTIVATE"]);
    expect(decodeAbout(pair.b.platform as Uint8Array)).toEqual(ABOUT);
  });

  it("is not sent by a host that has said nothing", () => {
    const pair = new Pair("about nothing");
    const { device } = pair.b;
    device.hangUp();
    const { core } = device;
    core.stop();
    core.start("stlink", DEVICE_SIZES, pair.world.now);
    core.setIdentity(device.keys.privateKey, device.keys.publicKey, new Uint8Array(16));
    core.feed(pair.world.random(32));
    core.loadConfiguration(device.flash);
    expect(askedAgain(pair)).toContain("STATE");
    expect(pair.b.got).not.toContain("ABOUT");
  });

  it("takes a hash and up to 64 bytes behind it, and a core without a control plane none", () => {
    const pair = new Pair("about lengths");
    const { core } = pair.b.device;
    const given = (of: Core, length: number) =>
      statusOf(() => of.setAbout(new Uint8Array(length - 2), { platform: "" }));
    expect([32, 96].map((length) => given(core, length))).toEqual(["Ok", "Ok"]);
    expect([2, 31, 97, 500].map((length) => given(core, length))).toEqual(
      new Array(4).fill("BadLength"),
    );
    expect(given(pair.world.relay, 32)).toBe("BadState");
    core.stop();
    expect(given(core, 32)).toBe("BadState");
    core.start("connector", connectorSizes(1), 0);
    expect(given(core, 32)).toBe("BadState");
  });
});

describe("RENEW", () => {
  const wants = (pair: Pair) => (pair.b.device.core.flags() & CoreFlag.WantsRenew) !== 0;
  const told = (pair: Pair, bytes: Uint8Array) => {
    pair.commander.tellBytes(pair.b, bytes);
    pair.world.run(3000);
    return wants(pair);
  };
  const rotate = (pair: Pair) => {
    const keys = pair.world.keyPair();
    pair.b.device.nextKeys = keys;
    pair.b.device.core.rotate(keys.privateKey, keys.publicKey);
    return keys;
  };

  it("is the host's to heed: it is asked until it has rotated, and not again meanwhile", () => {
    const pair = new Pair("renew");
    const { device } = pair.b;
    expect(wants(pair)).toBe(false);
    expect(told(pair, encodeControl(RENEW))).toBe(true);
    pair.world.run(120_000);
    expect(wants(pair)).toBe(true);
    pair.commander.silent = true;
    const keys = rotate(pair);
    expect(wants(pair)).toBe(false);
    expect(told(pair, encodeControl(RENEW))).toBe(false);
    pair.commander.silent = false;
    pair.commander.knows(pair.b, device.keys.publicKey, keys.publicKey);
    pair.commander.tell(pair.b, { type: "ROTATED", key: keys.publicKey });
    expect(pair.world.run(20_000, () => device.keys === keys)).toBe(true);
    pair.world.run(10_000);
    expect(told(pair, encodeControl(RENEW))).toBe(true);
  });

  it("has no effect with a body, and does not outlive the instance", () => {
    const pair = new Pair("renew body");
    const cut = encodeControl(RENEW).slice();
    cut[1] = 1;
    expect(told(pair, new Uint8Array([...cut, 0]))).toBe(false);
    expect(told(pair, encodeControl(RENEW))).toBe(true);
    const { core } = pair.b.device;
    core.stop();
    core.start("stlink", DEVICE_SIZES, 0);
    expect(wants(pair)).toBe(false);
  });

  it("has no effect while the device activates", () => {
    const pair = new Pair("renew activating");
    const device = pair.world.add(new Device(pair.world, "newcomer"));
    const { entry, code } = pair.commander.issue(device);
    pair.commander.silent = true;
    device.activate(code);
    pair.world.run(20_000, () => entry.got.includes("ACTIVATE"));
    expect(pair.commander.tell(entry, RENEW)).toBe(true);
    pair.world.run(3000);
    expect(device.core.flags() & CoreFlag.WantsRenew).toBe(0);
  });
});
