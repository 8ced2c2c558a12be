// SPDX-License-Identifier: Apache-2.0
// How streams share a device's block pool (rule M1, PROTOCOL 7.7): one that sends alone holds what nobody
// else needs, streams that send at once hold about the same, and a new one has its minimum, also beside a
// stream whose peer has fallen silent. Before it: host/core/sizes.ts. In simulation: test/sim/world.ts.

import { afterEach, describe, expect, it } from "vitest";
import { DESKTOP_SIZES, DEVICE_SIZES } from "../../host/core/core.ts";
import type { Flow } from "../sim/flow.ts";
import { World } from "../sim/world.ts";

const RECORD = DEVICE_SIZES.maxRecordBytes;
/** More than any test moves. */
const ENDLESS = 1 << 30;
const LATENCY_MS = 10;
const UP_MS = 3000;
const DESKTOP = { ...DESKTOP_SIZES, streams: 8, recvBlocks: 512, sendBlocks: 512 };

let world: World | null = null;

function device(...desktops: string[]): World {
  const sizesOf = Object.fromEntries(desktops.map((name) => [name, DESKTOP]));
  world = new World({
    seed: "device store",
    stlinks: ["device", ...desktops],
    sizesOf: { device: DEVICE_SIZES, ...sizesOf },
    line: { latencyMs: LATENCY_MS },
  });
  return world;
}

/** The device sends to `desktop` as much as it can. */
function download(to: World, desktop: string): Flow {
  const plan = { opener: desktop, accepter: "device", upBytes: 10, downBytes: ENDLESS };
  return to.flow({ ...plan, pieceBytes: RECORD });
}

/** Bytes that have arrived of each, from now on, in `ms`. */
function arrivals(of: World, flows: readonly Flow[], ms: number): number[] {
  const before = flows.map(({ opener }) => opener.got);
  of.run(ms);
  return flows.map(({ opener }, i) => opener.got - (before[i] ?? 0));
}

function inFlight({ accepter, opener }: Flow): number {
  return accepter.sent - opener.got;
}

afterEach(() => {
  world?.close();
  world = null;
});

describe("the pool of a device", () => {
  it("holds nine records of one busy stream while the others are closed", () => {
    const one = device("desktop");
    const flow = download(one, "desktop");
    let most = 0;
    one.run(UP_MS, () => {
      most = Math.max(most, inFlight(flow));
      return false;
    });
    expect(most).toBe(9 * RECORD);
  });

  it("gives two streams of a second desktop their minimum while the first one holds the rest, silent", () => {
    const both = device("silent", "second");
    const held = download(both, "silent");
    both.run(UP_MS);
    both.stlink("silent").sleep();
    both.run(UP_MS);
    // The last one may have arrived, its ACK not.
    const holding = inFlight(held);
    expect(holding).toBeGreaterThanOrEqual(8 * RECORD);
    const flows = [download(both, "second"), download(both, "second")];
    both.run(UP_MS);
    for (const bytes of arrivals(both, flows, UP_MS)) expect(bytes).toBeGreaterThan(10 * RECORD);
    expect(inFlight(held)).toBe(holding);
  });

  it("takes what it lent back as it is acknowledged, so that every stream it has room for opens", () => {
    const one = device("desktop");
    const flows: Flow[] = [];
    for (let i = 0; i < DEVICE_SIZES.streams; i++) {
      flows.push(download(one, "desktop"));
      one.run(UP_MS);
    }
    for (const bytes of arrivals(one, flows, UP_MS)) expect(bytes).toBeGreaterThan(10 * RECORD);
  });

  it("comes to lend two streams the same, whoever was first", () => {
    const one = device("desktop");
    const flows = [download(one, "desktop")];
    one.run(UP_MS);
    flows.push(download(one, "desktop"));
    one.run(UP_MS);
    const [first = 0, second = 0] = arrivals(one, flows, UP_MS);
    expect(Math.abs(first - second)).toBeLessThan((first + second) / 8);
  });
});
