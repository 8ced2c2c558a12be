// SPDX-License-Identifier: Apache-2.0
// The hosts tell their cores the time before what comes between two ticks: a core that had nothing to do
// for a minute does not know that it has passed. The Connector and an STLink of host/, on a simulated
// network and clock. DESIGN section 6; PROTOCOL.md section 11 (10 s for a hop's handshake).

import { expect, it } from "vitest";
import { Core, HopState } from "../../host/core/core.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A, ID_B } from "../reference/world.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { openTestEngine } from "./core-world.ts";
import { UdpWorld } from "./udp-world.ts";

it("a Connector and an STLink that had nothing to do for 50 s have a hop at once, however it is cut", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = new UdpWorld(`quiet ${seed}`);
    await world.startConnector();
    world.near.agent.wake();
    await world.pass(50_000);
    await world.startNear();
    await world.pass(500);
    expect(world.near.hopEvents, `seed ${seed}`).toEqual([{ kind: "up" }]);
    world.stop();
  }
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
