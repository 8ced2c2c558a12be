// SPDX-License-Identifier: Apache-2.0
// A site of a Commander made from nothing, by command line alone, on hosts of their own: `sealed up` on one, an
// STLink beside a web service on another, an office with a browser on a third. The page is opened in Chromium;
// the hosts of both STLinks are scanned for open ports. Then the same by one file.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";
import { openBrowser } from "./browser.ts";
import { addressOf, CONNECTOR_PORT, CommanderPlace, type PlaceName } from "./commander-place.ts";
import { buildForDemo, namespaceRefusal, runOn } from "./demo-tools.ts";
import type { Found } from "./port-scan.ts";
import { endAll } from "./sealed-tools.ts";
import { type MadeCode, UpSite, until } from "./up-site.ts";

const PICTURES = join(BUILD_DIR, "e2e");
const SCAN_MS = 1_500_000;
const URL = "http://127.0.0.1:443/";

const refusal = await namespaceRefusal();
if (refusal !== null) console.log(`no network namespaces here, all tests are skipped: ${refusal}`);

let place: CommanderPlace;

beforeAll(async () => {
  if (refusal !== null) return;
  await buildForDemo();
  mkdirSync(PICTURES, { recursive: true });
  place = await CommanderPlace.make();
});

afterEach(endAll);
afterAll(() => place?.close());

function startSite(): Promise<UpSite> {
  const listen = `${addressOf("connector")}:${CONNECTOR_PORT}`;
  return UpSite.start({ listen, inside: place.inside("connector") });
}

/** Opens the page in the office, once the Binding listens there. */
async function openPage(site: UpSite, picture: string): Promise<void> {
  const { namespaces, page: served } = place;
  await site.settled();
  const isListening = async () => (await site.status("office")).bindings[0]?.listening.length === 1;
  await until(isListening, "the office listens");
  const browser = await openBrowser(namespaces, place.host("office"), site.folder);
  try {
    const page = await browser.newPage();
    const response = await page.goto(URL);
    expect((await response?.body())?.toString()).toBe(served);
    expect(await page.locator("h1").textContent()).toBe("This page came through a SealedTunnel");
    await page.screenshot({ path: join(PICTURES, picture) });
  } finally {
    await browser.close();
  }
}

/** Open ports of these hosts, as a stranger sees them. */
function scan(...names: PlaceName[]): Record<string, number[] | undefined> {
  const script = join(ROOT, "test", "e2e", "port-scan.ts");
  const command = [process.execPath, script, ...names.map(addressOf)] as [string, ...string[]];
  const stranger = place.host("stranger");
  const text = runOn(place.namespaces, stranger, command, { timeoutMs: SCAN_MS });
  const found: Record<string, Found> = JSON.parse(text);
  return Object.fromEntries(names.map((name) => [name, found[addressOf(name)]?.open]));
}

describe.skipIf(refusal !== null)("a site made by commands alone", () => {
  it("opens the page in the office, and no STLink has an open port", {
    timeout: SCAN_MS,
  }, async () => {
    const site = await startSite();
    await Promise.all([
      site.join("office", { inside: place.inside("office") }),
      site.join("camera", { inside: place.inside("gateway") }),
    ]);
    await site.sealed("route", "add", "web", "--address", "192.168.0.1", "--port", "543");
    await site.sealed("route", "add", "page", "--mapping", "web", "--port", "443");
    await site.sealed("template", "add", "hall", "--route", "web", "--route", "page");
    await site.sealed("stlink", "set", "office", "--add-template", "hall");
    await site.sealed("stlink", "set", "camera", "--add-template", "hall");
    await openPage(site, "commander-page.png");

    const shown = await site.sealed("stlink", "show", "office");
    expect(shown).toMatch(/^page +binding +tcp 127\.0\.0\.1 port 443 +Template hall$/m);
    expect(shown).toMatch(/^state +online$/m);
    expect(await site.sealed("audit", "verify")).toMatch(/is as it was written/);
    expect(scan("connector", "gateway", "office")).toEqual({
      connector: [CONNECTOR_PORT],
      gateway: [],
      office: [],
    });
  });
});

/** It is whole: what it does not name is to go. */
const FILE = `[[mappings]]
name = "web"
address = "192.168.0.1"
port = 543

[[bindings]]
name = "page"
mapping = "web"
port = 443
help = "The camera's page: http://127.0.0.1:443/"

[[templates]]
name = "beside-camera"
routes = ["web"]

[[templates]]
name = "at-desk"
routes = ["page"]

[[profiles]]
name = "default"

[[profiles]]
name = "camera"
templates = ["beside-camera"]

[[profiles]]
name = "office"
templates = ["at-desk"]
`;

describe.skipIf(refusal !== null)("a site made by one file", () => {
  it("shows first what would change, then opens the page", async () => {
    const site = await startSite();
    writeFileSync(join(site.folder, "site.toml"), FILE);
    const plan = await site.sealed("import", "site.toml", "--dry-run");
    for (const name of ["web", "page", "beside-camera", "at-desk", "camera", "office"]) {
      expect(plan).toContain(name);
    }
    expect(await site.json("route", "list")).toEqual([]);
    await site.sealed("import", "site.toml");
    expect(await site.sealed("import", "site.toml", "--dry-run")).not.toContain("web");

    const hosts = { office: "office", camera: "gateway" } as const;
    for (const [name, host] of Object.entries(hosts)) {
      const { text } = await site.json<MadeCode>("code", "add", "--profile", name);
      expect(await site.activate(name, text, place.inside(host))).toMatchObject({ code: 0 });
      site.run(name, place.inside(host));
    }
    await openPage(site, "commander-imported.png");
  });
});

describe.skipIf(refusal !== null)("a code for one network", () => {
  it("is refused to a machine of another, which is told so, and serves the right one then", async () => {
    const site = await startSite();
    const only = `${addressOf("gateway")}/32`;
    await site.sealed("profile", "add", "yard", "--source", only);
    const { id, text } = await site.json<MadeCode>("code", "add", "--profile", "yard");
    const wrong = await site.activate("wrong", text, place.inside("stranger"));
    expect(wrong).toMatchObject({
      code: 13,
      err: expect.stringMatching(/^WrongNetwork: .*network/m),
    });
    const after = { reason: "WrongNetwork", source: addressOf("stranger") };
    // Whoever showed it is answered before it is written down.
    const isWritten = async () => (await site.history(id))[0]?.what === "turned away";
    await until(isWritten, "it is written down");
    expect((await site.history(id))[0]).toMatchObject({ after });
    const right = await site.activate("right", text, place.inside("gateway"));
    expect(right).toMatchObject({ code: 0 });
    const codes = await site.json<{ id: string; state: string }[]>("code", "list");
    expect(codes.find((code) => code.id === id)).toMatchObject({ state: "used" });
  });
});
