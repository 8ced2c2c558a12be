// SPDX-License-Identifier: Apache-2.0
// Whole sites of several Connectors and STLinks, as processes over loopback: Connectors and peers are
// killed under load, files are read again, targets and clients behave badly. Rules D10, K7; PROTOCOL 7.6.

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { endAll } from "./sealed-tools.ts";
import { closeAll, dial, seededHash, sendSeeded, startServer } from "./services.ts";
import { StlinkSite } from "./stlink-site.ts";

const MB = 1 << 20;

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  await closeAll();
  await endAll();
});

/** A site of these Connectors, an office with a Binding and cameras with the Mapping "web". */
async function startSite(
  connectors: readonly string[],
  servicePort: number,
  cameras: readonly string[] = ["camera"],
): Promise<{ site: StlinkSite; port: number }> {
  const site = new StlinkSite(connectors, ["office", ...cameras]);
  await Promise.all(connectors.map((name) => site.startConnector(name)));
  await Promise.all([
    site.startStlink("office", {
      bindings: [{ name: "here", mapping: "web", port: 0, peers: cameras }],
    }),
    ...cameras.map((name) => site.startStlink(name, { mappings: [web(servicePort)] })),
  ]);
  return { site, port: await site.portOf("office") };
}

function web(port: number): object {
  return { name: "web", address: "127.0.0.1", port, peers: ["office"] };
}

/** Reads a download of so many bytes; at each of `stops` it waits for what `at` does. Gives the SHA-256. */
async function download(
  socket: Socket,
  stops: readonly number[],
  at: (stop: number) => Promise<void>,
): Promise<{ bytes: number; hash: string }> {
  const hash = createHash("sha256");
  const left = [...stops];
  let bytes = 0;
  for await (const part of socket) {
    hash.update(part as Buffer);
    bytes += (part as Buffer).length;
    const [next = Number.POSITIVE_INFINITY] = left;
    if (bytes < next) continue;
    left.shift();
    await at(next);
  }
  return { bytes, hash: hash.digest("hex") };
}

describe("two Connectors", () => {
  it("are killed in turn, whichever carries a transfer, and the client sees one connection", async () => {
    const length = 96 * MB;
    let connections = 0;
    const service = await startServer((socket) => {
      connections += 1;
      sendSeeded(socket, 7, length).catch(() => {});
    });
    const { site, port } = await startSite(["hall", "yard"], service);
    const stops = [1, 2, 3, 4, 5].map((i) => i * 16 * MB);
    const killed: string[] = [];
    const got = await download(dial(port), stops, async () => {
      const { peers } = await site.statusWhen(
        "camera",
        ({ peers }) => peers[0]?.connector !== null,
      );
      const name = peers[0]?.connector ?? "";
      killed.push(name);
      await site.kill(name);
      await site.startConnector(name);
    });
    expect(got).toEqual({ bytes: length, hash: seededHash(7, length) });
    expect(connections).toBe(1);
    expect(killed.length).toBe(5);
    expect(new Set(killed).size).toBe(2);
    const { bindings } = await site.status("office");
    expect(bindings[0]).toMatchObject({ total: 1, failed: 0, bytesOut: length });
  });
});
