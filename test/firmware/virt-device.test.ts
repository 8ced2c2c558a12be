// SPDX-License-Identifier: Apache-2.0
// The whole device in the emulator, with all the RAM that a board of its kind has and no more, under
// wasm3 and compiled ahead of time: booted from flash images, it dials a Connector over lwIP and serves a
// desktop's Binding. The camera's page and pictures; then seeded bytes to and from the device while the
// Connector is killed, the cable is out, the power is cut.

import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildVirtFirmware, type VirtTarget } from "../../scripts/build-firmware.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { seededHash } from "../e2e/services.ts";
import { CameraServer } from "./camera-server.ts";
import { giveToDevice, replaceConnector, takeFromDevice } from "./virt-bytes.ts";
import { buildBytesDevice, VirtSite } from "./virt-site.ts";

const MEBIBYTE = 1 << 20;
/** Under wasm3 16 MiB take minutes: `npm run shows -- device-bytes` moves them. */
const MOVED: Record<VirtTarget, { down: number; up: number }> = {
  "virt-rv32": { down: 2 * MEBIBYTE, up: 2 * MEBIBYTE },
  "virt-rv32-aot": { down: 16 * MEBIBYTE, up: 16 * MEBIBYTE },
};
const TARGETS: VirtTarget[] = ["virt-rv32", "virt-rv32-aot"];
const LINK_OUT_MS = 10_000;
const ANSWER_MS = 60_000;

afterAll(endAll);

/** No connection is kept: one that is ends with the device that it leads to. */
const ONCE = { headers: { connection: "close" } };

async function fetched(url: string): Promise<Buffer> {
  const response = await fetch(url, { ...ONCE, signal: AbortSignal.timeout(ANSWER_MS) });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

describe.each(TARGETS)("the camera on %s", (target) => {
  let site: VirtSite;
  let url: string;

  beforeAll(async () => {
    site = await new VirtSite(buildVirtFirmware(target)).start();
    url = `http://127.0.0.1:${site.port}`;
  });
  afterAll(() => site?.stop());

  it("gives its page byte for byte", async () => {
    const native = new CameraServer();
    const expected = await fetched(await native.start());
    native.stop();
    expect((await fetched(`${url}/`)).equals(expected)).toBe(true);
  });

  it("sends picture after picture, each a JPEG of another moment", async () => {
    const pictures = await streamed(`${url}/stream`, 5);
    for (const picture of pictures) {
      expect(picture.subarray(0, 3).toString("hex")).toBe("ffd8ff");
      expect(picture.subarray(-2).toString("hex")).toBe("ffd9");
    }
    const hashes = pictures.map((one) => createHash("sha256").update(one).digest("hex"));
    expect(new Set(hashes).size).toBe(pictures.length);
  });

  it("is the same device after a power cut", async () => {
    const key = await keyOf(site);
    await site.device.powerCut();
    await site.startDevice();
    expect(await keyOf(site)).toBe(key);
    expect((await fetched(`${url}/`)).length).toBeGreaterThan(1000);
  });
});

describe.each(TARGETS)("bytes of a device on %s", (target) => {
  const { down, up } = MOVED[target];
  let site: VirtSite;

  beforeAll(async () => {
    site = await new VirtSite(buildBytesDevice(target)).start();
  });
  afterEach(() => site.device.setLink(true));
  afterAll(() => site?.stop());

  it("arrive whole at the desktop, the Connector being killed in the middle", async () => {
    const meanwhile = { at: down / 2, begin: () => replaceConnector(site.site) };
    const moved = await takeFromDevice(site, 7, down, meanwhile);
    expect(moved).toEqual({ bytes: down, hash: seededHash(7, down) });
  });

  it("arrive whole at the device, the Connector being killed in the middle", async () => {
    const meanwhile = { at: up / 2, begin: () => replaceConnector(site.site) };
    const moved = await giveToDevice(site, 9, up, meanwhile);
    expect(moved).toEqual({ bytes: up, hash: seededHash(9, up) });
  });

  it("arrive whole when the cable was out for ten seconds meanwhile", async () => {
    const from = site.device.lines.length;
    const meanwhile = { at: down / 8, begin: () => pullCable(site) };
    const moved = await takeFromDevice(site, 11, down / 2, meanwhile);
    expect(moved).toEqual({ bytes: down / 2, hash: seededHash(11, down / 2) });
    expect(site.device.lines.slice(from)).toContainEqual(expect.stringMatching(/network down/));
  });
});

async function pullCable({ device }: VirtSite): Promise<void> {
  await device.setLink(false);
  setTimeout(() => device.setLink(true), LINK_OUT_MS);
}

/** The first pictures of a stream: its parts have their lengths in their heads. */
async function streamed(url: string, count: number): Promise<Buffer[]> {
  const stop = new AbortController();
  const { body } = await fetch(url, {
    ...ONCE,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  const pictures: Buffer[] = [];
  let rest = Buffer.alloc(0);
  for await (const part of body ?? []) {
    rest = Buffer.concat([rest, part]);
    for (let picture = firstOf(rest); picture !== null; picture = firstOf(rest)) {
      pictures.push(picture.bytes);
      rest = rest.subarray(picture.end);
    }
    if (pictures.length >= count) break;
  }
  stop.abort();
  return pictures.slice(0, count);
}

function firstOf(bytes: Buffer): { bytes: Buffer; end: number } | null {
  const headEnd = bytes.indexOf("\r\n\r\n") + 4;
  const length = Number(/Content-Length: (\d+)/i.exec(bytes.toString("latin1", 0, headEnd))?.[1]);
  const end = headEnd + length;
  if (headEnd < 4 || !(end <= bytes.length)) return null;
  return { bytes: bytes.subarray(headEnd, end), end };
}

/** As the device's console says it. */
async function keyOf({ device }: VirtSite): Promise<string> {
  const from = device.lines.length;
  device.type("status\n");
  return device.line(/^key: [0-9a-f]{64}$/, ANSWER_MS, from);
}
