// SPDX-License-Identifier: Apache-2.0
// What a device of a site without a Commander is to do: an STLink's file as a configuration (PROTOCOL
// 10.3, 10.7), in the form in which a device has it on flash. Before it: stlink/site-file.ts. After it:
// store-image.ts, serial-session.ts. What a device has no room for, or can't do, is said in one go.

import { createHash } from "node:crypto";
import { DEVICE_SIZES, type Sizes } from "../core/sizes.ts";
import { ipKindOf } from "../net/ip.ts";
import { AppError } from "../service/app-error.ts";
import { formatAddress } from "../service/fields.ts";
import {
  type ConfiguredConnector,
  type ConfiguredPeer,
  encodeConfiguration,
} from "../stlink/configuration.ts";
import type { Site, SiteBinding, SiteConnector, SiteMapping, SitePeer } from "../stlink/site.ts";
import { DeviceRecord, type DeviceRecordNumber } from "./store-image.ts";

/** What firmware/core/sizes.h bounds beside the core. */
const CONNECTORS_MOST = 8;
const LISTENERS_MOST = 4;
/** Bytes of a name or address that is dialled. */
const HOST_MOST = 127;
/** As long as Linux lets a name be. */
const INTERFACE_NAME = /^[A-Za-z][\w.:@-]{0,14}$/;

/** Commander, recovery and lease of nobody: 10.7. */
const [NO_ID, NO_KEY, NO_PSK_NAME] = [new Uint8Array(16), new Uint8Array(32), new Uint8Array(8)];
const PINNED_EPOCH = new Uint8Array(4);
const CHECKSUM_LEN = 4;
/** Beside the configuration itself, for each of the two halves: 10.3. */
const HALF_RESERVED = 16;

/** What devices differ in. */
export type DeviceTraits = {
  /** A program of this machine has it; boards have IPv4 alone. */
  hasIpv6?: boolean;
};

/** The records of a device that this file describes. Throws AppError(BadFile): a device can't. */
export function deviceRecords(
  site: Site,
  { hasIpv6 = true }: DeviceTraits = {},
): Map<DeviceRecordNumber, Uint8Array> {
  const refusals = [
    ...refusalsOf(site, DEVICE_SIZES),
    ...(hasIpv6 ? [] : addressesOf(site).flatMap(ipv6Refusal)),
  ];
  if (refusals.length > 0) {
    throw new AppError("BadFile", refusals.map((text) => `${site.file}: ${text}`).join("\n"));
  }
  return new Map([
    [DeviceRecord.Identity, Buffer.concat([site.privateKey, site.publicKey])],
    [DeviceRecord.Configuration, storedForm(site)],
  ]);
}

/** The configuration, and what 10.3 says is stored behind it: pinned epoch, marks, checksum. */
function storedForm(site: Site): Uint8Array {
  const body = Buffer.concat([encode(site), PINNED_EPOCH, new Uint8Array(site.peers.length)]);
  const hash = createHash("blake2s256").update(body).digest();
  return Buffer.concat([body, hash.subarray(0, CHECKSUM_LEN)]);
}

/** As 10.7 says: nothing of a Commander. */
function encode({ id, connectors, peers, mappings, bindings }: Site): Buffer {
  const idOf = new Map(peers.map((peer) => [peer.name, peer.id]));
  const idsOf = (names: readonly string[]) => names.map((name) => idOf.get(name) ?? NO_ID);
  const alone = { epoch: 0, serial: 0n, leaseSeconds: 0 };
  return encodeConfiguration({
    ...{ ...alone, id, commanderKey: NO_KEY, recoveryKey: NO_KEY, commanderId: NO_ID },
    connectors: connectors.map(configuredConnector),
    peers: peers.map(configuredPeer),
    routes: [
      ...mappings.map((one) => ({
        ...{ ...routeOf(one), kind: "mapping" as const, address: one.host },
        ...{ peers: idsOf(one.peers), mappingId: NO_ID, options: {} },
      })),
      ...bindings.map((one) => ({
        ...{ ...routeOf(one), kind: "binding" as const, address: one.listenOn },
        ...{ peers: idsOf(one.peers), mappingId: one.mappingId, options: optionsOf(one) },
      })),
    ],
  });
}

