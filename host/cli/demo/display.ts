// SPDX-License-Identifier: Apache-2.0
// What the demo shows: who plays where and what to try, then live what the Connector sees and what it
// doesn't. Before it: play.ts. After it: a terminal, where a block of lines is redrawn in place, or
// anything else, which gets plain lines now and then. Only ids, sizes and counts come here.

import type { AdmittedLine, ConnectorStatus } from "../../connector/status.ts";
import { LiveBlock } from "../live-block.ts";
import { LARGE_BYTES } from "./large-file.ts";
import type { Message } from "./messages.ts";
import type { Place } from "./place.ts";
import { LOOPBACK } from "./ports.ts";

export type Facts = {
  place: Place;
  webPort: number;
  screenPort: number;
  engine: string;
  pids: ReadonlyMap<string, number>;
  folder: string;
  largeHash: string;
};

export type Video = {
  sent: Extract<Message, { kind: "sent" }> | undefined;
  received: Extract<Message, { kind: "received" }> | undefined;
};

export class Display {
  readonly #block = new LiveBlock();

  /** A line that stays. */
  note(text: string): void {
    this.#block.note(text);
  }

  /** Who plays where, and what to try. */
  introduce(facts: Facts): void {
    const { webPort, screenPort, largeHash, folder } = facts;
    const url = `http://${LOOPBACK}:${webPort}/`;
    const pid = facts.pids.get("Connector");
    this.note(`
${this.#bold("SealedTunnel")}: a web page, and a camera behind a gateway

  your browser ─► STLink office ─► Connector ◄─ STLink site ─► web service
  camera ─► STLink gateway ─► Connector ◄─ STLink centre ─► viewer

${aboutPlace(facts.place)}

${players(facts)}

  Open it     ${this.#bold(url)}
  Or          curl ${url}
  Large file  curl ${url}large | sha256sum
              ${LARGE_BYTES.toLocaleString("en")} bytes, SHA-256 ${largeHash}
  The camera  ${this.#bold(`http://${LOOPBACK}:${screenPort}/`)} (the command centre's page)
  Break it    kill -9 ${pid}
              (the Connector, while the large file loads: it is started again, no byte is lost)
  Look inside ls ${folder} (files, keys and logs of this run)
              npx sealed status --socket ${folder}/office.sock
  Stop        Ctrl-C
`);
  }

  /** What the Connector sees now. */
  show(seen: ConnectorStatus, video: Video): void {
    this.#block.show(lines(seen, video));
  }

  #bold(text: string): string {
    return this.#block.bold(text);
  }
}

function aboutPlace({ uplink, namespaces }: Place): string {
  if (uplink.kind === "loopback") {
    return `Everything is on ${LOOPBACK}, without hosts of their own: ${uplink.why}.`;
  }
  const owner = namespaces.isRoot ? "" : ", in a user namespace of yours";
  const hosts = `The other hosts are network namespaces${owner}.`;
  if (uplink.kind === "cable") {
    return `${hosts} A virtual cable joins this machine's network to them.`;
  }
  return `${hosts} A forwarder joins your network to them: ${uplink.why}.`;
}

function players({ place, webPort, screenPort, engine, pids }: Facts): string {
  const { connector, web, gateway, viewer, uplink } = place;
  const at = (host: string) => (uplink.kind === "loopback" ? "" : `on ${host}`);
  const rows: [string, string, string, string][] = [
    ["office", "STLink", "this machine", `Bindings at ${LOOPBACK} ports ${webPort}, ${screenPort}`],
    ["Connector", "", at("198.51.100.1"), `listens on port ${connector.port}`],
    [
      "site",
      "STLink",
      at("192.168.0.2"),
      `Mapping to ${web.host} port ${web.port}, core: ${engine}`,
    ],
    ["web service", "", at("192.168.0.1"), `listens on port ${web.port}`],
    ["camera", "", at("192.168.1.64"), `pushes video to ${gateway.host} port ${gateway.port}`],
    [
      "gateway",
      "STLink",
      at("192.168.1.1"),
      `Binding at ${place.gatewayListensOn} port ${gateway.port}`,
    ],
    [
      "centre",
      "STLink",
      at("198.51.100.4"),
      `Mappings to ${LOOPBACK} ports ${viewer.video.port}, ${viewer.page.port}`,
    ],
    ["viewer", "", at("198.51.100.4"), "shows the video on a page"],
  ];
  const line = ([name, kind, where, what]: (typeof rows)[number]) =>
    `  ${`${kind} ${name}`.trim().padEnd(15)} pid ${String(pids.get(name)).padEnd(8)}${where.padEnd(17)} ${what}`;
  return rows.map(line).join("\n");
}

/** Each fits in 80 columns. */
function lines(seen: ConnectorStatus, { sent, received }: Video): string[] {
  return [
    ...connectorLines(seen),
    "What it does not see",
    "  the page, the pictures, URLs, Routes, how many connections there are, any key",
    "The camera",
    `  ${frameOf(sent)} sent, ${frameOf(received)} in the command centre, ${received?.lost ?? 0} missed`,
  ];
}

/** What a Connector sees: ids, sizes, counts. Each fits in 80 columns. */
export function connectorLines(seen: ConnectorStatus): string[] {
  const refused = Object.entries({ ...seen.refused, ...seen.hopsRefused });
  const sizes = seen.sizes.map(({ mostBytes, packets }) => `${mostBytes}: ${packets}`);
  return [
    "What the Connector sees",
    "  id        name     hop   from          packets in       out    bytes   queued",
    ...seen.stlinks.map(row),
    `  packets up to (bytes)  ${sizes.join("  ")}`,
    `  refused  ${refused.map(([name, count]) => `${name} ${count}`).join(", ") || "nothing"}`,
  ];
}

/** The name is from the Connector's own file: it admits by it. */
function row(line: AdmittedLine): string {
  const { id, name, hop, from, packetsIn, packetsOut, bytesOut, queue } = line;
  const who = `${id.slice(0, 6)}..  ${name.padEnd(8)} ${hop.padEnd(5)} ${(from ?? "-").padEnd(12)}`;
  const packets = `${count(packetsIn, 11)} ${count(packetsOut, 9)}`;
  return `  ${who} ${packets} ${size(bytesOut).padStart(8)} ${size(queue.bytes).padStart(8)}`;
}

function frameOf(message: { frame: number } | undefined): string {
  return message === undefined ? "no frame" : `frame ${message.frame}`;
}

function count(n: number, width: number): string {
  return n.toLocaleString("en").padStart(width);
}

/** Bytes as people read them. */
function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
