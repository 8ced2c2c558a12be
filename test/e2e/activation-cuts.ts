// SPDX-License-Identifier: Apache-2.0
// Activations whose connection is cut behind a byte, wherever that is, the first time that a device shows its code:
// each device has to end up activated, once. Before it: commander-codes.test.ts with some places, shows.ts with all.
// After it: up-site.ts, cut-line.ts; the devices are STLinks in this process. Rule T7.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../host/service/log.ts";
import { startCommanded } from "../../host/stlink/commanded.ts";
import { StateFolder } from "../../host/stlink/state-folder.ts";
import { type Cut, CutLine } from "./cut-line.ts";
import { type MadeCode, UpSite } from "./up-site.ts";

export type Activations = {
  /** Devices that ended with an id of their own. */
  activated: number;
  /** STLinks that the Commander has beyond one for each device. */
  extra: number;
  /** Codes that were used more than once, or not at all. */
  wrongCodes: number;
  /** Connections that were cut: a place behind the last byte cuts none. */
  cut: number;
  /** From the code to the Commander's having heard that its configuration is in force. */
  halfMs: number;
  slowest: { place: Cut; ms: number };
};

/** A Connector serves ten tickets at once; each may still have the place of the connection before. */
const AT_ONCE = 4;
const ACTIVATION_MS = 90_000;
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

type Activated = { id: string; ms: number; line: CutLine };
type Done = Activated & { place: Cut };

export class ActivationCuts {
  readonly #site: UpSite;
  readonly #profile: string;
  #devices = 0;

  private constructor(site: UpSite, profile: string) {
    this.#site = site;
    this.#profile = profile;
  }

  static async start(): Promise<ActivationCuts> {
    const site = await UpSite.start();
    const { id } = await site.json<{ id: string }>("profile", "add", "devices");
    return new ActivationCuts(site, id);
  }

  /** Bytes that pass each way while nothing is cut, over the connection that shows the code. */
  async lengths(): Promise<{ up: number; down: number }> {
    const { line } = await this.#activate(null);
    return line.first;
  }

  /** One device for each place. */
  async cutAt(places: readonly Cut[], tell: (text: string) => void): Promise<Activations> {
    const before = this.#countStlinks();
    const left = [...places];
    const done: Done[] = [];
    const work = async () => {
      for (let place = left.shift(); place !== undefined; place = left.shift()) {
        done.push({ ...(await this.#activate(place)), place });
        tell(`${done.length} of ${places.length} devices activated`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const byTime = done.toSorted((one, other) => one.ms - other.ms);
    const [half, slowest] = [byTime[byTime.length >> 1], byTime.at(-1)] as [Done, Done];
    return {
      activated: new Set(done.map(({ id }) => id)).size,
      extra: this.#countStlinks() - before - places.length,
      wrongCodes: this.#countWrongCodes(),
      cut: done.filter(({ line }) => line.isCut).length,
      halfMs: half.ms,
      slowest: { place: slowest.place, ms: slowest.ms },
    };
  }

  #countStlinks(): number {
    return this.#site.count("SELECT count(*) AS n FROM stlink_facts");
  }

  #countWrongCodes(): number {
    const uses = "json_array_length(body, '$.uses')";
    return this.#site.count(
      `SELECT count(*) AS n FROM codes WHERE profile_id = ? AND ${uses} <> 1`,
      this.#profile,
    );
  }

  async #activate(place: Cut | null): Promise<Activated> {
    const { text } = await this.#site.ask<MadeCode>("POST", `/profiles/${this.#profile}/codes`);
    await this.#site.published();
    const line = await CutLine.start(this.#site.connectorPort, place);
    const folder = StateFolder.make(join(this.#site.folder, `device-${this.#devices++}`));
    folder.save("code", text);
    const startedMs = performance.now();
    const running = startCommanded({ folder, log: SILENT, world: line.world });
    try {
      const whole = running.activated.then(async (id) => {
        await this.#site.confirmed(id);
        return id;
      });
      const id = await inTime(whole, `an activation, cut at ${JSON.stringify(place)}`);
      return { id, ms: performance.now() - startedMs, line };
    } finally {
      await running.stop();
      line.stop();
      rmSync(folder.path, { recursive: true });
    }
  }
}

async function inTime<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}, has not ended`)), ACTIVATION_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
