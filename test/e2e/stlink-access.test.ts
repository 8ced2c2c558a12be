// SPDX-License-Identifier: Apache-2.0
// A Binding's access list on real sockets: 127.0.0.1 and 127.0.0.2 as two sources, over IPv4 and IPv6
// listeners, a file that is read again, a rate under a transfer. On a fake clock:
// test/unit/binding-access.test.ts.

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { endAll } from "./sealed-tools.ts";
import {
  closeAll,
  dial,
  endingOf,
  seededHash,
  sendSeeded,
  startServer,
  turnOver,
} from "./services.ts";
import { StlinkSite } from "./stlink-site.ts";
import { ask, bound, dnsQuery } from "./udp-tools.ts";

const HERE = "127.0.0.1";
const THERE = "127.0.0.2";
const KIB = 1024;

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  await closeAll();
  await endAll();
});

function bindingWith(access: object, more: object = {}) {
  const binding = { name: "here", mapping: "web", port: 0, peers: ["camera"], access, ...more };
  return { bindings: [binding] };
}

/** A site whose office has a Binding with this access list. */
async function startSite(
  target: number,
  access: object,
  more: object = {},
): Promise<{ site: StlinkSite; port: number }> {
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  await site.startConnector("hall");
  const mapping = { name: "web", address: HERE, port: target, peers: ["office"] };
  const protocol = "protocol" in more ? { protocol: more.protocol } : {};
  await Promise.all([
    site.startStlink("office", bindingWith(access, more)),
    site.startStlink("camera", { mappings: [{ ...mapping, ...protocol }] }),
  ]);
  return { site, port: await site.portOf("office") };
}

async function isAnswered(socket: Socket): Promise<boolean> {
  socket.write("x");
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.equals(Buffer.from([0x78 ^ 0xff]));
}

describe("an access list", () => {
  it.each([
    [HERE, "one address"],
    ["all", "every address, where IPv4 may come as IPv6"],
  ])("at %s (%s) lets in who is in it, and no other", async (address) => {
    const only = { sources: [`${THERE}/32`] };
    const { site, port } = await startSite(await startServer(turnOver), only, { address });
    expect(await isAnswered(dial(port, HERE, THERE))).toBe(true);
    expect(await endingOf(dial(port, HERE, HERE))).toBe("ECONNRESET");
    const { bindings } = await site.status("office");
    expect(bindings[0]).toMatchObject({
      open: 1,
      total: 1,
      failed: 0,
      refused: { SourceNotAllowed: 1 },
      lastError: expect.stringContaining(`a connection from ${HERE} was refused`),
    });
    const told = await site
      .process("office")
      .when((lines) => lines.find(({ msg }) => String(msg).includes("add its network to sources")));
    expect(told).toMatchObject({ level: "warn", binding: "here" });
  });

  it("closes connections beyond its limit, and goes on with those that are there", async () => {
    const { site, port } = await startSite(await startServer(turnOver), { connections: 2 });
    const sockets = [dial(port), dial(port)] as const;
    for (const socket of sockets) expect(await isAnswered(socket)).toBe(true);
    expect(await endingOf(dial(port))).toBe("ECONNRESET");
    for (const socket of sockets) expect(await isAnswered(socket)).toBe(true);
    sockets[0].destroy();
    await site.statusWhen("office", ({ bindings }) => bindings[0]?.open === 1);
    expect(await isAnswered(dial(port))).toBe(true);
  });

  it("that is read again ends those that it does not name, and no others", async () => {
    const { site, port } = await startSite(await startServer(turnOver), {});
    const [kept, gone] = [dial(port, HERE, THERE), dial(port, HERE, HERE)];
    for (const socket of [kept, gone]) expect(await isAnswered(socket)).toBe(true);
    const ending = endingOf(gone);
    const report = await site.reload("office", bindingWith({ sources: [`${THERE}/32`] }));
    expect(report["needsRestart"]).toEqual([]);
    expect(await ending).toBe("ECONNRESET");
    expect(await isAnswered(kept)).toBe(true);
    expect(await site.portOf("office")).toBe(port);
    const camera = await site.statusWhen("camera", ({ mappings }) => mappings[0]?.open === 1);
    expect(camera.mappings[0]?.lastError).toBe("Withdrawn");
  });

  it("with a rate loses no byte of a download, and none when the rate changes under it", async () => {
    const length = 2048 * KIB;
    const service = await startServer(
      (socket) => void sendSeeded(socket, 5, length).catch(() => {}),
    );
    const { site, port } = await startSite(service, { rate: "512KiB" });
    const hash = createHash("sha256");
    let bytes = 0;
    let hasChanged = false;
    for await (const part of dial(port)) {
      hash.update(part as Buffer);
      bytes += (part as Buffer).length;
      if (hasChanged || bytes < length / 2) continue;
      hasChanged = true;
      await site.reload("office", bindingWith({ rate: "100MiB" }));
    }
    expect({ bytes, hash: hash.digest("hex") }).toEqual({
      bytes: length,
      hash: seededHash(5, length),
    });
  });

  it("of a UDP Binding drops datagrams of others", async () => {
    const echo = await bound(HERE);
    echo.on("message", (bytes, { address, port }) => echo.send(bytes, port, address));
    const only = { sources: [`${THERE}/32`] };
    const { site, port } = await startSite(echo.address().port, only, { protocol: "udp" });
    const [refused, served] = [await bound(HERE), await bound(THERE)];
    refused.send(dnsQuery(1, "refused.example"), port, HERE);
    expect((await ask(served, port, dnsQuery(2, "served.example"))).answer).toEqual(
      dnsQuery(2, "served.example"),
    );
    const isDropped = (count: number | undefined): boolean => (count ?? 0) > 0;
    const { bindings } = await site.statusWhen("office", ({ bindings }) =>
      isDropped(bindings[0]?.dropped?.["SourceNotAllowed"]),
    );
    expect(bindings[0]).toMatchObject({ total: 1 });
    for (const socket of [echo, refused, served]) socket.close();
  });
});
