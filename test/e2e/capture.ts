// SPDX-License-Identifier: Apache-2.0
// A packet capture on one host of a test, by tcpdump, and a search through it. Before it: routes.test.ts.
// It ends with a packet of the test's own: once that is in it, so is everything before. The capture is
// searched as it is: a text that is cut by a packet's end is found by another of its occurrences, and a
// control capture shows that the search finds what is there.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Host, Namespaces } from "../../host/cli/demo/namespaces.ts";
import { makeFolder, runOn } from "./demo-tools.ts";

const MARK_MS = 30_000;
const LOOK_MS = 50;

export class Capture {
  readonly #tcpdump: ChildProcess;
  readonly #namespaces: Namespaces;
  readonly #file = join(makeFolder(), "capture.pcap");
  #said = "";

  /** All interfaces of the host, whole packets. */
  constructor(namespaces: Namespaces, host: Host) {
    this.#namespaces = namespaces;
    const options = [
      "-i",
      "any",
      "-w",
      this.#file,
      "-U",
      "-s",
      "2048",
      "-B",
      "32768",
      "-Z",
      "root",
    ];
    const [command, ...args] = namespaces.inside(host, ["/usr/bin/tcpdump", ...options]);
    this.#tcpdump = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#tcpdump.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  /** Resolves once it listens. */
  async started(): Promise<void> {
    while (!this.#said.includes("listening on")) {
      if (this.#tcpdump.exitCode !== null) throw new Error(this.#said);
      await once(this.#tcpdump.stderr as NodeJS.ReadableStream, "data");
    }
  }

  /** Everything that was captured on the host until now, and how much the kernel could not keep. */
  async end(host: Host): Promise<{ bytes: Buffer; packets: number; dropped: number }> {
    const mark = `the end of a capture, ${process.pid}`;
    runOn(this.#namespaces, host, [process.execPath, "-e", SEND, mark]);
    for (let ms = 0; ms < MARK_MS && !readFileSync(this.#file).includes(mark); ms += LOOK_MS) {
      await pause(LOOK_MS);
    }
    const closed = once(this.#tcpdump, "close");
    this.#tcpdump.kill("SIGINT");
    await closed;
    const bytes = readFileSync(this.#file);
    if (!bytes.includes(mark)) throw new Error(`the capture has no end: ${this.#said}`);
    const count = (what: RegExp) => Number(what.exec(this.#said)?.[1] ?? Number.NaN);
    return {
      bytes,
      packets: count(/(\d+) packets captured/),
      dropped: count(/(\d+) packets dropped by kernel/),
    };
  }
}

/** A datagram to nobody, on the host's loopback. */
const SEND = `const socket = require("dgram").createSocket("udp4");
socket.send(process.argv[1], 9, "127.0.0.1", () => socket.close());`;

/** A thing that may or may not be in a capture. */
export type Needle = { name: string; bytes: Buffer };

/** Names of the needles that are in it. */
export function foundIn(capture: Buffer, needles: readonly Needle[]): string[] {
  return needles.filter(({ bytes }) => capture.includes(bytes)).map(({ name }) => name);
}
