// SPDX-License-Identifier: Apache-2.0
// Whole sites of several Connectors and STLinks, as processes over loopback: Connectors and peers are
// killed under load, files are read again, targets and clients behave badly. Rules D10, K7; PROTOCOL 7.6.

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, SHIPPED_WASM } from "../../scripts/run.ts";
import { endAll } from "./sealed-tools.ts";
import {
  Cuttable,
  closeAll,
  dial,
  endingOf,
  exchange,
  seededBytes,
  seededHash,
  sendSeeded,
  startServer,
  turnOver,
} from "./services.ts";
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

  it("carry on when the receiver alone loses its hop to one of them", async () => {
    const length = 48 * MB;
    const service = await startServer(
      (socket) => void sendSeeded(socket, 8, length).catch(() => {}),
    );
    const site = new StlinkSite(["hall", "yard"], ["office", "camera"]);
    await Promise.all(["hall", "yard"].map((name) => site.startConnector(name)));
    const ways = new Map<string, Cuttable>();
    for (const name of ["hall", "yard"]) {
      const target = Number(site.addressOf(name).split(":").at(-1));
      ways.set(name, await new Cuttable(target).start());
    }
    const through = (name: string): object => ({ address: `127.0.0.1:${ways.get(name)?.port}` });
    await Promise.all([
      site.startStlink("camera", { mappings: [web(service)] }),
      site.startStlink("office", {
        bindings: [{ name: "here", mapping: "web", port: 0, peers: ["camera"] }],
        connectors: { hall: through("hall"), yard: through("yard") },
      }),
    ]);
    let cut: Cuttable | undefined;
    const stops = [1, 2, 3, 4, 5].map((i) => i * 8 * MB);
    const got = await download(dial(await site.portOf("office")), stops, async () => {
      cut?.mend();
      const isWhole = ({ connectors }: StlinkStatus) => connectors.every(({ hop }) => hop === "up");
      await site.statusWhen("office", isWhole);
      const { peers } = await site.status("camera");
      cut = ways.get(peers[0]?.connector ?? "");
      cut?.cut();
    });
    expect(got).toEqual({ bytes: length, hash: seededHash(8, length) });
    expect((await site.status("camera")).connectors.map(({ hop }) => hop)).toEqual(["up", "up"]);
  });
});

