// SPDX-License-Identifier: Apache-2.0
// A Commander and real desktop STLinks on a fake network: what changes reaches those whom it concerns, in the order of
// rule T10, and touches no connection that is still allowed. PROTOCOL 9.1, 10.1, 10.3.

import { afterEach, describe, expect, it } from "vitest";
import { CommanderSite, type SiteMember } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

/** Two that are paired, with a client of the Binding whose bytes come through. */
async function pairedSite(seed: string, connectors = 1) {
  site = new CommanderSite(seed, connectors).start();
  const office = await site.activated("office");
  const camera = await site.activated("camera");
  const came = await site.service("camera");
  site.pair("office", "camera");
  await site.until(() => site.isCurrent("office") && site.isCurrent("camera"), "both are current");
  return { office, camera, came };
}

async function talkingSite(seed: string) {
  const paired = await pairedSite(seed);
  await site.pass(100);
  const client = site.client("office");
  client.send("hello");
  await site.until(() => paired.came[0]?.text === "hello", "bytes come through");
  return { ...paired, client };
}

const versions = (...members: SiteMember[]) => members.map(({ version }) => version);

describe("a Commander", () => {
  it("activates an STLink by its code, and sees it confirmed and here", async () => {
    site = new CommanderSite("activates").start();
    const camera = await site.activated("camera");
    await site.pass(500);
    const { facts } = site.stlink("camera");
    expect(camera.version).toBe(`${facts.confirmed?.epoch}.${facts.confirmed?.serial}`);
    expect(facts.isConnected).toBe(true);
    expect(facts.report.connector).toBe(site.authority.connectors[0]?.key);
    expect(facts.report.roundTripMs).toBeGreaterThanOrEqual(0);
    expect(facts.report.platform).toContain("sealed");
  });

  it("gives a Route to those who have it, while they run", async () => {
    const { came } = await talkingSite("gives a Route");
    expect(came).toHaveLength(1);
  });

  it("changes what is allowed without touching a connection that still is", async () => {
    const { came, client } = await talkingSite("touches nothing");
    site.make("stlink", { name: "other", description: "", templates: [] });
    site.edit("profile", "default", { lease: "2d" });
    site.pair("camera", "office", { binding: 8081, mapping: 9001 });
    await site.until(
      () => site.isCurrent("office") && site.isCurrent("camera"),
      "both are current",
    );
    client.send(" again");
    await site.until(() => came[0]?.text === "hello again", "bytes come through");
    expect(client.ending).toBeUndefined();
  });

  it("takes a Route away with its connections", async () => {
    const { client } = await talkingSite("takes a Route away");
    site.edit("stlink", "office", { templates: [] });
    await site.until(() => client.ending !== undefined, "the connection has ended");
  });

  it("tells the Connector before an STLink hears", async () => {
    const { office } = await pairedSite("Connector first");
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
    const { office, camera } = await pairedSite("brings the version");
    await site.activated("third");
    await site.until(() => site.isCurrent("office") && site.isCurrent("camera"), "all are current");
    expect(new Set(versions(office, camera, site.member("third"))).size).toBe(1);
  });

  it("gives an STLink that was away its configuration with its STATE", async () => {
    const { camera } = await pairedSite("was away");
    await camera.stop();
    await site.pass(1000);
    site.edit("route", "camera-service", { port: 9002 });
    await site.pass(1000);
    expect(site.isCurrent("camera")).toBe(false);
    camera.start();
    await site.until(() => site.isCurrent("camera"), "it is told");
  });

  it("has one deployment for a burst of changes", async () => {
    const { office } = await pairedSite("burst");
    const lists = site.desk.told.filter((type) => type === "COMMIT").length;
    site.registry.change("anna", () => {});
    for (const port of [9003, 9004, 9005, 9006]) site.edit("route", "camera-service", { port });
    await site.until(
      () => site.isCurrent("office") && site.isCurrent("camera"),
      "both are current",
    );
    const more = site.desk.told.filter((type) => type === "COMMIT").length - lists;
    expect(more).toBeLessThanOrEqual(2);
    expect(office.told("configuration in force").length).toBeLessThanOrEqual(6);
  });
});
