// SPDX-License-Identifier: Apache-2.0
// A device's camera as its viewers have it, wherever the device runs: how long its page takes, and pictures
// a second while two watch and the page is loaded again and again. Before it: measure.ts, native.ts. After
// it: the Binding of a tunnel, by HTTP. Every measurement is bounded in time.

import { setTimeout as rest } from "node:timers/promises";

const CAMERA_MS = 5000;
const CONNECTIONS = 10;
const LOOK_MS = 200;
const VIEWERS = 2;

export type CameraRates = {
  picturesPerSecond: number;
  /** From dialling to the last byte of the page, ms: the first after power-on, then the median. */
  firstPageMs: number;
  pageMs: number;
};

/** `look` is called again and again while the camera is watched. */
export async function watchCamera(url: string, look: () => Promise<void>): Promise<CameraRates> {
  const firstPageMs = await pageTime(url);
  const pages: number[] = [];
  for (let i = 0; i < CONNECTIONS; i++) pages.push(await pageTime(url));
  const stop = new AbortController();
  const viewers = Array.from({ length: VIEWERS }, () =>
    countPictures(`${url}/stream`, stop.signal),
  );
  const watched = visit(url, look).finally(() => stop.abort());
  const [, pictures] = await Promise.all([watched, ...viewers]);
  return {
    picturesPerSecond: ((pictures ?? 0) * 1000) / CAMERA_MS,
    firstPageMs,
    pageMs: pages.sort((a, b) => a - b)[CONNECTIONS >> 1] ?? Number.NaN,
  };
}

/** Somebody who loads the page again and again. */
async function visit(url: string, look: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + CAMERA_MS; Date.now() < end; ) {
    void pageTime(url).catch(() => {}); // one too many is told so by the camera
    await rest(LOOK_MS);
    await look();
  }
}

async function pageTime(url: string): Promise<number> {
  const begun = performance.now();
  const headers = { connection: "close" };
  const response = await fetch(`${url}/`, { headers, signal: AbortSignal.timeout(CAMERA_MS) });
  await response.arrayBuffer();
  return performance.now() - begun;
}

/** Parts of an MJPEG stream until it is stopped. */
async function countPictures(url: string, signal: AbortSignal): Promise<number> {
  let [count, begun] = [0, ""];
  try {
    const { body } = await fetch(url, { signal });
    for await (const part of body ?? []) {
      const text = begun + Buffer.from(part).toString("latin1");
      count += text.split("Content-Length:").length - 1;
      begun = text.slice(-("Content-Length:".length - 1));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return count;
}
