// SPDX-License-Identifier: Apache-2.0
// The demo in a network of its own, seen from all sides: its pages in a browser, its hosts in a port scan,
// behind a firewall, its hops in a packet capture. The network of the "user" is a namespace too, so that a
// firewall and a capture meet nothing of this machine. Screenshots go to build/e2e.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Host, Namespaces } from "../../host/cli/demo/namespaces.ts";
import { drawFrame, HEIGHT, WIDTH } from "../../host/cli/demo/picture.ts";
import { plugIn, SWITCH } from "../../host/cli/demo/place.ts";
import { STLINK_NAMES } from "../../host/cli/demo/site-files.ts";
import { webPage } from "../../host/cli/demo/web-page.ts";
import { askSocket } from "../../host/cli/status-socket.ts";
import type { ConnectorStatus } from "../../host/connector/status.ts";
import { routeId } from "../../host/stlink/route-id.ts";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";
import { openBrowser } from "./browser.ts";
import { Capture, foundIn, type Needle } from "./capture.ts";
import {
  buildForDemo,
  Demo,
  demoCommand,
  endDemos,
  makeFolder,
  namespaceRefusal,
  runOn,
} from "./demo-tools.ts";
import type { Found } from "./port-scan.ts";

const PICTURES = join(BUILD_DIR, "e2e");
const SCAN_MS = 1_500_000;
const HOPS_MS = 60_000;
const INTERNET = { relay: 1, site: 2, gateway: 3, centre: 4, office: 9, scanner: 66 };
const ROUTES = {
  mapping: ["intranet-page", "yard-camera", "command-screen"],
  binding: ["intranet-here", "screen-here", "camera-in"],
} as const;

const refusal = await namespaceRefusal();
if (refusal !== null) console.log(`no network namespaces here, all tests are skipped: ${refusal}`);

const namespaces = new Namespaces();
let house: Host;
let scanner: Host;
let relay: Host;
let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  if (refusal !== null) return;
  await buildForDemo();
  mkdirSync(PICTURES, { recursive: true });
  house = await namespaces.addHost("house");
  demo = new Demo(namespaces.inside(house, demoCommand("--engine", "v8")));
  await demo.printed(/Opened (\S+)/);
  relay = await demo.host("Connector");
  scanner = await namespaces.addHost("scanner");
  const cidr = `${internet("scanner")}/24`;
  await plugIn(namespaces, relay, { host: scanner, name: "eth1", cidr });
  browser = await openBrowser(namespaces, house, makeFolder());
});

afterEach(({ task }) => {
  if (task.result?.state === "fail") console.log(`the demo has said:\n${demo.output}`);
});

afterAll(async () => {
  await browser?.close();
  await endDemos();
  await namespaces.close();
});

function internet(name: keyof typeof INTERNET): string {
  return `198.51.100.${INTERNET[name]}`;
}

/** What a request from the user's own machine gets. */
function fetchInHouse(url: string): string {
  const code = "process.stdout.write(await (await fetch(process.argv[1])).text())";
  return runOn(namespaces, house, [process.execPath, "--input-type=module", "-e", code, url]);
}

async function servedPage(): Promise<string> {
  return webPage(await demo.printed(/SHA-256 ([0-9a-f]{64})/));
}

/** The Connector killed; resolves when another one is there, and all hops are. */
async function killConnector(): Promise<void> {
  const kills = demo.output.match(/is back: kill -9/g)?.length ?? 0;
  process.kill(relay.pid ?? 0, "SIGKILL");
  const again = new RegExp(`(?:is back: kill -9 (\\d+)[\\s\\S]*?){${kills + 1}}`);
  relay = { name: "relay", pid: Number(await demo.printed(again)) };
  const [folder = ""] = demo.leftovers();
  const socket = join(demo.folder, folder, "relay.sock");
  const hops = async () => {
    const { stlinks } = (await askSocket(socket)) as ConnectorStatus;
    return stlinks.map(({ hop }) => hop);
  };
  const allUp = STLINK_NAMES.map(() => "up");
  await expect.poll(hops, { timeout: HOPS_MS }).toEqual(allUp);
}

