// SPDX-License-Identifier: Apache-2.0
// The camera's page in Chromium, from the app itself: it shows a picture that moves, uses two
// connections, and comes back from a broken stream and a lost network by itself. Pictures of it lie in
// build/firmware afterwards.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { BUILD_DIR } from "../../scripts/run.ts";
import { CameraServer } from "./camera-server.ts";
import { openChromium } from "./chromium.ts";

const PICTURES = join(BUILD_DIR, "firmware");
const PHONE = { width: 360, height: 640 };
/** A browser on a busy machine. */
const SEEN_MS = 90_000;

let browser: Browser;
let server: CameraServer;
let page: Page;
let url: string;
let complaints: string[];

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await openChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  server = new CameraServer();
  url = await server.start();
  page = await newPage();
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const isOwn = request.url().startsWith(url) || /^(blob|data):/.test(request.url());
    if (!isOwn) complaints.push(`asks elsewhere: ${request.url()}`);
  });
  await page.goto(url);
});
afterEach(async () => {
  await page.close();
  server.stop();
});

async function newPage(): Promise<Page> {
  const made = await browser.newPage();
  made.setDefaultTimeout(SEEN_MS);
  return made;
}

/** Waits until the page's note is this. */
async function noteIs(note: string): Promise<void> {
  await page.locator("#note", { hasText: note }).waitFor();
}

async function frameNumber(): Promise<number> {
  return Number(await page.locator("#frame").textContent());
}

/** Waits until the page shows a picture `more` pictures later than the one that it shows now, or first. */
async function framesPass(more: number): Promise<void> {
  await page.locator("#frame", { hasText: /^\d+$/ }).waitFor();
  const wanted = (await frameNumber()) + more;
  await expect.poll(frameNumber, { timeout: SEEN_MS }).toBeGreaterThanOrEqual(wanted);
}

/** Runs in the browser: how many colours the picture has that is shown. */
const COUNT_COLOURS = `(async () => {
  const image = document.querySelector("img");
  await image.decode().catch(() => {}); // the next one has taken its place
  const context = new OffscreenCanvas(160, 120).getContext("2d");
  context.drawImage(image, 0, 0);
  return new Set(new Uint32Array(context.getImageData(0, 0, 160, 120).data.buffer)).size;
})()`;

/** A picture may be gone before it is looked at: then the next one is. */
async function showsColours(): Promise<void> {
  const count = () => page.evaluate<number>(COUNT_COLOURS);
  await expect.poll(count, { timeout: SEEN_MS }).toBeGreaterThan(500);
}

it("shows a picture with many colours, whose number goes on, over two connections", async () => {
  await noteIs("live");
  await framesPass(30);
  await showsColours();
  await page.locator("#uptime", { hasText: /^00:0\d:\d\d$/ }).waitFor();
  await page.locator("#viewers", { hasText: /^1$/ }).waitFor();
  await page.locator("#rate", { hasText: /^[1-9][\d.]* \/s$/ }).waitFor();
  await framesPass(50);
  // A third may have come and gone while the page was loading.
  await expect.poll(() => server.inUse, { timeout: SEEN_MS }).toBe(2);
  expect(complaints).toEqual([]);
});

it("takes single pictures while the stream is refused, and then the stream again", async () => {
  await noteIs("live");
  server.refusesStreams = true;
  server.cutAll();
  await noteIs("one picture a second");
  await framesPass(5);
  await showsColours();
  server.refusesStreams = false;
  await noteIs("live");
  await framesPass(5);
});

it("says that the connection is lost, keeps the last picture, and comes back by itself", async () => {
  await noteIs("live");
  server.refusesAll = true;
  server.cutAll();
  await noteIs("connection lost, trying again");
  await showsColours();
  await page.screenshot({ path: join(PICTURES, "camera-lost.png") });
  server.refusesAll = false;
  await noteIs("live");
  await framesPass(5);
});

it("fits a phone, and is dark where that is wished", async () => {
  await framesPass(30);
  const ground = (): Promise<string> =>
    page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const grounds: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1000, height: 900 });
    grounds.push(await ground());
    await page.screenshot({ path: join(PICTURES, `camera-${colorScheme}.png`) });
    await page.setViewportSize(PHONE);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
    await page.screenshot({ path: join(PICTURES, `camera-phone-${colorScheme}.png`) });
  }
  expect(grounds).toEqual(["rgb(242, 241, 237)", "rgb(20, 23, 26)"]);
});

it("gives its place to nobody else while a third viewer is told to wait", async () => {
  await noteIs("live");
  const other = await newPage();
  await other.goto(url);
  await other.locator("#note", { hasText: "live" }).waitFor();
  const third = await newPage();
  await third.goto(url);
  await third.locator("#note", { hasText: "one picture a second" }).waitFor();
  await noteIs("live");
  await framesPass(5);
  await Promise.all([other.close(), third.close()]);
});

it("is a moving picture without the page, too", async () => {
  await page.goto(`${url}stream`, { waitUntil: "commit" });
  const seen = new Set<string>();
  const look = async (): Promise<number> => {
    seen.add((await page.screenshot()).toString("base64"));
    return seen.size;
  };
  await expect.poll(look, { timeout: SEEN_MS }).toBeGreaterThan(5);
});
