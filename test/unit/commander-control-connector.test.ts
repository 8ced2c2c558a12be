// SPDX-License-Identifier: Apache-2.0
// The whole of it with the real Connector and its real desk: activation, deployment, rotation, revocation, and each of
// the two gone in between. PROTOCOL 9.1, 10.

import { afterEach, describe, expect, it } from "vitest";
import { approve, revoke } from "../../host/commander/store/activations.ts";
import { auditHead } from "../../host/commander/store/audit.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

describe("a Commander and a Connector", () => {
  it("carry an STLink from its code to a Route whose bytes come through, and see what it moved", async () => {
    site = await CommanderSite.withConnector("from code to Route");
    const { came } = await site.talkingSite();
    expect(came).toHaveLength(1);
    await site.until(() => site.stlink("office").facts.report.bytesIn > 0, "MOVED is noted");
    expect(site.control.connectors()).toMatchObject([{ isConnected: true, version: { epoch: 1 } }]);
  });

  it("see who goes, and who comes back", async () => {
    site = await CommanderSite.withConnector("who goes");
    const camera = await site.activated("camera");
    await site.until(() => site.stlink("camera").facts.isConnected, "it is here");
    await camera.stop();
    await site.until(() => !site.stlink("camera").facts.isConnected, "it is away");
    camera.start();
    await site.until(() => site.stlink("camera").facts.isConnected, "it is back");
  });

  it("rotate a key without ending a connection", async () => {
    site = await CommanderSite.withConnector("rotate");
    const { office, came, client } = await site.talkingSite();
    office.command("rotate");
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
    await site.current("office", "camera");
    client.send(" after");
    await site.until(() => came[0]?.text === "hello after", "bytes come through");
  });

  it("cut an open connection within a second of its revocation", async () => {
    site = await CommanderSite.withConnector("revoke");
    const { client } = await site.talkingSite();
    const { id } = site.stlink("camera");
    site.registry.change("anna", (change) => revoke(change, id));
    await site.until(() => client.ending !== undefined, "the connection has ended", 1000);
    await site.until(() => site.told("all of its peers have confirmed").length > 0, "confirmed");
  });

  it("refuse a code a second time, and the audit log says why", async () => {
    site = await CommanderSite.withConnector("second time");
    const code = site.invite();
    const first = await site.begin("first", code);
    await site.until(() => first.version !== null, "it activates");
    await site.begin("second", code);
    await site.until(() => site.audited("turned away").length > 0, "it is turned away");
    expect(site.audited("turned away")[0]?.after).toMatchObject({ reason: "CodeUsed" });
    // The audit log is longer than what the Connector holds, and it lacks nothing.
    const [line] = site.control.connectors();
    expect(line?.version?.serial).toBeLessThan(BigInt(auditHead(site.db).n));
    expect(line?.isCurrent).toBe(true);
  });

  it("let an STLink wait for approval over its minute, and answer it then", async () => {
    site = await CommanderSite.withConnector("approval");
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = await site.begin("camera", site.invite({ approval: true }, id));
    await site.until(() => camera.told("waiting for approval").length > 0, "it waits");
    await site.pass(200_000);
    expect(camera.version).toBeNull();
    const { waiting } = site.stlink("camera").facts;
    site.registry.change("anna", (change) => approve(change, id, waiting?.key ?? ""));
    await site.until(() => site.isCurrent("camera"), "it is activated");
  });

  it("go on after the Connector was stopped in the midst of a change", async () => {
    site = await CommanderSite.withConnector("Connector stopped");
    const { came, client } = await site.talkingSite();
    site.edit("profile", "default", { lease: "3d" });
    await site.pass(3);
    await site.connector?.stop((ms) => site.pass(ms));
    site.edit("route", "camera-service", { hold: "300s" });
    await site.pass(1000);
    await site.connector?.start();
    await site.current("office", "camera");
    client.send(" after");
    await site.until(() => came[0]?.text === "hello after", "bytes come through");
  });

  it("go on after the Commander was killed in the midst of an activation", async () => {
    for (const afterMs of [0, 10, 20, 40, 60, 80, 120]) {
      site = await CommanderSite.withConnector(`Commander killed ${afterMs}`);
      const id = site.make("stlink", { name: "camera", description: "" });
      const camera = await site.begin("camera", site.invite({}, id));
      await site.pass(afterMs);
      site.kill();
      await site.pass(500);
      site.start();
      await site.until(() => site.isCurrent("camera"), `activated (${afterMs})`, 300_000);
      expect(await camera.running.activated).toBe(id);
      expect(site.audited("activate")).toHaveLength(1);
      if (afterMs < 120) await site.end();
    }
  });
});
