// SPDX-License-Identifier: Apache-2.0
// Codes: used once, refused with a reason, approved by an administrator, answered again after a loss at any moment, for
// the STLink that is replaced. PROTOCOL 10.2; rules T3, T6, T7.

import { afterEach, describe, expect, it } from "vitest";
import { approve, revokeCode } from "../../host/commander/store/activations.ts";
import { listCodes } from "../../host/commander/store/codes.ts";
import { waitingFingerprint } from "../../host/commander/waiting.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

const stlinks = () => site.db.all<{ n: number }>("SELECT count(*) AS n FROM stlink_facts")[0]?.n;

describe("an activation code", () => {
  it("makes an STLink of the Profile, named after it", async () => {
    site = new CommanderSite("of the Profile").start();
    const fresh = await site.begin("fresh", site.invite());
    const id = await Promise.race([fresh.running.activated, site.pass(5000).then(() => "")]);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await site.until(() => site.audited("confirm").length === 1, "it is confirmed");
    expect(site.audited("activate")[0]).toMatchObject({ id, name: `default-${id.slice(0, 8)}` });
  });

  it("is refused for a second key, and the administrator sees it", async () => {
    site = new CommanderSite("second key").start();
    const code = site.invite();
    const first = await site.begin("first", code);
    await site.until(() => first.version !== null, "the first one activates");
    await site.begin("second", code);
    await site.until(() => site.audited("turned away").length > 0, "it is turned away");
    expect(site.audited("turned away")[0]?.after).toMatchObject({ reason: "CodeUsed" });
    expect(site.member("second").told("hop down")[0]).toMatchObject({ reason: "CodeUsed" });
    expect(stlinks()).toBe(1);
  });

  it("is refused with another secret than was given out, whatever else of it is right, and stays open", async () => {
    site = new CommanderSite("another secret").start();
    const code = site.invite();
    const hash = site.db.all<{ hash: string }>("SELECT body ->> 'secretHash' AS hash FROM codes");
    const setHash = (text = "") =>
      site.db.run("UPDATE codes SET body = json_set(body, '$.secretHash', ?)", text);
    setHash("5e".repeat(32));
    const guesser = await site.begin("guesser", code);
    await site.until(() => site.audited("alarm").length > 0, "the administrator sees it");
    const { publicKey } = guesser.running.status();
    expect(site.audited("alarm")[0]?.after).toEqual({ reason: "CodeUnknown", key: publicKey });
    await site.until(() => guesser.told("the Commander refuses").length > 0, "it is told");
    expect(guesser.told("the Commander refuses")[0]).toMatchObject({ reason: "CodeUnknown" });
    expect([guesser.version, stlinks()]).toEqual([null, 0]);
    await guesser.stop();
    setHash(hash[0]?.hash);
    await site.pass(61_000);
    const owner = site.member("owner").give(code).start();
    await site.until(() => owner.version !== null, "who has the secret activates");
  });

  it("serves one machine after the other, also where the one before is heard in the middle", async () => {
    site = await CommanderSite.withConnector("one after the other");
    for (let pair = 0; pair < 5; pair++) {
      const code = site.invite({ uses: 2 });
      const first = await site.begin(`first-${pair}`, code);
      await site.until(() => first.version !== null, "the first one activates");
      await first.stop();
      first.start();
      const second = await site.begin(`second-${pair}`, code);
      // A turn lasts a minute: whoever is forgotten in his own gets nowhere before its end.
      await site.until(() => second.version !== null, `the second one of pair ${pair}`, 30_000);
    }
    expect(stlinks()).toBe(10);
  });

  it("is refused after it has expired, and after it was revoked", async () => {
    site = new CommanderSite("expired").start();
    const expired = site.invite({ expiry: "1m" });
    const revoked = site.invite();
    const [{ codeId } = { codeId: "" }] = listCodes(site.db, { limit: 1 });
    site.registry.change("anna", (change) => revokeCode(change, codeId));
    await site.pass(61_000);
    await site.begin("late", expired);
    await site.begin("other", revoked);
    await site.until(() => site.audited("turned away").length === 2, "both are turned away");
    const reasons = site
      .audited("turned away")
      .map(({ after }) => (after as { reason: string }).reason);
    expect(reasons.sort()).toEqual(["CodeExpired", "CodeUnknown"]);
    expect(stlinks()).toBe(0);
  });

  it("waits for approval, with the fingerprint that its console shows, and is answered at once", async () => {
    site = new CommanderSite("approval").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = site
      .member("camera")
      .give(site.invite({ approval: true }, id))
      .start();
    await site.until(() => camera.told("waiting for approval").length > 0, "it waits");
    await site.pass(20_000);
    expect(camera.version).toBeNull();
    const { waiting } = site.stlink("camera").facts;
    if (waiting === null) throw new Error("nobody waits");
    const fingerprint = waitingFingerprint(site.authority, waiting);
    expect(camera.told("waiting for approval")[0]).toMatchObject({ fingerprint });
    site.registry.change("anna", (change) => approve(change, id, waiting.key));
    await site.until(() => camera.version !== null, "it is answered", 2000);
  });

  it("that was approved while its STLink was away is answered when it comes again", async () => {
    site = new CommanderSite("approved later").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = site
      .member("camera")
      .give(site.invite({ approval: true }, id))
      .start();
    await site.until(() => site.stlink("camera").facts.waiting !== null, "it waits");
    await camera.stop();
    const { waiting } = site.stlink("camera").facts;
    site.registry.change("anna", (change) => approve(change, id, waiting?.key ?? ""));
    await site.pass(5000);
    camera.start();
    await site.until(() => site.isCurrent("camera"), "it is activated");
  });

  it("answers the same key again whose answer was lost, whoever was killed", async () => {
    site = new CommanderSite("answer lost").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = await site.begin("camera", site.invite({}, id));
    site.desk.heldBack = [];
    await site.until(() => site.stlink("camera").facts.key !== null, "the code is used");
    const { key } = site.stlink("camera").facts;
    camera.kill();
    site.kill();
    site.desk.letPass();
    await site.pass(3000);
    site.start();
    camera.start();
    await site.until(() => site.isCurrent("camera"), "it is activated");
    expect(site.stlink("camera").facts.key).toBe(key);
    expect(site.audited("activate")).toHaveLength(1);
  });

  it("is heard again soon where the device has its session with a Commander that was killed", async () => {
    site = new CommanderSite("session of before").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = await site.begin("camera", site.invite({}, id));
    const session = () => camera.running.status().commander?.session;
    await site.until(() => session() === "up", "it has a session");
    site.kill();
    site.openDatabase();
    expect(site.stlink("camera").facts.key).toBeNull();
    site.start();
    await site.until(() => site.isCurrent("camera"), "it is activated", 12_000);
    expect(site.audited("activate")).toHaveLength(1);
  });

  it("is answered only once the Connector admits the key", async () => {
    site = new CommanderSite("admitted first").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const camera = await site.begin("camera", site.invite({}, id));
    site.desk.heldBack = [];
    await site.until(() => site.stlink("camera").facts.key !== null, "the code is used");
    await site.pass(3000);
    expect(camera.version).toBeNull();
    site.desk.letPass();
    await site.until(() => camera.version !== null, "it is answered");
  });

  it("replaces a device: id, Routes and history stay, and the old key is nobody's", async () => {
    site = new CommanderSite("replaces").start();
    const old = await site.activated("camera");
    const { id, facts: before } = site.stlink("camera");
    const fresh = await site.begin("replacement", site.invite({}, id));
    await site.until(() => site.stlink("camera").facts.key !== before.key, "the new key counts");
    await site.until(() => site.isCurrent("camera") && fresh.version !== null, "it is confirmed");
    expect(await fresh.running.activated).toBe(id);
    await site.until(() => old.told("hop down").length > 0, "the old one is cut");
    await site.pass(20_000);
    expect(site.stlink("camera").facts.keyEpoch).toBe(2);
    expect(site.stlink("camera").facts.isConnected).toBe(true);
  });
});

describe("alarms", () => {
  it("are bounded for each code and in all, and count what they leave out", async () => {
    site = new CommanderSite("alarms").start();
    await site.until(() => site.control.connectors()[0]?.isConnected === true, "the desk is there");
    const turn = (codeId: number, key: number, reason = 66) =>
      site.desk.say({
        ...{ type: "TURNED", codeId: new Uint8Array(8).fill(codeId), source: "192.0.2.9", reason },
        key: new Uint8Array(32).fill(key),
      });
    for (let i = 1; i < 200; i++) turn(i, i);
    await site.pass(1000);
    expect(site.audited("turned away")).toHaveLength(3);
    await site.pass(60_000);
    turn(1, 250);
    await site.pass(1000);
    expect(site.audited("turned away")[0]?.after).toMatchObject({ leftOut: 196 });
  });
});
