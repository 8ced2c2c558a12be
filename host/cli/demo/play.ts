// SPDX-License-Identifier: Apache-2.0
// The demo as it runs: its place, its files, its processes, in the order in which they need one another;
// then a page through the tunnel, and what the Connector sees, until it is stopped. Before it: demo.ts.
// After it: place.ts, site-files.ts, cast.ts, display.ts.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ConnectorStatus } from "../../connector/status.ts";
import type { EngineName } from "../../core/core-file.ts";
import type { ProcessStatus } from "../run.ts";
import { askSocket } from "../status-socket.ts";
import { Cast } from "./cast.ts";
import { Display } from "./display.ts";
import { makeFolder, removeFolder } from "./folder.ts";
import { forward } from "./forwarder.ts";
import { closePlace, makePlace, type Place } from "./place.ts";
import { LOOPBACK, type Spot } from "./ports.ts";
import { STLINK_NAMES, writeSite } from "./site-files.ts";
import { statusSocket } from "./site-text.ts";

export type PlayOptions = {
  /** What runs the core of the STLink beside the web service. */
  engine: EngineName;
  /** Of the user's two Bindings. */
  webPort: number;
  screenPort: number;
  isLoopback: boolean;
  /** Stop once all has been seen to work. */
  isOnce: boolean;
};

type Seen = ConnectorStatus & ProcessStatus;
type Stage = { place: Place; cast: Cast };

const SEALED = join(import.meta.dirname, "..", "sealed.cjs");
const LOOK_MS = 500;
/** Nine processes start at once, maybe on one core. */
const UP_MS = 120_000;
const FETCH_MS = 30_000;
/** Pictures that --once waits for. */
const FRAMES_ENOUGH = 5;

export class Play {
  readonly #options: PlayOptions;
  readonly #folder = makeFolder();
  readonly #display = new Display();
  #stage: Stage | null = null;
  /** As last seen; 0 while it is not there. */
  #connectorPid = 0;
  #isStopping = false;

