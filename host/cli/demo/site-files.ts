// SPDX-License-Identifier: Apache-2.0
// The demo's site as its administrator would write it: keys, and one TOML file for the Connector and for
// each STLink, made anew at each start. Before it: the demo's place and ports. After it: `sealed connector
// run` and `sealed stlink run`. Every hop and every pair has a pre-shared key.

import type { Spot } from "./ports.ts";
import {
  bindingText,
  connectorText,
  hex,
  type Identity,
  makeIdentity,
  makeKey,
  mappingText,
  peerText,
  stlinkText,
  writeToml,
} from "./site-text.ts";

export const STLINK_NAMES = ["office", "site", "gateway", "centre"] as const;
export type StlinkName = (typeof STLINK_NAMES)[number];

/** Who has a Route to whom. */
const PAIRS: readonly [StlinkName, StlinkName][] = [
  ["office", "site"],
  ["office", "centre"],
  ["gateway", "centre"],
];

export type Routes = {
  /** Where the Connector listens, and where the office dials it. */
  connector: Spot;
  connectorFromOffice: Spot;
  /** Ports of the office's two Bindings, on its loopback. */
  webPort: number;
  screenPort: number;
  web: Spot;
  /** The gateway's Binding: an address or the name of an interface. */
  gatewayListensOn: string;
  gatewayPort: number;
  viewer: { video: Spot; page: Spot };
};

/** Writes everything into the folder; gives the ids of the STLinks, hexadecimal. */
export function writeSite(folder: string, routes: Routes): Record<StlinkName, string> {
  const relayKey = makeKey(folder, "relay");
  const known = Object.fromEntries(
    STLINK_NAMES.map((name) => [name, makeIdentity(folder, name)]),
  ) as Record<StlinkName, Identity>;
  writeToml(folder, "relay", connectorText(routes.connector, known, PAIRS));
  const psks = new Map(PAIRS.map((pair) => [pair.join(), hex(32)]));
  for (const name of STLINK_NAMES) {
    const connector = name === "office" ? routes.connectorFromOffice : routes.connector;
    const peers = PAIRS.filter((pair) => pair.includes(name)).map((pair) => {
      const peer = pair[0] === name ? pair[1] : pair[0];
      return peerText(peer, known[peer], psks.get(pair.join()) ?? "");
    });
    writeToml(folder, name, [
      stlinkText(name, known[name], connector, relayKey),
      ...peers,
      ...routeTexts(routes)[name],
    ]);
  }
  const ids = STLINK_NAMES.map((name) => [name, known[name].id]);
  return Object.fromEntries(ids) as Record<StlinkName, string>;
}

function routeTexts(routes: Routes): Record<StlinkName, string[]> {
  const { webPort, screenPort, gatewayListensOn, gatewayPort, web, viewer } = routes;
  return {
    office: [
      bindingText("intranet-here", "intranet-page", "127.0.0.1", webPort, "site"),
      bindingText("screen-here", "command-screen", "127.0.0.1", screenPort, "centre"),
    ],
    site: [mappingText("intranet-page", web, "office")],
    gateway: [bindingText("camera-in", "yard-camera", gatewayListensOn, gatewayPort, "centre")],
    centre: [
      mappingText("yard-camera", viewer.video, "gateway"),
      mappingText("command-screen", viewer.page, "office"),
    ],
  };
}
