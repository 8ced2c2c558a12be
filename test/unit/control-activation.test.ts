// SPDX-License-Identifier: Apache-2.0
// Activation from the code to the configuration in force (PROTOCOL 10.2, T5 to T7): whole, with the
// answer lost at every place, refused, and with a device that dies between storing and confirming.
// Devices and Connector are cores; the Commander is the reference, or a core where a test is long.

import { describe, expect, it } from "vitest";
import { ControlPhase, type CoreError } from "../../host/core/core.ts";
import { fromHex, toHex } from "../reference/bytes.ts";
import { Commander, type Entry } from "./control-commander.ts";
import { Device, World, type WorldOptions } from "./control-world.ts";

type Site = { world: World; commander: Commander; device: Device; entry: Entry; code: Uint8Array };

function site(seed: string, options: WorldOptions = {}): Site {
  const world = new World(seed, options);
  const id = world.random(16);
  const commander = new Commander(world, world.keyPair(), world.keyPair(), id);
  world.admit(commander.keys.publicKey, id);
  world.add(commander).dial();
  const device = world.add(new Device(world, "camera"));
  const { entry, code } = commander.issue(device);
  return { world, commander, device, entry, code };
}

function isConfirmed({ commander, entry }: Site): boolean {
  return entry.confirmed.includes(commander.hash(entry));
}

/** Activated, confirmed, and back under its own id. */
function isSettled(one: Site): boolean {
  const { device } = one;
  return device.phase === ControlPhase.Activated && isConfirmed(one) && device.core.flags() < 4;
}

describe("activation", () => {
  it("ends with a configuration that is stored, confirmed and current under the new id", () => {
    const one = site("activation");
    const { world, device, entry, code } = one;
    device.activate(code);
    expect(world.run(10_000, () => isSettled(one))).toBe(true);
    expect(device.stored).toBe(1);
    expect(entry.got.slice(0, 2)).toEqual(["ACTIVATE", "CONFIRM"]);
    expect(world.run(10_000, () => entry.got.includes("STATE"))).toBe(true);
    expect(device.drops).toEqual([]);
  });

  it("needs the host for nothing but flash, hops and time", () => {
    const one = site("host");
    one.device.activate(one.code);
    one.world.run(10_000, () => isSettled(one));
    expect(one.device.news).toEqual([]);
  });

  it("survives a hop that is cut anywhere in the answer", () => {
    const whole = site("cut", { commander: "core" });
    whole.device.activate(whole.code);
    whole.world.run(10_000, () => isSettled(whole));
    const total = whole.device.received;
    expect(total).toBeGreaterThan(3000);
    for (let cut = 1; cut < total; cut += 41) {
      const one = site("cut", { commander: "core" });
      one.device.bytesToCut = cut;
      one.device.activate(one.code);
      expect([cut, one.world.run(200_000, () => isSettled(one))]).toEqual([cut, true]);
    }
  });

  it("repeats itself after a reboot before the configuration is stored", () => {
    const one = site("reboot");
    one.device.survivesStore = false;
    one.device.activate(one.code);
    one.world.run(5000);
    expect(one.device.phase).toBe(ControlPhase.Activating);
    one.device.survivesStore = true;
    one.device.reboot();
    one.device.activate(one.code);
    expect(one.world.run(60_000, () => isSettled(one))).toBe(true);
    expect(one.entry.got.filter((type) => type === "ACTIVATE").length).toBe(2);
  });

  it("is confirmed by STATE after a reboot between storing and confirming", () => {
    const one = site("stored");
    const { world, device, entry } = one;
    device.survivesStore = false;
    device.activate(one.code);
    world.run(5000);
    device.flash = device.core.pendingConfiguration();
    expect(device.flash.length).toBeGreaterThan(100);
    device.survivesStore = true;
    device.reboot();
    expect(world.run(60_000, () => isSettled(one))).toBe(true);
    expect(entry.got).toContain("STATE");
    expect(entry.got).not.toContain("CONFIRM");
  });

  it("is tried again when flash fails", () => {
    const one = site("flash");
    const { world, device, entry } = one;
    device.stores = false;
    device.activate(one.code);
    world.run(20_000);
    expect(device.phase).toBe(ControlPhase.Activating);
    expect(device.stored).toBe(1);
    expect(entry.got).not.toContain("CONFIRM");
    device.stores = true;
    expect(world.run(700_000, () => isSettled(one))).toBe(true);
  });

  it("shows why the Commander refuses, and asks again", () => {
    const one = site("refused");
    one.commander.refuses = 67;
    one.device.activate(one.code);
    one.world.run(20_000);
    expect(one.device.core.controlState().refused).toBe(67);
    expect(one.device.phase).toBe(ControlPhase.Activating);
    one.commander.refuses = 0;
    expect(one.world.run(700_000, () => isSettled(one))).toBe(true);
    expect(one.device.core.controlState().refused).toBe(0);
  });

  it("refuses a second key for a used code", () => {
    const one = site("used");
    one.entry.usedBy = one.world.random(32);
    one.device.activate(one.code);
    one.world.run(20_000);
    expect(one.device.core.controlState().refused).toBe(64);
    expect(one.device.phase).toBe(ControlPhase.Activating);
  });

  it("gets nowhere with a code whose secret nobody knows", () => {
    const one = site("stranger");
    const other = site("other");
    one.device.dials = false;
    one.device.activate(other.code);
    one.world.run(5000);
    expect(one.entry.got).toEqual([]);
    expect(one.device.phase).toBe(ControlPhase.Activating);
  });
});

