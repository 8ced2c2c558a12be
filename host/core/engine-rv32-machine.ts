// SPDX-License-Identifier: Apache-2.0
// A bare RV32IMAC machine in QEMU and the mailbox to it, all synchronous; engine-rv32.ts speaks the
// runner's requests through it. The machine's RAM is a file here, its top MAILBOX_BYTES the mailbox
// (firmware/ports/virt-rv32/mailbox.h); the serial line is a pair of pipes that carries the start,
// a bell and faults. The machine ends with close(), with this process, and when this process is
// killed (setpriv). Invariant: every wait ends, by an answer, by the machine's end or in time.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const QEMU = "qemu-system-riscv32";
const RAM_BASE = 0x80000000;
const MAILBOX_BYTES = 1 << 20;
/** With less QEMU would put its device tree over the image. */
const LEAST_RAM_BYTES = 4 << 20;
const HALF_BYTES = MAILBOX_BYTES / 2;
const BODY = 64;
/** The most bytes of requests, or of replies, in one exchange. */
export const EXCHANGE_BYTES = HALF_BYTES - BODY;
const BANNER = "RV32";
const BOOT_TIMEOUT_MS = 20_000;
const BELL = new Uint8Array(1);
/** To an image of the firmware: be the runner (firmware/ports/virt-rv32/mailbox.h). */
const RUNNER_MARK = Buffer.from("RUNN");
const RUNNER_MARK_OFFSET = 1 << 20;
const FAULT_BYTES = 13;
/** Looks without sleeping: a short call is answered within them. */
const SPINS = 60;
const SLEEP_MS = 0.1;

const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const running = new Set<ChildProcess>();

process.on("exit", () => {
  for (const machine of running) machine.kill("SIGKILL");
});