describe("a Connector", () => {
  it("that refuses, stalls, answers garbage or never, or wants other keys keeps nobody from a good one", async () => {
    const service = await startServer(turnOver);
    const site = new StlinkSite(["hall", "yard", "strange"], ["office", "camera"]);
    await Promise.all(["hall", "yard"].map((name) => site.startConnector(name)));
    const hall = Number(site.addressOf("hall").split(":").at(-1));
    const yard = Number(site.addressOf("yard").split(":").at(-1));
    const stalling = await new Cuttable(yard, 500).start();
    const nowhere = await new Cuttable(hall).start();
    nowhere.cut();
    const places = {
      refusing: nowhere.port,
      garbage: await startServer((socket) => {
        for (const piece of seededBytes(1, MB)) socket.write(piece);
      }),
      silent: await startServer((socket) => socket.resume()),
    };
    const stranger = new StlinkSite(["hall"], ["one", "two"]);
    await stranger.startConnector("hall");
    const office = await site.startStlink("office", {
      bindings: [{ name: "here", mapping: "web", port: 0, peers: ["camera"] }],
      connectors: {
        strange: { key: stranger.keyOf("hall"), address: stranger.addressOf("hall") },
        yard: { address: `127.0.0.1:${stalling.port}` },
      },
      moreConnectors: Object.entries(places).map(([name, port], i) => ({
        name,
        address: `127.0.0.1:${port}`,
        key: Buffer.alloc(32, i + 2).toString("hex"),
      })),
    });
    await site.startStlink("camera", {
      mappings: [web(service)],
      connectors: { strange: { address: `127.0.0.1:${nowhere.port}` } },
    });
    const port = await site.portOf("office");
    expect(await exchange(port, Buffer.from([1]))).toEqual(Buffer.from([0xfe]));
    const { connectors } = await site.statusWhen("office", ({ connectors }) =>
      connectors.every(({ hop, lastError }) => hop === "up" || lastError !== null),
    );
    const errors = Object.fromEntries(connectors.map(({ name, lastError }) => [name, lastError]));
    expect(errors).toMatchObject({ hall: null, refusing: "Reset" });
    expect(errors["strange"]).toMatch(/^NotAdmitted: .*give its operator what keygen printed/);
    expect(errors["garbage"]).toMatch(/^Bad/);
    expect(errors["silent"]).toBe("the handshake was not answered");
    expect(errors["yard"]).toMatch(/not answered|closed the connection|Reset/);
    expect(office.hasEnded).toBe(false);
    expect(await exchange(port, Buffer.from([1]))).toEqual(Buffer.from([0xfe]));
  });

  it("that meets one key twice has both held off, and both say what it means", async () => {
    const service = await startServer(turnOver);
    const { site } = await startSite(["hall"], service);
    const twin = site.startTwin("office");
    await twin.logged("hop up");
    const down = await site.process("office").logged("hop down");
    expect(down).toMatchObject({ reason: "Superseded" });
    expect(down["advice"]).toMatch(/another process .* this STLink's key.* stop the other/);
    expect(down["redialMs"]).toBeGreaterThanOrEqual(30_000);
    const { connectors } = await site.status("office");
    expect(connectors[0]).toMatchObject({ hop: "down" });
  });
});

describe("an STLink that stops", () => {
  it("tells its peers, whose connections end at once", async () => {
    const service = await startServer(turnOver);
    const { site, port } = await startSite(["hall"], service);
    const client = dial(port);
    client.write("x");
    await new Promise((resolve) => client.once("data", resolve));
    const ending = endingOf(client);
    const { code } = await site.process("camera").end("SIGTERM");
    expect(code).toBe(0);
    expect(await ending).toBe("ECONNRESET");
    const { bindings } = await site.status("office");
    expect(bindings[0]).toMatchObject({ open: 0, lastError: "Stopping" });
  });
});

describe("half-closes", () => {
  it("go through each way by themselves, whoever is first", async () => {
    let heard = 0;
    const allHeard = Promise.withResolvers<void>();
    const service = await startServer((socket) => {
      socket.end("all I have to say");
      socket.on("data", (bytes) => {
        heard += bytes.length;
      });
      socket.once("close", () => allHeard.resolve());
    });
    const { site, port } = await startSite(["hall"], service);
    const client = dial(port);
    let said = "";
    client.on("data", (bytes) => {
      said += bytes;
    });
    await new Promise((resolve) => client.once("end", resolve));
    expect(said).toBe("all I have to say");
    client.end(Buffer.alloc(300_000));
    const { mappings } = await site.statusWhen("camera", ({ mappings }) => mappings[0]?.open === 0);
    expect(mappings[0]).toMatchObject({ total: 1, failed: 0, bytesOut: 300_000 });
    await allHeard.promise;
    expect(heard).toBe(300_000);
  });
});

describe("several STLinks with one Mapping", () => {
  it("serve new connections while they are killed in turn", async () => {
    const service = await startServer(turnOver);
    const cameras = ["one", "two", "three"];
    const { site, port } = await startSite(["hall"], service, cameras);
    const isWarm = ({ peers }: StlinkStatus) => peers.every(({ session }) => session === "up");
    await site.statusWhen("office", isWarm);
    for (const name of cameras) {
      await site.kill(name);
      const asked = await Promise.all(
        Array.from({ length: 6 }, (_, i) => exchange(port, Buffer.from([i]))),
      );
      expect(asked.map((bytes) => bytes[0])).toEqual([0, 1, 2, 3, 4, 5].map((i) => i ^ 0xff));
      await site.startStlink(name, { mappings: [web(service)] });
      await site.statusWhen("office", isWarm);
    }
    const { bindings } = await site.status("office");
    expect(bindings[0]).toMatchObject({ failed: 0 });
    const served = await Promise.all(cameras.map((name) => site.status(name)));
    expect(served.map(({ mappings }) => mappings[0]?.lastError)).toEqual([null, null, null]);
  });

  it("share the connections", async () => {
    const service = await startServer(turnOver);
    const { site, port } = await startSite(["hall"], service, ["one", "two"]);
    await site.statusWhen("office", ({ peers }) => peers.every(({ session }) => session === "up"));
    for (let i = 0; i < 40; i++) await exchange(port, Buffer.from("x"));
    const [one, two] = await Promise.all([site.status("one"), site.status("two")]);
    const totals = [one.mappings[0]?.total ?? 0, two.mappings[0]?.total ?? 0];
    expect(totals[0]).toBeGreaterThan(5);
    expect(totals[1]).toBeGreaterThan(5);
  });

  it("are all asked before a client is refused, and the last one's reason is told", async () => {
    const nobody = await startServer(() => {});
    await closeAll();
    const { site, port } = await startSite(["hall"], nobody, ["one", "two"]);
    expect(await endingOf(dial(port))).toBe("ECONNRESET");
    const office = await site.status("office");
    expect(office.bindings[0]).toMatchObject({ open: 0, failed: 1 });
    expect(office.bindings[0]?.lastError).toMatch(/^(one|two): TargetRefused$/);
    const line = await site
      .process("office")
      .when((lines) => lines.find(({ msg }) => String(msg).includes("could not connect")));
    expect(line["msg"]).toMatch(/the Binding "here" could not connect: (one|two): TargetRefused/);
    for (const name of ["one", "two"]) {
      const { mappings } = await site.status(name);
      expect(mappings[0]).toMatchObject({ failed: 1 });
      expect(mappings[0]?.lastError).toContain("Is the service running?");
    }
  });
});

describe("500 connections at once", () => {
  it("are all correct in both directions, also beside one that nobody reads", async () => {
    const service = await startServer((socket) => {
      // The one that begins with zeros is not read by its client: it is sent what there is room for.
      socket.once("data", (first) => {
        if (first[0] === 0) return void sendSeeded(socket, 9, 64 * MB).catch(() => {});
        socket.write(first.map((byte) => byte ^ 0xff));
        turnOver(socket);
      });
    });
    const { site, port } = await startSite(["hall"], service);
    const unread = dial(port);
    unread.pause();
    unread.write(Buffer.alloc(10));
    const sent = Array.from({ length: 500 }, (_, i) => {
      return Buffer.from(Array.from({ length: 20_000 }, (_, at) => 1 + ((at * (i + 3)) % 250)));
    });
    const came = await Promise.all(sent.map((bytes) => exchange(port, bytes)));
    const isRight = came.map((bytes, i) =>
      bytes.equals(Buffer.from((sent[i] as Buffer).map((byte) => byte ^ 0xff))),
    );
    expect(isRight.filter((right) => right).length).toBe(500);
    // A client hears of its end before the stream is over at both STLinks.
    const { bindings } = await site.statusWhen(
      "office",
      ({ bindings, streams }) => bindings[0]?.open === 1 && streams.open === 1,
    );
    expect(bindings[0]).toMatchObject({ total: 501, failed: 0 });
    expect(bindings[0]?.bytesOut).toBeLessThan(500 * 20_000 + 16 * MB);
  });
});

describe("a file that is read again", () => {
  const here = { name: "here", mapping: "web", port: 0, peers: ["camera"] };

  it("breaks no connection that it still allows, under load", async () => {
    const length = 64 * MB;
    const service = await startServer(
      (socket) => void sendSeeded(socket, 3, length).catch(() => {}),
    );
    const other = await startServer(turnOver);
    const { site, port } = await startSite(["hall", "yard"], service);
    let round = 0;
    const got = await download(
      dial(port),
      [1, 2, 3, 4].map((i) => i * 12 * MB),
      async () => {
        round += 1;
        const more = { name: `more${round}`, mapping: "other", port: 0, peers: ["camera"] };
        const [office, camera] = await Promise.all([
          site.reload("office", {
            bindings: [here, more],
            connectors: round % 2 === 1 ? { hall: { name: `hall${round}` } } : {},
          }),
          site.reload("camera", { mappings: [web(service), { ...web(other), name: "other" }] }),
        ]);
        expect([office["needsRestart"], camera["needsRestart"]]).toEqual([[], []]);
        const { bindings } = await site.status("office");
        const added = Number(bindings[1]?.listening[0]?.split(":").at(-1));
        expect(await exchange(added, Buffer.from([1, 2]))).toEqual(Buffer.from([0xfe, 0xfd]));
      },
    );
    expect(got).toEqual({ bytes: length, hash: seededHash(3, length) });
    expect(await site.portOf("office")).toBe(port);
    const { bindings } = await site.status("office");
    expect(bindings[0]).toMatchObject({ total: 1, failed: 0 });
  });

  it("ends the connections of a Route or peer that it has no more, and says why", async () => {
    const service = await startServer(turnOver);
    const { site, port } = await startSite(["hall"], service, ["one", "two"]);
    await site.reload("office", {
      bindings: [
        { ...here, peers: ["one"] },
        { ...here, name: "there", peers: ["two"] },
      ],
    });
    const status = await site.status("office");
    const there = Number(status.bindings[1]?.listening[0]?.split(":").at(-1));
    const kept = dial(port);
    const gone = dial(there);
    for (const socket of [kept, gone]) {
      socket.write("x");
      await new Promise((resolve) => socket.once("data", resolve));
    }
    const ending = endingOf(gone);
    await site.reload("office", { bindings: [{ ...here, peers: ["one"] }], peers: ["one"] });
    expect(await ending).toBe("ECONNRESET");
    const two = await site.statusWhen("two", ({ mappings }) => mappings[0]?.open === 0);
    expect(two.mappings[0]?.lastError).toMatch(/Withdrawn|Revoked/);
    kept.write("y");
    expect(await new Promise((resolve) => kept.once("data", resolve))).toEqual(
      Buffer.from([0x79 ^ 0xff]),
    );
    const now = await site.status("office");
    expect(now.peers.map(({ name }) => name)).toEqual(["one"]);
    expect(await endingOf(dial(there))).toBe("ECONNREFUSED");
  });

  it("changes nothing when a place to listen at is taken", async () => {
    const service = await startServer(turnOver);
    const { site, port } = await startSite(["hall"], service);
    const report = await site.reload("office", {
      bindings: [
        { ...here, address: "127.0.0.2" },
        { ...here, name: "taken", port: service },
      ],
    });
    expect(report).toMatchObject({ level: "error", code: "AddressUnusable" });
    expect(await site.portOf("office")).toBe(port);
    expect(await exchange(port, Buffer.from([1]))).toEqual(Buffer.from([0xfe]));
  });
});
