// SPDX-License-Identifier: Apache-2.0
// Tickets that a Connector turned away (TURNED), in the audit log, so that the administrator sees each reason. Before
// it: a desk, which anybody with a network can make tell them. After it: the audit log. Invariants: a code has at most
// MOST entries in a minute, all codes EVERY_MOST, and what was left out is counted in the next entry.

import type { DeskMessageOf } from "../../connector/desk/messages.ts";
import { hex } from "../../service/hex.ts";
import { reasonName } from "../../stlink/reasons.ts";
import type { Key } from "../domain/fields.ts";
import { readCode } from "../store/codes.ts";
import type { Office } from "./office.ts";
import { Pace } from "./pace.ts";

const MOST = 3;
const EVERY_MOST = 30;
const MINUTE_MS = 60_000;
/** The same key with the same reason is the same story. */
const SAME_MS = 600_000;
const CODES_MOST = 1000;

type Story = { pace: Pace; leftOut: number; told: Map<string, number> };

export class Alarms {
  readonly #office: Office;
  readonly #stories = new Map<string, Story>();
  readonly #all: Pace;

  constructor(office: Office) {
    this.#office = office;
    this.#all = new Pace(office.world.clock, {
      burst: EVERY_MOST,
      everyMs: MINUTE_MS / EVERY_MOST,
    });
  }

  /** A ticket was refused at this Connector. */
  turned(connector: Key, { codeId, key, reason, source }: DeskMessageOf<"TURNED">): void {
    const id = hex(codeId);
    // Guessed codes are one story: there are as many as somebody likes to guess.
    const story = this.#story(readCode(this.#office.db, id) === null ? "" : id);
    const what = { reason: reasonName(reason), key: hex(key), source, connector };
    if (!this.#isDue(story, `${what.reason} ${what.key}`)) {
      story.leftOut += 1;
      return;
    }
    const after = story.leftOut === 0 ? what : { ...what, leftOut: story.leftOut };
    const entry = { what: "turned away", kind: "code", id, name: id, before: null, after };
    const attempt = this.#office.change(`connector ${connector}`, "write an alarm", (change) =>
      change.audit(entry),
    );
    if (attempt.ok) story.leftOut = 0;
    this.#office.log.warn({ code: id, ...what }, "a Connector has refused an activation code");
  }

  #isDue({ pace, told }: Story, same: string): boolean {
    const now = this.#office.world.clock.now();
    const before = told.get(same);
    if (before !== undefined && now - before < SAME_MS) return false;
    if (pace.waitMs() > 0 || !this.#all.take()) return false;
    pace.take();
    if (told.size >= MOST * 10) told.clear();
    told.set(same, now);
    return true;
  }

  #story(id: string): Story {
    const known = this.#stories.get(id);
    if (known !== undefined) return known;
    if (this.#stories.size >= CODES_MOST) this.#stories.clear();
    const pace = new Pace(this.#office.world.clock, { burst: MOST, everyMs: MINUTE_MS / MOST });
    const story = { pace, leftOut: 0, told: new Map() };
    this.#stories.set(id, story);
    return story;
  }
}
