// SPDX-License-Identifier: Apache-2.0
// Keys that change, and keys that go: a rotation ends no connection and is answered once all know it; a revocation cuts
// at once, the Connector first; a peer's key that changed unannounced is audited. PROTOCOL 10.4; rules T3, T10, T12.

import { afterEach, describe, expect, it, vi } from "vitest";
import { Deployer, Rank } from "../../host/commander/control/deployer.ts";
import { revoke } from "../../host/commander/store/activations.ts";
import { keyPlace } from "../../host/commander/store/stlinks.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

const revokeNow = (name: string) => {
  const { id } = site.stlink(name);
  site.registry.change("anna", (change) => revoke(change, id));
};

describe("a rotation", () => {
  it("makes the new key the key, and ends no connection", async () => {
    site = new CommanderSite("rotates").start();
    const { office, came, client } = await site.talkingSite();
    const before = site.stlink("office").facts;
    office.command("rotate");
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
    const { key, nextKey } = site.stlink("office").facts;
    expect(key).not.toBe(before.key);
    expect(nextKey).toBeNull();
    expect(keyPlace(site.db, before.key ?? "")?.isSpent).toBe(true);
    await site.current("office", "camera");
    client.send(" after");
    await site.until(() => came[0]?.text === "hello after", "bytes come through");
    expect(client.ending).toBeUndefined();
  });

  it("is answered once the Connector holds the key and the peers that are here were told", async () => {
    site = new CommanderSite("publishes first").start();
    const { office, camera } = await site.pairedSite();
    const inForce = camera.told("configuration in force").length;
    const hops = office.told("hop up").length;
    site.desk.heldBack = [];
    office.command("rotate");
    await site.until(() => site.stlink("office").facts.nextKey !== null, "it is announced");
    await site.pass(4000);
    expect(office.told("hop up")).toHaveLength(hops);
    expect(camera.told("configuration in force")).toHaveLength(inForce);
    site.desk.letPass();
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
    expect(camera.told("configuration in force").length).toBeGreaterThan(inForce);
    expect(site.desk.held.members.get(site.stlink("office").id)).toMatchObject({ nextKey: null });
  });

  it("survives a Commander that is killed before it answers", async () => {
    site = new CommanderSite("killed in a rotation").start();
    const { office } = await site.pairedSite();
    site.desk.heldBack = [];
    office.command("rotate");
    await site.until(() => site.stlink("office").facts.nextKey !== null, "it is announced");
    site.kill();
    site.desk.letPass();
    await site.pass(2000);
    site.start();
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
    await site.current("office", "camera");
  });

  it("of another's key, or of one that is used up, is not answered", async () => {
    site = new CommanderSite("of another").start();
    await site.pairedSite();
    const { id, facts } = site.stlink("office");
    const raw = await site.impostor("camera");
    raw.say(0x64, Buffer.from(facts.key ?? "", "hex"));
    await site.until(() => site.told("a key is not published").length > 0, "it is refused");
    expect(site.stlink("office")).toMatchObject({ id, facts: { key: facts.key } });
    expect(site.stlink("camera").facts.nextKey).toBeNull();
  });
});

/** One that takes what it is sent, and has nothing. */
function conversationWith(id: string, send: () => void) {
  return { stlinkId: id, party: { id }, isBusy: false, inForce: null, sent: null, send };
}

