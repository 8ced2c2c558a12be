// SPDX-License-Identifier: Apache-2.0
// What a person hears of the hops to one Connector. Before it: kept-connector.ts's events. After it: the
// log, and the last error in the status. PROTOCOL 13.2 has the reasons.

import { Reason } from "../core/abi.gen.ts";
import type { Log } from "../service/log.ts";
import type { HopEvent } from "./kept-connector.ts";
import { CODE_ADVICE, reasonName } from "./reasons.ts";

/** What to do about a reason that only a person can put right. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [
    Reason.NotAdmitted,
    "the Connector does not admit this STLink's key: give its operator what keygen printed for it, or ask the Commander's administrator whether it was revoked",
  ],
  [
    Reason.Superseded,
    "another process has made a hop with this STLink's key: a key is for one STLink, stop the other",
  ],
  [
    Reason.KeyUsedTwice,
    "this STLink's key is in use at two places: stop one of them, and if you know of none, make a new key",
  ],
  [Reason.Revoked, "the Connector's operator has revoked this STLink's key"],
  ...CODE_ADVICE,
]);

export class HopLog {
  readonly #log: Log;
  readonly #connector: string;
  lastError: string | null = null;

  constructor(log: Log, connector: string) {
    this.#log = log;
    this.#connector = connector;
  }

  hear(event: HopEvent): void {
    const connector = this.#connector;
    if (event.kind === "up") return this.#log.info({ connector }, "hop up");
    if (event.kind === "silent") {
      const { silentMs } = event;
      this.lastError = `silent for ${silentMs} ms`;
      return this.#log.warn({ connector, silentMs }, "hop silent: another is dialled beside it");
    }
    if (event.kind === "drain") {
      return this.#log.info({ connector, afterMs: event.afterMs }, "the Connector is to stop");
    }
    const reason = event.reason === 0 ? event.why : reasonName(event.reason);
    const advice = ADVICE.get(event.reason);
    this.lastError = advice === undefined ? reason : `${reason}: ${advice}`;
    const fields = { connector, reason, redialMs: event.redialMs };
    this.#log.warn(advice === undefined ? fields : { ...fields, advice }, "hop down");
  }
}
