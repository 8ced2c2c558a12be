// SPDX-License-Identifier: Apache-2.0
// Many connections at once through one Binding, each with its own bytes both ways; beside them one that
// nobody reads, and, if wanted, an admitted STLink that floods their peer. What came is compared to the
// byte; what the flood took and the memory of the processes are measured. Before it: shows.ts at full size,
// shows.test.ts at a small one. After it: stlink-site.ts, flooder.ts. Whoever calls ends the processes.

import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { FLOOD_PACKET_BYTES, type FloodSetup } from "./flooder.ts";
import { dial, seededHash, sendSeeded, startServer, turnOver } from "./services.ts";
import { StlinkSite } from "./stlink-site.ts";

const UNREAD_BYTES = 1 << 30;
const OPENED_TOGETHER = 50;
/** Seeds of the connections begin here; the connection that nobody reads says this first. */
const FIRST_SEED = 1000;
const UNREAD = "nobody reads this\n";

export type ConnectionsOptions = {
  connections: number;
  /** Each way, for each; a multiple of 64 KiB. */
  bytesEach: number;
  hasFlood: boolean;
};

export type Connections = {
  /** Connections whose bytes were all right. */
  right: number;
  /** Why the last one failed that did, as the Binding says. */
  lastError: string | null;
  ms: number;
  /** What the Binding has written to the client that does not read. */
  unreadBytes: number;
  /** What the Connector passed on to the camera meanwhile: of the office, of the flood. */
  officeBytes: number;
  floodBytes: number;
  /** Packets that the Connector refused, by reason. */
  refused: Readonly<Record<string, number>>;
  /** The most memory that each process had at once, bytes. */
  mostMemory: Record<"office" | "camera" | "hall", number>;
};

export async function converse(options: ConnectionsOptions): Promise<Connections> {
  const site = new StlinkSite(["hall"], ["office", "camera", "flood"]);
  await site.startConnector("hall");
  const port = await startLinks(site);
  dial(port).pause().write(UNREAD);
  const sockets = await openAll(port, options.connections);
  const flooder = options.hasFlood ? await startFlooder(site) : null;
  const before = await counts(site);
  const startedMs = performance.now();
  const all = sockets.map((socket, i) =>
    isRight(socket, FIRST_SEED + i, options.bytesEach).catch(() => false),
  );
  const right = (await Promise.all(all)).filter((one) => one).length;
  const ms = performance.now() - startedMs;
  const after = await counts(site);
  flooder?.kill("SIGKILL");
  const { bindings } = await site.status("office");
  return {
    right,
    lastError: bindings[0]?.lastError ?? null,
    ms,
    unreadBytes: (bindings[0]?.bytesOut ?? 0) - right * (1 + options.bytesEach),
    officeBytes: after.office - before.office,
    floodBytes: after.flood - before.flood,
    refused: (await site.connectorStatus("hall")).refused,
    mostMemory: {
      office: mostMemory(site, "office"),
      camera: mostMemory(site, "camera"),
      hall: mostMemory(site, "hall"),
    },
  };
}

/** Starts both STLinks and their service; gives the Binding's port. */
async function startLinks(site: StlinkSite): Promise<number> {
  const service = await startServer((socket) => {
    socket.once("data", (first) => {
      if (first.toString() === UNREAD)
        return void sendSeeded(socket, 9, UNREAD_BYTES).catch(() => {});
      socket.write(first.map((byte) => byte ^ 0xff));
      turnOver(socket);
    });
  });
  const binding = { name: "here", mapping: "web", port: 0, peers: ["camera"] };
  const mapping = { name: "web", address: "127.0.0.1", port: service, peers: ["office"] };
  await site.startStlink("camera", { mappings: [mapping] });
  await site.startStlink("office", { bindings: [binding], peers: ["camera"] });
  return site.portOf("office");
}

async function startFlooder(site: StlinkSite) {
  const setup: FloodSetup = {
    port: Number(site.addressOf("hall").split(":").at(-1)),
    connectorKey: site.keyOf("hall"),
    secret: site.secretOf("flood"),
    victim: site.idOf("camera"),
  };
  const flooder = fork(join(import.meta.dirname, "flooder.ts"));
  flooder.send(setup);
  await once(flooder, "message");
  await site.statusWhen("camera", (status) => floodOf(status) > 0);
  return flooder;
}

/** All of them, each with one byte there and back; a client is refused that waits for 10 s (rule D10). */
async function openAll(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const group = Math.min(OPENED_TOGETHER, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: group }, () => open(port)))));
  }
  return sockets;
}

async function open(port: number): Promise<Socket> {
  const socket = dial(port);
  socket.write("?");
  await once(socket, "data");
  return socket;
}

/** Whether all bytes of one connection come back turned over, and then its end. */
async function isRight(socket: Socket, seed: number, length: number): Promise<boolean> {
  const hash = createHash("sha256");
  const sending = sendSeeded(socket, seed, length);
  for await (const part of socket) hash.update((part as Buffer).map((byte) => byte ^ 0xff));
  await sending;
  return hash.digest("hex") === seededHash(seed, length);
}

/**
 * What has come to the camera so far. Of the flood it opens nothing, and says so; a packet of a session
 * that is no more counts there too.
 */
async function counts(site: StlinkSite): Promise<{ office: number; flood: number }> {
  const status = await site.status("camera");
  return { office: status.mappings[0]?.bytesOut ?? 0, flood: floodOf(status) };
}

function floodOf({ dropped }: StlinkStatus): number {
  return (dropped["UnknownIndex"] ?? 0) * FLOOD_PACKET_BYTES;
}

function mostMemory(site: StlinkSite, name: string): number {
  const { pid } = site.process(name).child;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