/** The machine itself failed: it is not there, does not answer, or faulted. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

export class Rv32Machine {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #timeoutMs: number;
  readonly #mailbox: number;
  readonly #replyHeader = Buffer.alloc(BODY);
  #ram = -1;
  #toSerial = -1;
  #fromSerial = -1;
  #sequence = 0;
  readonly #fault = Buffer.alloc(FAULT_BYTES);
  #faultBytes = 0;

  /**
   * Starts an image with `ramBytes` of RAM beside the mailbox; throws if it does not come up. An ELF is the bare
   * runner, in RAM; a .bin is a firmware's, in flash, which is told to be the runner.
   */
  constructor(image: string, ramBytes: number, timeoutMs: number) {
    requireQemu();
    const allBytes = Math.max(ramBytes + MAILBOX_BYTES, LEAST_RAM_BYTES);
    this.#timeoutMs = timeoutMs;
    this.#mailbox = allBytes - MAILBOX_BYTES;
    this.#folder = mkdtempSync(join(tmpdir(), "sealedtunnel-rv32-"));
    const serial = join(this.#folder, "serial");
    const ram = join(this.#folder, "ram");
    execFileSync("mkfifo", [`${serial}.in`, `${serial}.out`]);
    this.#ram = openSync(ram, "w+");
    truncateSync(ram, allBytes);
    writeSync(this.#ram, RUNNER_MARK, 0, RUNNER_MARK.length, RUNNER_MARK_OFFSET);
    const log = join(this.#folder, "qemu.log");
    this.#process = startQemu(image, allBytes, ram, serial, log);
    running.add(this.#process);
    this.#fromSerial = openSync(`${serial}.out`, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#toSerial = openSync(`${serial}.in`, constants.O_RDWR | constants.O_NONBLOCK);
    this.#boot();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #boot(): void {
    const banner = Buffer.alloc(BANNER.length);
    let count = 0;
    this.#waitUntil(BOOT_TIMEOUT_MS, "it did not start", () => {
      count += attempt(() => readSync(this.#fromSerial, banner, { offset: count })) ?? 0;
      return count === banner.length;
    });
    if (banner.toString("latin1") !== BANNER) throw this.#fail(`it began with ${banner}`);
    // QEMU leaves its device tree somewhere in RAM, perhaps where the mailbox is.
    const empty = new Uint8Array(BODY);
    writeSync(this.#ram, empty, 0, BODY, this.#mailbox);
    writeSync(this.#ram, empty, 0, BODY, this.#mailbox + HALF_BYTES);
    const address = Buffer.alloc(4);
    address.writeUInt32LE(RAM_BASE + this.#mailbox);
    writeSync(this.#toSerial, address);
  }

  /** Hands over requests (at most EXCHANGE_BYTES) and gives all their replies. */
  exchange(requests: Uint8Array): Buffer {
    if (this.#ram < 0) throw new MachineError("the emulated machine is closed");
    this.#sequence += 1;
    const header = Buffer.alloc(4);
    header.writeUInt32LE(requests.length);
    writeSync(this.#ram, requests, 0, requests.length, this.#mailbox + BODY);
    writeSync(this.#ram, header, 0, 4, this.#mailbox + 4);
    header.writeUInt32LE(this.#sequence);
    writeSync(this.#ram, header, 0, 4, this.#mailbox);
    this.#waitUntil(this.#timeoutMs, "it does not answer", () => this.#isAnswered());
    return this.#replies();
  }

  #isAnswered(): boolean {
    readSync(this.#ram, this.#replyHeader, 0, 8, this.#mailbox + HALF_BYTES);
    return this.#replyHeader.readUInt32LE(0) === this.#sequence;
  }

  #replies(): Buffer {
    // The length is read anew: nothing orders it before the sequence number on every processor.
    readSync(this.#ram, this.#replyHeader, 0, 8, this.#mailbox + HALF_BYTES);
    const replies = Buffer.alloc(this.#replyHeader.readUInt32LE(4));
    readSync(this.#ram, replies, 0, replies.length, this.#mailbox + HALF_BYTES + BODY);
    return replies;
  }

  /** `len` bytes of RAM at an address of the machine. */
  readRam(address: number, len: number): Uint8Array {
    const bytes = new Uint8Array(len);
    readSync(this.#ram, bytes, 0, len, address - RAM_BASE);
    return bytes;
  }

  writeRam(address: number, bytes: Uint8Array): void {
    writeSync(this.#ram, bytes, 0, bytes.length, address - RAM_BASE);
  }

  close(): void {
    if (this.#ram < 0) return;
    for (const file of [this.#ram, this.#toSerial, this.#fromSerial]) closeSync(file);
    this.#ram = -1;
    this.#process.kill("SIGKILL");
    running.delete(this.#process);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Looks until `isDone`; rings the bell when it takes longer, since the runner may sleep. */
  #waitUntil(timeoutMs: number, complaint: string, isDone: () => boolean): void {
    let deadline = 0;
    for (let looks = 1; !isDone(); looks++) {
      if (looks < SPINS) continue;
      const now = performance.now();
      if (deadline === 0) deadline = now + timeoutMs;
      if (looks % SPINS === 0) this.#ring();
      if (now > deadline) throw this.#fail(`${complaint} (waited ${timeoutMs} ms)`);
      if (looks > SPINS) Atomics.wait(sleepCell, 0, 0, SLEEP_MS);
    }
  }

  /** Wakes a sleeping runner, and hears of a machine that faulted or ended. */
  #ring(): void {
    if (this.#sequence === 0) return;
    attempt(() => writeSync(this.#toSerial, BELL));
    const offset = this.#faultBytes;
    const count = attempt(() => readSync(this.#fromSerial, this.#fault, { offset }));
    if (count === undefined) return;
    if (count === 0) throw this.#fail("it ended");
    this.#faultBytes += count;
    if (this.#faultBytes < FAULT_BYTES) return;
    const [cause, pc, address] = [1, 5, 9].map((at) => this.#fault.readUInt32LE(at).toString(16));
    throw this.#fail(`fault: cause ${cause} at ${pc}, address ${address}`);
  }

  #fail(what: string): MachineError {
    const log = attempt(() => readFileSync(join(this.#folder, "qemu.log"), "utf8").trim()) ?? "";
    this.close();
    return new MachineError(`the emulated machine failed: ${what}${log === "" ? "" : `\n${log}`}`);
  }
}

function startQemu(
  image: string,
  ramBytes: number,
  ram: string,
  serial: string,
  log: string,
): ChildProcess {
  const args = [
    ["-M", "virt,memory-backend=ram", "-bios", "none", "-nodefaults", "-display", "none"],
    ["-object", `memory-backend-file,id=ram,size=${ramBytes},mem-path=${ram},share=on`],
    ["-m", `${ramBytes / 1024}K`, "-icount", "shift=0", "-no-reboot"],
    image.endsWith(".bin")
      ? ["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${image}`]
      : ["-kernel", image],
    ["-chardev", `pipe,id=serial,path=${serial}`, "-serial", "chardev:serial"],
  ].flat();
  const logFile = openSync(log, "w");
  const [command, all] = tieToParent(args);
  const child = spawn(command, all, { stdio: ["ignore", logFile, logFile] });
  closeSync(logFile);
  child.on("error", () => {}); // it shows as a machine that does not start
  child.unref();
  return child;
}

let isQemuFound = false;

function requireQemu(): void {
  if (!isQemuFound && spawnSync(QEMU, ["--version"]).status !== 0) {
    throw new MachineError(`${QEMU} is not installed (Debian: apt install qemu-system-misc)`);
  }
  isQemuFound = true;
}

function tieToParent(args: string[]): [string, string[]] {
  // Elsewhere a killed parent leaves the machine asleep, nothing worse.
  if (process.platform !== "linux") return [QEMU, args];
  return ["setpriv", ["--pdeathsig", "KILL", QEMU, ...args]];
}

/** What `io` gives, or undefined when it would have to wait or the file is gone. */
function attempt<T>(io: () => T): T | undefined {
  try {
    return io();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EAGAIN" || code === "ENOENT") return undefined;
    throw error;
  }
}
