// SPDX-License-Identifier: Apache-2.0
// An STLink's file as a device's records: to the byte what PROTOCOL 10.3 and 10.7 say (by the reference
// decoder), taken by a core of a device's sizes, and a sentence for each thing that a device can't do.

import { afterEach, describe, expect, it } from "vitest";
import { Core, DEVICE_SIZES } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { deviceRecords } from "../../host/device/configuration.ts";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { routeId } from "../../host/stlink/route-id.ts";
import type { Site } from "../../host/stlink/site.ts";
import { readSite } from "../../host/stlink/site-file.ts";
import {
  type ConfiguredRoute,
  decodeConfiguration,
  decodeStored,
} from "../reference/configuration.ts";
import {
  CONNECTOR_KEY,
  GOOD_SITE,
  OWN_ID,
  OWN_KEY,
  PEER_ID,
  PEER_KEY,
  PSK,
  place,
  publicKeyOf,
  refusalOf,
  removeFolders,
} from "./site-files.ts";

afterEach(removeFolders);

/** Configuration, pinned epoch, a mark for the one peer, checksum. */
const STORED_BEHIND = 4 + 1 + 4;

function records(text: string) {
  return deviceRecords(readSite(place("site.toml", text)));
}

function stored(text = GOOD_SITE): Uint8Array {
  return records(text).get(DeviceRecord.Configuration) ?? new Uint8Array();
}

function refusal(text: string): string {
  return refusalOf(place("site.toml", text), (file) => deviceRecords(readSite(file)));
}

