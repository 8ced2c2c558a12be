// SPDX-License-Identifier: Apache-2.0
// What the parts of a Commander's STLink share: the database behind its registry, the core, time, the log; and how a
// part writes to a database that may be full or locked. Before it: control.ts. After it: every part. Invariant: what
// could not be written is said, once a minute, and nobody is answered for it.

import type { World } from "../../net/world.ts";
import type { Log } from "../../service/log.ts";
import { Seldom } from "../../service/seldom.ts";
import type { Agent } from "../../stlink/agent.ts";
import type { Authority } from "../domain/configuration.ts";
import { Refusal } from "../domain/problem.ts";
import type { Registry } from "../registry.ts";
import type { Change } from "../store/change.ts";
import type { Database } from "../store/database.ts";
import { readAuthority } from "../store/site.ts";

export type OfficeOptions = { registry: Registry; world: World; log: Log; agent: Agent };

/** What was done, or that it could not be. */
export type Attempt<Value> = { ok: true; value: Value } | { ok: false; refusal: Refusal };

export class Office {
  readonly registry: Registry;
  readonly world: World;
  readonly log: Log;
  readonly agent: Agent;
  readonly #seldom: Seldom;

  constructor({ registry, world, log, agent }: OfficeOptions) {
    this.registry = registry;
    this.world = world;
    this.log = log;
    this.agent = agent;
    this.#seldom = new Seldom(world.clock, (text) => log.error({}, text));
  }

  get db(): Database {
    return this.registry.db;
  }

  /** Throws where nobody has founded the site. */
  get authority(): Authority {
    const authority = readAuthority(this.db);
    if (authority === null) throw new Error("nobody has founded the site");
    return authority;
  }

  /** So many random bytes. */
  readonly random = (length: number): Uint8Array => new Uint8Array(this.world.entropy(length));

  /** A change in the name of `who`; `what` it is for goes on from "can't". */
  change<Value>(who: string, what: string, act: (change: Change) => Value): Attempt<Value> {
    return this.attempt(what, () => this.registry.change(who, act));
  }

  /** Does it, or says what kept it from being done. Throws what is no Refusal. */
  attempt<Value>(what: string, act: () => Value): Attempt<Value> {
    try {
      return { ok: true, value: act() };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const why = error.message;
      this.#seldom.warn(`${what} ${error.problems[0]?.code}`, () => `can't ${what}: ${why}`);
      return { ok: false, refusal: error };
    }
  }

  /** At most once a minute for each kind. */
  warnSeldom(kind: string, text: () => string): void {
    this.#seldom.warn(kind, text);
  }
}
