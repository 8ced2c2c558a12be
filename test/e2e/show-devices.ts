// SPDX-License-Identifier: Apache-2.0
// Many devices at once, as programs of this machine: each holds a session with the one Connector and with
// one desktop STLink, which has a Binding to each. They start in waves, answer, rest, and come back when
// the Connector was killed; what they cost is measured. Before it: shows.ts at full size, shows.test.ts at
// a small one. After it: native-devices.ts, stlink-site.ts. Whoever calls ends the processes.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { firstUsable } from "../../host/cli/demo/ports.ts";
import { buildFirmware, type Target } from "../../scripts/build-firmware.ts";
import { NativeDevice } from "./native-devices.ts";
import { StlinkSite } from "./stlink-site.ts";

export type DeviceFirmware = Extract<Target, "native" | "native-aot" | "native-asan">;

export type DevicesOptions = {
  devices: number;
  firmware: DeviceFirmware;
  /** How long they are looked at while they rest, ms. */
  restMs: number;
  tell: (text: string) => void;
};

export type Devices = {
  /** Until every hop was up, and then until every device had answered the desktop; seconds. */
  startSeconds: number;
  answerSeconds: number;
  /** Devices that gave a whole picture; those whose session with the desktop was up then. */
  answered: number;
  sessions: number;
  memory: Memory;
  /** While nobody asks anything, shares of a CPU: all devices, the Connector, the desktop. */
  restCpu: Parts;
  /** Resident, bytes. */
  connectorBytes: number;
  desktopBytes: number;
  /** From the Connector's new start until every hop was up again; then as before. */
  backSeconds: number;
  answeredAgain: number;
  /** Devices that ended by themselves. */
  died: number;
};

/** Of one process, bytes: all; with its share of what several have; what it has alone. */
type Memory = { resident: number; share: number; own: number };
type Parts = { devices: number; connector: number; desktop: number };

/** Started, or asked, at once. */
const WAVE = 20;
const WAVE_MS = 60_000;
const BACK_MS = 180_000;
const ANSWER_MS = 20_000;
const LOOK_MS = 250;
/** Below the ports that the system gives away. */
const FIRST_PORT = 21_000;
/** All come from one address here; elsewhere they don't. */
const LIMITS = { half_open: 64, half_open_per_source: 64 };
const DESKTOP = "office";
const CONNECTOR = "hall";
const TICKS_PER_SECOND = 100;
const KIB = 1024;

export async function gather(options: DevicesOptions): Promise<Devices> {
  const program = buildFirmware(options.firmware);
  const crowd = new Crowd(options);
  await crowd.site.startConnector(CONNECTOR, LIMITS);
  await crowd.startDesktop();
  const startSeconds = await timed(() => crowd.start(program));
  const [answerSeconds, answered] = await counted(() => crowd.askAll());
  const { peers } = await crowd.site.status(DESKTOP);
  const restCpu = await crowd.rest();
  const memory = crowd.memory();
  const { resident: connectorBytes } = memoryOf(crowd.pidOf(CONNECTOR));
  const { resident: desktopBytes } = memoryOf(crowd.pidOf(DESKTOP));
  await crowd.site.kill(CONNECTOR);
  const backSeconds = await timed(async () => {
    await crowd.site.startConnector(CONNECTOR, LIMITS);
    await crowd.untilUp(options.devices, BACK_MS);
  });
  const answeredAgain = await crowd.askAll();
  return {
    ...{ startSeconds, answerSeconds, answered, memory, restCpu },
    ...{ connectorBytes, desktopBytes, backSeconds, answeredAgain },
    sessions: peers.filter(({ session }) => session === "up").length,
    died: crowd.died,
  };
}

class Crowd {
  readonly site: StlinkSite;
  readonly #options: DevicesOptions;
  readonly #names: readonly string[];
  readonly #devices: NativeDevice[] = [];
  /** Of the desktop's Bindings, in the order of the names. */
  #ports: number[] = [];