describe.skipIf(refusal !== null)("the end-to-end example", () => {
  it("listens where the example says, and gives the page byte for byte", async () => {
    const { web } = await demo.urls();
    expect(web).toBe("http://127.0.0.1:443/");
    expect(demo.output).toMatch(/Mapping to 192\.168\.0\.1 port 543/);
    expect(fetchInHouse(web)).toBe(await servedPage());
  });

  it("shows the page in Chromium, byte for byte", async () => {
    const page = await browser.newPage();
    const response = await page.goto((await demo.urls()).web);
    expect((await response?.body())?.toString()).toBe(await servedPage());
    expect(await page.locator("h1").textContent()).toBe("This page came through a SealedTunnel");
    await page.screenshot({ path: join(PICTURES, "page.png") });
    await page.close();
  });
});

/** The number and the picture that the page shows now, in one turn of its script, which changes both in one. */
const SHOWN = `({
  frame: Number(document.getElementById("frame").textContent),
  picture: document.getElementById("picture").getAttribute("src"),
})`;

function shown(page: Page): Promise<{ frame: number; picture: string }> {
  return page.evaluate(SHOWN);
}

/** How many colours the page's picture has. */
const COLOURS_SHOWN = `(() => {
  const canvas = new OffscreenCanvas(${WIDTH}, ${HEIGHT}).getContext("2d");
  canvas.drawImage(document.getElementById("picture"), 0, 0);
  return new Set(new Uint32Array(canvas.getImageData(0, 0, ${WIDTH}, ${HEIGHT}).data.buffer)).size;
})()`;

describe.skipIf(refusal !== null)("the gateway example", () => {
  it("shows a moving picture in the command centre, the camera's own", async () => {
    const page = await browser.newPage();
    await page.goto((await demo.urls()).screen);
    const frameAfter = async (least: number) => {
      const isThere = `Number(document.getElementById("frame").textContent) > ${least}`;
      await page.waitForFunction(isThere);
      return shown(page);
    };
    const first = await frameAfter(0);
    const second = await frameAfter(first.frame + 10);
    expect(second.picture).not.toBe(first.picture);
    const drawn = drawFrame(second.frame).toString("base64");
    expect(second.picture).toBe(`data:image/png;base64,${drawn}`);
    expect(await page.evaluate(COLOURS_SHOWN)).toBeGreaterThan(10);
    await page.screenshot({ path: join(PICTURES, "command-centre.png") });
    await page.close();
  });
});

describe.skipIf(refusal !== null)("its hosts", () => {
  /** Open ports of these addresses, as seen from a host. */
  function scan(from: Host, ...addresses: string[]): Record<string, Found> {
    const script = join(ROOT, "test", "e2e", "port-scan.ts");
    return JSON.parse(
      runOn(namespaces, from, [process.execPath, script, ...addresses], { timeoutMs: SCAN_MS }),
    );
  }

  it("have no open port but the Connector's one", { timeout: SCAN_MS }, () => {
    const names = ["relay", "site", "gateway", "centre", "office"] as const;
    const found = scan(scanner, ...names.map(internet));
    const open = names.map((name) => [name, found[internet(name)]?.open]);
    expect(Object.fromEntries(open)).toEqual({
      relay: [8443],
      site: [],
      gateway: [],
      centre: [],
      office: [],
    });
    for (const name of names) expect(found[internet(name)]?.silent).toBe(0);
  });

  it("have none on their own subnets but the gateway's Binding", { timeout: SCAN_MS }, async () => {
    const site = scan(await demo.host("web service"), "192.168.0.2");
    const gateway = scan(await demo.host("camera"), "192.168.1.1");
    expect(site["192.168.0.2"]).toEqual({ open: [], refused: 65_535, silent: 0 });
    expect(gateway["192.168.1.1"]).toEqual({ open: [5004], refused: 65_534, silent: 0 });
  });
});

