// SPDX-License-Identifier: Apache-2.0
// Looks at the camera through the tunnel, again and again, as a program of its owner would. Before it:
// play.ts. After it: the page's own /status.json, which names the newest frame, and /snapshot.jpg.

import { setTimeout as pause } from "node:timers/promises";

export type Picture = {
  /** The number of the newest frame; a device that starts again counts from 0. */
  frame: number;
  /** Of a picture. */
  bytes: number;
};

const EVERY_MS = 500;
const ANSWER_MS = 5000;
/** How a JPEG file begins (ITU-T T.81 B.1): SOI, and the first byte of the next marker. */
const JPEG_START = 0xff_d8_ff;

export class Watcher {
  readonly url: string;
  /** The newest one; null before the first. */
  last: Picture | null = null;
  #lastAtMs = 0;

  constructor(url: string) {
    this.url = url;
  }

  /** Seconds since the newest one came. */
  get secondsAgo(): number {
    return Math.floor((performance.now() - this.#lastAtMs) / 1000);
  }

  /** Looks for as long as the process lives. */
  async run(): Promise<never> {
    for (;;) {
      const picture = await fetchPicture(this.url);
      if (picture !== null) {
        this.last = picture;
        this.#lastAtMs = performance.now();
      }
      await pause(EVERY_MS);
    }
  }

  /** A picture with another number than `before`; null when none comes in time. */
  async picture(mostMs: number, before: Picture | null = null): Promise<Picture | null> {
    for (const endMs = performance.now() + mostMs; performance.now() < endMs; ) {
      if (this.last !== null && this.last.frame !== before?.frame) return this.last;
      await pause(EVERY_MS / 2);
    }
    return null;
  }
}

/** Null while the camera can't be reached. */
async function fetchPicture(url: string): Promise<Picture | null> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const status = await (await fetch(new URL("status.json", url), { signal })).json();
    const response = await fetch(new URL("snapshot.jpg", url), { signal });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length < 3 || bytes.readUIntBE(0, 3) !== JPEG_START) return null;
    return { frame: Number((status as { frame: number }).frame), bytes: bytes.length };
  } catch {
    return null;
  }
}
