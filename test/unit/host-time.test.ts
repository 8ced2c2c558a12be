// SPDX-License-Identifier: Apache-2.0
// The hosts tell their cores the time before what comes between two ticks: a core that had nothing to do
// for a minute does not know that it has passed. A Connector and an STLink of host/, on a network and a
// clock in memory. DESIGN section 6; PROTOCOL.md section 11 (10 s for a hop's handshake).

import { expect, it } from "vitest";
import { Connector } from "../../host/connector/connector.ts";
import { Core, HopState } from "../../host/core/core.ts";
import type { Connection, ConnectionEvents, Transport } from "../../host/net/transport.ts";
import type { World } from "../../host/net/world.ts";
import { Agent } from "../../host/stlink/agent.ts";
import type { HopEvent } from "../../host/stlink/hop.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A, ID_B } from "../reference/world.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { openTestEngine } from "./core-world.ts";

const ADDRESS = { host: "connector.test", port: 443 };
const LATENCY_MS = 20;

type Job = { atMs: number; run: () => void };

/** A clock that the test moves, and the one listener of its network. */
class MemoryWorld implements World {
  nowMs = 0;
  readonly entropy = seededRandom("host time");
  accept: ((connection: Connection) => ConnectionEvents | null) | null = null;
  readonly #jobs = new Set<Job>();

  readonly clock = {
    now: () => this.nowMs,
    after: (ms: number, run: () => void) => {
      const job = { atMs: this.nowMs + ms, run };
      this.#jobs.add(job);
      return () => void this.#jobs.delete(job);
    },
    soon: (run: () => void) => void this.clock.after(0, run),
  };

  readonly transport: Transport = {
    connect: (_address, events) => {
      const [mine, theirs] = [new MemoryConnection(this), new MemoryConnection(this)];
      [mine.other, theirs.other] = [theirs, mine];
      mine.events = events;
      this.clock.after(LATENCY_MS, () => {
        theirs.events = this.accept?.(theirs) ?? null;
        if (theirs.events === null) return events.closed("Refused");
        events.opened?.();
      });
      return mine;
    },
    lookup: async (host) => [host],
    listen: async (address, accept) => {
      this.accept = accept;
      return { address, close: () => undefined };
    },
  };

  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let jobs = 0; jobs < 100_000; jobs++) {
      const [next] = [...this.#jobs].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#jobs.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
}

class MemoryConnection implements Connection {
  readonly remoteHost = "192.0.2.1";
  readonly unsentBytes = 0;
  other: MemoryConnection | null = null;
  events: ConnectionEvents | null = null;
  readonly #world: MemoryWorld;

  constructor(world: MemoryWorld) {
    this.#world = world;
  }

  write(bytes: Uint8Array): number {
    const copy = bytes.slice();
    this.#world.clock.after(LATENCY_MS, () => this.other?.events?.data(copy));
    return 0;
  }

  pause(): void {}
  resume(): void {}
  end(): void {
    this.close();
  }
  reset(): void {
    this.close();
  }
  close(): void {
    const { other } = this;
    this.events = null;
    this.#world.clock.after(LATENCY_MS, () => other?.events?.closed(null));
  }
}

function site() {
  const world = new MemoryWorld();
  const [stlinkKey, connectorKey] = [world.entropy(32), world.entropy(32)];
  const connector = new Connector({
    core: new Core(openTestEngine("v8", TEST_CONNECTOR_SIZES)),
    world,
    sizes: TEST_CONNECTOR_SIZES,
    privateKey: connectorKey,
    publicKey: publicKey(connectorKey),
    admitted: [{ id: ID_A, key: publicKey(stlinkKey) }],
    pairs: [[ID_A, ID_B]],
    queueBytes: 100_000,
  });
  const agent = new Agent({
    core: new Core(openTestEngine()),
    world,
    sizes: TEST_SIZES,
    privateKey: stlinkKey,
    publicKey: publicKey(stlinkKey),
    id: ID_A,
  });
  const events: HopEvent[] = [];
  const dial = () => {
    const to = { address: ADDRESS, key: publicKey(connectorKey) };
    agent.keepHop(to, (event) => events.push(event));
    world.run(1000);
  };
  return { world, connector, agent, events, dial };
}

it("a Connector and an STLink that had nothing to do for 50 s have a hop at the first try", async () => {
  const { world, connector, agent, events, dial } = site();
  await connector.start(ADDRESS);
  agent.wake();
  world.run(50_000);
  dial();
  expect(events).toEqual([{ kind: "up" }]);
});

it("a stream that is opened after 50 quiet seconds is held from then on", () => {
  const core = new Core(openTestEngine());
  core.start("stlink", TEST_SIZES, 0);
  const link = core.linkAdd({ id: ID_B, key: publicKey(seededRandom("peer")(32)) });
  core.tick(0);
  core.clock(50_000);
  const stream = core.streamOpen(link, 1, ID_A, ID_B);
  core.engine.call("stream_hold", stream, 10_000);
  core.tick(59_999);
  expect(core.streamFlags(stream) & 32).toBe(0);
  core.tick(60_000);
  expect([core.streamFlags(stream) & 32, core.streamInfo(stream).reason]).toEqual([32, 9]);
});

it("a Connector gives a record its 5 s from its first byte", () => {
  const core = new Core(openTestEngine("v8", TEST_CONNECTOR_SIZES));
  core.start("connector", TEST_CONNECTOR_SIZES, 0);
  const hop = core.hopAccept();
  core.tick(0);
  core.clock(6000);
  core.hopPut(hop, Uint8Array.of(0xe1));
  core.tick(6001);
  expect(core.hopState(hop).state).toBe(HopState.Handshake);
});
