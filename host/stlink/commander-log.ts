// SPDX-License-Identifier: Apache-2.0
// What a person hears of the Commander: refusals, the lease, its recovery key, peers whose keys have changed
// unannounced. Before it: commanded.ts, after each turn. After it: the log; the end of an activation that was
// refused. PROTOCOL 10.4 to 10.6.

import { Reason, Status } from "../core/abi.gen.ts";
import { type ControlView, statusName } from "../core/core.ts";
import type { Log } from "../service/log.ts";
import { CODE_ADVICE, reasonName } from "./reasons.ts";

/** The public key, and the fingerprint of the pair that it is with the Commander (rule T7). */
export type OwnPrint = { publicKey: string; fingerprint: string };

const NOTHING: ControlView = {
  phase: 0,
  refused: 0,
  leaseExpired: false,
  byRecoveryKey: false,
  peerKeyChanged: false,
};

/** Why the core takes nothing of a configuration or INSTALL that came. */
const CONFIG_REFUSALS: ReadonlyMap<number, string> = new Map([
  [Status.BadConfig, "it does not add up, or names other keys than this STLink trusts"],
  [Status.OldConfig, "it is not newer than the one in force"],
  [Status.NoLinkSlot, "it has more peers than this STLink has room for"],
]);

export class CommanderLog {
  readonly #log: Log;
  #before = NOTHING;
  #isHalfTold = false;
  /** Why the last configuration that came was not taken. */
  lastError: string | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * The core's view, after each turn; `own` is what an administrator compares while this STLink waits for approval,
   * `changed` are the names of peers whose keys wait for a person.
   */
  hear(now: ControlView, own: () => OwnPrint, changed: () => readonly string[]): void {
    const before = this.#before;
    this.#before = now;
    if (now.refused !== before.refused && now.refused !== 0) this.#hearRefusal(now, own());
    if (now.leaseExpired !== before.leaseExpired) this.#hearLease(now.leaseExpired);
    if (now.byRecoveryKey && !before.byRecoveryKey) {
      this.#log.warn({}, "the Commander speaks with its recovery key: it may install new keys");
    }
    if (now.peerKeyChanged && !before.peerKeyChanged) {
      const text =
        'keys of peers have changed unannounced, and their pinned Routes refuse: compare the fingerprints of "sealed status" with their owners, then "sealed stlink confirm PEER"';
      this.#log.warn({ peers: changed() }, text);
    }
  }

  /** The core took nothing of what came: a status. */
  hearDrop(status: number): void {
    const why = CONFIG_REFUSALS.get(status);
    if (why === undefined) return;
    const text = `a configuration was not taken (${statusName(status)}): ${why}`;
    // The one in force may come a second time.
    if (status === Status.OldConfig) return this.#log.info({}, text);
    this.lastError = text;
    this.#log.error({}, text);
  }

  /** A lease that has half its time left is told, once (rule T11: none ends silently). */
  hearLease(leftMs: number, wholeMs: number): void {
    const isHalf = leftMs < wholeMs / 2;
    if (isHalf && !this.#isHalfTold) {
      const leftSeconds = Math.floor(leftMs / 1000);
      const text =
        "the Commander has not been heard for half the lease: when it ends this STLink serves nobody but its Commander";
      this.#log.warn({ leftSeconds }, text);
    }
    this.#isHalfTold = isHalf;
  }

  #hearRefusal({ refused }: ControlView, own: OwnPrint): void {
    const reason = reasonName(refused);
    if (refused === Reason.WaitApproval) {
      const text =
        "waiting for approval: an administrator compares this fingerprint and approves it; this goes on by itself";
      return this.#log.warn({ reason, ...own }, text);
    }
    const advice = CODE_ADVICE.get(refused);
    this.#log.error(
      advice === undefined ? { reason } : { reason, advice },
      "the Commander refuses",
    );
  }

  #hearLease(isExpired: boolean): void {
    if (!isExpired) return this.#log.info({}, "the Commander is heard again: the lease is renewed");
    const text = "the lease has expired: nobody is served until the Commander is heard again";
    this.#log.error({}, text);
  }
}
