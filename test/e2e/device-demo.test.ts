// SPDX-License-Identifier: Apache-2.0
// The device's demo as its user meets it: `npm start`'s process, the camera's page in Chromium, which
// moves and comes back by itself after everything that the demo lets a person break; its end, after which
// nothing of it is there; what is said where something is missing. A picture of it lies in build/e2e.

import { once } from "node:events";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RAM_KIB } from "../../host/device/emulator.ts";
import { BUILD_DIR } from "../../scripts/run.ts";
import { decodeAll, openChromium } from "../firmware/chromium.ts";
import {
  buildForDemo,
  Demo,
  deviceDemoCommand,
  endDemos,
  makeFolder,
  namespaceRefusal,
  survivors,
} from "./demo-tools.ts";

/** A first start compiles the firmware, and may have to boot a machine that an emulator plays. */
const DEMO_MS = 600_000;
const USAGE_MS = 120_000;
const SEEN_MS = 180_000;
const LOOK_MS = 100;
const PICTURES = join(BUILD_DIR, "e2e");

const KINDS = [
  { kind: "native", options: ["--native"], hasCable: false },
  { kind: "virt-rv32", options: [], hasCable: true },
];

/** Connector, office, device. */
const PROCESSES = 3;

let browser: Browser;

const refusal = await namespaceRefusal();
if (refusal !== null) console.log(`no user namespaces here, so a test is skipped: ${refusal}`);

beforeAll(async () => {
  await buildForDemo();
  mkdirSync(PICTURES, { recursive: true });
  browser = await openChromium();
});
afterAll(() => browser.close());
afterEach(endDemos);

/** The camera's page, open in a browser. */
class CameraPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(url: string): Promise<CameraPage> {
    const page = await browser.newPage();
    await page.goto(url);
    await page.evaluate("window.wasNotReloaded = true");
    return new CameraPage(page);
  }

  /** 0 before the first. */
  async frame(): Promise<number> {
    return Number(await this.page.locator("#frame").textContent()) || 0;
  }

  /** Waits until it shows a picture so much later than it shows now. */
  async framesPass(more: number): Promise<void> {
    const wanted = (await this.frame()) + more;
    await expect.poll(() => this.frame(), { timeout: SEEN_MS }).toBeGreaterThanOrEqual(wanted);
  }

  /** Waits until the camera counts from 0 again, which was at `before`. */
  async framesBeginAgain(before: number): Promise<void> {
    await expect.poll(() => this.frame(), { timeout: SEEN_MS, interval: 20 }).toBeLessThan(before);
  }

  /** The pixels of the picture as a person sees it. */
  async pixels(): Promise<Uint32Array> {
    const shot = await this.page.locator("img").screenshot();
    const [picture] = await decodeAll(this.page, [shot]);
    const { buffer, byteOffset, byteLength } = picture?.rgba ?? Buffer.alloc(0);
    return new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  }

  async wasReloaded(): Promise<boolean> {
    return (await this.page.evaluate("window.wasNotReloaded")) !== true;
  }
}

function differing(a: Uint32Array, b: Uint32Array): number {
  return a.reduce((count, pixel, i) => count + Number(pixel !== b[i]), 0);
}

