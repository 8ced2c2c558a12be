// SPDX-License-Identifier: Apache-2.0
// The virt machine's port when things fail: a network that is not there, or comes and goes; code that
// hangs or runs over its stack; the power. With firmware/test/virt_app.cpp in the emulator, in the RAM
// of a device ahead of time (112 KiB).

import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { VirtImage } from "../../scripts/build-virt.ts";
import { buildApp, exchange, HOST, listenTcp, VirtApp } from "./virt-app.ts";

const MEGABYTE = 1 << 20;
const FLAPS = 50;
let image: VirtImage;
let app: VirtApp;

beforeAll(() => {
  image = buildApp("aot");
});

afterEach(() => app.stop());

describe("the network's cable", () => {
  test("comes only after the start, and then the device gets its address", async () => {
    app = await VirtApp.start(image, { hasLink: false });
    expect(await app.ask("network")).toBe("down 0");
    await app.emulator.setLink(true);
    expect(await app.ask("until up")).toBe("up 1");
  });

  test("is out for ten seconds in the middle of 4 MB, and no byte is lost", async () => {
    app = await VirtApp.start(image);
    await app.ask("until up");
    const { received, sent } = await echoWith(async () => {
      await app.emulator.setLink(false);
      await sleep(10_000);
      await app.emulator.setLink(true);
    });
    expect(received).toBe(sent);
    expect(await app.ask("until up")).toBe("up 3");
  });

  test("comes and goes fifty times in the middle of 4 MB, and no byte is lost", async () => {
    app = await VirtApp.start(image);
    await app.ask("until up");
    const { received, sent } = await echoWith(async () => {
      for (let i = 0; i < FLAPS; i++) {
        await app.emulator.setLink(false);
        await sleep(20);
        await app.emulator.setLink(true);
        await sleep(20);
      }
    });
    expect(received).toBe(sent);
    // Up, so an odd number of changes; a flap that was too short to be seen is none.
    expect(await app.ask("until up")).toMatch(/^up \d*[13579]$/);
  });
});

/** 4 MB through an echo of the device's, with `fault` once the first of them have come back. */
async function echoWith(fault: () => Promise<void>) {
  const accepted = Promise.withResolvers<Socket>();
  const host = await listenTcp(accepted.resolve);
  app.type(`echo ${HOST} ${host.port}`);
  const socket = await accepted.promise;
  const result = exchange(socket, 4 * MEGABYTE, 1);
  await new Promise((resolve) => socket.once("data", resolve));
  await fault();
  const hashes = await result;
  expect(await app.next("open")).toBe(`open ${4 * MEGABYTE}`);
  await host.close();
  return hashes;
}

describe("the watchdog", () => {
  test("starts a device anew that does not come to rest, and says why", async () => {
    app = await VirtApp.start(image);
    app.type("hang");
    expect(await app.next("watchdog")).toBe("watchdog: nothing moved for 10 s; starting anew");
    await app.next("ready");
    expect(await app.ask("until up")).toBe("up 1");
  });

  test("leaves a device alone that rests for longer than ten seconds", async () => {
    app = await VirtApp.start(image);
    app.type("idle 12000");
    expect(await app.next("rested")).toMatch(/^rested 1[2-9]\d\d\d$/);
  });
});

describe("a fault", () => {
  test("of the stack running over starts the device anew and says where", async () => {
    app = await VirtApp.start(image);
    app.type("overflow");
    // Cause 7 is a store; RAM begins at 80000000.
    expect(await app.next("fault")).toMatch(/^fault: .* 00000007 200[0-9a-f]{5} 7fff/);
    await app.next("ready");
  });
});

describe("chance", () => {
  test("is other bytes each time, and after each start", async () => {
    app = await VirtApp.start(image);
    const values = [await app.ask("chance"), await app.ask("chance")];
    app.type("restart");
    await app.next("ready");
    values.push(await app.ask("chance"));
    for (const value of values) expect(value).toMatch(/^chance [0-9a-f]{32}$/);
    expect(new Set(values).size).toBe(3);
  });
});
