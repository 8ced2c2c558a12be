// SPDX-License-Identifier: Apache-2.0
// A Commander at a Connector's desk, real cores at both ends: whom it admits gets in, who may talk talks, what
// it takes back is gone at once, and it hears who is there. PROTOCOL 9.1; rules T2, T3, T4, T10.

import { afterEach, describe, expect, it } from "vitest";
import { Reason } from "../../host/core/abi.gen.ts";
import { publicKey } from "../reference/noise.ts";
import { person, rulesFor } from "./connector-world.ts";
import {
  change,
  commit,
  customer,
  DeskWorld,
  endWorlds,
  LIST,
  member,
  pair,
  type TestCommander,
} from "./desk-world.ts";

afterEach(endWorlds);

const PACKET = 500;

async function withCommander() {
  const operator = person("commander");
  const world = await DeskWorld.open(operator);
  return { world, operator, commander: world.commander(operator) };
}

/** Two members that are a pair, and a third one. */
async function withMembers() {
  const all = await withCommander();
  const [office, camera, hall] = [person("office"), person("camera"), person("hall")];
  const members = [office, camera, hall].map((who) => member(who));
  all.commander.say(LIST, ...members, pair(office, camera), commit(1));
  return { ...all, office, camera, hall };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("a stream to the desk", () => {
  it("begins with the version in force, and with who is there", async () => {
    const { commander } = await withCommander();
    expect(commander.heard.map(({ type }) => type)).toEqual(["HOLDS", "NAMED"]);
    expect(commander.holds).toBe("0.0");
  });

  it("runs with the PSK of the Commander's hop", async () => {
    const operator = person("commander", { psk: new Uint8Array(32).fill(7) });
    const world = await DeskWorld.open(operator);
    expect(world.commander(operator).holds).toBe("0.0");
  });

  it("takes the place of the one before it", async () => {
    const { world, commander } = await withCommander();
    commander.say(LIST);
    commander.open();
    world.settle();
    expect(commander.all("HOLDS")).toHaveLength(2);
    commander.say(LIST, commit(1));
    expect(commander.holds).toBe("1.1");
  });

  it("is nobody's but a Commander's", async () => {
    const { world, commander } = await withCommander();
    const office = person("office");
    commander.say(LIST, member(office), commit(1));
    const stranger: TestCommander = world.commander(office);
    expect(stranger.heard).toEqual([]);
    expect(world.refused("NotPaired")).toBeGreaterThan(0);
  });
});

describe("an admission list", () => {
  it("is in force once HOLDS says so: its members get in, and nobody else", async () => {
    const { world, commander, office } = await withMembers();
    expect(commander.holds).toBe("1.1");
    expect(world.dial(office).isUp).toBe(true);
    expect(world.dial(person("stranger")).endReason).toBe(Reason.NotAdmitted);
  });

  it("lets pairs talk, and nobody else", async () => {
    const { world, office, camera, hall } = await withMembers();
    const [from, to, other] = [office, camera, hall].map((who) => world.dial(who));
    for (const hop of [from, to, other]) hop?.allow(1_000_000);
    from?.send(camera, PACKET, 3);
    from?.send(hall, PACKET);
    world.run(50);
    expect([to?.bytesHeard(office), other?.bytesHeard()]).toEqual([3 * PACKET, 0]);
    expect(from?.dropped).toEqual([Reason.NotPaired]);
  });

  it("names who is there, who comes, under which key and from where, and who goes", async () => {
    const { world, commander, office, camera } = await withMembers();
    const hop = world.dial(office, "198.51.100.7");
    world.settle();
    const here = { type: "HERE", id: office.id, key: office.key, source: "198.51.100.7" };
    expect(commander.heard.at(-1)).toEqual(here);
    commander.open();
    world.settle();
    const fresh = commander.heard.slice(commander.heard.findLastIndex((m) => m.type === "HOLDS"));
    expect(fresh).toEqual([{ type: "HOLDS", epoch: 1, serial: 1n }, here, { type: "NAMED" }]);
    hop.line.events?.ended();
    world.dial(camera);
    world.settle();
    expect(commander.all("GONE")).toEqual([{ type: "GONE", id: office.id, reason: 0 }]);
    expect(commander.all("HERE").at(-1)?.id).toEqual(camera.id);
  });

  it("tells what has gone through, in ten seconds at the latest, and only what changed", async () => {
    const { world, commander, office, camera } = await withMembers();
    const [from, to] = [world.dial(office), world.dial(camera)];
    to.allow(1_000_000);
    from.send(camera, PACKET, 2);
    world.run(21_000);
    const moved = commander.all("MOVED").toSorted((a, b) => a.bytesIn - b.bytesIn);
    expect(moved).toEqual([
      { type: "MOVED", id: camera.id, bytesIn: 0, bytesOut: 2 * PACKET },
      { type: "MOVED", id: office.id, bytesIn: 2 * PACKET, bytesOut: 0 },
    ]);
  });

  it("that is sent again takes out whom it does not name", async () => {
    const { world, commander, office, camera, hall } = await withMembers();
    const [kept, gone] = [world.dial(office), world.dial(hall)];
    commander.say(LIST, member(camera), member(office), pair(camera, office), commit(2));
    expect([kept.isUp, gone.endReason]).toEqual([true, Reason.Revoked]);
    expect(world.dial(hall).endReason).toBe(Reason.NotAdmitted);
  });

  it("of an older version has no effect", async () => {
    const { world, commander, office } = await withMembers();
    commander.say(LIST, commit(0));
    expect([commander.holds, world.dial(office).isUp]).toEqual(["1.1", true]);
    expect(world.told("older than the one in force")).toHaveLength(1);
  });
});

describe("a change", () => {
  it("adds and takes back one by one, and touches no other hop", async () => {
    const { world, commander, office, camera } = await withMembers();
    const hop = world.dial(office);
    const fresh = person("fresh");
    commander.say(change(1), member(fresh), pair(fresh, office), commit(2));
    expect([commander.holds, hop.isUp]).toEqual(["1.2", true]);
    const other = world.dial(fresh);
    other.allow(1_000_000);
    hop.send(fresh, PACKET);
    world.run(50);
    expect(other.bytesHeard(office)).toBe(PACKET);
    commander.say(change(2), { type: "UNPAIR", one: office.id, other: fresh.id }, commit(3));
    hop.send(fresh, PACKET);
    world.run(50);
    expect([hop.isUp, other.isUp, other.bytesHeard(office)]).toEqual([true, true, PACKET]);
    expect(hop.dropped).toEqual([Reason.NotPaired]);
    expect(world.dial(camera).isUp).toBe(true);
  });

  it("of another version than the one in force has no effect at all", async () => {
    const { world, commander, hall } = await withMembers();
    commander.say(change(7), { type: "REMOVE", id: hall.id }, commit(8));
    expect([commander.holds, world.dial(hall).isUp]).toEqual(["1.1", true]);
  });

  it("that removes a member drops its hop, refuses its key and purges what is from and to it", async () => {
    const { world, commander, office, camera } = await withMembers();
    const [thief, hop] = [world.dial(camera), world.dial(office)];
    thief.send(office, PACKET, 2);
    hop.send(camera, PACKET, 2);
    world.run(50);
    const queue = world.place({ ...office, name: hexOf(office.id) }).queue;
    expect(queue.heldPackets).toBe(2);
    commander.say(change(1), { type: "REMOVE", id: camera.id }, commit(2));
    expect([thief.endReason, queue.heldPackets, commander.holds]).toEqual([
      Reason.Revoked,
      0,
      "1.2",
    ]);
    expect(world.dial(camera).endReason).toBe(Reason.NotAdmitted);
    expect(world.refused("Purged")).toBeGreaterThanOrEqual(4);
  });

  it("that removes a member which is away refuses its key when it comes back, and what was to be for it is gone", async () => {
    const { world, operator, commander, office, camera } = await withMembers();
    world.dial(camera).line.close();
    world.settle();
    const hop = world.dial(office);
    hop.send(camera, PACKET, 2);
    world.run(50);
    commander.say(change(1), { type: "REMOVE", id: camera.id }, commit(2));
    expect([commander.holds, world.refused("Purged")]).toEqual(["1.2", 2]);
    expect(world.dial(camera).endReason).toBe(Reason.NotAdmitted);
    world.stop();
    const after = await DeskWorld.open(operator, world.folder);
    expect(after.dial(camera).endReason).toBe(Reason.NotAdmitted);
    expect(after.dial(office).isUp).toBe(true);
  });

  it("purges what two who are no pair any more had for one another", async () => {
    const { world, commander, office, camera } = await withMembers();
    const hop = world.dial(office);
    hop.send(camera, PACKET, 2);
    world.run(50);
    commander.say(change(1), { type: "UNPAIR", one: camera.id, other: office.id }, commit(2));
    expect([hop.isUp, world.refused("Purged")]).toEqual([true, 2]);
  });

  it("makes an id under keys that are all new another one", async () => {
    const { world, commander, office, camera } = await withMembers();
    const before = world.dial(office);
    const replaced = person("office", { id: office.id });
    commander.say(change(1), member(replaced), commit(2));
    expect([before.endReason, world.dial(office).endReason]).toEqual([
      Reason.Revoked,
      Reason.NotAdmitted,
    ]);
    const after = world.dial(replaced);
    const other = world.dial(camera);
    other.allow(1_000_000);
    after.send(camera, PACKET);
    world.run(50);
    expect([after.isUp, other.bytesHeard()]).toEqual([true, PACKET]);
  });

  it("announces a next key, whose first hop makes it the key for good", async () => {
    const { world, commander, operator, office } = await withMembers();
    const nextSecret = person("").secret;
    const nextKey = publicKey(nextSecret);
    const old = world.dial(office);
    commander.say(change(1), member(office, { nextKey }), commit(2));
    expect(old.isUp).toBe(true);
    expect(world.dial(office, "192.0.2.1", nextSecret).isUp).toBe(true);
    world.settle();
    expect(commander.all("HERE").at(-1)?.key).toEqual(nextKey);
    expect(world.dial(office).endReason).toBe(Reason.NotAdmitted);
    // Told in the old way, and after a restart too, the old key stays nobody's.
    commander.say(change(2), member(office, { nextKey }), commit(3));
    expect(world.dial(office).endReason).toBe(Reason.NotAdmitted);
    world.stop();
    const again = await DeskWorld.open(operator, world.folder);
    expect(again.dial(office).endReason).toBe(Reason.NotAdmitted);
    expect(again.dial(office, "192.0.2.1", nextSecret).isUp).toBe(true);
  });

  it("that gives a key to another member in one go leaves it with the other", async () => {
    const { world, commander, office, hall } = await withMembers();
    const heir = { ...person("heir"), key: hall.key, secret: hall.secret };
    commander.say(change(1), { type: "REMOVE", id: hall.id }, member(heir), commit(2));
    expect(commander.holds).toBe("1.2");
    expect(world.dial(heir).isUp).toBe(true);
    commander.say(
      change(2),
      member({ ...office, key: heir.key }),
      member({ ...heir, key: office.key }),
      commit(3),
    );
    expect(commander.holds).toBe("1.3");
    world.dial(heir);
    world.settle();
    expect(commander.all("HERE").at(-1)?.id).toEqual(office.id);
  });
});

describe("the operator's Commander", () => {
  it("whose id is moved to another key is cut, and the other key is let in", async () => {
    const { world, commander, operator } = await withCommander();
    const recovered = { ...person("commander", { id: operator.id }) };
    world.commanders.set({ ...world.settings, commander: recovered });
    world.run(2000);
    expect(commander.hopEvents.filter(({ kind }) => kind === "down")[0]).toMatchObject({
      reason: Reason.Revoked,
    });
    const after = world.commander(recovered);
    after.say(LIST, commit(1));
    expect(after.holds).toBe("1.1");
  });

  it("beside STLinks of the file leaves them to the file", async () => {
    const operator = person("commander");
    const filed = person("filed", { tenant: "files" });
    const world = await DeskWorld.open(operator, undefined, rulesFor([filed]));
    const hop = world.dial(filed);
    const commander = world.commander(operator);
    commander.say(LIST, commit(1));
    expect([hop.isUp, commander.holds]).toEqual([true, "1.1"]);
    commander.say(change(1), member({ ...person("thief"), key: filed.key }), commit(2));
    expect([hop.isUp, commander.holds]).toEqual([true, "1.1"]);
    expect(world.told("somebody else's at this Connector")).toHaveLength(1);
    const late = person("late");
    commander.say(change(1), member(late), commit(2));
    expect(world.dial(late).isUp).toBe(true);
    world.connector.setRules(rulesFor([filed], { limits: { queueBytes: 300_000 } }));
    commander.say(change(2), commit(3));
    expect([hop.isUp, commander.holds]).toEqual([true, "1.3"]);
    // What the file names later is the file's, at once and after a restart.
    const taken = { ...late, name: "taken", tenant: "files", id: person("").id };
    world.connector.setRules(rulesFor([filed, taken]));
    world.dial(late);
    expect(world.place(taken).seat).not.toBeNull();
    world.stop();
    const again = await DeskWorld.open(operator, world.folder, rulesFor([filed, taken]));
    again.dial(late);
    expect(again.place(taken).seat).not.toBeNull();
  });
});

describe("a Customer", () => {
  async function withCustomer(more: Parameters<typeof customer>[1] = {}) {
    const all = await withCommander();
    const boss = person("bakery", { psk: new Uint8Array(32).fill(9) });
    all.commander.say(LIST, customer(boss, more), commit(1));
    return { ...all, boss, other: all.world.commander(boss) };
  }

  it("decides in a tenant of its own, where an id may be one that is elsewhere too", async () => {
    const { world, commander, other } = await withCustomer();
    const office = person("office");
    const twin = person("twin", { id: office.id });
    commander.say(change(1), member(office), commit(2));
    other.say(LIST, member(twin), commit(9));
    expect([commander.holds, other.holds]).toEqual(["1.2", "1.9"]);
    expect([world.dial(office).isUp, world.dial(twin).isUp]).toEqual([true, true]);
    world.settle();
    expect(other.all("HERE").map(({ key }) => key)).toEqual([twin.key]);
    expect(commander.all("HERE").at(-1)?.key).toEqual(office.key);
  });

  it("reaches nobody of another tenant, and takes no key of it", async () => {
    const { world, commander, other } = await withCustomer();
    const [office, oven] = [person("office"), person("oven")];
    commander.say(change(1), member(office), commit(2));
    other.say(LIST, member(oven), commit(1));
    const [hop, baker] = [world.dial(office), world.dial(oven)];
    baker.send(office, PACKET);
    world.run(50);
    expect(baker.dropped).toEqual([Reason.NotPaired]);
    other.say(change(1), member({ ...person("thief"), key: office.key }), commit(2));
    expect([other.holds, hop.isUp]).toEqual(["1.1", true]);
    other.say(change(1), { type: "REMOVE", id: office.id }, commit(2));
    expect([other.holds, hop.isUp]).toEqual(["1.2", true]);
  });

  it("names no Customers", async () => {
    const { world, other } = await withCustomer();
    other.say(LIST, customer(person("friend")), commit(1));
    expect(other.endReason).toBe(Reason.BadRecord);
    other.open();
    world.settle();
    expect(other.holds).toBe("0.0");
  });

  it("has as many STLinks as it may, and keeps them when it may have fewer", async () => {
    const { world, boss, commander, other } = await withCustomer({ stlinks: 2 });
    const [one, two, three] = [person("one"), person("two"), person("three")];
    other.say(LIST, member(one), member(two), member(three), commit(1));
    expect(other.holds).toBe("0.0");
    expect(world.told("may have 2 STLinks")).toHaveLength(1);
    other.say(LIST, member(one), member(two), commit(1));
    commander.say(change(1), customer(boss, { stlinks: 1 }), commit(2));
    expect([other.holds, world.dial(two).isUp]).toEqual(["1.1", true]);
    other.say(change(1), { type: "REMOVE", id: one.id }, member(three), commit(2));
    expect(other.holds).toBe("1.1");
  });

  it("shares one rate among its STLinks", async () => {
    const { world, other } = await withCustomer({ bytesPerSecond: 200_000 });
    const [oven, till] = [person("oven"), person("till")];
    other.say(LIST, member(oven), member(till), pair(oven, till), commit(1));
    const [from, to] = [world.dial(oven), world.dial(till)];
    to.allow(10_000_000);
    from.send(till, 10_000, 40);
    world.run(100);
    expect(from.dropped).toContain(Reason.RateLimited);
  });

  it("that is suspended has no hop, its Commander's neither, and all of them again afterwards", async () => {
    const { world, boss, commander, other } = await withCustomer();
    const oven = person("oven");
    other.say(LIST, member(oven), commit(1));
    const hop = world.dial(oven);
    commander.say(change(1), customer(boss, { isSuspended: true }), commit(2));
    expect([hop.endReason, world.dial(oven).endReason]).toEqual([
      Reason.NotAdmitted,
      Reason.NotAdmitted,
    ]);
    expect(other.hopEvents.at(-1)).toMatchObject({ kind: "down", reason: Reason.NotAdmitted });
    commander.say(change(2), customer(boss), commit(3));
    expect(world.dial(oven).isUp).toBe(true);
    world.run(12_000);
    expect(other.hopEvents.at(-1)).toEqual({ kind: "up" });
  });

  it("that is dismissed is gone with all of its tenant, on disk too", async () => {
    const { world, operator, boss, commander, other } = await withCustomer();
    const oven = person("oven");
    other.say(LIST, member(oven), commit(1));
    const hop = world.dial(oven);
    commander.say(change(1), { type: "DISMISS", id: boss.id }, commit(2));
    expect([hop.endReason, world.dial(oven).endReason]).toEqual([
      Reason.Revoked,
      Reason.NotAdmitted,
    ]);
    commander.say(change(2), customer(boss), commit(3));
    world.run(70_000);
    world.stop();
    const again = await DeskWorld.open(operator, world.folder);
    expect(again.dial(oven).endReason).toBe(Reason.NotAdmitted);
    expect(again.commander(boss).holds).toBe("0.0");
  });
});
