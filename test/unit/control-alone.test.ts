// SPDX-License-Identifier: Apache-2.0
// Devices of a site without a Commander: their configuration comes from flash alone, and there is no control
// stream. Before it: control-world.ts. PROTOCOL 10.3 and 10.7.

import { describe, expect, it } from "vitest";
import { ControlPhase, CoreFlag, StreamFlag } from "../../host/core/core.ts";
import {
  type Configuration,
  type ConfiguredRoute,
  decodeConfiguration,
  encodeConfiguration,
  encodeStored,
} from "../reference/configuration.ts";
import { Device, World } from "./control-world.ts";

const [NO_ID, NO_KEY] = [new Uint8Array(16), new Uint8Array(32)];
const [MAPPING_ID, BINDING_ID] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(8)];
const [CAMERA_ID, OFFICE_ID] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
const DEVICE_LINKS = 4;
const BYTES = 1;

/** Two devices that know each other: the office has a Binding to a Mapping of the camera. */
function site() {
  const world = new World("alone");
  const [camera, office] = [
    world.add(new Device(world, "camera")),
    world.add(new Device(world, "office")),
  ];
  world.admit(camera.keys.publicKey, CAMERA_ID);
  world.admit(office.keys.publicKey, OFFICE_ID);
  const mapping = route({ id: MAPPING_ID, kind: 1, peers: [OFFICE_ID], mappingId: NO_ID });
  const binding = route({ id: BINDING_ID, kind: 2, peers: [CAMERA_ID], mappingId: MAPPING_ID });
  return {
    world,
    camera,
    office,
    cameraConfig: alone(CAMERA_ID, [peer(OFFICE_ID, office.keys.publicKey)], [mapping]),
    officeConfig: alone(OFFICE_ID, [peer(CAMERA_ID, camera.keys.publicKey)], [binding]),
  };
}

function route(more: Pick<ConfiguredRoute, "id" | "kind" | "peers" | "mappingId">) {
  return { protocol: 1, flags: 0, holdSeconds: 120, port: 80, address: "127.0.0.1", ...more };
}

function peer(id: Uint8Array, key: Uint8Array) {
  return { id, key, nextKey: NO_KEY, keyEpoch: 0, pskName: new Uint8Array(8), psk: NO_KEY };
}

function alone(
  id: Uint8Array,
  peers: Configuration["peers"],
  routes: ConfiguredRoute[],
): Configuration {
  return {
    ...{ epoch: 0, serial: 0n, id, leaseSeconds: 0 },
    ...{ commanderKey: NO_KEY, recoveryKey: NO_KEY, commanderId: NO_ID },
    ...{ connectors: [], peers, routes },
  };
}

function boot(device: Device, config: Configuration): void {
  device.flash = encodeStored(config);
  device.reboot();
  device.dial();
}

/** The status that `config_load` gives this configuration; null: it is in force. */
function loadError(change: (config: Configuration) => Configuration): string | null {
  const { office, officeConfig } = site();
  office.flash = encodeStored(change(officeConfig));
  try {
    office.reboot();
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("a site without a Commander", () => {
  it("carries a Route of its configuration, and refuses another one", () => {
    const { world, camera, office, cameraConfig, officeConfig } = site();
    boot(camera, cameraConfig);
    boot(office, officeConfig);
    expect(office.phase).toBe(ControlPhase.Activated);
    expect(world.run(5000, () => camera.isUp && office.isUp)).toBe(true);
    const stream = office.core.streamOpen(0, BYTES, BINDING_ID, MAPPING_ID);
    const has = (flag: number) => (office.core.streamFlags(stream) & flag) !== 0;
    expect(world.run(20_000, () => has(StreamFlag.Connected))).toBe(true);
    const other = office.core.streamOpen(0, BYTES, BINDING_ID, BINDING_ID);
    const isOver = () => (office.core.streamFlags(other) & StreamFlag.Closed) !== 0;
    expect(world.run(20_000, isOver)).toBe(true);
    expect(office.core.streamInfo(other).reason).not.toBe(0);
    expect(has(StreamFlag.Connected)).toBe(true);
  });

  it("has no control stream: nothing is asked for, stored or rotated", () => {
    const { world, camera, cameraConfig } = site();
    boot(camera, cameraConfig);
    world.run(3_600_000);
    expect(camera.core.flags() & (CoreFlag.WantsHop | CoreFlag.WantsStore)).toBe(0);
    expect(camera.stored).toBe(0);
    expect(camera.core.leaseLeftMs()).toBe(Number.POSITIVE_INFINITY);
    expect(() => camera.core.rotate(NO_KEY, NO_KEY)).toThrow("BadState");
  });

  it("has a link for a peer where the Commander's would be", () => {
    const peers = (count: number) => (config: Configuration) => ({
      ...config,
      routes: [],
      peers: Array.from({ length: count }, (_, i) =>
        peer(new Uint8Array(16).fill(i + 10), new Uint8Array(32).fill(i + 10)),
      ),
    });
    expect(loadError(peers(DEVICE_LINKS))).toBeNull();
    expect(loadError(peers(DEVICE_LINKS + 1))).toBe("NoLinkSlot");
  });

  it("has neither version nor lease nor half a Commander", () => {
    const bad: Partial<Configuration>[] = [
      { epoch: 1 },
      { serial: 1n },
      { leaseSeconds: 1 },
      { commanderKey: new Uint8Array(32).fill(9) },
      { recoveryKey: new Uint8Array(32).fill(9) },
    ];
    for (const more of bad) {
      expect(loadError((config) => ({ ...config, ...more }))).toBe("BadConfig");
      const bytes = encodeConfiguration({ ...alone(OFFICE_ID, [], []), ...more });
      expect(() => decodeConfiguration(bytes)).toThrow("BadConfig");
    }
  });

  it("is one configuration for the life of an instance", () => {
    const { office, officeConfig } = site();
    boot(office, officeConfig);
    expect(() => office.core.loadConfiguration(office.flash)).toThrow("BadState");
  });
});
