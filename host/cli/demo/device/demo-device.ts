// SPDX-License-Identifier: Apache-2.0
// The device of the demo, in QEMU or as a program of this machine: started, heard, its power cut, its
// network taken away. Before it: play.ts. After it: the firmware. It starts again by itself when it ends,
// and ends with this process, also where that is killed.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Emulator, RAM_KIB, tieToParent } from "../../../device/emulator.ts";
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
  /** Rejects where the machine ends meanwhile. */
  setLink(isUp: boolean): Promise<void>;
  kill(): void;
  ended: Promise<void>;
};

const RESTART_MS = 300;
/** It ended this often by itself without ever having lived for some seconds: it won't. */
const DEATHS_MOST = 4;
const ALIVE_MS = 5000;

export class DemoDevice {
  readonly #options: DeviceOptions;
  #running: Running | null = null;
  #isLinkUp = true;
  #isStopping = false;
  #wasCut = false;
  #deaths = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  /** Is there a network of its own that can be taken away? */
  get hasCable(): boolean {
    return this.#options.kind !== "native";
  }

  /** Runs it until `stop`; rejects when it does not stay alive. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      const startedMs = performance.now();
      const running = await start(this.#options);
      this.#running = running;
      if (this.#isStopping) running.kill();
      if (!this.#isLinkUp) await this.setLink(false);
      await running.ended;
      this.#countDeath(performance.now() - startedMs);
      if (!this.#isStopping) await pause(RESTART_MS);
    }
  }

  /** Takes the network's cable out, or puts it back; a machine that starts later finds it so. */
  async setLink(isUp: boolean): Promise<void> {
    this.#isLinkUp = isUp;
    await this.#running?.setLink(isUp).catch(() => {});
  }

  /** It starts again a moment later, with what is on its flash. */
  cutPower(): void {
    this.#wasCut = true;
    this.#running?.kill();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#running?.kill();
    await this.#running?.ended;
  }

  #countDeath(livedMs: number): void {
    const isSudden = livedMs < ALIVE_MS && !this.#wasCut;
    this.#wasCut = false;
    this.#deaths = isSudden ? this.#deaths + 1 : 0;
    if (this.#deaths > DEATHS_MOST) throw new Error("the device does not stay alive");
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
  const child = spawn(...tieToParent(image, ["--flash", flash, "--web", String(port)]));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", onLine);
  }
  return {
    setLink: async () => {},
    kill: () => void child.kill("SIGKILL"),
    ended: new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("close", () => resolve());
    }),
  };
}
