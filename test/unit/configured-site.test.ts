// SPDX-License-Identifier: Apache-2.0
// A Commander's configuration as what an STLink is to do: the reference encodes, the core takes it into
// force, and every field comes out. PROTOCOL 10.3.

import { describe, expect, test } from "vitest";
import { Core, DESKTOP_SIZES } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { configuredSite, headOf } from "../../host/stlink/configured-site.ts";
import { commandedSizes } from "../../host/stlink/site-sizes.ts";
import { fromHex } from "../reference/bytes.ts";
import {
  type Configuration,
  configurationHash,
  encodeConfiguration,
  encodeStored,
} from "../reference/configuration.ts";

const prng = new Prng("configured site");
const id = (first: number): Uint8Array => Uint8Array.of(first, 0xbb, 0xcc, 0xdd, ...prng.bytes(12));
const key = (): Uint8Array => Uint8Array.of(...prng.bytes(31), 1);
const NONE = new Uint8Array(16);
const NO_KEY = new Uint8Array(32);

const [commanderId, camera, twin, other] = [id(1), id(2), id(2), id(3)];
const peer = (of: Uint8Array, psk: Uint8Array = NO_KEY, nextKey: Uint8Array = NO_KEY) => {
  return { id: of, key: key(), nextKey, keyEpoch: 1, pskName: new Uint8Array(8), psk };
};
const route = { flags: 0, holdSeconds: 90, port: 8443 };
const psk = key();
const config: Configuration = {
  epoch: 3,
  serial: 7n,
  id: id(9),
  leaseSeconds: 3600,
  commanderKey: key(),
  recoveryKey: key(),
  commanderId,
  connectors: [
    { key: key(), psk, address: "relay.example:8443" },
    { key: key(), psk: NO_KEY, address: "nonsense" },
    { key: key(), psk: NO_KEY, address: "[::1]:443" },
  ],
  peers: [peer(commanderId, psk), peer(camera, psk), peer(twin), peer(other, NO_KEY, psk)],
  routes: [
    {
      ...route,
      id: id(4),
      kind: 1,
      protocol: 1,
      address: "192.168.0.1",
      peers: [camera, other],
      mappingId: NONE,
    },
    {
      ...route,
      id: id(5),
      kind: 2,
      protocol: 2,
      holdSeconds: 1_000_000,
      address: "eth0",
      peers: [other],
      mappingId: id(6),
      options: [
        { type: 1, value: fromHex("0418c0a80000") },
        { type: 1, value: fromHex(`0608fd${"00".repeat(15)}`) },
        { type: 2, value: fromHex("1400") },
        { type: 3, value: fromHex("00001000") },
        { type: 4, value: fromHex("60ea0000") },
        { type: 5, value: fromHex("0a00") },
        { type: 6, value: fromHex("0700") },
      ],
    },
  ],
};

function inForce(stored: Uint8Array, sizes = DESKTOP_SIZES): Core {
  const core = new Core(openCore());
  core.start("stlink", sizes, 0);
  const secret = key();
  core.setIdentity(secret, core.publicKey(secret), NONE);
  core.loadConfiguration(stored);
  return core;
}

test("every field comes out; the Commander's own entry is no peer", () => {
  const stored = encodeStored(config);
  const head = headOf(stored, config.peers.length);
  expect(head).toMatchObject({ epoch: 3, serial: 7n, leaseMs: 3_600_000, id: config.id });
  expect(head.commanderId).toEqual(commanderId);
  const hash = configurationHash(encodeConfiguration(config));
  expect(Buffer.compare(head.hash, hash)).toBe(0);

  const site = configuredSite(inForce(stored), head);
  expect(site.connectors).toEqual([
    {
      name: "relay.example:8443",
      address: { host: "relay.example", port: 8443 },
      key: config.connectors[0]?.key,
      psk,
    },
    { name: "[::1]:443", address: { host: "::1", port: 443 }, key: expect.anything(), psk: null },
  ]);
  expect(site.findings).toEqual([expect.stringMatching(/"nonsense", which is no "host:port"/)]);
  const [first, second, third] = site.peers;
  expect(site.peers).toHaveLength(3);
  expect(first).toMatchObject({ id: camera, psk, nextKey: null, index: 1 });
  expect(third).toMatchObject({ name: "03bbccdd", nextKey: psk, psk: null, index: 3 });
  // Two that begin alike are called by all of their digits.
  expect([first?.name, second?.name].map((name) => name?.length)).toEqual([32, 32]);
  expect(site.mappings).toEqual([
    {
      name: "04bbccdd",
      id: config.routes[0]?.id,
      protocol: "tcp",
      host: "192.168.0.1",
      port: 8443,
      peers: [first?.name, "03bbccdd"],
      times: { holdMs: 90_000, idleMs: 30_000, ageMs: 2000, flows: 1024 },
    },
  ]);
  expect(site.bindings).toMatchObject([
    {
      name: "05bbccdd",
      protocol: "udp",
      listenOn: "eth0",
      mappingId: config.routes[1]?.mappingId,
      peers: ["03bbccdd"],
      // An age of 10 ms is less than a site's file may say.
      times: { holdMs: 86_400_000, idleMs: 60_000, ageMs: 50, flows: 7 },
      access: {
        sources: ["192.168.0.0/24", "fd00:0:0:0:0:0:0:0/8"],
        connections: 20,
        bytesPerSecond: 1 << 20,
      },
    },
  ]);
});

test("a Binding with an option that is not known is left out, and that is said; a Mapping is not", () => {
  const options = [{ type: 9, value: Uint8Array.of(1) }];
  const routes = config.routes.map((one) => ({ ...one, options }));
  const stored = encodeStored({ ...config, routes });
  const site = configuredSite(inForce(stored), headOf(stored, config.peers.length));
  expect([site.mappings.length, site.bindings.length]).toEqual([1, 0]);
  expect(site.findings).toContainEqual(
    "The Commander's Binding 05bbccdd has an option 9 that this version does not know, and is left out: install a newer one.",
  );
});

test("a lease of 0 seconds never ends", () => {
  const stored = encodeStored({ ...config, leaseSeconds: 0 });
  expect(headOf(stored, config.peers.length).leaseMs).toBe(Number.POSITIVE_INFINITY);
});

describe("a desktop's instance under a Commander", () => {
  /** So many peers beside the Commander, and Routes that name them all, every other one backwards. */
  const crowded = (count: number): Uint8Array => {
    const crowd = Array.from({ length: count }, () => peer(prng.bytes(16)));
    const ids = crowd.map((one) => one.id);
    const routes = Array.from({ length: 20 }, (_, i) => {
      const [first] = config.routes;
      const peers = i % 2 === 0 ? ids : ids.toReversed();
      return { ...(first as (typeof config.routes)[0]), id: prng.bytes(16), peers };
    });
    return encodeStored({ ...config, peers: [peer(commanderId, psk), ...crowd], routes });
  };

  test("takes 4,000 peers, each in 20 Routes, in 72 MiB", () => {
    const stored = crowded(4000);
    expect(stored.length).toBeGreaterThan(65_535);
    const site = configuredSite(inForce(stored, commandedSizes()), headOf(stored, 4001));
    expect([site.peers.length, site.mappings.length]).toEqual([4000, 20]);
    expect(site.mappings.map(({ peers }) => peers.length)).toEqual(new Array(20).fill(4000));
    expect(Core.memoryBytes(commandedSizes())).toBeLessThan(72 << 20);
  });

  test("refuses more peers than it has links", () => {
    expect(() => inForce(crowded(4095), commandedSizes())).toThrow("NoLinkSlot");
  });
});
