// SPDX-License-Identifier: Apache-2.0
// What Connectors are told, and when: all of it at first, then what differs; several Connectors, one of them away; codes,
// who waits, Customers. PROTOCOL 9.1; rules T2, T6, T10.

import { afterEach, describe, expect, it } from "vitest";
import { madeCode } from "../../host/commander/domain/code.ts";
import { revoke, revokeCode } from "../../host/commander/store/activations.ts";
import { insertCode, listCodes } from "../../host/commander/store/codes.ts";
import { deleteObject } from "../../host/commander/store/writing.ts";
import { hex } from "../../host/service/hex.ts";
import { GOOD_CUSTOMER } from "./commander-objects.ts";
import { CommanderSite } from "./commander-site.ts";

const NONE = new Uint8Array(0);

let site: CommanderSite;

afterEach(() => site.end());

const since = (count: number) => site.desk.told.slice(count);

describe("a Connector", () => {
  it("is told everything at first, and then what differs alone", async () => {
    site = new CommanderSite("what differs").start();
    await site.pairedSite();
    await site.settled();
    expect(site.desk.told.filter((type) => type === "LIST")).toHaveLength(1);
    const count = site.desk.told.length;
    site.edit("route", "camera-service", { port: 9009 });
    await site.current("office", "camera");
    expect(since(count)).toEqual([]);
    site.edit("stlink", "office", { templates: [] });
    await site.settled();
    expect(since(count)).toEqual(["CHANGE", "UNPAIR", "COMMIT"]);
  });

  it("is told everything by a Commander that was started anew, and differences after its own crash", async () => {
    site = new CommanderSite("started anew").start();
    await site.activated("camera");
    await site.settled();
    site.kill();
    site.start();
    await site.until(() => site.desk.told.filter((type) => type === "LIST").length === 2, "LIST");
    await site.settled();
    const count = site.desk.told.length;
    site.desk.crash();
    await site.pass(2000);
    site.desk.start();
    site.make("stlink", { name: "other", description: "" });
    site.invite();
    await site.settled();
    expect(since(count)).toEqual(["CHANGE", "TICKET", "COMMIT"]);
  });

  it("that does not hold what it was told is told everything", async () => {
    site = new CommanderSite("lost its disk").start();
    await site.activated("camera");
    await site.settled();
    site.desk.crash();
    site.desk.forget();
    site.desk.start();
    await site.settled();
    expect(site.desk.held.members.size).toBe(1);
  });

  it("that takes nothing any more keeps nobody waiting for long, and the log says so", async () => {
    site = new CommanderSite("takes nothing").start();
    await site.pairedSite();
    await site.settled();
    site.desk.isFull = true;
    site.edit("stlink", "office", { templates: [] });
    await site.pass(5000);
    expect(site.isCurrent("office")).toBe(false);
    await site.until(() => site.isCurrent("office"), "it is told", 20_000);
    expect(site.told("does not take the admission")).toHaveLength(1);
    site.desk.isFull = false;
    await site.settled();
    expect(site.desk.held.pairs.size).toBe(0);
  });

  it("has a code's ticket until the code is revoked, and who waits with it until that is over", async () => {
    site = new CommanderSite("tickets").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const code = site.invite({ approval: true, sources: ["192.0.2.0/24"], uses: 1 }, id);
    await site.begin("camera", code);
    const [{ codeId } = { codeId: "" }] = listCodes(site.db, { limit: 1 });
    await site.until(() => site.desk.held.waiting.size === 1, "it waits");
    expect(site.desk.held.tickets.get(codeId)).toMatchObject({ sources: ["192.0.2.0/24"] });
    site.registry.change("anna", (change) => revoke(change, id));
    await site.until(() => site.desk.held.waiting.size === 0, "nobody waits");
    expect(site.desk.held.tickets.has(codeId)).toBe(true);
    site.registry.change("anna", (change) => revokeCode(change, codeId));
    await site.until(() => !site.desk.held.tickets.has(codeId), "it is void");
  });

  it("has a member's code until that has confirmed", async () => {
    site = new CommanderSite("until confirmed").start();
    await site.activated("camera");
    await site.settled();
    const { id } = site.stlink("camera");
    expect(site.desk.held.members.get(id)?.codeId).toBeNull();
    expect(site.desk.told.filter((type) => type === "MEMBER").length).toBeGreaterThan(1);
  });

  it("has Customers as they are made, changed and dismissed", async () => {
    site = new CommanderSite("customers").start();
    const made = { ...GOOD_CUSTOMER, tags: [] };
    const id = site.make("customer", made);
    const customers = () => [...site.desk.held.customers.values()];
    await site.until(() => customers().length === 1, "CUSTOMER");
    expect(customers()).toMatchObject([
      { name: "northern", stlinks: 100, bytesPerSecond: 1 << 20, isSuspended: false },
    ]);
    site.edit("customer", "northern", { suspended: true });
    await site.until(() => customers()[0]?.isSuspended === true, "suspended");
    site.registry.change("anna", (change) => deleteObject(change, "customer", id, 2));
    await site.until(() => customers().length === 0, "DISMISS");
  });

  it("is told of so many codes at most, the newest", async () => {
    site = new CommanderSite("codes without end");
    const rules = { uses: 1, expiry: "1d", sources: [], approval: false };
    const target = { profileId: null, stlinkId: null };
    site.registry.change("anna", (change) => {
      for (let i = 0; i < 4100; i++) {
        const [codeId, hash] = [8, 32].map((length) => Buffer.alloc(length, "c"));
        codeId?.writeUInt32LE(i);
        const hashes = { codeId: hex(codeId ?? NONE), secretHash: hex(hash ?? NONE) };
        const code = { ...hashes, ticketHash: hashes.secretHash };
        insertCode(change, madeCode(code, target, rules, site.nowMs), new Uint8Array(32));
      }
    });
    site.start();
    await site.until(() => site.desk.held.tickets.size > 0, "LIST");
    expect(site.desk.held.tickets.size).toBe(4000);
    site.invite();
    await site.settled();
    const [{ codeId } = { codeId: "" }] = listCodes(site.db, { limit: 1 });
    expect(site.desk.held.tickets.size).toBe(4000);
    expect(site.desk.held.tickets.has(codeId)).toBe(true);
  });
});

