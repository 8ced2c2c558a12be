// SPDX-License-Identifier: Apache-2.0
// A machine that writes down what is done to it and what comes back: a transcript. Before: the scenes
// in this folder, with the far ends of ends.ts. After: scripts/make-transcripts.ts writes the file.
// Invariant: what a scene sets up with `scene` is the same bytes in every transcript, so that a file
// can include another one instead of repeating it.

import { readFileSync } from "node:fs";
import { statusName } from "../../../host/core/core.ts";
import type { CoreEngine } from "../../../host/core/engine.ts";
import { openV8 } from "../../../host/core/engine-v8.ts";
import { CORE_WASM } from "../../../scripts/run.ts";
import { Machine } from "../machine.ts";
import { hex, textOfSeen } from "../player.ts";

/** Long hex lines are one line: the grammar knows no other. */
const HEAD = ["# SPDX-License-Identifier: Apache-2.0", "# Made by scripts/make-transcripts.ts."];

export class Recorder {
  readonly file: string;
  readonly #machine: Machine;
  readonly #lines: string[];
  #isMuted = false;

  /** `title` says in a line what the transcript shows. Another engine: for tests that write no file. */
  constructor(file: string, title: string, engine?: CoreEngine) {
    this.file = file;
    this.#machine = new Machine(engine ?? openV8(readFileSync(CORE_WASM)));
    this.#lines = [...HEAD, ...title.split("\n").map((line) => `# ${line}`)];
  }

  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  /** Does what another transcript does: it stands there, and here as one line. */
  include(file: string, scene: () => void): void {
    const wasMuted = this.#isMuted;
    if (file !== this.file) {
      this.#write(`include ${file}`);
      this.#isMuted = true;
    }
    scene();
    this.#isMuted = wasMuted;
  }

  note(text: string): void {
    this.#write("", `# ${text}`);
  }

  size(name: string, value: number): void {
    this.#machine.size(name, value);
    this.#write(`size ${name} ${value}`);
  }

  seed(bytes: Uint8Array): void {
    this.#machine.seed(bytes);
    this.#write(`seed ${hex(bytes)}`);
  }

  now(ms: number): void {
    this.#machine.now(ms);
    this.#write(`now ${ms}`);
  }

  start(role: "stlink" | "connector"): number {
    this.#machine.start(role);
    return this.#result(`start ${role}`);
  }

  arg(...parts: Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    this.#machine.arg(bytes);
    this.#write(`arg ${hex(bytes)}`);
  }

  /** A code or a configuration. */
  config(...parts: Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    this.#machine.config(bytes);
    this.#write(`config ${hex(bytes)}`);
  }

  /** Calls an export; its result is expected. */
  call(name: string, ...args: number[]): number {
    this.#machine.call(name, args);
    return this.#result(["call", name, ...args].join(" "));
  }

  work(): void {
    this.#machine.work();
    this.#write("work");
  }

  /** Gives bytes to a hop; a status below zero, and packets for a Connector, are expected. */
  rx(hop: number, ...parts: Uint8Array[]): number {
    const bytes = Buffer.concat(parts);
    this.#machine.rx(hop, bytes);
    this.#write(`rx ${hop} ${hex(bytes)}`);
    const { result, seen } = this.#machine;
    if (result < 0) this.#write(`expect status ${statusName(result)}`);
    for (const one of seen.splice(0)) this.#write(`expect ${textOfSeen(one)}`);
    return result;
  }

  /** Takes what is ready for a hop's wire; exactly that is expected. */
  tx(hop: number): Uint8Array {
    const bytes = this.#machine.tx(hop);
    this.#write(`expect tx ${hop} ${hex(bytes)}`);
    return bytes;
  }

  forward(hop: number, kind: number, packet: Uint8Array): number {
    this.#machine.forward(hop, kind, packet);
    return this.#result(`forward ${hop} ${kind} ${hex(packet)}`);
  }

  in(stream: number, bytes: Uint8Array): number {
    this.#machine.in(stream, bytes);
    return this.#result(`in ${stream} ${hex(bytes)}`);
  }

  out(stream: number): Uint8Array {
    const bytes = this.#machine.out(stream);
    this.#write(`expect out ${stream} ${hex(bytes)}`);
    return bytes;
  }

  datagram(stream: number, flow: number, bytes: Uint8Array): number {
    this.#machine.datagram(stream, flow, bytes);
    return this.#result(`datagram ${stream} ${flow} ${hex(bytes)}`);
  }

  takeDatagram(stream: number): Uint8Array | undefined {
    const datagram = this.#machine.takeDatagram(stream);
    const text = datagram ? `${datagram.flow} ${hex(datagram.bytes)}` : "-";
    this.#write(`expect datagram ${stream} ${text}`);
    return datagram?.bytes;
  }

  /** Bytes of the argument area, for the scene: a transcript expects no such thing. */
  readArg(len: number): Uint8Array {
    return this.readAt(len, "arg_ptr");
  }

  /** Bytes that an export points to, for the scene too: where they lie is no transcript's matter. */
  readAt(len: number, name: string, ...args: number[]): Uint8Array {
    const { engine } = this.#machine;
    return engine.read(engine.call(name, ...args), len);
  }

  #result(line: string): number {
    const { result } = this.#machine;
    const expected = result < 0 ? `status ${statusName(result)}` : String(result);
    this.#write(line, `expect ${expected}`);
    return result;
  }

  #write(...lines: string[]): void {
    if (!this.#isMuted) this.#lines.push(...lines);
  }
}
