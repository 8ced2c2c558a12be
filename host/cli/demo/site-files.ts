// SPDX-License-Identifier: Apache-2.0
// The demo's site as its administrator would write it: keys, and one TOML file for the Connector and for
// each STLink, made anew at each start. Before it: the demo's place and ports. After it: `sealed connector
// run` and `sealed stlink run`. Every hop and every pair has a pre-shared key.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyPairOf, writeKeyFile } from "../../service/key-file.ts";
import type { Spot } from "./ports.ts";

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

type Identity = { id: string; key: string; hopPsk: string };

/** Writes everything into the folder; gives the ids of the STLinks, hexadecimal. */
export function writeSite(folder: string, routes: Routes): Record<StlinkName, string> {
  const relayKey = makeKey(folder, "relay");
  const known = Object.fromEntries(
    STLINK_NAMES.map((name) => [name, { ...makeKey(folder, name), ...makeSecrets() }]),
  ) as Record<StlinkName, Identity>;
  write(folder, "relay", connectorText(routes, known));
  const psks = new Map(PAIRS.map((pair) => [pair.join(), hex(32)]));
  for (const name of STLINK_NAMES) {
    const connector = name === "office" ? routes.connectorFromOffice : routes.connector;
    const peers = PAIRS.filter((pair) => pair.includes(name)).map((pair) => {
      const peer = pair[0] === name ? pair[1] : pair[0];
      return peerText(peer, known[peer], psks.get(pair.join()) ?? "");
    });
    write(folder, name, [
      stlinkText(name, known[name], connector, relayKey.key),
      ...peers,
      ...routeTexts(routes)[name],
    ]);
  }
  const ids = STLINK_NAMES.map((name) => [name, known[name].id]);
  return Object.fromEntries(ids) as Record<StlinkName, string>;
}

/** Where a process of the demo answers `sealed status --socket`. */
export function statusSocket(folder: string, name: string): string {
  return join(folder, `${name}.sock`);
}

function connectorText({ connector }: Routes, known: Record<StlinkName, Identity>): string[] {
  const stlinks = STLINK_NAMES.map((name) => {
    const { id, key, hopPsk } = known[name];
    return `[[stlinks]]\nname = "${name}"\nid = "${id}"\nkey = "${key}"\npsk = "${hopPsk}"`;
  });
  const groups = PAIRS.map((pair) => `  ["${pair.join('", "')}"],`).join("\n");
  return [
    `key_file = "relay.key"\nstatus_socket = "relay.sock"\nlisten = ["${connector.host}:${connector.port}"]`,
    `groups = [                 # who may talk to whom\n${groups}\n]`,
    ...stlinks,
  ];
}

function stlinkText(name: StlinkName, own: Identity, connector: Spot, key: string): string {
  return `id = "${own.id}"
key_file = "${name}.key"
status_socket = "${name}.sock"

[[connectors]]
name = "relay"
address = "${connector.host}:${connector.port}"
key = "${key}"
psk = "${own.hopPsk}"`;
}

function peerText(name: string, { id, key }: Identity, psk: string): string {
  return `[[peers]]\nname = "${name}"\nid = "${id}"\nkey = "${key}"\npsk = "${psk}"`;
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

function bindingText(name: string, mapping: string, address: string, port: number, peer: string) {
  return `[[bindings]]
name = "${name}"
mapping = "${mapping}"
address = "${address}"
port = ${port}
peers = ["${peer}"]`;
}

function mappingText(name: string, { host, port }: Spot, peer: string): string {
  return `[[mappings]]\nname = "${name}"\naddress = "${host}"\nport = ${port}\npeers = ["${peer}"]`;
}

function makeKey(folder: string, name: string): { key: string } {
  const keys = keyPairOf(new Uint8Array(randomBytes(32)));
  writeKeyFile(join(folder, `${name}.key`), keys);
  return { key: Buffer.from(keys.publicKey).toString("hex") };
}

function makeSecrets(): { id: string; hopPsk: string } {
  return { id: hex(16), hopPsk: hex(32) };
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

function write(folder: string, name: string, parts: readonly string[]): void {
  writeFileSync(join(folder, `${name}.toml`), `${parts.join("\n\n")}\n`, { mode: 0o600 });
}
