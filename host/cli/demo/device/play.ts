// SPDX-License-Identifier: Apache-2.0
// The device demo as it runs: its files, its processes, the device; then a picture through the tunnel, and
// how all of it stands, until it is stopped. Before it: demo.ts. After it: site.ts, cast.ts,
// demo-device.ts, watcher.ts, display.ts. What a person types breaks something, and it comes back.

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ConnectorStatus } from "../../../connector/status.ts";
import type { ProcessStatus } from "../../run.ts";
import { askSocket } from "../../status-socket.ts";
import { Cast } from "../cast.ts";
import { makeFolder, removeFolder } from "../folder.ts";
import { Namespaces } from "../namespaces.ts";
import { firstUsable, LOOPBACK } from "../ports.ts";
import { statusSocket } from "../site-text.ts";
import { DemoDevice, type DeviceKind } from "./demo-device.ts";
import { DeviceDisplay } from "./display.ts";
import { provision } from "./provision.ts";
import { writeDeviceSite } from "./site.ts";
import { Watcher } from "./watcher.ts";

export type PlayOptions = {
  kind: DeviceKind;
  /** What the firmware's build made. */
  image: string;
  bindingPort: number;
  /** Stop once the picture has been seen to move. */
  isOnce: boolean;
};

const SEALED = join(import.meta.dirname, "..", "..", "sealed.cjs");
/** By this name an emulated device finds this machine's loopback. */
const HOST_IN_EMULATOR = "10.0.2.2";
const SHOW_MS = 1000;
/** An interpreter on an emulator on a busy machine makes its first handshakes. */
const UP_MS = 120_000;
const CABLE_OUT_MS = 10_000;

export class Play {
  readonly #options: PlayOptions;
  readonly #folder = makeFolder();
  readonly #display = new DeviceDisplay();
  readonly #here = { name: "own", pid: null };
  readonly #watcher: Watcher;
  #cast: Cast | null = null;
  #device: DemoDevice | null = null;
  #isCableOut = false;
  #isStopping = false;

  constructor(options: PlayOptions) {
    this.#options = options;
    this.#watcher = new Watcher(`http://${LOOPBACK}:${options.bindingPort}/`);
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    try {
      await this.#start();
      await this.#see();
      while (!this.#isStopping) {
        await this.#show();
        await pause(SHOW_MS);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  /** What a person has typed. */
  command(letter: string): void {
    this.#display.lineTyped();
    const [cast, device] = [this.#cast, this.#device];
    if (cast === null || device === null || letter === "") return;
    if (letter === "c") {
      this.#display.note(`kill -9 ${cast.pid("Connector")}: the Connector`);
      cast.crash("Connector");
    } else if (letter === "p") {
      this.#display.note("the device's power is cut; it starts again");
      device.cutPower();
    } else if (letter === "n") {
      void this.#cutNetwork(device);
    } else {
      this.#display.note(`there is no command ${JSON.stringify(letter)}: c, n or p`);
    }
  }

  /** Ends everything and the process; called a second time, at once. */
  async stop(code: number, why = "stopped"): Promise<void> {
    if (this.#isStopping) {
      this.#cast?.kill();
      process.exit(code);
    }
    this.#isStopping = true;
    await this.#device?.stop();
    await this.#cast?.stop();
    removeFolder(this.#folder);
    this.#display.note(why);
    process.exit(code);
  }

  /** As `stop`, where what is being stopped does not matter any more. */
  #fail(why: string): void {
    if (!this.#isStopping) void this.stop(1, why);
  }

  async #start(): Promise<void> {
    this.#display.note("starting the Connector and the office's STLink; making the camera's flash");
    await this.#writeFiles();
    const file = (name: string) => join(this.#folder, name);
    const cast = new Cast(this.#folder, new Namespaces(), {
      note: (text) => this.#display.note(text),
      gaveUp: (why) => this.#fail(why),
    });
    cast.start("Connector", this.#here, SEALED, "connector", "run", file("relay.toml"));
    cast.start("office", this.#here, SEALED, "stlink", "run", file("office.toml"));
    this.#cast = cast;
    const { kind, image } = this.#options;
    const flash = await provision(this.#folder, kind);
    const onLine = (line: string) => this.#display.console(line);
    this.#device = new DemoDevice({ kind, image, flash, onLine });
    this.#device.run().catch((error) => this.#fail(this.#withConsole(String(error))));
  }

  async #writeFiles(): Promise<void> {
    const { kind, bindingPort } = this.#options;
    const { port } = await firstUsable([0]);
    writeDeviceSite(this.#folder, {
      connector: { host: LOOPBACK, port },
      connectorFromDevice: { host: kind === "native" ? LOOPBACK : HOST_IN_EMULATOR, port },
      bindingPort,
    });
  }

  /** Two pictures, and what a person can do then. */
  async #see(): Promise<void> {
    this.#display.note("the camera starts and joins; its console:");
    void this.#watcher.run();
    const first = await this.#watcher.picture(UP_MS);
    if (first === null) return this.#fail(this.#withConsole(`no picture in ${UP_MS / 1000} s`));
    this.#introduce();
    const next = await this.#watcher.picture(UP_MS, first);
    if (next === null) return this.#fail(this.#withConsole("the picture does not move"));
    this.#display.note(`Frame ${first.frame} came through the tunnel, then frame ${next.frame}.\n`);
    if (this.#options.isOnce) await this.stop(0, "The camera's picture moves.");
  }

  #withConsole(why: string): string {
    return `${why}; the end of its console:\n${this.#display.consoleText}`;
  }

  #introduce(): void {
    const { kind, bindingPort } = this.#options;
    this.#display.introduce({
      kind,
      url: this.#watcher.url,
      bindingPort,
      connectorPid: this.#cast?.pid("Connector") ?? 0,
      hasCable: this.#device?.hasCable === true,
      folder: this.#folder,
    });
  }

  async #cutNetwork(device: DemoDevice): Promise<void> {
    if (!device.hasCable) {
      return this.#display.note("its network is this machine's own here: nothing to take away");
    }
    if (this.#isCableOut) return this.#display.note("the device's network is gone already");
    this.#isCableOut = true;
    this.#display.note(`the device's network is gone for ${CABLE_OUT_MS / 1000} s`);
    await device.setLink(false);
    await pause(CABLE_OUT_MS);
    await device.setLink(true);
    this.#isCableOut = false;
    this.#display.note("the device's network is there again");
  }

  async #show(): Promise<void> {
    const seen = await this.#ask();
    if (seen !== null && !this.#isStopping) this.#display.show(seen, this.#watcher);
  }

  /** `sealed status --json` of the Connector; null while it does not answer. */
  async #ask(): Promise<(ConnectorStatus & ProcessStatus) | null> {
    try {
      const answer = await askSocket(statusSocket(this.#folder, "relay"));
      return answer as ConnectorStatus & ProcessStatus;
    } catch {
      return null;
    }
  }
}