describe("a revocation", () => {
  it("cuts an open connection within a second, the Connector first, then tells who has confirmed", async () => {
    site = new CommanderSite("revokes").start();
    const { camera, client, office } = await site.talkingSite();
    const { id } = site.stlink("camera");
    const inForce = office.told("configuration in force").length;
    revokeNow("camera");
    await site.until(() => !site.desk.held.members.has(id), "the Connector holds it", 200);
    expect(office.told("configuration in force")).toHaveLength(inForce);
    await site.until(() => client.ending !== undefined, "the connection has ended", 1000);
    await site.until(
      () => site.told("all of its peers have confirmed").length > 0,
      "all confirmed",
    );
    await site.until(() => camera.told("hop down").length > 0, "its hop is gone");
    await site.pass(60_000);
    expect(site.stlink("camera").facts).toMatchObject({ key: null, isConnected: false });
    expect(site.desk.held.pairs.size).toBe(0);
  });

  it("is told to the peers of who was revoked before others whose turn it was already", async () => {
    site = new CommanderSite("before others").start();
    for (const name of ["hall", "yard", "office"]) await site.activated(name);
    const order: string[] = [];
    const parties = {
      get: (id: string) => ({ conversation: conversationWith(id, () => order.push(id)) }),
    };
    const desks = { holds: () => true, late: () => [] };
    const { db, authority, clock } = site;
    const attempt = (_: string, work: () => object) => ({ ok: true, value: work() });
    // What is to come soon comes once all three are wanted.
    const later: (() => void)[] = [];
    const soon = (act: () => void) => later.push(act);
    const world = { clock: { now: () => clock.nowMs, soon } };
    const office = { db, authority, world, attempt, random: (n: number) => site.prng.bytes(n) };
    const ids = ["hall", "yard", "office"].map((name) => site.stlink(name).id);
    const [hall = "", yard = "", peer = ""] = ids;
    const deployer = new Deployer(office as never, parties as never, desks as never);
    deployer.want(hall, Rank.Asked);
    deployer.want(yard, Rank.Changed);
    deployer.want(peer, Rank.Revoked);
    for (let act = later.shift(); act !== undefined; act = later.shift()) act();
    expect(order).toEqual([peer, yard, hall]);
  });

  it("gives those peers that turn", async () => {
    site = new CommanderSite("whose turn").start();
    await site.pairedSite();
    const want = vi.spyOn(Deployer.prototype, "want");
    revokeNow("camera");
    expect(want).toHaveBeenCalledWith(site.stlink("office").id, Rank.Revoked);
    want.mockRestore();
  });

  it("says whom it waits for where a Connector withholds it, and cuts the peers nevertheless", async () => {
    site = new CommanderSite("withholds").start();
    const { client } = await site.talkingSite();
    site.desk.heldBack = [];
    revokeNow("camera");
    await site.until(() => client.ending !== undefined, "the connection has ended", 15_000);
    expect(site.told("these peers have not confirmed")).toHaveLength(1);
    expect(site.told("STLinks are told without it")).toHaveLength(1);
  });
});

describe("a peer's key that changed unannounced", () => {
  it("is in the audit log once, and so is its confirmation", async () => {
    site = new CommanderSite("PeerKeyChanged").start();
    const { office } = await site.pairedSite();
    const { id } = site.stlink("camera");
    const fresh = await site.begin("replacement", site.invite({}, id));
    await site.until(() => fresh.version !== null, "the replacement is there");
    await site.until(() => site.audited("PeerKeyChanged").length > 0, "it is audited");
    expect(site.audited("PeerKeyChanged")[0]).toMatchObject({ id: site.stlink("office").id });
    office.command("confirm", id.slice(0, 8));
    await site.until(() => site.audited("peer key confirmed").length > 0, "that too");
    expect(site.audited("PeerKeyChanged")).toHaveLength(1);
  });
});

describe("a new key that an administrator asks for", () => {
  it("is made by the STLink, and counts", async () => {
    site = new CommanderSite("renews").start();
    await site.activated("camera");
    await site.pass(120_000);
    const { id } = site.stlink("camera");
    expect(site.control.renew(id)).toBe(true);
    await site.until(() => site.stlink("camera").facts.keyEpoch === 2, "the new key counts");
    await site.current("camera");
  });

  it("can't be asked of an STLink that is away", async () => {
    site = new CommanderSite("away").start();
    const camera = await site.activated("camera");
    const { id } = site.stlink("camera");
    await site.until(() => site.control.renew(id), "it is here");
    expect(site.control.renew("01".repeat(16))).toBe(false);
    await camera.stop();
    await site.until(() => !site.control.renew(id), "it is away");
  });
});
