// SPDX-License-Identifier: Apache-2.0
// What a play of the simulated site is, and what all plays look at. Before it: scenarios/commander.ts. After it: the
// plays beside this file, each one kind of trouble that issue and rules T name.

import type { LineOptions } from "../../../host/net/sim/pipe.ts";
import type { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import type { Site } from "./site.ts";
import type { SimStlink } from "./stlink.ts";

export type Play = {
  about: string;
  /** What the site is like; what is left out is drawn, or as it is for people. */
  options?: { connectors?: 1; lease?: string; line?: LineOptions };
  run(site: Site, prng: Prng): Promise<void>;
};

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

export function expect(isSo: boolean, text: string): asserts isSo {
  if (!isSo) throw new SimFailure(text);
}

/** A person beside the device reads why its code is not taken. */
export async function expectRefused(site: Site, device: SimStlink, why: string): Promise<void> {
  const more = () => `(${device.refusal})`;
  await site.until(
    `${device.name} is refused with ${why}`,
    () => device.refusal !== null,
    undefined,
    more,
  );
  expect(device.refusal?.startsWith(why) === true, `${device.name} is refused: ${device.refusal}`);
  expectOutside(device);
}

export function expectOutside(device: SimStlink): void {
  expect(device.stored === null, `${device.name} is activated`);
}

/** It had a key, and is nobody any more: no Connector lets it in, whatever it tries. */
export async function expectTurnedAway(site: Site, device: SimStlink): Promise<void> {
  device.restart(1);
  const isIn = await site.run(TRIES_MS, () => device.hasHop);
  expect(!isIn, `${device.name} has a hop, though it is nobody any more`);
}

/** A few tries of a hop. */
const TRIES_MS = 20_000;