  constructor(options: PlayOptions) {
    this.#options = options;
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    const stage = await this.#setStage();
    const web = await this.#startServices(stage);
    await this.#startSealed(stage);
    await this.#untilAllUp();
    this.#introduce(stage, web.largeHash);
    await this.#openPage(web.pageHash);
    if (this.#options.isOnce) return this.#untilSeen(stage);
    while (!this.#isStopping) {
      await this.#look(stage);
      await pause(LOOK_MS);
    }
  }

  /** Ends everything and the process; called a second time, at once. */
  async stop(code: number, why = "stopped"): Promise<void> {
    if (this.#isStopping) {
      this.#stage?.cast.kill();
      process.exit(code);
    }
    this.#isStopping = true;
    await this.#stage?.cast.stop();
    if (this.#stage !== null) await closePlace(this.#stage.place);
    removeFolder(this.#folder);
    this.#display.note(why);
    process.exit(code);
  }

  async #setStage(): Promise<Stage> {
    const place = await makePlace(this.#options.isLoopback);
    const cast = new Cast(this.#folder, place.namespaces, {
      note: (text) => this.#display.note(text),
      gaveUp: (why) => void this.stop(1, why),
    });
    this.#stage = { place, cast };
    return this.#stage;
  }

  /** The services, which know nothing of tunnels. */
  async #startServices({ place, cast }: Stage) {
    const { web, viewer, hosts } = place;
    cast.start("web service", hosts.web, own("web-service.ts"), web.host, web.port);
    const spots = [viewer.video.host, viewer.video.port, viewer.page.port];
    cast.start("viewer", hosts.centre, own("viewer.ts"), ...spots);
    await cast.untilTold("viewer");
    return cast.untilTold("web");
  }

  /** The site's files, then what reads them, and the camera. */
  async #startSealed(stage: Stage): Promise<void> {
    const { place, cast } = stage;
    const { webPort, screenPort, engine } = this.#options;
    const connectorFromOffice = await this.#uplink(stage);
    const gatewayPort = place.gateway.port;
    writeSite(this.#folder, { ...place, connectorFromOffice, webPort, screenPort, gatewayPort });
    const { hosts } = place;
    const file = (name: string) => join(this.#folder, `${name}.toml`);
    cast.start("Connector", hosts.relay, SEALED, "connector", "run", file("relay"));
    for (const name of STLINK_NAMES) {
      const host = name === "office" ? hosts.own : hosts[name];
      const under = name === "site" ? engine : "v8";
      cast.start(name, host, SEALED, "stlink", "run", file(name), "--engine", under);
    }
    const { gateway } = place;
    cast.start("camera", hosts.camera, own("camera.ts"), gateway.host, gateway.port);
  }

  /** Where the office finds the Connector: itself, or a forwarder in its own network. */
  async #uplink({ place, cast }: Stage): Promise<Spot> {
    const { uplink, connector } = place;
    if (uplink.kind !== "forwarder") return connector;
    const path = join(this.#folder, "uplink.sock");
    const far = [path, connector.host, connector.port];
    cast.start("forwarder", uplink.from, own("forwarder.ts"), ...far);
    await cast.untilTold("forwarder");
    return { host: LOOPBACK, port: await forward({ host: LOOPBACK, port: 0 }, { path }) };
  }

  async #untilAllUp(): Promise<void> {
    for (let ms = 0; ms < UP_MS; ms += LOOK_MS / 5) {
      const seen = await this.#ask();
      if (seen?.stlinks.every(({ hop }) => hop === "up")) {
        this.#connectorPid = seen.pid;
        return;
      }
      await pause(LOOK_MS / 5);
    }
    throw new Error(`not every STLink has reached the Connector after ${UP_MS / 1000} s`);
  }

  #introduce({ place, cast }: Stage, largeHash: string): void {
    const { webPort, screenPort, engine } = this.#options;
    const pids = new Map(PLAYERS.map((name) => [name, cast.pid(name)]));
    const folder = this.#folder;
    this.#display.introduce({ place, webPort, screenPort, engine, pids, folder, largeHash });
  }

  /** A page through the tunnel, against what the service says that it serves. */
  async #openPage(expectedHash: string): Promise<void> {
    const url = `http://${LOOPBACK}:${this.#options.webPort}/`;
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
    const bytes = await response.bytes();
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash !== expectedHash) return this.stop(1, `${url}: the bytes differ from the service's`);
    this.#display.note(
      `Opened ${url}: the same ${bytes.length} bytes that the service gave (SHA-256 ${hash.slice(0, 16)}..).\n`,
    );
  }

  async #untilSeen({ cast }: Stage): Promise<void> {
    while ((cast.told("received")?.frame ?? 0) < FRAMES_ENOUGH) await cast.news();
    const frame = cast.told("received")?.frame;
    await this.stop(0, `Frame ${frame} of the camera is in the command centre.`);
  }

  /** Shows what the Connector sees now, and says when it is another process. */
  async #look({ cast }: Stage): Promise<void> {
    const seen = await this.#ask();
    if (seen === null || this.#isStopping) return;
    if (seen.pid !== this.#connectorPid) {
      this.#display.note(`The Connector is back: kill -9 ${seen.pid} to try that again`);
    }
    this.#connectorPid = seen.pid;
    this.#display.show(seen, { sent: cast.told("sent"), received: cast.told("received") });
  }

  /** `sealed status --json`, of the Connector; null while it does not answer. */
  async #ask(): Promise<Seen | null> {
    try {
      const answer = (await askSocket(statusSocket(this.#folder, "relay"))) as Partial<Seen>;
      return answer.role === "connector" ? (answer as Seen) : null;
    } catch {
      return null;
    }
  }
}

/** Whose process ids are shown. */
const PLAYERS = ["Connector", ...STLINK_NAMES, "web service", "camera", "viewer"] as const;

function own(file: string): string {
  return join(import.meta.dirname, file);
}