describe("a configuration on activation", () => {
  it.each(["commanderKey", "recoveryKey", "commanderId"] as const)(
    "has no effect with another %s than the code's",
    (field) => {
      const one = site(field);
      const wrong = field === "commanderId" ? one.world.random(16) : one.world.keyPair().publicKey;
      one.entry.config = { ...one.entry.config, [field]: wrong };
      one.device.activate(one.code);
      one.world.run(20_000);
      expect(one.device.phase).toBe(ControlPhase.Activating);
      expect(one.device.drops).toContain("BadConfig");
      expect(one.device.stored).toBe(0);
    },
  );
});

describe("a code", () => {
  const load = (device: Device, code: Uint8Array) => {
    try {
      device.core.loadCode(code);
      return "Ok";
    } catch (error) {
      return (error as CoreError).code;
    }
  };

  it("is refused when any byte is changed, cut or added", () => {
    const { device, code } = site("code");
    for (let at = 0; at < code.length; at++) {
      const wrong = code.slice();
      wrong[at] = (wrong[at] as number) ^ 0x10;
      expect(load(device, wrong)).toBe("BadCode");
      expect(load(device, code.subarray(0, at))).toBe("BadCode");
    }
    expect(load(device, new Uint8Array([...code, 0]))).toBe("BadCode");
    expect(device.phase).toBe(ControlPhase.None);
    expect(load(device, code)).toBe("Ok");
  });

  it("gives what the vector gives, and leaves nothing behind", async () => {
    const { default: vectors } = await import("../vectors/control.json", {
      with: { type: "json" },
    });
    const { device } = site("vector");
    const { activation } = vectors;
    const shown = device.core.loadCode(fromHex(activation.bytes));
    expect(toHex(shown.ticket)).toBe(activation.derived.codeId + activation.derived.ticket);
    const at = device.core.engine.call("config_ptr");
    expect(device.core.engine.read(at, activation.bytes.length / 2).every((b) => b === 0)).toBe(
      true,
    );
  });

  it("read again while a configuration waits for flash makes the Commander send that again", () => {
    const one = site("twice");
    const { world, device, code } = one;
    device.survivesStore = false;
    device.activate(code);
    world.run(5000);
    expect(device.core.pendingConfiguration().length).toBeGreaterThan(100);
    device.activate(code);
    expect(device.core.pendingConfiguration()).toEqual(new Uint8Array(0));
    device.survivesStore = true;
    expect(world.run(60_000, () => isSettled(one))).toBe(true);
  });

  it("makes a link that the host cannot remove", () => {
    const { device, commander, code } = site("link");
    device.core.loadCode(code);
    const { engine } = device.core;
    engine.write(engine.call("arg_ptr"), commander.id);
    expect(() => device.core.linkRemove(engine.call("link_find"), 1)).toThrow("BadState");
  });

  it("is ignored by a device that is activated", () => {
    const one = site("again");
    one.device.activate(one.code);
    one.world.run(10_000, () => isSettled(one));
    expect(load(one.device, one.code)).toBe("BadState");
  });
});