describe.skipIf(refusal !== null)("the network of the demo", () => {
  /** A kernel gives a switch the lowest address of its cables unless it has one of its own. */
  it("keeps the Connector's address when more hosts are plugged in", async () => {
    const more = new Namespaces();
    const other = await more.addHost("other");
    const address = () => runOn(more, other, ["ip", "-o", "link", "show", "internet"]);
    await more.configure(other, ...SWITCH);
    const before = address();
    for (let i = 1; i <= 6; i++) {
      const host = await more.addHost(`host${i}`);
      await plugIn(more, other, { host, name: "eth1", cidr: `198.51.100.${i + 1}/24` });
    }
    const macOf = (line: string) => /link\/ether (\S+)/.exec(line)?.[1];
    expect(macOf(address())).toBe(macOf(before));
    expect(macOf(before)).toBeDefined();
    await more.close();
  });
});

describe.skipIf(refusal !== null)("a packet capture", () => {
  it("of all hops holds no plaintext, no id and no Route's name", async () => {
    const capture = new Capture(namespaces, relay);
    const site = await demo.host("site");
    const control = new Capture(namespaces, site);
    await Promise.all([capture.started(), control.started()]);
    await killConnector();
    const { web, screen } = await demo.urls();
    expect(fetchInHouse(web)).toBe(await servedPage());
    expect(fetchInHouse(screen)).toContain("Command centre");
    const hops = await capture.end(relay);
    const plain = await control.end(site);
    expect(hops.dropped).toBe(0);
    expect(hops.packets).toBeGreaterThan(100);
    expect(foundIn(plain.bytes, plaintexts())).toEqual(["a request", "the page"]);
    expect(foundIn(hops.bytes, [...plaintexts(), ...names()])).toEqual([]);
  });
});

function plaintexts(): Needle[] {
  const texts = {
    "a request": "GET / HTTP/1.1",
    "the page": "This page came through",
    "the other page": "<h1>Command centre",
  };
  return [
    ...Object.entries(texts).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
    { name: "a picture", bytes: drawFrame(1).subarray(0, 64) },
  ];
}

/** Ids and public keys of the STLinks, ids and names of the Routes; as bytes and as people write them. */
function names(): Needle[] {
  const [folder = ""] = readdirSync(demo.folder);
  const keys = STLINK_NAMES.flatMap((name) => {
    const text = readFileSync(join(demo.folder, folder, `${name}.toml`), "utf8");
    return [...text.matchAll(/^(?:id|key|psk) = "([0-9a-f]+)"$/gm)].map(([line, hex = ""]) => ({
      name: `${name}: ${line}`,
      bytes: Buffer.from(hex, "hex"),
    }));
  });
  const routes = (["mapping", "binding"] as const).flatMap((kind) =>
    ROUTES[kind].map((name) => ({
      name: `${kind} ${name}`,
      bytes: Buffer.from(routeId(kind, name)),
    })),
  );
  const ids = [...keys, ...routes];
  const written = ids.map(({ name, bytes }) => ({
    name: `${name}, written`,
    bytes: Buffer.from(bytes.toString("hex")),
  }));
  const called = Object.values(ROUTES)
    .flat()
    .map((name) => ({ name, bytes: Buffer.from(name) }));
  return [...ids, ...written, ...called];
}

describe.skipIf(refusal !== null)("a firewall at both STLinks", () => {
  const RULES = `table inet shut {
    chain inbound {
      type filter hook input priority 0;
      iifname != "lo" tcp flags & (fin | syn | rst | ack) == syn counter drop
      iifname != "lo" meta l4proto != tcp drop
    }
  }`;

  it("that drops every new inbound connection changes nothing", async () => {
    const hosts = [house, await demo.host("site")];
    for (const host of hosts) runOn(namespaces, host, ["nft", "-f", "-"], { input: RULES });
    const code = `require("net").connect({host: process.argv[1], port: 543, timeout: 1000})
      .on("timeout", () => { console.log("silent"); process.exit(); })`;
    for (const name of ["office", "site"] as const) {
      const said = runOn(namespaces, scanner, [process.execPath, "-e", code, internet(name)]);
      expect(said).toBe("silent\n");
    }
    const { web } = await demo.urls();
    expect(fetchInHouse(web)).toBe(await servedPage());
    await killConnector();
    expect(fetchInHouse(web)).toBe(await servedPage());
    for (const host of hosts) {
      const rules = runOn(namespaces, host, ["nft", "list", "ruleset"]);
      expect(rules).toMatch(/counter packets [1-9]\d* bytes/);
    }
  });
});
