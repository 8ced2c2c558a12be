// SPDX-License-Identifier: Apache-2.0
// STLinks and Connectors that do not keep to the protocol: floods, wrong lengths, half messages, a thousand streams, a
// code on a member's link, desks that lie. The Commander goes on serving the others, in bounded memory and few
// transactions.

import { afterEach, describe, expect, it } from "vitest";
import { auditHead } from "../../host/commander/store/audit.ts";
import { readVersion } from "../../host/commander/store/site.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

const STATE = 0x61;
const ACTIVATE = 0x62;
const ROTATE = 0x64;
const REPORT = 0x65;

/** A member that says what it likes, and another one that is honest. */
async function besieged(seed: string) {
  site = new CommanderSite(seed).start();
  await site.pairedSite();
  return site.impostor("camera");
}

async function stillServes() {
  site.edit("stlink", "office", { templates: [] });
  await site.until(() => site.isCurrent("office"), "the honest one is served", 10_000);
}

describe("a hostile STLink", () => {
  it("that floods STATE is answered at a pace, and nobody else waits", async () => {
    const raw = await besieged("floods");
    const version = Buffer.alloc(44);
    const count = raw.answers;
    for (let i = 0; i < 2000; i++) raw.say(STATE, version);
    await site.pass(10_000);
    expect(raw.answers - count).toBeLessThan(80);
    await stillServes();
  });

  it("that floods ROTATE with ever new keys makes few versions", async () => {
    const raw = await besieged("ever new keys");
    const { serial } = readVersion(site.db);
    for (let i = 0; i < 500; i++) raw.say(ROTATE, site.prng.bytes(32).fill(1, 31));
    await site.pass(20_000);
    expect(readVersion(site.db).serial - serial).toBeLessThan(8n);
    await stillServes();
  });

  it("that reports a changed peer again and again makes few audit entries", async () => {
    const raw = await besieged("reports");
    const { n } = auditHead(site.db);
    for (let i = 0; i < 500; i++) {
      const body = Buffer.alloc(52);
      body[46] = (i & 1) * 4;
      raw.say(REPORT, body);
    }
    await site.pass(60_000);
    expect(auditHead(site.db).n - n).toBeLessThan(12);
    await stillServes();
  });

  it("that shows a code on a member's link is not heard", async () => {
    const raw = await besieged("a code on a member's link");
    const { n } = auditHead(site.db);
    raw.say(ACTIVATE, Buffer.alloc(16));
    await site.pass(2000);
    expect(auditHead(site.db).n).toBe(n);
    await stillServes();
  });

  it("that sends wrong lengths, unknown types, half messages and huge ones is read past", async () => {
    const raw = await besieged("wrong lengths");
    for (const length of [0, 1, 43, 45, 60_000]) raw.say(STATE, Buffer.alloc(length));
    raw.say(0x10, Buffer.alloc(300));
    raw.say(0xff, Buffer.alloc(0));
    await site.pass(5000);
    const count = raw.answers;
    raw.say(STATE, Buffer.alloc(44));
    await site.until(() => raw.answers > count, "what is right behind it is answered");
    raw.sayBytes(Uint8Array.of(STATE, 44));
    await site.pass(2000);
    await stillServes();
  });

  it("that opens a thousand streams has one, and is muted", async () => {
    const raw = await besieged("a thousand streams");
    for (let i = 0; i < 1000; i++) {
      raw.open();
      await site.pass(5);
    }
    expect(site.told("opens streams without end").length).toBeGreaterThan(0);
    await stillServes();
  });

  it("that never reads what it is answered is not read either", async () => {
    const raw = await besieged("never reads");
    raw.isDeaf = true;
    for (let i = 0; i < 300; i++) raw.say(STATE, Buffer.alloc(44));
    await site.pass(300_000);
    await stillServes();
  });
});

describe("a hostile Connector", () => {
  it("that says what is no message has its stream reset, and is asked again", async () => {
    await besieged("no message");
    site.desk.sayBytes(Uint8Array.of(0xa1, 1, 0, 9));
    await site.until(() => site.told("what is no message").length > 0, "it is said");
    await site.until(() => site.control.connectors()[0]?.isConnected === true, "it is back");
    await stillServes();
  });

  it("that holds another version than it was told is told everything again, at a pace", async () => {
    await besieged("another version");
    const lists = () => site.desk.told.filter((type) => type === "LIST").length;
    const before = lists();
    for (let i = 0; i < 50; i++) {
      site.desk.say({ type: "HOLDS", epoch: 9, serial: 9n });
      await site.pass(100);
    }
    expect(lists() - before).toBeGreaterThan(0);
    expect(lists() - before).toBeLessThan(8);
    await site.pass(60_000);
    await stillServes();
  });

  it("that names strangers, and codes that nobody made, makes nobody of them", async () => {
    await besieged("strangers");
    const source = "192.0.2.9";
    for (let i = 1; i < 300; i++) {
      const [id, key, codeId] = [16, 32, 8].map((length) => new Uint8Array(length).fill(i));
      if (id === undefined || key === undefined || codeId === undefined) continue;
      site.desk.say({ type: "HERE", id, key, source });
      site.desk.say({ type: "SHOWN", codeId, key, source });
      site.desk.say({ type: "MOVED", id, bytesIn: 1, bytesOut: 1 });
      site.desk.say({ type: "GONE", id, reason: 0 });
    }
    await site.pass(2000);
    const online = site.db.all("SELECT id FROM objects WHERE facet = 'online'");
    expect(online.length).toBeLessThanOrEqual(2);
    await stillServes();
  });
});
