// SPDX-License-Identifier: Apache-2.0
// A Commander and real desktop STLinks on a fake network: what changes reaches those whom it concerns, in the order of
// rule T10, and touches no connection that is still allowed. PROTOCOL 9.1, 10.1, 10.3.

import { afterEach, describe, expect, it } from "vitest";
import { Status } from "../../host/core/abi.gen.ts";
import { CommanderSite, type SiteMember } from "./commander-site.ts";

/** PROTOCOL 10.1: its type, its length, where its status is. */
const [REPORT, REPORT_LEN, REPORT_STATUS] = [0x65, 52, 47];

let site: CommanderSite;

afterEach(() => site.end());

const versions = (...members: SiteMember[]) => members.map(({ version }) => version);

describe("a Commander", () => {
  it("activates an STLink by its code, and sees it confirmed and here", async () => {
    site = new CommanderSite("activates").start();
    const camera = await site.activated("camera");
    await site.until(() => site.stlink("camera").facts.report.core !== null, "ABOUT is noted");
    const { facts } = site.stlink("camera");
    expect(camera.version).toBe(`${facts.confirmed?.epoch}.${facts.confirmed?.serial}`);
    expect(facts.isConnected).toBe(true);
    expect(facts.report.connector).toBe(site.authority.connectors[0]?.key);
    expect(facts.report.core).toMatch(/^[0-9a-f]{64}$/);
    expect(facts.report.platform).toContain(process.platform);
  });

  it("gives a Route to those who have it, while they run", async () => {
    site = new CommanderSite("gives a Route").start();
    const { came } = await site.talkingSite();
    expect(came).toHaveLength(1);
  });

  it("does nothing with a Route that no Template brings to anybody", async () => {
    site = new CommanderSite("does nothing").start();
    const office = await site.activated("office");
    await site.activated("camera");
    const common = { description: "", protocol: "tcp", address: "127.0.0.1" };
    const own = { ...common, name: "web", type: "mapping", port: 9000 };
    const mapping = site.make("route", own);
    const here = { ...common, name: "here", type: "binding", port: 8080, mapping };
    const routes = [site.make("route", here)];
    const bindings = () => office.running.status().bindings.map(({ name }) => name);
    await site.current("office");
    await site.pass(5000);
    expect(bindings()).toEqual([]);
    const reaching = site.make("template", { name: "reaching", description: "", routes });
    const reached = { name: "reached", description: "", routes: [mapping] };
    site.assign("camera", site.make("template", reached));
    await site.current("office", "camera");
    await site.pass(5000);
    expect(bindings()).toEqual([]);
    site.assign("office", reaching);
    await site.until(() => bindings().length === 1, "it listens");
  });

  it("changes what is allowed without touching a connection that still is", async () => {
    site = new CommanderSite("touches nothing").start();
    const { came, client } = await site.talkingSite();
    site.make("stlink", { name: "other", description: "", templates: [] });
    site.edit("profile", "default", { lease: "2d" });
    site.pair("camera", "office", { binding: 8081, mapping: 9001 });
    await site.current("office", "camera");
    client.send(" again");
    await site.until(() => came[0]?.text === "hello again", "bytes come through");
    expect(client.ending).toBeUndefined();
  });

  it("takes a Route away with its connections", async () => {
    site = new CommanderSite("takes a Route away").start();
    const { client } = await site.talkingSite();
    site.edit("stlink", "office", { templates: [] });
    await site.until(() => client.ending !== undefined, "the connection has ended");
  });

  it("tells the Connector before an STLink hears", async () => {
    site = new CommanderSite("Connector first").start();
    const { office } = await site.pairedSite();
    const [before] = versions(office);
    site.desk.heldBack = [];
    site.edit("stlink", "office", { templates: [] });
    await site.pass(3000);
    expect(site.desk.heldBack).toHaveLength(1);
    expect(versions(office)).toEqual([before]);
    site.desk.letPass();
    await site.until(() => site.isCurrent("office"), "the STLink is told");
  });

  it("brings the version to those whom a change does not concern, later", async () => {
    site = new CommanderSite("brings the version").start();
    const { office, camera } = await site.pairedSite();
    await site.activated("third");
    await site.until(() => site.isCurrent("office") && site.isCurrent("camera"), "all are current");
    expect(new Set(versions(office, camera, site.member("third"))).size).toBe(1);
  });

  it("tells those whom changes do not concern once, when there was none for ten seconds", async () => {
    site = new CommanderSite("calm").start();
    const { camera } = await site.pairedSite();
    const third = await site.activated("third");
    await site.current("office", "camera", "third");
    const [before] = versions(third);
    for (const port of [9003, 9004, 9005]) {
      site.edit("route", "camera-service", { port });
      await site.pass(9000);
      expect(versions(third)).toEqual([before]);
      expect(versions(camera)).not.toEqual([before]);
    }
    const told = third.told("configuration in force").length;
    await site.until(() => site.isCurrent("third"), "it is told");
    expect(third.told("configuration in force").length - told).toBe(1);
  });

  it("gives the version at once to who asks", async () => {
    site = new CommanderSite("asks").start();
    await site.pairedSite();
    const third = await site.activated("third");
    await site.current("office", "camera", "third");
    await third.stop();
    site.edit("route", "camera-service", { port: 9003 });
    third.start();
    await site.until(() => site.isCurrent("third"), "its STATE is answered", 5000);
  });

  it("gives an STLink that was away its configuration with its STATE", async () => {
    site = new CommanderSite("was away").start();
    const { camera } = await site.pairedSite();
    await camera.stop();
    await site.pass(1000);
    site.edit("route", "camera-service", { port: 9002 });
    await site.pass(1000);
    expect(site.isCurrent("camera")).toBe(false);
    camera.start();
    await site.until(() => site.isCurrent("camera"), "it is told");
  });

  it("sees how far away an STLink is", async () => {
    site = new CommanderSite("how far").start();
    await site.activated("camera");
    const roundTrip = () => site.stlink("camera").facts.report.roundTripMs;
    await site.until(() => roundTrip() !== null, "it is measured", 60_000);
    expect(roundTrip()).toBeGreaterThan(0);
    expect(roundTrip()).toBeLessThan(1000);
  });

  it("sees the last errors of an STLink, the newest first", async () => {
    site = new CommanderSite("last errors").start();
    await site.pairedSite();
    const camera = await site.impostor("camera");
    const errors = () => site.stlink("camera").facts.report.lastErrors;
    const { BadConfig, NoStreamSlot, Internal } = Status;
    for (const status of [BadConfig, 0, Internal, Internal, NoStreamSlot]) {
      const report = Buffer.alloc(REPORT_LEN);
      report.writeInt8(status, REPORT_STATUS);
      camera.say(REPORT, report);
      await site.pass(2000);
    }
    expect(errors()).toEqual(["NoStreamSlot", "Internal", "BadConfig"]);
  });

  it("has one deployment for a burst of changes", async () => {
    site = new CommanderSite("burst").start();
    const { office } = await site.pairedSite();
    const lists = site.desk.told.filter((type) => type === "COMMIT").length;
    site.registry.change("anna", () => {});
    for (const port of [9003, 9004, 9005, 9006]) site.edit("route", "camera-service", { port });
    await site.current("office", "camera");
    const more = site.desk.told.filter((type) => type === "COMMIT").length - lists;
    expect(more).toBeLessThanOrEqual(2);
    expect(office.told("configuration in force").length).toBeLessThanOrEqual(6);
  });
});
