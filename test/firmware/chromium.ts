// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium for the camera's tests: shows its page, and decodes its pictures as browsers do.
// After it: playwright-core. The network is this process's own.

import { type Browser, chromium, type Page } from "playwright-core";

const START_MS = 120_000;

export type Picture = { width: number; height: number; rgba: Buffer };

/** Chromium without a window. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    timeout: START_MS,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
}

/** Runs in the browser. */
const DECODE = `async (text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  let chars = "";
  for (const byte of context.getImageData(0, 0, width, height).data) {
    chars += String.fromCharCode(byte);
  }
  return { width, height, rgba: btoa(chars) };
}`;

/** What the browser makes of each JPEG; null where it can't read it. */
export async function decodeAll(page: Page, jpegs: readonly Buffer[]): Promise<(Picture | null)[]> {
  const texts = JSON.stringify(jpegs.map((jpeg) => jpeg.toString("base64")));
  const found = await page.evaluate<({ width: number; height: number; rgba: string } | null)[]>(
    `Promise.all(${texts}.map((text) => (${DECODE})(text).catch(() => null)))`,
  );
  return found.map((picture) =>
    picture === null ? null : { ...picture, rgba: Buffer.from(picture.rgba, "base64") },
  );
}
