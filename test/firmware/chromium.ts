// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium for the camera's tests: shows its page, and decodes its pictures as browsers do.
// After it: playwright-core. The network is this process's own.

import { type Browser, chromium, type Page } from "playwright-core";

export type Picture = { width: number; height: number; rgba: Buffer };

/** Chromium without a window. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
}

/** What the browser makes of each JPEG; null where it can't read it. */
export async function decodeAll(page: Page, jpegs: readonly Buffer[]): Promise<(Picture | null)[]> {
  const found = await page.evaluate(
    async (texts) => {
      const decode = async (text: string) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext("2d");
        if (context === null) throw new Error("no canvas");
        context.drawImage(image, 0, 0);
        const { data } = context.getImageData(0, 0, image.width, image.height);
        let chars = "";
        for (const byte of data) chars += String.fromCharCode(byte);
        return { width: image.width, height: image.height, rgba: btoa(chars) };
      };
      return Promise.all(texts.map((text) => decode(text).catch(() => null)));
    },
    jpegs.map((jpeg) => jpeg.toString("base64")),
  );
  return found.map((picture) =>
    picture === null ? null : { ...picture, rgba: Buffer.from(picture.rgba, "base64") },
  );
}