describe("two Connectors", () => {
  it("are both told, and an STLink hears when both hold it", async () => {
    site = new CommanderSite("both", 2).start();
    const { office } = await site.pairedSite();
    const before = office.version;
    const [, second] = site.desks;
    if (second === undefined) throw new Error("there is no second Connector");
    second.heldBack = [];
    site.edit("stlink", "office", { templates: [] });
    await site.pass(3000);
    expect(office.version).toBe(before);
    const areCurrent = () => site.control.connectors().map(({ isCurrent }) => isCurrent);
    expect(areCurrent()).toEqual([true, false]);
    second.letPass();
    await site.current("office");
    expect(areCurrent()).toEqual([true, true]);
  });

  it("of which one is away for long keep nobody waiting, and the log says what waits for what", async () => {
    site = new CommanderSite("one away", 2).start();
    const { office } = await site.pairedSite();
    const [, second] = site.desks;
    second?.crash();
    await site.pass(1000);
    site.edit("stlink", "office", { templates: [] });
    await site.until(() => site.isCurrent("office"), "it is told", 60_000);
    expect(site.told("wait until these Connectors hold")[0]).toMatchObject({ waiting: 2 });
    expect(site.told("STLinks are told without it")).toHaveLength(1);
    expect(office.version).not.toBeNull();
    const { id } = site.stlink("camera");
    site.registry.change("anna", (change) => revoke(change, id));
    second?.start();
    await site.until(() => second?.held.members.has(id) === false, "it is told when it is back");
  });
});
