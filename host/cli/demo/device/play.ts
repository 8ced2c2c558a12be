// SPDX-License-Identifier: Apache-2.0
// The device demo as it runs: its files, its processes, the device; then a picture through the tunnel, and
// how all of it stands, until it is stopped. Before it: demo.ts. After it: site.ts, cast.ts,
// demo-device.ts, display.ts. What a person types breaks something, and it comes back.

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
import { fetchPicture, type Picture } from "./picture.ts";
import { provision } from "./provision.ts";
import { writeDeviceSite } from "./site.ts";

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
const LOOK_MS = 1000;
/** An interpreter on an emulator on a busy machine makes its first handshakes. */
const UP_MS = 120_000;
const LINK_DOWN_MS = 10_000;

export class Play {
  readonly #options: PlayOptions;
  readonly #folder = makeFolder();
  readonly #display = new DeviceDisplay();
  readonly #here = { name: "own", pid: null };
  #cast: Cast | null = null;
  #device: DemoDevice | null = null;
  #isStopping = false;

  constructor(options: PlayOptions) {
    this.#options = options;
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    const connectorPort = (await firstUsable([0])).port;
    this.#writeFiles(connectorPort);
    await this.#start();
    const picture = await this.#untilPicture(null, UP_MS);
    this.#introduce();
    const next = await this.#untilPicture(picture, UP_MS);
    this.#display.note(
      `Frame ${picture.frame} came through the tunnel, then frame ${next.frame}.\n`,
    );
    if (this.#options.isOnce) return this.stop(0, "The camera's picture moves.");
    while (!this.#isStopping) {
      await this.#look();
      await pause(LOOK_MS);
    }
  }

  /** What a person has typed. */
  command(letter: string): void {
    const cast = this.#cast;
    if (cast === null) return;
    if (letter === "c") {
      this.#display.note(`kill -9 ${cast.pid("Connector")}: the Connector; it is started again`);
      process.kill(cast.pid("Connector"), "SIGKILL");
    } else if (letter === "p") {
      this.#display.note("the device's power is cut; it starts again");
      this.#device?.cutPower();
    } else if (letter === "n") void this.#cutNetwork();
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

  #writeFiles(connectorPort: number): void {
    const isEmulated = this.#options.kind !== "native";
    const host = isEmulated ? HOST_IN_EMULATOR : LOOPBACK;
    writeDeviceSite(this.#folder, {
      connector: { host: LOOPBACK, port: connectorPort },
      connectorFromDevice: { host, port: connectorPort },
      bindingPort: this.#options.bindingPort,
    });
  }

  async #start(): Promise<void> {
    const file = (name: string) => join(this.#folder, name);
    const cast = new Cast(this.#folder, new Namespaces(), {
      note: (text) => this.#display.note(text),
      gaveUp: (why) => void this.stop(1, why),
    });
    this.#cast = cast;
    cast.start("Connector", this.#here, SEALED, "connector", "run", file("relay.toml"));
    cast.start("office", this.#here, SEALED, "stlink", "run", file("office.toml"));
    const { kind, image } = this.#options;
    const flash = await provision(this.#folder, kind);
    const device = new DemoDevice({
      kind,
      image,
      flash,
      onLine: (line) => this.#display.console(line),
    });
    this.#device = device;
    device.run().catch((error) => this.stop(1, String(error)));
  }

  #introduce(): void {
    const { kind, bindingPort } = this.#options;
    const connectorPid = this.#cast?.pid("Connector") ?? 0;
    const hasLink = this.#device?.hasLink === true;
    this.#display.introduce({
      ...{ kind, url: this.#url, bindingPort, connectorPid, hasLink },
      folder: this.#folder,
    });
  }

  get #url(): string {
    return `http://${LOOPBACK}:${this.#options.bindingPort}/`;
  }

  /** A picture of the camera, another one than `before`; throws when none comes in time. */
  async #untilPicture(before: Picture | null, mostMs: number): Promise<Picture> {
    const endMs = performance.now() + mostMs;
    for (;;) {
      const picture = await fetchPicture(this.#url);
      if (picture !== null && picture.frame !== before?.frame) return picture;
      if (performance.now() > endMs || this.#isStopping) {
        throw new Error(`no picture came through ${this.#url} within ${mostMs / 1000} s`);
      }
      await pause(LOOK_MS / 4);
    }
  }

  async #cutNetwork(): Promise<void> {
    if (this.#device?.hasLink !== true) {
      return this.#display.note("its network is this machine's own here: nothing to take away");
    }
    this.#display.note(`the device's network is gone for ${LINK_DOWN_MS / 1000} s`);
    await this.#device.setLink(false);
    await pause(LINK_DOWN_MS);
    await this.#device.setLink(true);
    this.#display.note("the device's network is there again");
  }

  async #look(): Promise<void> {
    const [seen, picture] = await Promise.all([this.#ask(), fetchPicture(this.#url)]);
    if (seen !== null && !this.#isStopping) this.#display.show(seen, picture);
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
