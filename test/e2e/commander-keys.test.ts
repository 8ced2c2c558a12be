// SPDX-License-Identifier: Apache-2.0
// What a real Commander does to keys while a download runs: revocation cuts it, at either end; a rotation of both ends
// cuts nothing; a machine that is replaced keeps id, Routes and history. Before it: up-site.ts. Rules T3, T10.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildForDemo } from "./demo-tools.ts";
import { freePort } from "./free-port.ts";
import { type Ending, PacedDownload, PacedService } from "./paced-download.ts";
import { endAll, type SealedProcess } from "./sealed-tools.ts";
import { closeAll } from "./services.ts";
import { type MadeCode, UpSite, until } from "./up-site.ts";

const MIB = 1 << 20;
const LENGTH = 96 * MIB;
/** The Show says a second; a machine that is busy elsewhere may be late, and one that is stuck never comes. */
const STUCK_MS = 60_000;

let site: UpSite;
let service: PacedService;
/** Of the Bindings of office and guest. */
let ports: { office: number; guest: number };
let camera: SealedProcess;

beforeAll(async () => {
  await buildForDemo();
  service = await PacedService.start(LENGTH);
  site = await UpSite.start();
  ports = { office: await freePort(), guest: await freePort() };
  await importDocument();
  const joined = (name: string) => site.join(name, { fields: ["--profile", `${name}s`] });
  [camera] = await Promise.all([joined("camera"), joined("office"), joined("guest")]);
  await Promise.all([site.portOf("office"), site.portOf("guest")]);
  await site.settled("camera");
});
afterAll(async () => {
  await endAll();
  await closeAll();
});

/** Two Bindings, each of one STLink, to a service beside the camera. */
async function importDocument(): Promise<void> {
  const profile = (name: string, route: string) => ({ name, routes: [route] });
  const document = {
    mappings: [{ name: "file", address: "127.0.0.1", port: service.port }],
    bindings: [
      { name: "here", mapping: "file", port: ports.office },
      { name: "there", mapping: "file", port: ports.guest },
    ],
    profiles: [
      { name: "default" },
      ...[profile("cameras", "file"), profile("offices", "here"), profile("guests", "there")],
    ],
  };
  writeFileSync(join(site.folder, "site.json"), JSON.stringify(document));
  await site.sealed("import", "site.json", "--yes");
}

/** How it ends now that nothing else is to happen meanwhile. */
async function endOf({ ended }: PacedDownload): Promise<Ending> {
  service.isHurried = true;
  const ending = await ended;
  service.isHurried = false;
  return ending;
}

describe("a rotation", () => {
  it("of both ends cuts nothing of a download that runs", async () => {
    const before = service.endings.length;
    const download = new PacedDownload(ports.office);
    await download.goesOn();
    for (const name of ["office", "camera"]) {
      const { key } = site.facts(name);
      await site.sealed("stlink", "rotate", name);
      await until(() => site.facts(name).key !== key, `${name} has a new key`);
      const isInUse = async () => (await site.status(name)).publicKey === site.facts(name).key;
      await until(isInUse, `${name} uses it`);
      await download.goesOn();
    }
    expect((await endOf(download)).how).toBe("end");
    expect(download.bytes).toBe(service.length);
    expect(download.hash).toBe(service.hash);
    expect(service.endings).toHaveLength(before + 1);
  });
});

describe("a machine that is replaced", () => {
  it("keeps id, Routes and history, and the one before is refused", async () => {
    const { id, key } = site.facts("camera");
    const before = await site.history(id);
    const { text } = await site.json<MadeCode>("stlink", "replace", "camera");
    expect(await site.activate("camera-2", text)).toMatchObject({ code: 0 });
    const isRefused = (lines: Record<string, unknown>[]) =>
      lines.find(({ msg, reason }) => msg === "hop down" && reason !== undefined);
    const refused = await camera.when(isRefused, "a hop that is refused");
    expect(refused["reason"]).toMatch(/NotAdmitted|Revoked/);
    site.run("camera-2");
    await site.settled("camera", "office");

    expect(site.facts("camera")).toMatchObject({ id });
    expect(site.facts("camera").key).not.toBe(key);
    const download = new PacedDownload(ports.office);
    expect((await endOf(download)).how).toBe("end");
    expect(download.hash).toBe(service.hash);
    const after = await site.history(id);
    expect(after.slice(-before.length)).toEqual(before);
    expect(after.length).toBeGreaterThan(before.length);
    expect(await site.sealed("stlink", "show", "camera")).toMatch(
      /^file +mapping .*Profile cameras$/m,
    );
    const again = await site.activate("camera-3", text);
    expect(again).toMatchObject({ code: 13, err: expect.stringMatching(/^CodeUsed: /m) });
  });
});

describe("revocation", () => {
  /** Both at once: when the command had its answer, and when the connection ended. */
  async function revoke(name: string, ended: Promise<Ending>): Promise<Ending> {
    const revoked = site.sealed("stlink", "revoke", name, "--yes").then(() => performance.now());
    const [atMs, ending] = await Promise.all([revoked, ended]);
    const ms = Math.round(ending.atMs - atMs);
    console.log(`${name} revoked: the other end was cut ${ms} ms after the command's answer`);
    expect(ms).toBeLessThan(STUCK_MS);
    expect(await site.sealed("stlink", "show", name)).toMatch(/^state +revoked$/m);
    return ending;
  }

  it("of who downloads cuts the service's connection", async () => {
    const before = service.endings.length;
    const download = new PacedDownload(ports.guest);
    await download.goesOn();
    const other = new PacedDownload(ports.office);
    await other.goesOn();
    const ended = service.endings[before] as Promise<Ending>;
    expect((await revoke("guest", ended)).how).toBe("ECONNRESET");
    await other.goesOn();
    other.stop();
  });

  it("of who serves cuts the download, and nobody listens any more", async () => {
    const download = new PacedDownload(ports.office);
    await download.goesOn();
    expect((await revoke("camera", download.ended)).how).toBe("ECONNRESET");
    const isGone = async () => (await site.status("office")).bindings.length === 0;
    await until(isGone, "the office has no Binding");
  });
});
