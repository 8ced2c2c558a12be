// SPDX-License-Identifier: Apache-2.0
// A download through a real tunnel whose Connectors are killed and started again five times, at fixed
// places of it, while it is read on. Before it: shows.ts at full size, shows.test.ts at a small one. After
// it: stlink-site.ts, services.ts. Whoever calls ends the processes.

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { dial, seededHash, sendSeeded, startServer } from "./services.ts";
import { StlinkSite } from "./stlink-site.ts";

const KILLS = 5;
const SEED = 21;

/** Who is killed, at which Connectors. */
const DOWNLOADS = {
  /** All hops go down together. */
  one: { hall: "both", yard: "none" },
  /** The one that carries the download is killed; it goes on over the other. */
  two: { hall: "both", yard: "both" },
  /** Of two, the receiver uses one alone, and that one is killed. */
  receiver: { hall: "both", yard: "camera" },
} as const;

export type DownloadKind = keyof typeof DOWNLOADS;

export type Download = {
  bytes: number;
  hash: string;
  /** What the service sent. */
  sentHash: string;
  /** Connections that the service took from the camera. */
  connections: number;
  /** The Connectors that were killed, in their order. */
  killed: string[];
  ms: number;
  /** The longest that the client waited for its next byte. */
  longestWaitMs: number;
};

/** Downloads `length` bytes, a multiple of 64 KiB. Rejects when the client's connection fails. */
export async function download(kind: DownloadKind, length: number): Promise<Download> {
  let connections = 0;
  const service = await startServer((socket) => {
    connections += 1;
    sendSeeded(socket, SEED, length).catch(() => {});
  });
  const { site, port } = await startSite(kind, service);
  const killed: string[] = [];
  const read = await readThrough(dial(port), length, async () => {
    const name = kind === "two" ? await carrierOf(site) : "hall";
    killed.push(name);
    await site.kill(name);
    await site.startConnector(name);
  });
  return { ...read, sentHash: seededHash(SEED, length), connections, killed };
}

async function startSite(
  kind: DownloadKind,
  service: number,
): Promise<{ site: StlinkSite; port: number }> {
  const names = kind === "one" ? ["hall"] : ["hall", "yard"];
  const site = new StlinkSite(names, ["office", "camera"]);
  await Promise.all(names.map((name) => site.startConnector(name)));
  const binding = { name: "here", mapping: "web", port: 0, peers: ["camera"] };
  const mapping = { name: "web", address: "127.0.0.1", port: service, peers: ["office"] };
  const only = DOWNLOADS[kind].yard === "camera" ? { onlyConnectors: ["hall"] } : {};
  await Promise.all([
    site.startStlink("office", { bindings: [binding], ...only }),
    site.startStlink("camera", { mappings: [mapping] }),
  ]);
  return { site, port: await site.portOf("office") };
}

/** The Connector that the sender's packets go to. */
async function carrierOf(site: StlinkSite): Promise<string> {
  const { peers } = await site.statusWhen("camera", ({ peers }) => peers[0]?.connector !== null);
  return peers[0]?.connector ?? "";
}

/** Reads everything; at each of the places `kill` begins, while the reading goes on. */
async function readThrough(socket: Socket, length: number, kill: () => Promise<void>) {
  const hash = createHash("sha256");
  const startedMs = performance.now();
  let killing = Promise.resolve();
  let begun = 0;
  let bytes = 0;
  let lastMs = startedMs;
  let longestWaitMs = 0;
  for await (const part of socket) {
    const nowMs = performance.now();
    longestWaitMs = Math.max(longestWaitMs, nowMs - lastMs);
    lastMs = nowMs;
    hash.update(part as Buffer);
    bytes += (part as Buffer).length;
    if (begun === KILLS || bytes < ((begun + 1) * length) / (KILLS + 1)) continue;
    begun += 1;
    await killing;
    killing = kill();
  }
  await killing;
  return { bytes, hash: hash.digest("hex"), ms: performance.now() - startedMs, longestWaitMs };
}
