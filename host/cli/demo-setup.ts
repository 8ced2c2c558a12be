// SPDX-License-Identifier: Apache-2.0
// The demo's site: keys, pre-shared keys, ids and one Route, made anew at each start, as three setups that
// know one another. Before it: demo.ts. After it: the three processes, by IPC. A site with a Commander
// gets all of this from it (rules T).

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Core } from "../core/core.ts";
import { openV8 } from "../core/engine-v8.ts";
import type { ConnectorSetup, Identity, StlinkSetup } from "./demo-messages.ts";

export const LOOPBACK = "127.0.0.1";

export type SiteOptions = {
  wasmPath: string;
  engine: "v8" | "wasm3";
  /** Where the Binding listens; 0 is any free port. */
  bindingPort: number;
  servicePort: number;
};

export type Site = { connector: ConnectorSetup; binding: StlinkSetup; mapping: StlinkSetup };

/** A site of two STLinks and a Connector, whose port is still to be filled in (it is one object). */
export function makeSite({ wasmPath, engine, bindingPort, servicePort }: SiteOptions): Site {
  const core = new Core(openV8(readFileSync(wasmPath)));
  const binding = makeIdentity(core);
  const mapping = makeIdentity(core);
  const hopPsks = { binding: randomBytes(32), mapping: randomBytes(32) };
  const connector: ConnectorSetup = {
    ...makeIdentity(core),
    id: new Uint8Array(16),
    wasmPath,
    address: { host: LOOPBACK, port: 0 },
    admitted: [
      { id: binding.id, key: binding.publicKey, psk: hopPsks.binding },
      { id: mapping.id, key: mapping.publicKey, psk: hopPsks.mapping },
    ],
    pairs: [[binding.id, mapping.id]],
  };
  const pair = { psk: randomBytes(32), pskName: randomBytes(8) };
  const route = { bindingId: randomBytes(16), mappingId: randomBytes(16) };
  const stlink = (own: Identity, peer: Identity, hopPsk: Uint8Array) => ({
    ...own,
    ...route,
    wasmPath,
    connector: { address: connector.address, key: connector.publicKey, psk: hopPsk },
    peer: { id: peer.id, key: peer.publicKey, ...pair },
  });
  return {
    connector,
    binding: {
      ...stlink(binding, mapping, hopPsks.binding),
      role: "binding",
      engine: "v8",
      address: { host: LOOPBACK, port: bindingPort },
    },
    mapping: {
      ...stlink(mapping, binding, hopPsks.mapping),
      role: "mapping",
      engine,
      address: { host: LOOPBACK, port: servicePort },
    },
  };
}

function makeIdentity(core: Core): Identity {
  const privateKey = randomBytes(32);
  return { privateKey, publicKey: core.publicKey(privateKey), id: randomBytes(16) };
}