function configuredConnector({ key, psk, address }: SiteConnector): ConfiguredConnector {
  return { key, psk: psk ?? NO_KEY, address: formatAddress(address) };
}

function configuredPeer({ id, key, nextKey, psk }: SitePeer): ConfiguredPeer {
  const keys = { key, nextKey: nextKey ?? NO_KEY, keyEpoch: 0 };
  return { id, ...keys, pskName: NO_PSK_NAME, psk: psk ?? NO_KEY };
}

function routeOf({ id, protocol, times, port }: SiteMapping | SiteBinding) {
  const holdSeconds = Math.ceil(times.holdMs / 1000);
  return { id, protocol, isPinned: false, holdSeconds, port };
}

/** Times of UDP are a device's own. */
function optionsOf({ access: { sources, connections, bytesPerSecond } }: SiteBinding) {
  return {
    sources,
    ...(connections === null ? {} : { connections }),
    ...(bytesPerSecond === null ? {} : { rateBytes: bytesPerSecond }),
  };
}

/** What a device can't do of it, each going on from the file's name. */
function refusalsOf(site: Site, sizes: Sizes): string[] {
  const { connectors, peers, mappings, bindings } = site;
  const count = (list: readonly unknown[], most: number, what: string) =>
    list.length > most ? [`has ${list.length} ${what}, and a device has room for ${most}.`] : [];
  return [
    ...count(connectors, CONNECTORS_MOST, "[[connectors]]"),
    ...count(peers, sizes.links, "[[peers]]"),
    ...count(bindings, LISTENERS_MOST, "[[bindings]]"),
    ...connectors.flatMap(({ name, address }) => hostRefusal(`connector "${name}"`, address.host)),
    ...mappings.flatMap(({ name, host }) => hostRefusal(`mapping "${name}"`, host)),
    ...bindings.flatMap(bindingRefusals),
    ...bytesRefusal(site, sizes),
  ];
}

type Written = { what: string; address: string };

/** Every address and name of the file that a device uses. */
function addressesOf({ connectors, mappings, bindings }: Site): Written[] {
  return [
    ...connectors.map(({ name, address }) => ({
      what: `connector "${name}"`,
      address: address.host,
    })),
    ...mappings.map(({ name, host }) => ({ what: `mapping "${name}"`, address: host })),
    ...bindings.map(({ name, listenOn }) => ({ what: `binding "${name}"`, address: listenOn })),
  ];
}

function ipv6Refusal({ what, address }: Written): string[] {
  if (!address.includes(":")) return [];
  return [
    `${what} has the IPv6 address ${address}, and a board has IPv4 alone: write one of IPv4.`,
  ];
}

function hostRefusal(what: string, host: string): string[] {
  const bytes = Buffer.byteLength(host);
  if (bytes <= HOST_MOST) return [];
  return [`${what} has a name of ${bytes} bytes, and a device takes ${HOST_MOST}: write its IP.`];
}

/** Its own interfaces a device knows itself; nobody would learn which free port it took. */
function bindingRefusals({ name, listenOn, port, access }: SiteBinding): string[] {
  const isKnown = ipKindOf(listenOn) !== null || INTERFACE_NAME.test(listenOn);
  const place = `binding "${name}" listens on ${listenOn}, which is neither an IP address nor the name of an interface: for a device write wlan0 (ESP32), eth0 (the emulator), an IP address or "all".`;
  const noPort = `binding "${name}" has port 0: for a device write which.`;
  const noRate = `binding "${name}" has a rate, which a device can't see to: leave it out.`;
  return [
    ...(isKnown ? [] : [place]),
    ...(port === 0 ? [noPort] : []),
    ...(access.bytesPerSecond === null ? [] : [noRate]),
  ];
}

function bytesRefusal(site: Site, { configBytes = 0, links }: Sizes): string[] {
  const most = configBytes / 2 - HALF_RESERVED - links;
  const { length } = encode(site);
  if (length <= most) return [];
  return [
    `makes a configuration of ${length} bytes, and a device has room for ${most}: leave Routes or peers out, or write shorter addresses.`,
  ];
}
