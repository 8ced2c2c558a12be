// SPDX-License-Identifier: Apache-2.0
// The camera app as a process whose sockets and clock a test moves (firmware/test/camera_machine.cpp),
// and what its clients have received. Before it: the tests camera-*.test.ts. After it:
// scripts/build-camera.ts. A sanitizer's report is the reason of every promise that then fails.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { buildCamera } from "../../scripts/build-camera.ts";

type Waiting = { last: string; lines: string[]; done: (lines: string[]) => void };

export class CameraMachine {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #complaints = "";
  #fail: (reason: Error) => void = () => {};
  readonly #failed: Promise<never>;

  /** `clockMs` is what its clock shows when it starts. */
  constructor(clockMs = 0) {
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
    this.#process = spawn(buildCamera(), [String(clockMs)]);
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    this.#process.once("close", () => this.#fail(new Error(`it ended: ${this.#complaints}`)));
    this.#process.stdin.on("error", () => {}); // told by its end
    createInterface(this.#process.stdout).on("line", (line) => this.#take(line));
  }

  #take(line: string): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    first.lines.push(line);
    if (line.split(" ", 1)[0] === first.last) this.#waiting.shift()?.done(first.lines);
  }

  /** A line that is not answered. */
  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** A line; what is said from then on up to the line that begins with the word `last`. */
  ask(line: string, last: string): Promise<string[]> {
    this.tell(line);
    const answer = new Promise<string[]>((done) => this.#waiting.push({ last, lines: [], done }));
    return Promise.race([answer, this.#failed]);
  }

  /** The words behind the first of the line that answers. */
  async askWords(line: string, last: string): Promise<string[]> {
    const lines = await this.ask(line, last);
    return lines.at(-1)?.split(" ").slice(1) ?? [];
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

/** Bytes in hex as the machine writes them; `-` is none. */
export function bytesOf(hex: string | undefined): Buffer {
  return Buffer.from(hex === undefined || hex === "-" ? "" : hex, "hex");
}

/** The clients of a machine under a clock that the test moves. */
export class CameraClients {
  readonly machine: CameraMachine;
  readonly #received = new Map<number, Buffer>();
  readonly #ends = new Map<number, string>();
  #nowMs: number;

  constructor(clockMs = 0) {
    this.machine = new CameraMachine(clockMs);
    this.#nowMs = clockMs;
  }

  /** Connects and sends, without a turn; a room of 0 and more bounds what it takes. */
  open(id: number, text = "", room = -1): void {
    this.#received.set(id, Buffer.alloc(0));
    this.#ends.delete(id);
    this.machine.tell(`open ${id}`);
    if (room >= 0) this.room(id, room);
    if (text !== "") this.send(id, text);
  }

  send(id: number, text: string): void {
    this.machine.tell(`rx ${id} ${Buffer.from(text, "latin1").toString("hex")}`);
  }

  room(id: number, bytes: number): void {
    this.machine.tell(`room ${id} ${bytes}`);
  }

  /** Lets so much time pass in steps, with a turn at the end of each. */
  async pass(ms: number, stepMs = 10): Promise<void> {
    for (let passed = 0; passed <= ms; passed += stepMs) {
      const lines = await this.machine.ask(`turn ${(this.#nowMs + passed) >>> 0}`, "rest");
      for (const line of lines) this.#take(line.split(" "));
    }
    this.#nowMs = (this.#nowMs + ms) >>> 0;
  }

  #take([word = "", id, hex]: string[]): void {
    const client = Number(id);
    if (word === "tx") {
      const before = this.#received.get(client) ?? Buffer.alloc(0);
      this.#received.set(client, Buffer.concat([before, bytesOf(hex)]));
    } else if (word !== "rest") {
      this.#ends.set(client, word);
    }
  }

  /** What a client has received and not taken before. */
  take(id: number): Buffer {
    const bytes = this.#received.get(id) ?? Buffer.alloc(0);
    this.#received.set(id, Buffer.alloc(0));
    return bytes;
  }

  /** The whole of a request's answer as text; 20 ms pass. */
  async request(id: number, text: string): Promise<string> {
    this.send(id, text);
    await this.pass(20);
    return this.take(id).toString("latin1");
  }

  /** `end`, `closed` or `reset`; undefined while it is open. */
  endOf(id: number): string | undefined {
    return this.#ends.get(id);
  }

  stop(): void {
    this.machine.stop();
  }
}

/** The frames of a stream's bytes: number and picture, without one that is cut at the end. */
export function framesOf(stream: Buffer): { number: number; jpeg: Buffer }[] {
  const frames: { number: number; jpeg: Buffer }[] = [];
  const head = /Content-Length: (\d+)\r\nX-Frame: (\d+)\r\n\r\n/g;
  const text = stream.toString("latin1");
  for (let found = head.exec(text); found !== null; found = head.exec(text)) {
    const end = head.lastIndex + Number(found[1]);
    if (end > stream.length) break;
    frames.push({ number: Number(found[2]), jpeg: stream.subarray(head.lastIndex, end) });
    head.lastIndex = end;
  }
  return frames;
}
