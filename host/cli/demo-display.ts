// SPDX-License-Identifier: Apache-2.0
// What the demo shows: what to try, then live what the Connector sees and what it doesn't. Before it:
// demo.ts and the Connector's reports. After it: a terminal, where a block of lines is redrawn in place,
// or anything else, which gets plain lines. Ids are shortened, and only ids, sizes and counts come here.

import { SIZE_CLASSES } from "../connector/counters.ts";
import type { Seen, SeenPlace } from "./demo-messages.ts";

export type Facts = {
  url: string;
  serviceUrl: string;
  largeBytes: number;
  largeHash: string;
  binding: { pid: number; engine: string };
  connector: { pid: number; engine: string };
  mapping: { pid: number; engine: string };
};

const PLAIN_EVERY_MS = 5000;
const CLASS_NAMES: Readonly<Record<number, string>> = { 0: "stream", 255: "wake" };

export class Display {
  readonly #isTerminal: boolean;
  #liveLines = 0;
  #shownAtMs = -PLAIN_EVERY_MS;
  #shownPackets = -1;
  /** Who an id belongs to: for the reader of the demo; the Connector does not know. */
  readonly #names: Readonly<Record<string, string>>;

  constructor(names: Readonly<Record<string, string>>) {
    this.#names = names;
    this.#isTerminal = process.stdout.isTTY === true;
  }

  /** A line that stays. */
  note(text: string): void {
    this.#clear();
    console.log(text);
  }

  /** What to try. */
  introduce(facts: Facts): void {
    const { url, connector } = facts;
    this.note(`
${this.#bold("SealedTunnel")}: a web page through three processes and three layers of encryption

${path(facts)}

  Open it     ${this.#bold(url)}
  Or          curl ${url}
  Large file  curl ${url}large | sha256sum
              ${facts.largeBytes.toLocaleString("en")} bytes, SHA-256 ${facts.largeHash}
  Break it    kill -9 ${connector.pid}
              (the Connector, while the large file loads: it is started again, no byte is lost)
  Stop        Ctrl-C
`);
  }

  /** What the Connector sees now. */
  show(seen: Seen): void {
    if (this.#isTerminal) return this.#redraw(lines(seen, this.#names));
    const packets = seen.places.reduce((sum, place) => sum + place.packetsIn, 0);
    const now = performance.now();
    if (packets === this.#shownPackets || now - this.#shownAtMs < PLAIN_EVERY_MS) return;
    this.#shownAtMs = now;
    this.#shownPackets = packets;
    console.log(lines(seen, this.#names).join("\n"));
  }

  /** In place; a line that wrapped would spoil the count of lines. */
  #redraw(live: readonly string[]): void {
    this.#clear();
    const width = process.stdout.columns || 80;
    const cut = live.map((line) => line.slice(0, width - 1));
    process.stdout.write(`${cut.join("\n")}\n`);
    this.#liveLines = cut.length;
  }

  #clear(): void {
    if (this.#liveLines > 0) process.stdout.write(`\x1b[${this.#liveLines}A\x1b[0J`);
    this.#liveLines = 0;
  }

  #bold(text: string): string {
    return this.#isTerminal ? `\x1b[1m${text}\x1b[0m` : text;
  }
}

/** The path of a byte, with who runs where. */
function path({ binding, connector, mapping, serviceUrl }: Facts): string {
  const columns = [
    ["browser -->", "", ""],
    ["Binding STLink -->", `pid ${binding.pid}`, `core: ${binding.engine}`],
    ["Connector -->", `pid ${connector.pid}`, `core: ${connector.engine}`],
    ["Mapping STLink -->", `pid ${mapping.pid}`, `core: ${mapping.engine}`],
    ["web service", new URL(serviceUrl).host, ""],
  ];
  const widths = [12, 19, 14, 19, 0];
  const line = (row: number) =>
    columns.map((c, i) => (c[row] ?? "").padEnd(widths[i] ?? 0)).join("");
  return [0, 1, 2].map((row) => `  ${line(row).trimEnd()}`).join("\n");
}

function lines(seen: Seen, names: Readonly<Record<string, string>>): string[] {
  const refused = Object.entries(seen.refused).map(([name, count]) => `${name} ${count}`);
  return [
    "What the Connector sees:",
    "  id                   hop    packets in   packets out     bytes out    in its queue",
    ...seen.places.map((place) => row(place, names)),
    `  packet sizes  ${sizes(seen.sizes)}`,
    `  refused       ${refused.join(", ") || "none"}`,
    `  last packet   ${last(seen)}`,
    "What it doesn't see: the page, the URL, the Routes, how many connections there are, or a key.",
  ];
}

function row(place: SeenPlace, names: Readonly<Record<string, string>>): string {
  const who = `${short(place.id)} ${names[place.id] ?? ""}`.padEnd(20);
  const hop = (place.isHere ? "up" : "away").padEnd(5);
  const packets = `${count(place.packetsIn, 11)}  ${count(place.packetsOut, 12)}`;
  const queue = `${place.queuePackets} (${size(place.queueBytes)})`;
  return `  ${who} ${hop} ${packets}  ${size(place.bytesOut).padStart(12)}  ${queue.padStart(14)}`;
}

function sizes(counts: readonly number[]): string {
  return counts.map((n, i) => `<= ${size(SIZE_CLASSES[i] ?? 0)}: ${n}`).join("   ");
}

function last({ recent }: Seen): string {
  const packet = recent.at(-1);
  if (packet === undefined) return "none yet";
  const kind = CLASS_NAMES[packet.kind] ?? "datagram";
  return `${short(packet.from)} -> ${short(packet.to)}, ${packet.bytes} B, class ${kind}`;
}

function short(id: string): string {
  return `${id.slice(0, 6)}..`;
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