/** Bytes of any kind as those of one kind. */
function plain(route: ConfiguredRoute | undefined): object {
  const bytes = (one: unknown): unknown =>
    one instanceof Uint8Array ? Uint8Array.from(one) : Array.isArray(one) ? one.map(bytes) : one;
  return Object.fromEntries(Object.entries(route ?? {}).map(([name, one]) => [name, bytes(one)]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** A core of a device's sizes that has been given this. */
function loaded(configuration: Uint8Array): Core {
  const core = new Core(openCore());
  core.feed(new Uint8Array(64).fill(7));
  core.start("stlink", DEVICE_SIZES, 0);
  core.setIdentity(
    new Uint8Array(32).fill(9),
    Buffer.from(OWN_KEY, "hex"),
    Buffer.from(OWN_ID, "hex"),
  );
  core.loadConfiguration(configuration);
  return core;
}

describe("the identity", () => {
  it("is the private and the public key", () => {
    const identity = records(GOOD_SITE).get(DeviceRecord.Identity) ?? new Uint8Array();
    expect(hex(identity)).toBe("09".repeat(32) + OWN_KEY);
  });
});

describe("the configuration", () => {
  it("says what the file says, and nothing of a Commander", () => {
    const { config, pinnedEpoch } = decodeStored(stored());
    expect(pinnedEpoch).toBe(0);
    expect(hex(config.id)).toBe(OWN_ID);
    expect([config.epoch, config.serial, config.leaseSeconds]).toEqual([0, 0n, 0]);
    for (const key of [config.commanderKey, config.recoveryKey, config.commanderId]) {
      expect(key.every((byte) => byte === 0)).toBe(true);
    }
    const { connectors, peers } = config;
    expect(connectors.map(({ key, address }) => [hex(key), address])).toEqual([
      [CONNECTOR_KEY, "192.0.2.7:8443"],
    ]);
    expect(peers.map(({ id, key, psk }) => [id, key, psk].map(hex))).toEqual([
      [PEER_ID, PEER_KEY, PSK],
    ]);
  });

  it("has the Routes, with the ids that both ends derive from their names", () => {
    const [mapping, binding, ...rest] = decodeStored(stored()).config.routes;
    expect(rest).toEqual([]);
    const peers = [Uint8Array.from(Buffer.from(PEER_ID, "hex"))];
    const common = { protocol: 1, flags: 0, holdSeconds: 120, peers, options: [] };
    expect(plain(mapping)).toEqual({
      ...{ id: routeId("mapping", "web"), kind: 1, port: 543, address: "192.168.0.1", ...common },
      mappingId: new Uint8Array(16),
    });
    expect(plain(binding)).toEqual({
      ...{ id: routeId("binding", "here"), kind: 2, port: 443, address: "127.0.0.1", ...common },
      mappingId: routeId("mapping", "web"),
    });
  });

  it("writes next keys, hop PSKs, UDP, seconds begun and IPv6 addresses", () => {
    const next = publicKeyOf(3);
    const text = GOOD_SITE.replace(
      'address = "192.0.2.7:8443"',
      `address = "[2001:db8::7]:8443"\npsk = "${PSK}"`,
    )
      .replace(`key = "${PEER_KEY}"`, `key = "${PEER_KEY}"\nnext_key = "${next}"`)
      .replace("port = 543", 'port = 543\nprotocol = "udp"\nhold = "1500ms"');
    const { connectors, peers, routes } = decodeStored(stored(text)).config;
    expect(connectors.map(({ psk, address }) => [hex(psk), address])).toEqual([
      [PSK, "[2001:db8::7]:8443"],
    ]);
    expect(peers.map(({ nextKey }) => hex(nextKey))).toEqual([next]);
    expect([routes[0]?.protocol, routes[0]?.holdSeconds]).toEqual([2, 2]);
  });

  it("names the interface of a Binding, which the device knows", () => {
    const text = GOOD_SITE.replace("port = 443", 'port = 443\naddress = "wlan0"');
    expect(decodeStored(stored(text)).config.routes[1]?.address).toBe("wlan0");
  });

  it("is taken by the core of a device, which gives the same entries", () => {
    const core = loaded(stored());
    expect([0, 1, 2].map((section) => core.configurationEntries(section as 0).length)).toEqual([
      1, 1, 2,
    ]);
  });

  it("is taken whole up to the room that 10.3 gives a device, and not made a byte above", () => {
    const most = filled(0);
    expect(decodeConfiguration(most.subarray(0, -STORED_BEHIND)).routes.length).toBeGreaterThan(2);
    expect(() => loaded(most)).not.toThrow();
    expect(() => filled(1)).toThrow(/makes a configuration of 1005 bytes, .* room for 1004/);
  });
});

/** The configuration of a site whose Routes fill a device's room, `more` bytes beyond it. */
function filled(more: number): Uint8Array {
  const site = readSite(place("site.toml", GOOD_SITE));
  const [mapping] = site.mappings;
  if (mapping === undefined) throw new Error("no mapping");
  const room = 1004 + more + STORED_BEHIND - stored().length;
  const count = Math.ceil(room / 180);
  const mappings = Array.from({ length: count }, (_, i) => ({
    ...mapping,
    id: routeId("mapping", `more ${i}`),
    host: "a".repeat(Math.floor(room / count) + (i === 0 ? room % count : 0) - 46 - 16),
  }));
  const larger: Site = { ...site, mappings: [...site.mappings, ...mappings] };
  return deviceRecords(larger).get(DeviceRecord.Configuration) ?? new Uint8Array();
}

describe("what a device can't do", () => {
  const long = "a".repeat(60);
  const peer = (i: number) =>
    `[[peers]]\nname = "p${i}"\nid = "${"3".repeat(31)}${i}"\nkey = "${publicKeyOf(20 + i)}"\n`;
  const connector = (i: number) =>
    `[[connectors]]\nname = "c${i}"\naddress = "192.0.2.${i}:1"\nkey = "${publicKeyOf(40 + i)}"\n`;
  const binding = (i: number) =>
    `[[bindings]]\nname = "b${i}"\nmapping = "web"\nport = ${1000 + i}\npeers = ["camera"]\n`;
  const add = (count: number, one: (i: number) => string) =>
    GOOD_SITE + Array.from({ length: count }, (_, i) => one(i)).join("");

  it.each([
    ["more peers than links", add(4, peer), "has 5 [[peers]], and a device has room for 4."],
    [
      "too many Connectors",
      add(8, connector),
      "has 9 [[connectors]], and a device has room for 8.",
    ],
    ["too many Bindings", add(4, binding), "has 5 [[bindings]], and a device has room for 4."],
    [
      "a long host name of a Connector",
      GOOD_SITE.replace("192.0.2.7", `${long}.${long}.${long}`),
      'connector "hall" has a name of 182 bytes, and a device takes 127: write its IP.',
    ],
    [
      "a long host name of a Mapping",
      GOOD_SITE.replace("192.168.0.1", `${long}.${long}.${long}`),
      'mapping "web" has a name of 182 bytes, and a device takes 127: write its IP.',
    ],
    [
      "a Binding on what can't be an interface",
      GOOD_SITE.replace("port = 443", 'port = 443\naddress = "the network"'),
      'binding "here" listens on the network, which is neither an IP address nor the name of an interface: for a device write wlan0 (ESP32), eth0 (the emulator), an IP address or "all".',
    ],
    [
      "a Binding on any free port",
      GOOD_SITE.replace("port = 443", "port = 0"),
      'binding "here" has port 0: for a device write which.',
    ],
    [
      "a Binding with a rate",
      `${GOOD_SITE}access = { rate = "1MiB" }\n`,
      'binding "here" has a rate, which a device can\'t see to: leave it out.',
    ],
    [
      "more than it has room for",
      add(3, binding) + [1, 2, 3].map((i) => connector(i) + peer(i)).join(""),
      "makes a configuration of 1281 bytes, and a device has room for 1004: leave Routes or peers out, or write shorter addresses.",
    ],
  ])("is said: %s", (_, text, sentence) => {
    const said = refusal(text)
      .replaceAll(/^(BadFile: )?site.toml: /gm, "")
      .split("\n");
    expect(said).toContain(sentence);
  });

  it("is all said at once", () => {
    const text =
      GOOD_SITE.replace("port = 443", "port = 0") + peer(1) + peer(2) + peer(3) + peer(4);
    expect(refusal(text).split("\n")).toHaveLength(2);
  });
});