  constructor(options: DevicesOptions) {
    this.#options = options;
    this.#names = Array.from({ length: options.devices }, (_, i) => `device-${i}`);
    this.site = new StlinkSite([CONNECTOR], [DESKTOP, ...this.#names]);
  }

  get died(): number {
    return this.#devices.filter(({ hasEnded }) => hasEnded).length;
  }

  pidOf(name: string): number {
    return this.site.process(name).child.pid ?? 0;
  }

  /** A desktop's tables have the size that its file asks for: here a link for each device. */
  async startDesktop(): Promise<void> {
    const bindings = this.#names.map((name) => ({
      name,
      mapping: `page-of-${name}`,
      port: 0,
      peers: [name],
    }));
    await this.site.startStlink(DESKTOP, { bindings, peers: this.#names });
    const status = await this.site.status(DESKTOP);
    this.#ports = status.bindings.map(({ listening }) => Number(listening[0]?.split(":").at(-1)));
  }

  /** In waves, each once the one before has its hops. */
  async start(program: string): Promise<void> {
    for (let at = 0; at < this.#names.length; at += WAVE) {
      for (const name of this.#names.slice(at, at + WAVE)) await this.#startOne(program, name);
      await this.untilUp(this.#devices.length, WAVE_MS);
    }
  }

  async #startOne(program: string, name: string): Promise<void> {
    const mapping = { name: `page-of-${name}`, address: "127.0.0.1", port: 80, peers: [DESKTOP] };
    this.site.writeStlink(name, { mappings: [mapping], peers: [DESKTOP] });
    const { port } = await firstUsable([FIRST_PORT + this.#devices.length, 0]);
    this.#devices.push(NativeDevice.start(program, this.site, name, port));
  }

  /** Waits until so many devices, and the desktop, have a hop. */
  async untilUp(count: number, mostMs: number): Promise<void> {
    let up = 0;
    for (const endMs = performance.now() + mostMs; performance.now() < endMs; ) {
      const { stlinks } = await this.site.connectorStatus(CONNECTOR);
      up = stlinks.filter(({ hop }) => hop === "up").length;
      this.#options.tell(`${up} STLinks have a hop`);
      if (up > count) return;
      await pause(LOOK_MS);
    }
    throw new Error(
      `${up} of ${count + 1} STLinks have a hop after ${mostMs / 1000} s, ${this.died} devices ended`,
    );
  }

  /** Asks every device for a picture through its Binding; how many gave a whole one. */
  async askAll(): Promise<number> {
    let right = 0;
    for (let at = 0; at < this.#ports.length; at += WAVE) {
      const wave = this.#ports.slice(at, at + WAVE);
      right += (await Promise.all(wave.map(givesPicture))).filter((is) => is).length;
      this.#options.tell(`${right} devices have answered`);
    }
    return right;
  }

  async rest(): Promise<Parts> {
    const before = this.#cpu();
    const startedMs = performance.now();
    await pause(this.#options.restMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const after = this.#cpu();
    return {
      devices: (after.devices - before.devices) / seconds,
      connector: (after.connector - before.connector) / seconds,
      desktop: (after.desktop - before.desktop) / seconds,
    };
  }

  #cpu(): Parts {
    const all = this.#devices.map(({ pid }) => cpuSecondsOf(pid));
    return {
      devices: all.reduce((sum, one) => sum + one, 0),
      connector: cpuSecondsOf(this.pidOf(CONNECTOR)),
      desktop: cpuSecondsOf(this.pidOf(DESKTOP)),
    };
  }

  /** Of the device in the middle, by its share. */
  memory(): Memory {
    const all = this.#devices.map(({ pid }) => memoryOf(pid)).sort((a, b) => a.share - b.share);
    return all[all.length >> 1] ?? { resident: 0, share: 0, own: 0 };
  }
}

/** A JPEG file from its first marker to its last. */
async function givesPicture(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const request = get({ port, path: "/snapshot.jpg", agent: false, signal });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const bytes = await buffer(response);
    return bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9;
  } catch {
    return false;
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  return (await counted(work))[0];
}

/** Seconds, and what came of it. */
async function counted<Result>(work: () => Promise<Result>): Promise<[number, Result]> {
  const startedMs = performance.now();
  const result = await work();
  return [(performance.now() - startedMs) / 1000, result];
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * KIB;
  return {
    resident: bytes("Rss"),
    share: bytes("Pss"),
    own: bytes("Private_Clean") + bytes("Private_Dirty"),
  };
}

/** User and system time; the name in brackets may hold anything. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