describe.each(KINDS)("the demo of a device, $kind", ({ kind, options, hasCable }) => {
  it("shows a moving picture, which comes back by itself after all that breaks it", {
    timeout: DEMO_MS,
  }, async () => {
    const demo = new Demo(deviceDemoCommand("--port", "0", ...options));
    const camera = await CameraPage.open(await demo.printed(/Open it +(\S+)/));
    await camera.framesPass(10);
    const first = await camera.pixels();
    expect(new Set(first).size).toBeGreaterThan(500);
    await camera.framesPass(20);
    const later = await camera.pixels();
    expect(later.length).toBe(first.length);
    expect(differing(first, later)).toBeGreaterThan(first.length / 100);
    await camera.page.screenshot({ path: join(PICTURES, `device-${kind}.png`) });

    demo.type("c");
    await demo.printed(/Connector \(pid \d+\) died: SIGKILL; started again/);
    await camera.framesPass(20);

    const before = await camera.frame();
    demo.type("p");
    await demo.printed(/the device's power is cut/);
    await camera.framesBeginAgain(before);
    await camera.framesPass(10);

    demo.type("n");
    if (hasCable) await seeNetworkGo(demo, camera);
    else await demo.printed(/its network is this machine's own here/);
    expect(await camera.wasReloaded()).toBe(false);
    await camera.page.close();

    const children = demo.children();
    expect(children.length).toBe(PROCESSES);
    expect(await demo.end("SIGTERM"), demo.output).toBe(0);
    expect(await survivors(children)).toEqual([]);
    expect(demo.leftovers()).toEqual([]);
  });

  it("takes all along when it is killed, and the next one cleans up", {
    timeout: DEMO_MS,
  }, async () => {
    const demo = new Demo(deviceDemoCommand("--port", "0", ...options));
    await demo.printed(/Open it/);
    const children = demo.children();
    expect(children.length).toBe(PROCESSES);
    await demo.end("SIGKILL");
    expect(await survivors(children)).toEqual([]);
    expect(demo.leftovers().length).toBe(1);
    const next = new Demo(deviceDemoCommand("--port", "0", "--once", ...options), demo.folder);
    expect(await next.ended(), next.output).toBe(0);
    expect(next.output).toMatch(/Frame \d+ came through the tunnel, then frame \d+/);
    expect(next.leftovers()).toEqual([]);
  });

  it("can be ended while it starts", { timeout: DEMO_MS }, async () => {
    const demo = new Demo(deviceDemoCommand("--port", "0", ...options));
    await demo.printed(/the camera starts and joins/);
    const children = demo.children();
    expect(await demo.end("SIGTERM"), demo.output).toBe(0);
    expect(await survivors(children)).toEqual([]);
    expect(demo.leftovers()).toEqual([]);
  });
});

/** The picture stands still, and goes on when the cable is in again. */
async function seeNetworkGo(demo: Demo, camera: CameraPage): Promise<void> {
  await demo.printed(/the device's network is gone for 10 s/);
  const before = await camera.frame();
  let [isBack, last] = [false, before];
  const back = demo.printed(/the device's network is there again/).then(() => {
    isBack = true;
  });
  for (let now = before; !isBack; now = await camera.frame()) {
    last = now;
    await Promise.race([back, pause(LOOK_MS)]);
  }
  await back;
  // What was under way still came.
  expect(last - before).toBeLessThan(10);
  await camera.framesPass(10);
}

describe("the demo of a device", () => {
  it("shows a picture that moves from a core compiled ahead of time, and stops", {
    timeout: DEMO_MS,
  }, async () => {
    const demo = new Demo(deviceDemoCommand("--port", "0", "--aot", "--once"));
    expect(await demo.ended(), demo.output).toBe(0);
    expect(demo.output).toContain(`${RAM_KIB["virt-rv32-aot"]} KiB of RAM in QEMU`);
    expect(demo.output).toContain("ahead-of-time code");
    const frames = /Frame (\d+) came through the tunnel, then frame (\d+)/.exec(demo.output);
    expect(Number(frames?.[2])).toBeGreaterThan(Number(frames?.[1]));
    expect(demo.leftovers()).toEqual([]);
  });

  it("says what its options are", { timeout: USAGE_MS }, async () => {
    const demo = new Demo(deviceDemoCommand("--help"));
    expect(await demo.ended()).toBe(0);
    for (const option of ["--port", "--aot", "--native", "--once", "--seconds"]) {
      expect(demo.output).toContain(option);
    }
  });

  const REFUSED: [string[], RegExp][] = [
    [["--nonsense"], /Unknown option '--nonsense'/],
    [["--port", "65536"], /--port is a whole number from 0 to 65535, not "65536"/],
    [["--seconds", "soon"], /--seconds is a whole number from 0 to 1000000, not "soon"/],
    [["--aot", "--native"], /--aot and --native: say one of them/],
    [["camera"], /Unexpected argument 'camera'/],
  ];
  it.each(REFUSED)("refuses %j and says why", { timeout: USAGE_MS }, async (options, why) => {
    const demo = new Demo(deviceDemoCommand(...options));
    expect(await demo.ended()).toBe(2);
    expect(demo.output).toMatch(why);
    expect(demo.leftovers()).toEqual([]);
  });

  it("says so when the port is in use", { timeout: USAGE_MS }, async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const demo = new Demo(deviceDemoCommand("--port", String(port), "--native"));
    expect(await demo.ended()).toBe(2);
    expect(demo.output).toContain(`port ${port} is in use: choose another one with --port`);
    expect(demo.leftovers()).toEqual([]);
    holder.close();
  });

  it.skipIf(refusal !== null)(
    "says an ordinary user how to get the emulator, and plays without it",
    { timeout: DEMO_MS },
    async () => {
      const demo = new Demo([
        ...AS_USER,
        ...["env", `PATH=${pathWithoutEmulator()}`],
        ...deviceDemoCommand("--port", "0", "--once"),
      ]);
      expect(await demo.ended(), demo.output).toBe(0);
      expect(demo.output).toMatch(
        /sudo apt-get install --no-install-recommends qemu-system-misc$/m,
      );
      expect(demo.output).toMatch(/as a program of this machine, not in an emulated board/);
      expect(demo.output).toMatch(/Frame \d+ came through the tunnel/);
    },
  );

  it.skipIf(refusal !== null)(
    "says what to install where there is not even a compiler",
    { timeout: USAGE_MS },
    async () => {
      const demo = new Demo([
        ...AS_USER,
        ...["env", "PATH=/nowhere"],
        ...deviceDemoCommand("--port", "0", "--native"),
      ]);
      expect(await demo.ended()).toBe(1);
      expect(demo.output).toMatch(/sudo apt-get install --no-install-recommends gcc g\+\+$/m);
    },
  );
});

/** A user like any other, who owns what this one owns. */
const AS_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] as const;

/** A folder with every command of this machine but QEMU's. */
function pathWithoutEmulator(): string {
  const folder = makeFolder();
  for (const name of readdirSync("/usr/bin")) {
    if (!name.startsWith("qemu-")) symlinkSync(join("/usr/bin", name), join(folder, name));
  }
  return folder;
}
