// SPDX-License-Identifier: Apache-2.0
// The demo as its user meets it: `npm run demo:routes`'s process, its URL, the large file while the Connector is
// killed twice, its end, after which nothing of it is there, and each of its three places. What crosses
// its networks, and its pages in a browser, are routes.test.ts's.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { LARGE_BYTES } from "../../host/cli/demo/large-file.ts";
import { webPage } from "../../host/cli/demo/web-page.ts";
import { askSocket } from "../../host/cli/status-socket.ts";
import {
  buildForDemo,
  Demo,
  demoCommand,
  endDemos,
  namespaceRefusal,
  survivors,
} from "./demo-tools.ts";

/** A first start compiles wasm3. */
const START_MS = 300_000;
const LARGE_MS = 600_000;
/** The kernel takes an interface away some time after its network namespace has lost its last process. */
const CABLE_MS = 30_000;

/** Downloads in one connection; `onBytes` hears how much has come. */
async function download(url: string, onBytes: (total: number) => void) {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  const hash = createHash("sha256");
  let total = 0;
  for await (const chunk of response) {
    hash.update(chunk as Buffer);
    total += (chunk as Buffer).length;
    onBytes(total);
  }
  return { total, hash: hash.digest("hex") };
}

/** Interfaces of the demo in this process's network. */
function cables(): string[] {
  return Object.keys(networkInterfaces()).filter((name) => /^sealed\d+$/.test(name));
}

const refusal = await namespaceRefusal();
if (refusal !== null)
  console.log(`no network namespaces here, so two tests are skipped: ${refusal}`);

beforeAll(buildForDemo);
afterEach(endDemos);

describe("demo", () => {
  it("carries the page byte for byte, and leaves nothing behind", {
    timeout: START_MS,
  }, async () => {
    const demo = new Demo(demoCommand("--port", "0"));
    const { web } = await demo.urls();
    const hash = await demo.printed(/SHA-256 ([0-9a-f]{64})/);
    expect(await (await fetch(web)).text()).toBe(webPage(hash));
    await demo.printed(/Opened \S+: the same \d+ bytes that the service gave/);
    await demo.printed(
      /What the Connector sees\n.+\n.+office +up .+\n(.+ up .+\n){3}.+\n +refused +nothing/,
    );
    const pids = await demo.pids();
    expect(pids.length).toBe(8);
    const [folder = ""] = demo.leftovers();
    const site = await askSocket(join(demo.folder, folder, "site.sock"));
    expect(site).toMatchObject({ role: "stlink", engine: "wasm3" });
    expect(await demo.end("SIGTERM")).toBe(0);
    expect(await survivors(pids)).toEqual([]);
    expect(demo.leftovers()).toEqual([]);
    await expect.poll(cables, { timeout: CABLE_MS }).not.toContain(`sealed${demo.process.pid}`);
  });

  it("delivers 100 MB while its Connector is killed twice", { timeout: LARGE_MS }, async () => {
    const demo = new Demo(demoCommand("--port", "0"));
    const { web } = await demo.urls();
    const expected = await demo.printed(/SHA-256 ([0-9a-f]{64})/);
    const victims = [demo.printed(/kill -9 (\d+)/), demo.printed(/is back: kill -9 (\d+)/)];
    const startedMs = performance.now();
    const { total, hash } = await download(`${web}large`, (bytes) => {
      const isTime = bytes > LARGE_BYTES * (victims.length === 2 ? 0.2 : 0.6);
      if (isTime) victims.shift()?.then((pid) => process.kill(Number(pid), "SIGKILL"));
    });
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(`100 MB with two kills: ${(total / 1e6 / seconds).toFixed(1)} MB/s`);
    expect({ total, hash }).toEqual({ total: LARGE_BYTES, hash: expected });
    expect(demo.output.match(/Connector \(pid \d+\) died: SIGKILL/g)?.length).toBe(2);
  });

  it("takes all along when it is killed, and the next one cleans up", {
    timeout: START_MS,
  }, async () => {
    const demo = new Demo(demoCommand("--port", "0", "--engine", "v8"));
    const pids = await demo.pids();
    await demo.end("SIGKILL");
    expect(await survivors(pids)).toEqual([]);
    expect(demo.leftovers().length).toBe(1);
    const next = new Demo(demoCommand("--port", "0", "--engine", "v8", "--once"), demo.folder);
    expect(await next.ended(), next.output).toBe(0);
    expect(next.leftovers()).toEqual([]);
    await expect.poll(cables, { timeout: CABLE_MS }).not.toContain(`sealed${demo.process.pid}`);
  });

  it("plays on the loopback when asked to", { timeout: START_MS }, async () => {
    const demo = new Demo(demoCommand("--loopback", "--port", "0", "--engine", "v8", "--once"));
    expect(await demo.ended(), demo.output).toBe(0);
    expect(demo.output).toMatch(/Everything is on 127\.0\.0\.1, .*: --loopback was given/);
    expect(demo.output).toMatch(/Frame \d+ of the camera is in the command centre/);
  });

  it("plays on the loopback and says why, where no namespace can be made", {
    timeout: START_MS,
  }, async () => {
    const command = demoCommand("--port", "0", "--engine", "v8", "--once");
    const demo = new Demo(["env", "PATH=/nowhere", ...command]);
    expect(await demo.ended(), demo.output).toBe(0);
    expect(demo.output).toMatch(
      /Everything is on 127\.0\.0\.1, .*: unshare can't be run \(ENOENT\)/,
    );
  });

  it.skipIf(refusal !== null)(
    "has hosts of its own without being root",
    {
      timeout: START_MS,
    },
    async () => {
      const command = demoCommand("--port", "0", "--engine", "v8", "--once");
      // A user like any other, who owns what this one owns.
      const asUser = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] as const;
      const demo = new Demo([...asUser, ...command]);
      expect(await demo.ended(), demo.output).toBe(0);
      expect(demo.output).toMatch(/network namespaces, in a user namespace of yours\. A forwarder/);
      expect(demo.output).toMatch(/an interface in your own network needs root/);
      expect(demo.output).toMatch(/Frame \d+ of the camera is in the command centre/);
      expect(demo.leftovers()).toEqual([]);
    },
  );

  it("says so when the port is in use", { timeout: START_MS }, async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" ? address?.port : 0;
    const demo = new Demo(demoCommand("--port", String(port), "--engine", "v8"));
    await demo.printed(new RegExp(`port ${port} is in use: choose another one with --port`));
    expect(await demo.ended()).toBe(2);
    expect(demo.leftovers()).toEqual([]);
    holder.close();
  });
});
