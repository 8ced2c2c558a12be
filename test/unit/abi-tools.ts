// SPDX-License-Identifier: Apache-2.0
// What the tests of the ABI share: an instance in each of its states, a call whose result is named, and
// the proof that an instance still works. Before it: host/core. After it: abi-*.test.ts.

import { Core, statusName } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A } from "../reference/world.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { openTestEngine } from "./core-world.ts";

const random = seededRandom("abi tools");

export type State = "fresh" | "stlink" | "connector" | "stopped";
export const STATES: State[] = ["fresh", "stlink", "connector", "stopped"];

/** An instance in one of its states. */
export function instance(state: State): Core {
  const sizes = state === "connector" ? TEST_CONNECTOR_SIZES : TEST_SIZES;
  const core = new Core(openTestEngine("v8", sizes));
  if (state === "fresh") return core;
  core.start(state === "connector" ? "connector" : "stlink", sizes, 5);
  if (state === "stopped") core.stop();
  return core;
}

/** Whether the instance can be started anew and makes a hop's handshake. */
export function starts(core: Core): boolean {
  core.stop();
  core.start("stlink", TEST_SIZES, 9);
  const secret = random(32);
  core.setIdentity(secret, publicKey(secret), ID_A);
  core.feed(random(32));
  const hop = core.hopDial(publicKey(random(32)));
  while (core.work());
  return core.hopTake(hop).length === 1251;
}

/** Calls an export; the status that it returns, by name. */
export const raw = (core: { engine: CoreEngine }, name: string, ...args: number[]) =>
  statusName(core.engine.call(name, ...args));
