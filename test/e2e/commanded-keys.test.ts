// SPDX-License-Identifier: Apache-2.0
// Keys that change while connections run, and a Commander that is away: rotation, a peer that was replaced.
// The Commander and the Connector are those of the simulation, on a real port. PROTOCOL 10.4; rules T3, T12.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { programVersion } from "../../host/service/program-version.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { toHex } from "../reference/bytes.ts";
import { decodeAbout, decodeState } from "../reference/control.ts";
import type { About } from "../sim/control/commander.ts";
import {
  CommandedMember,
  codeOf,
  endCommanded,
  isConfirmed,
  pairedSite,
  Talk,
  talkingSite,
} from "./commanded-tools.ts";
import { endServices } from "./sealed-site.ts";
import { endAll } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
  endServices();
});

describe("an STLink that starts again", () => {
  it("serves from its folder while the Commander is away", async () => {
    const { bridge, office, camera } = await pairedSite("away");
    await Promise.all([office.stop(), camera.stop()]);
    bridge.site.commander.crash();
    office.start();
    camera.start();
    // Without the Commander's word streams are taken after 5 s (rule T10).
    const talk = new Talk(await office.port());
    expect(await talk.says("nobody commands")).toBe(true);
    expect(office.status().commander).toMatchObject({
      phase: "activated",
      session: expect.any(String),
    });
  });
});

describe("what an STLink says of itself", () => {
  it("is its program and its core", async () => {
    const { bridge, office } = await talkingSite("about");
    const { commander } = bridge.site;
    commander.abouts.clear();
    await office.stop();
    office.start();
    await bridge.until(() => commander.abouts.has("office"), "told");
    const { coreHash, text } = commander.abouts.get("office") as About;
    expect(toHex(coreHash)).toBe(
      toHex(createHash("sha256").update(readFileSync(CORE_WASM)).digest()),
    );
    expect(decodeAbout(text)).toEqual({
      platform: `sealed ${programVersion()}, ${process.platform} ${process.arch}`,
      board: "",
      version: "",
    });
  });
});

describe("a new key", () => {
  it("is made, published and used while a connection runs, which does not notice", async () => {
    const { bridge, office, talk } = await talkingSite("rotate");
    const { commander } = bridge.site;
    const before = office.status().publicKey;
    expect(office.command("rotate")).toMatch(/new public key [0-9a-f]{64}/);
    await bridge.until(() => office.status().publicKey !== before, "stored");
    const { publicKey } = office.status();
    await bridge.until(() => toHex(commander.row("office").key) === publicKey, "heard");
    await bridge.until(() => isConfirmed(bridge, "office"), "confirmed under it");
    expect(await talk.says("after")).toBe(true);
    expect(office.status().bindings[0]).toMatchObject({ total: 1, failed: 0 });
    expect(readdirSync(office.folder)).not.toContain("next.key");
    await office.stop();
    expect(office.start().status().publicKey).toBe(publicKey);
  });

  it("that the Commander asks for is made once a minute, while a connection runs", async () => {
    const { bridge, office, talk } = await talkingSite("renew");
    const { commander } = bridge.site;
    const before = office.status().publicKey;
    const asked = () => commander.tell(commander.row("office"), { type: "RENEW" });
    expect(asked()).toBe(true);
    await bridge.until(() => office.status().publicKey !== before, "stored");
    const { publicKey } = office.status();
    await bridge.until(() => toHex(commander.row("office").key) === publicKey, "heard");
    await bridge.until(() => isConfirmed(bridge, "office"), "confirmed under it");
    expect(await talk.says("after")).toBe(true);
    expect(asked()).toBe(true);
    // What the same stream brings behind it.
    commander.deploy();
    await office.confirmed();
    expect(office.told("the Commander asks for a new key: it is told")).toHaveLength(1);
    expect(office.status().publicKey).toBe(publicKey);
  });

  it("of a peer that was replaced is told, refuses pinned Routes, and works once it is confirmed", async () => {
    const { bridge, office, camera } = await pairedSite("replaced", { isPinned: true });
    const { commander } = bridge.site;
    const row = commander.row("camera");
    const before = toHex(row.key);
    await camera.stop();
    const next = new CommandedMember(bridge, "camera").give(codeOf(bridge, "camera", row)).start();
    await bridge.until(() => toHex(commander.row("camera").key) !== before, "replaced");
    await bridge.until(() => office.status().peers[0]?.hasNewKey === true, "marked");
    await bridge.until(() => isConfirmed(bridge, "camera"), "the new one is there");
    expect(next.status().id).toBe(office.status().peers[0]?.id);
    const refused = new Talk(await office.port());
    await refused.ended();
    expect(office.status().bindings[0]?.lastError).toMatch(/PeerKeyChanged/);
    expect(office.told("keys of peers have changed")[0]).toMatchObject({
      peers: [office.status().peers[0]?.name],
    });
    const isReported = () => decodeState(commander.lastReport("office")?.state ?? 0).peerKeyChanged;
    await bridge.until(isReported, "told the Commander");

    const [peer] = office.status().peers;
    expect(() => office.command("confirm", "ffff")).toThrow(/no peer "ffff": it has/);
    expect(office.command("confirm", peer?.name)).toContain(peer?.fingerprint);
    await bridge.until(() => office.status().peers[0]?.hasNewKey === false, "confirmed");
    const talk = new Talk(await office.port());
    expect(await talk.says("with the new one")).toBe(true);
    await office.stop();
    expect(office.start().status().peers[0]?.hasNewKey).toBe(false);
    expect(next.status().peers[0]?.fingerprint).toBe(peer?.fingerprint);
  });
});
