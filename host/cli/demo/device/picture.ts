// SPDX-License-Identifier: Apache-2.0
// One look at the camera through the tunnel, as the demo takes it. Before it: play.ts. After it: the page's
// own /status.json, which names the newest frame, and /snapshot.jpg.

export type Picture = {
  /** The number of the newest frame. */
  frame: number;
  /** Of a picture. */
  bytes: number;
};

const LOOK_MS = 5000;
/** SOI and APP0 or DQT: how every JPEG file begins (ITU-T T.81 B.1). */
const JPEG_START = 0xff_d8_ff;

/** Null while the camera can't be reached. */
export async function fetchPicture(url: string): Promise<Picture | null> {
  try {
    const signal = AbortSignal.timeout(LOOK_MS);
    const status = await (await fetch(new URL("status.json", url), { signal })).json();
    const response = await fetch(new URL("snapshot.jpg", url), { signal });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length < 3 || bytes.readUIntBE(0, 3) !== JPEG_START) return null;
    return { frame: Number((status as { frame: number }).frame), bytes: bytes.length };
  } catch {
    return null;
  }
}
