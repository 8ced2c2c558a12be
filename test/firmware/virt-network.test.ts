// SPDX-License-Identifier: Apache-2.0
// The virt machine's port as a host on a network: TCP and UDP through core/sockets.h, names, and
// connections within the device. Each test talks to firmware/test/virt_app.cpp in an image with the
// RAM of a device under wasm3, over lwIP and the emulator's network, to hosts on this loopback.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VirtImage } from "../../scripts/build-virt.ts";
import { freePort } from "../e2e/free-port.ts";
import { buildApp, echoDatagrams, exchange, HOST, listenTcp, VirtApp } from "./virt-app.ts";

const MEGABYTE = 1 << 20;
/** The application itself waits for a minute. */
const NO_ANSWER_MS = 120_000;
let image: VirtImage;
let app: VirtApp;

beforeAll(async () => {
  image = buildApp("wasm3");
  app = await VirtApp.start(image);
  await app.ask("until up");
});

afterAll(() => app?.stop());

describe("TCP", () => {
  test("echoes 4 MB that the device has dialled for, with the same hash", async () => {
    const done = Promise.withResolvers<{ sent: string; received: string; bytes: number }>();
    const host = await listenTcp((socket) => {
      exchange(socket, 4 * MEGABYTE, 1).then(done.resolve, done.reject);
    });
    expect(await app.ask(`echo ${HOST} ${host.port}`)).toBe(`open ${4 * MEGABYTE}`);
    const { sent, received, bytes } = await done.promise;
    expect(bytes).toBe(4 * MEGABYTE);
    expect(received).toBe(sent);
    await host.close();
  });

  test("says that a dial was refused where nobody listens", async () => {
    expect(await app.ask(`dial ${HOST} ${await freePort()}`)).toBe("refused");
  });

  test("says that a connection was reset", async () => {
    const host = await listenTcp((socket) => socket.once("data", () => {}).resetAndDestroy());
    expect(await app.ask(`echo ${HOST} ${host.port}`)).toMatch(/^(reset|refused) 0/);
    await host.close();
  });

  test("takes no address of IPv6, for which the port has no room", async () => {
    expect(await app.ask("name ::1")).toBe("not found ");
  });
});

describe("UDP", () => {
  test("carries datagrams of 1 to 1,400 bytes there and back", async () => {
    const host = await echoDatagrams();
    expect(await app.ask(`udp ${HOST} ${host.port} 100`)).toBe("whole 100");
    await host.close();
  });
});

describe("names", () => {
  test("finds a literal address without a question", async () => {
    expect(await app.ask("name 192.0.2.7")).toBe("found c0000207");
  });

  test("says that a name that nobody has is not found", async () => {
    expect(await app.ask("name device.invalid", NO_ANSWER_MS)).toBe("not found ");
  });
});

describe("within the device", () => {
  test("a connection to loopback carries bytes whole and in order, and then its end", async () => {
    expect(await app.ask("loop 127.0.0.1 60000 20")).toBe(`ended ${60_000 * 20}`);
  });

  test("a connection to the device's own address does the same", async () => {
    expect(await app.ask("loop 10.0.2.15 1000 20")).toBe("ended 20000");
  });

  test("a dial to loopback is refused where nobody listens", async () => {
    expect(await app.ask("dial 127.0.0.1 9")).toBe("refused");
  });
});

describe("no buffers left", () => {
  test("seven connections that nobody reads do not stop an eighth", async () => {
    const bytes = 256 * 1024;
    const port = await freePort(2);
    const stalled = await listenTcp((socket) => socket.pause(), port);
    const done = Promise.withResolvers<{ sent: string; received: string }>();
    const served = await listenTcp((socket) => {
      exchange(socket, bytes, 2).then(done.resolve, done.reject);
    }, port + 1);
    app.type(`stall ${HOST} ${stalled.port} 7`);
    expect(await app.next("stalled")).toBe("stalled 7");
    expect(await app.next("")).toBe(`open ${bytes}`);
    const { sent, received } = await done.promise;
    expect(received).toBe(sent);
    await Promise.all([stalled.close(), served.close()]);
  });
});
