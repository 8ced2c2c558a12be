// SPDX-License-Identifier: Apache-2.0
// The device of the demo, in QEMU or as a program of this machine: started, heard, its power cut, its
// network taken away. Before it: play.ts. After it: the firmware. It starts again by itself when it ends.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Emulator } from "../../../device/emulator.ts";
import { firstUsable } from "../ports.ts";

export type DeviceKind = "virt-rv32" | "virt-rv32-aot" | "native";

export type DeviceOptions = {
  kind: DeviceKind;
  /** What the firmware's build made. */
  image: string;
  flash: string;
  onLine: (line: string) => void;
};

/** A machine that runs now. */
type Running = {
  setLink(isUp: boolean): Promise<void>;
  kill(): void;
  ended: Promise<void>;
};

/** The RAM that a board's firmware may have, KiB: all that the emulated machine has. */
export const RAM_KIB = { "virt-rv32": 192, "virt-rv32-aot": 112 } as const;
const RESTART_MS = 300;
/** It ended this often without ever having lived for some seconds: it won't. */
const DEATHS_MOST = 4;
const ALIVE_MS = 5000;

export class DemoDevice {
  readonly #options: DeviceOptions;
  #running: Running | null = null;
  #isStopping = false;
  #deaths = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  get hasLink(): boolean {
    return this.#options.kind !== "native";
  }

  /** Runs it until `stop`; rejects when it does not stay alive. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      const startedMs = performance.now();
      this.#running = await start(this.#options);
      await this.#running.ended;
      this.#deaths = performance.now() - startedMs < ALIVE_MS ? this.#deaths + 1 : 0;
      if (this.#deaths > DEATHS_MOST) throw new Error("the device does not stay alive");
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    }
  }

  /** Takes the network's cable out, or puts it back. */
  async setLink(isUp: boolean): Promise<void> {
    await this.#running?.setLink(isUp);
  }

  /** It starts again a moment later, with what is on its flash. */
  cutPower(): void {
    this.#running?.kill();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#running?.kill();
    await this.#running?.ended;
  }
}

function start(options: DeviceOptions): Promise<Running> {
  return options.kind === "native" ? startProgram(options) : startMachine(options, options.kind);
}

async function startMachine(
  { image, flash, onLine }: DeviceOptions,
  kind: keyof typeof RAM_KIB,
): Promise<Running> {
  const machine = await Emulator.start({ image, flash, ramKib: RAM_KIB[kind] });
  for (const line of machine.lines) onLine(line);
  machine.onLine = onLine;
  return machine;
}

async function startProgram({ image, flash, onLine }: DeviceOptions): Promise<Running> {
  const { port } = await firstUsable([0]);
  const args = ["--flash", flash, "--web", String(port)];
  const child: ChildProcessWithoutNullStreams = spawn(image, args, { stdio: "pipe" });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", onLine);
  }
  child.stdin.on("error", () => {});
  const killWithDemo = () => void child.kill("SIGKILL");
  process.on("exit", killWithDemo);
  return {
    setLink: async () => {},
    kill: () => void child.kill("SIGKILL"),
    ended: new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("close", () => {
        process.off("exit", killWithDemo);
        resolve();
      });
    }),
  };
}
