// SPDX-License-Identifier: Apache-2.0
// New configurations while connections run: what they still allow does not notice, what they take away ends,
// a port or a disk that can't be had is told. The Commander and the Connector are those of the simulation, on
// a real port. PROTOCOL 10.1, 10.3; rules T9, T10.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Pair, versionText } from "../sim/control/database.ts";
import { endCommanded, Talk, talkingSite } from "./commanded-tools.ts";
import { endServices, startService } from "./sealed-site.ts";
import { endAll } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
  endServices();
});

describe("a deployment", () => {
  it("is not noticed by a connection that it allows, and brings Routes and takes them", async () => {
    const { bridge, office, camera, talk } = await talkingSite("deploy");
    const { commander } = bridge.site;
    for (let i = 0; i < 3; i++) {
      commander.deploy();
      await Promise.all([office.confirmed(), camera.confirmed()]);
      expect(await talk.says(`version ${i}`)).toBe(true);
    }
    const ports = { binding: 0, mapping: await startService() };
    commander.pair("office", "camera", { ports });
    await Promise.all([office.confirmed(), camera.confirmed()]);
    await bridge.until(
      () => office.status().bindings.every(({ listening }) => listening.length > 0),
      "both listen",
    );
    const second = office.status().bindings[1];
    const other = new Talk(Number(second?.listening[0]?.split(":").at(-1)));
    expect(await other.says("by the new Route")).toBe(true);
    commander.db.pairs.splice(1, 1);
    commander.deploy();
    await other.ended();
    await office.confirmed();
    expect(office.status().bindings).toHaveLength(1);
    expect(await talk.says("after")).toBe(true);
    expect(office.status().bindings[0]).toMatchObject({ total: 1, open: 1, failed: 0 });
  });

  it("leaves a connection alone whose Mapping has another port now; the next one goes there", async () => {
    const { bridge, office, camera, talk } = await talkingSite("moved");
    const [pair] = bridge.site.commander.db.pairs as [Pair];
    pair.ports = { binding: pair.ports?.binding ?? 0, mapping: 1 };
    bridge.site.commander.deploy();
    await Promise.all([office.confirmed(), camera.confirmed()]);
    expect(await talk.says("as before")).toBe(true);
    const next = new Talk(await office.port());
    await next.ended();
    expect(camera.status().mappings[0]?.lastError).toMatch(/port 1: Refused/);
  });

  it("of another access list ends those that it does not name, and no others", async () => {
    const { bridge, office, camera, talk } = await talkingSite("access");
    const [pair] = bridge.site.commander.db.pairs as [Pair];
    const port = await office.port();
    const listed = new Talk(port, "127.0.0.2");
    expect(await listed.says("before")).toBe(true);
    pair.options = [
      { type: 1, value: Uint8Array.of(4, 32, 127, 0, 0, 2) },
      { type: 2, value: Uint8Array.of(2, 0) },
      { type: 3, value: Uint8Array.of(0, 0, 1, 0) },
    ];
    bridge.site.commander.deploy();
    await talk.ended();
    await Promise.all([office.confirmed(), camera.confirmed()]);
    expect(await listed.says("after")).toBe(true);
    await new Talk(port).ended();
    expect(await new Talk(port, "127.0.0.2").says("a second one")).toBe(true);
    await new Talk(port, "127.0.0.2").ended();
    expect(office.status().bindings[0]).toMatchObject({
      open: 2,
      refused: { SourceNotAllowed: 1, TooManyConnections: 1 },
    });
    pair.options = [];
    bridge.site.commander.deploy();
    await office.confirmed();
    expect(await new Talk(port).says("open to all")).toBe(true);
    expect(await listed.says("as before")).toBe(true);
  });

  it("has one Binding wait for its port, and the others listen", async () => {
    const { bridge, office, talk } = await talkingSite("port");
    const taken = await startService();
    const ports = { binding: taken, mapping: taken };
    bridge.site.commander.pair("office", "camera", { ports });
    await office.confirmed();
    await bridge.until(() => office.told("can't listen").length > 0, "told");
    expect(office.status().bindings[1]).toMatchObject({
      listening: [],
      lastError: expect.stringMatching(/another process listens there/),
    });
    endServices();
    await bridge.until(() => office.status().bindings[1]?.listening.length === 1, "it listens");
    expect(office.told("can't listen")).toHaveLength(1);
    expect(talk.isOver).toBe(false);
  });

  it("that the disk does not take is not in force, and the Commander is told", async () => {
    const { bridge, office, talk } = await talkingSite("full");
    const { commander } = bridge.site;
    const before = versionText(commander.db);
    const stored = readFileSync(join(office.folder, "configuration"));
    // Nothing can be written beside it: no disk would do less.
    mkdirSync(join(office.folder, "configuration.new"));
    const reported = commander.lastReport("office");
    commander.deploy();
    await bridge.until(() => commander.lastReport("office") !== reported, "a REPORT");
    expect(versionText(commander.lastReport("office") as never)).toBe(before);
    expect(office.status().commander).toMatchObject({
      version: before,
      lastError: expect.stringMatching(/configuration is not in force: .*can't be written/),
    });
    expect(readFileSync(join(office.folder, "configuration")).equals(stored)).toBe(true);
    expect(await talk.says("as before")).toBe(true);
    rmSync(join(office.folder, "configuration.new"), { recursive: true });
    commander.deploy();
    await office.confirmed();
    expect(office.status().commander).toMatchObject({ lastError: null });
  });
});

describe("a revocation", () => {
  it("cuts the connection, and leaves the other side at work without the Route", async () => {
    const { bridge, office, camera, talk } = await talkingSite("revoke");
    bridge.site.commander.revoke("camera");
    await talk.ended();
    await office.confirmed();
    expect(office.status()).toMatchObject({ peers: [], bindings: [] });
    await bridge.until(
      () => camera.status().connectors[0]?.lastError?.startsWith("NotAdmitted") === true,
      "refused",
    );
  });
});
