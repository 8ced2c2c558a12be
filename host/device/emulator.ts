// SPDX-License-Identifier: Apache-2.0
// One device in QEMU (riscv32 virt): an image of the firmware, its data flash as a file, a network, a
// console. Before it: `sealed device emulate`, tests, benches, the demo. After it: QEMU, and
// firmware/ports/virt-rv32 inside. The device dials out: 10.0.2.2 is this host's loopback, and
// nothing of the device is forwarded to the host. The machine ends with this process.
// Invariant: the flash file holds what the device has programmed at any moment, so powerCut loses
// nothing that a real power cut would keep.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AppError } from "../service/app-error.ts";
import { openQmp, type Qmp } from "./qmp.ts";

/** Two UDP ports of loopback; each frame is a datagram. */
export type Cable = { own: number; other: number };

export type EmulatorOptions = {
  /** What build-firmware.ts made: code and constants, 32 MiB with the holes behind them. */
  image: string;
  /** All the RAM there is: 192 KiB under wasm3, 112 KiB ahead of time. */
  ramKib: number;
  /** The data flash: identity, configuration. Made, and blank, where it is not there. */
  flash?: string;
  /** A cable to a network that somebody else makes, in the place of the host's: QEMU's end of it, and the other. */
  cable?: Cable;
  /** Its last byte; machines on one cable need different ones. Default 0x56. */
  macByte?: number;
  /** False: the network's cable is out until setLink. Default true. */
  hasLink?: boolean;
  /** Runs at most one instruction in 2^shift ns of the host's time. */
  icountShift?: number;
};

/** The RAM that a board's firmware may have, KiB: all that its machine has. */
export const RAM_KIB = { "virt-rv32": 192, "virt-rv32-aot": 112 } as const;

const QEMU = "qemu-system-riscv32";
/** The length of either flash of the machine; QEMU takes no other. */
const FLASH_BYTES = 32 << 20;
/** What the firmware uses of its data flash, two sectors; erased flash is all ones. */
const STORE_BYTES = 2 * 256 * 1024;
const NET_DEVICE = "net0";
const RAM_START = 0x8000_0000;

const running = new Set<Emulator>();

process.on("exit", () => {
  for (const emulator of running) emulator.abandon();
});

export class Emulator {
  /** Every line of the console, without its end. */
  readonly lines: string[] = [];
  /** Called with each line as it comes. */
  onLine: (line: string) => void = () => {};
  /** Resolves when the machine has ended, however that came. */
  readonly ended: Promise<void>;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #folder: string;
  readonly #ramKib: number;
  readonly #waiting = new Set<() => void>();
  #qmp: Qmp | null = null;
  #complaints = "";
  #hasEnded = false;

  /** Starts the machine. Throws AppError where QEMU or a file is missing, or QEMU does not start. */
  static async start(options: EmulatorOptions): Promise<Emulator> {
    const emulator = new Emulator(options);
    await emulator.#begin(options);
    return emulator;
  }

