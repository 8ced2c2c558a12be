// SPDX-License-Identifier: Apache-2.0
// The files of the device demo: a Connector, an office with a Binding, a camera with a Mapping to its own
// page. Before it: ports that were found free. After it: `sealed connector run`, `sealed stlink run`, and
// `sealed device provision`, which makes the camera's flash of camera.toml.

import type { Spot } from "../ports.ts";
import {
  bindingText,
  connectorText,
  hex,
  makeIdentity,
  makeKey,
  mappingText,
  peerText,
  stlinkText,
  writeToml,
} from "../site-text.ts";

/** Where the camera's page is, on the device's own loopback. */
const PAGE: Spot = { host: "127.0.0.1", port: 80 };

export type DeviceSite = {
  connector: Spot;
  /** The same as the device finds it: an emulator has another name for this machine. */
  connectorFromDevice: Spot;
  /** The Binding's, on 127.0.0.1. */
  bindingPort: number;
};

/** Writes relay.toml, office.toml, camera.toml and their keys. */
export function writeDeviceSite(folder: string, site: DeviceSite): void {
  const relayKey = makeKey(folder, "relay");
  const office = makeIdentity(folder, "office");
  const camera = makeIdentity(folder, "camera");
  const psk = hex(32);
  const groups = [["office", "camera"]];
  writeToml(folder, "relay", connectorText(site.connector, { office, camera }, groups));
  writeToml(folder, "office", [
    stlinkText("office", office, site.connector, relayKey),
    peerText("camera", camera, psk),
    bindingText("camera-here", "camera-page", "127.0.0.1", site.bindingPort, "camera"),
  ]);
  writeToml(folder, "camera", [
    stlinkText("camera", camera, site.connectorFromDevice, relayKey),
    peerText("office", office, psk),
    mappingText("camera-page", PAGE, "office"),
  ]);
}
