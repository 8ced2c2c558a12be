// SPDX-License-Identifier: Apache-2.0
// A connection inside the process keeps the promises of a connection (host/net/transport.ts): order, back-
// pressure, half-close, reset; `closed` comes last and once, and nothing before the caller's call is over.

import { describe, expect, it } from "vitest";
import { dialPair, type Take } from "../../host/net/pair.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import type { Connection, ConnectionEvents } from "../../host/net/transport.ts";

/** What one end has heard, in order. */
function ears(name: string, heard: string[]): ConnectionEvents {
  return {
    opened: () => heard.push(`${name} opened`),
    data: (bytes) => heard.push(`${name} ${Buffer.from(bytes)}`),
    drained: () => heard.push(`${name} drained`),
    ended: () => heard.push(`${name} ended`),
    closed: (why) => heard.push(`${name} closed ${why}`),
  };
}

function dialled(isTaken = true) {
  const sim = new SimClock();
  const clock = {
    now: () => sim.nowMs,
    after: (ms: number, then: () => void) => {
      const timer = sim.after(ms, then);
      return () => sim.cancel(timer);
    },
    soon: (then: () => void) => void sim.after(0, then),
  };
  const heard: string[] = [];
  const taken: Connection[] = [];
  const take: Take = (end) => {
    taken.push(end);
    return isTaken ? ears("far", heard) : null;
  };
  const near = dialPair(clock, "here", ears("near", heard), take);
  const run = (): string[] => {
    while (sim.step(sim.nowMs));
    return heard.splice(0);
  };
  return { near, far: () => taken[0] as Connection, run };
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe("a pair of connections", () => {
  it("opens, and carries bytes in order both ways", () => {
    const { near, far, run } = dialled();
    expect(run()).toEqual(["near opened"]);
    expect(far().remoteHost).toBe("here");
    expect(near.write(bytes("one"))).toBe(3);
    near.write(bytes("two"));
    far().write(bytes("three"));
    expect(run()).toEqual(["far one", "far two", "near drained", "near three", "far drained"]);
    expect(near.unsentBytes).toBe(0);
  });

  it("is refused where nobody takes it", () => {
    expect(dialled(false).run()).toEqual(["near closed Refused"]);
  });

  it("holds what is not read, and says when it is", () => {
    const { near, far, run } = dialled();
    run();
    far().pause();
    near.write(bytes("one"));
    expect([run(), near.unsentBytes]).toEqual([[], 3]);
    far().resume();
    expect(run()).toEqual(["far one", "near drained"]);
  });

  it("tells of a half-close once, behind the bytes, and carries the other way still", () => {
    const { near, far, run } = dialled();
    run();
    near.write(bytes("last"));
    near.end();
    expect(run()).toEqual(["far last", "near drained", "far ended"]);
    far().pause();
    far().resume();
    far().write(bytes("more"));
    expect(run()).toEqual(["near more", "far drained"]);
  });

  it("closes both ends behind what was written", () => {
    const { near, run } = dialled();
    run();
    near.write(bytes("last"));
    near.close();
    expect(run()).toEqual(["far last", "near drained", "near closed null", "far closed null"]);
    near.write(bytes("late"));
    near.reset();
    expect(run()).toEqual([]);
  });

  it("resets the other end, without what was not delivered", () => {
    const { near, far, run } = dialled();
    run();
    far().pause();
    near.write(bytes("lost"));
    near.reset();
    expect(run()).toEqual(["near closed null", "far closed Reset"]);
  });
});
