// SPDX-License-Identifier: Apache-2.0
// Builds the device with test/firmware/device in the place of an application, under the sanitizers, and
// makes flash images and sites for it. Before it: agent.test.ts. After it: scripts/build-native.ts, and
// test/e2e's sites of Connectors and desktop STLinks. A device's Routes are those of its configuration.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";
import { DeviceRecord, SMALL_FLASH, storeImage } from "../../host/device/store-image.ts";
import { keyPairOf } from "../../host/service/key-file.ts";
import { routeId } from "../../host/stlink/route-id.ts";
import { hashFolder } from "../../scripts/build-firmware.ts";
import {
  buildNative,
  FIRMWARE_CORE,
  POSIX_PORT,
  sourcesIn,
  wasm3Sources,
} from "../../scripts/build-native.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { makeFolder } from "../e2e/sealed-tools.ts";
import type { StlinkSite } from "../e2e/stlink-site.ts";
import {
  type ConfiguredRoute,
  encodeStored,
  type RouteOption,
} from "../reference/configuration.ts";
import { Talker } from "./stub-device.ts";

const PARTS = join(import.meta.dirname, "device");
const HOLD_SECONDS = 120;
const DEBUG = 3;

/** The program's path. It carries `wasmPath`, and expects the hash of `expectedPath`. */
export function buildTestDevice(wasmPath = CORE_WASM, expectedPath = wasmPath): string {
  const port = sourcesIn(POSIX_PORT, "*.cpp").filter((path) => !path.endsWith("/port_posix.cpp"));
  return buildNative({
    name: "test-device",
    sources: [
      ...sourcesIn(FIRMWARE_CORE, "*.cpp").filter((path) => !path.endsWith("/flash_store.cpp")),
      join(FIRMWARE_CORE, "arena.c"),
      ...port,
      join(POSIX_PORT, "core_wasm.S"),
      ...sourcesIn(PARTS, "*.cpp"),
    ],
    include: [FIRMWARE_CORE, POSIX_PORT, hashFolder(expectedPath)],
    others: wasm3Sources(true),
    flags: [`-DCORE_WASM="${wasmPath}"`],
    sanitized: true,
  });
}

/** The core with a trap where a half-close of the application is given to a stream. */
export function trappingCore(): string {
  const path = join(makeFolder(), "trapping.wasm");
  const module = binaryen.readBinary(readFileSync(CORE_WASM));
  const fin = binaryen.getExportInfo(module.getExport("stream_fin")).value;
  module.removeFunction(fin);
  module.addFunction(fin, binaryen.i32, binaryen.i32, [], module.unreachable());
  writeFileSync(path, module.emitBinary());
  module.dispose();
  return path;
}

export type DeviceRoute = {
  kind: "mapping" | "binding";
  name: string;
  port: number;
  /** 127.0.0.1 when absent. */
  address?: string;
  /** Binding: the name of its Mapping. */
  mapping?: string;
  protocol?: "tcp" | "udp";
  /** Names of the site's STLinks. */
  peers: readonly string[];
  options?: RouteOption[];
};

export type DeviceFiles = {
  routes: readonly DeviceRoute[];
  /** Names of the site's Connectors, or a name and another address. */
  connectors: readonly (string | { name: string; address: string })[];
};

/** What an STLink of the site keeps on flash when it is a device. */
export function storedConfiguration(site: StlinkSite, name: string, files: DeviceFiles) {
  const peers = new Set(files.routes.flatMap((route) => route.peers));
  return encodeStored({
    epoch: 0,
    serial: 0n,
    id: hex(site.idOf(name)),
    leaseSeconds: 0,
    commanderKey: new Uint8Array(32),
    recoveryKey: new Uint8Array(32),
    commanderId: new Uint8Array(16),
    connectors: files.connectors.map((one) => {
      const { name: connector, address } =
        typeof one === "string" ? { name: one, address: site.addressOf(one) } : one;
      return { key: hex(site.keyOf(connector)), psk: new Uint8Array(32), address };
    }),
    peers: [...peers].map((peer) => ({
      id: hex(site.idOf(peer)),
      key: keyPairOf(hex(site.secretOf(peer))).publicKey,
      nextKey: new Uint8Array(32),
      keyEpoch: 0,
      pskName: new Uint8Array(8),
      psk: new Uint8Array(32),
    })),
    routes: files.routes.map((route) => routeOf(site, route)),
  });
}

function routeOf(site: StlinkSite, route: DeviceRoute): ConfiguredRoute {
  const { kind, name, port, address = "127.0.0.1", mapping, protocol, peers, options = [] } = route;
  return {
    id: routeId(kind, name),
    kind: kind === "mapping" ? 1 : 2,
    protocol: protocol === "udp" ? 2 : 1,
    flags: 0,
    holdSeconds: HOLD_SECONDS,
    port,
    address,
    peers: peers.map((peer) => hex(site.idOf(peer))),
    mappingId: mapping === undefined ? new Uint8Array(16) : routeId("mapping", mapping),
    options,
  };
}

/** Writes a flash image with these records, whose level of the log is the lowest; its path. */
export function writeFlash(folder: string, records: ReadonlyMap<number, Uint8Array>): string {
  const path = join(folder, "device.flash");
  const all = new Map([...records, [DeviceRecord.LogLevel, new Uint8Array([DEBUG])]]);
  writeFileSync(path, storeImage(SMALL_FLASH, all as Parameters<typeof storeImage>[1]));
  return path;
}

/** An STLink of the site as a provisioned device; its flash's path. */
export function provision(site: StlinkSite, name: string, files: DeviceFiles): string {
  const secret = hex(site.secretOf(name));
  const identity = Buffer.concat([secret, keyPairOf(secret).publicKey]);
  return writeFlash(
    site.folder,
    new Map<number, Uint8Array>([
      [DeviceRecord.Identity, identity],
      [DeviceRecord.Configuration, storedConfiguration(site, name, files)],
    ]),
  );
}

/** A device's process, and what it says of itself. */
export class TestDevice extends Talker {
  /** Its status, once it has this line. */
  async statusWith(pattern: RegExp, seconds = 60): Promise<string> {
    for (const end = Date.now() + seconds * 1000; ; ) {
      this.tell("status");
      const lines: string[] = [];
      for (let line = await this.hear(/^/); line !== "status: end"; line = await this.hear(/^/)) {
        lines.push(line);
      }
      const status = lines.join("\n");
      if (pattern.test(status)) return status;
      if (Date.now() > end) throw new Error(`never ${pattern}:\n${status}`);
    }
  }
}

export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, "hex"));
}