  private constructor(options: EmulatorOptions) {
    requireQemu();
    requireImage(options.image);
    if (options.flash !== undefined) prepareFlash(options.flash);
    this.#ramKib = options.ramKib;
    this.#folder = mkdtempSync(join(tmpdir(), "sealedtunnel-device-"));
    const [command, args] = tieToParent(QEMU, qemuArguments(options, this.#qmpPath()));
    this.#process = spawn(command, args, { stdio: "pipe" });
    running.add(this);
    this.ended = new Promise((resolve) => {
      this.#process.on("error", () => this.#end(resolve));
      this.#process.on("close", () => this.#end(resolve));
    });
    this.#process.stdin.on("error", () => {}); // it shows as a machine that has ended
    this.#process.stderr.on("data", (text) => {
      this.#complaints += text;
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.#take(line));
  }

  #qmpPath(): string {
    return join(this.#folder, "qmp");
  }

  async #begin({ hasLink = true }: EmulatorOptions): Promise<void> {
    this.#qmp = await openQmp(this.#qmpPath(), () => this.#hasEnded);
    // Nobody else is to connect, and a killed process could not remove it later.
    rmSync(this.#folder, { recursive: true, force: true });
    if (this.#qmp === null) throw this.#failure("QEMU did not start");
    if (!hasLink) await this.setLink(false);
    await this.#qmp.run("cont");
  }

  #take(line: string): void {
    this.lines.push(line.replace(/\r$/, ""));
    this.onLine(this.lines.at(-1) ?? "");
    for (const look of this.#waiting) look();
  }

  #end(resolve: () => void): void {
    this.#hasEnded = true;
    running.delete(this);
    this.#qmp?.close();
    rmSync(this.#folder, { recursive: true, force: true });
    for (const look of this.#waiting) look();
    resolve();
  }

  /** Types on the device's console. */
  type(text: string): void {
    if (!this.#hasEnded) this.#process.stdin.write(text);
  }

  /**
   * The first line from line `from` on that matches; waits for it. Rejects after the time, or when
   * the machine ends, with the last lines.
   */
  line(pattern: RegExp, timeoutMs: number, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const find = () => this.lines.slice(from).find((line) => pattern.test(line));
      const finish = (error: Error | null, line = "") => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (error === null) resolve(line);
        else reject(error);
      };
      const look = () => {
        const line = find();
        if (line !== undefined) return finish(null, line);
        if (this.#hasEnded) finish(this.#failure(`the machine ended; no line was ${pattern}`));
      };
      const timer = setTimeout(
        () => finish(this.#failure(`no line was ${pattern} for ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#waiting.add(look);
      look();
    });
  }

  /** Puts the network's cable in or takes it out. */
  async setLink(isUp: boolean): Promise<void> {
    await this.#qmp?.run("set_link", { name: NET_DEVICE, up: isUp });
  }

  /** All of its RAM, as it is now. */
  async memory(): Promise<Buffer> {
    const folder = mkdtempSync(join(tmpdir(), "sealedtunnel-memory-"));
    const file = join(folder, "memory");
    const bytes = this.#ramKib * 1024;
    try {
      await this.#qmp?.run("pmemsave", { val: RAM_START, size: bytes, filename: file });
      return readFileSync(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Ends the machine as a power cut does: at once, between two words of its flash. */
  async powerCut(): Promise<void> {
    this.kill();
    await this.ended;
  }

  /** At the end of this process, which waits for nothing. */
  abandon(): void {
    this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** As powerCut, without waiting. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #failure(what: string): AppError {
    const last = this.lines.slice(-10).join("\n");
    const said = [this.#complaints.trim(), last].filter((text) => text !== "").join("\n");
    return new AppError("ToolMissing", `The emulated device failed: ${what}.\n${said}`);
  }
}

function qemuArguments(options: EmulatorOptions, qmpPath: string): string[] {
  const { image, ramKib, flash, icountShift } = options;
  return [
    ["-M", "virt", "-m", `${ramKib}K`, "-nodefaults", "-display", "none", "-bios", "none", "-S"],
    ["-global", "virtio-mmio.force-legacy=false"],
    ["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${image}`],
    flash === undefined ? [] : ["-drive", `if=pflash,unit=1,format=raw,file=${flash}`],
    networkArguments(options),
    ["-device", "virtio-rng-device"],
    ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ["-qmp", `unix:${qmpPath},server=on,wait=off`],
    icountShift === undefined ? [] : ["-icount", `shift=${icountShift},align=on`],
  ].flat();
}

function networkArguments({ cable, macByte = 0x56 }: EmulatorOptions): string[] {
  const backend = cable === undefined ? "user" : cableBackend(cable);
  const mac = `52:54:00:12:34:${macByte.toString(16).padStart(2, "0")}`;
  const device = `virtio-net-device,netdev=lan,id=${NET_DEVICE},mac=${mac}`;
  return ["-netdev", `${backend},id=lan`, "-device", device];
}

export function cableBackend({ own, other }: Cable): string {
  const end = (which: string, port: number) =>
    `${which}.type=inet,${which}.host=127.0.0.1,${which}.port=${port}`;
  return `dgram,${end("local", own)},${end("remote", other)}`;
}

function requireQemu(): void {
  if (spawnSync(QEMU, ["--version"]).status === 0) return;
  throw new AppError(
    "ToolMissing",
    `${QEMU} is not installed (Debian: apt install qemu-system-misc).`,
  );
}

function requireImage(path: string): void {
  if (existsSync(path)) return;
  throw new AppError(
    "BadFile",
    `There is no image ${path}; make one: node scripts/build-firmware.ts virt-rv32.`,
  );
}

/** Makes a blank flash where there is none, and gives a short image its full length. */
function prepareFlash(path: string): void {
  if (!existsSync(path)) {
    const file = openSync(path, "wx", 0o600);
    writeSync(file, Buffer.alloc(STORE_BYTES, 0xff));
    closeSync(file);
  }
  truncateSync(path, FLASH_BYTES);
}

/** A command that ends with this process; elsewhere a killed parent leaves it running. */
export function tieToParent(command: string, args: string[]): [string, string[]] {
  if (process.platform !== "linux") return [command, args];
  return ["setpriv", ["--pdeathsig", "KILL", command, ...args]];
}
