// SPDX-License-Identifier: Apache-2.0
// What the tests of the ABI share: an instance in each of its states, a call whose result is named, and
// the proof that an instance still works. Before it: host/core. After it: abi-*.test.ts, test/fuzz.

import { EXPORTS } from "../../host/core/abi.gen.ts";
import { Core, DEVICE_SIZES, type Sizes, statusName } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A } from "../reference/world.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { openTestEngine } from "./core-world.ts";

const random = seededRandom("abi tools");

export type State = "fresh" | "stlink" | "connector" | "stopped" | "device";
export const STATES: State[] = ["fresh", "stlink", "connector", "stopped"];

/** All exports and how many arguments each takes. */
export const EXPORTED = Object.entries(EXPORTS).map(([name, { params }]) => ({
  name,
  arity: params,
}));

/** Exports that take pointers of the caller, or serve vectors: not for calls at random. */
export function isRaw(name: string): boolean {
  return name.startsWith("prim_") || name.startsWith("test_");
}

const SIZES: Partial<Record<State, Sizes>> = {
  connector: TEST_CONNECTOR_SIZES,
  device: DEVICE_SIZES,
};

/** An instance in one of its states; "device": an STLink that takes a code and a configuration. */
export function instance(state: State): Core {
  const sizes = SIZES[state] ?? TEST_SIZES;
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
