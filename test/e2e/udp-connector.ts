// SPDX-License-Identifier: Apache-2.0
// A Connector in a process of its own, so that a test can kill it. Before it: udp-tools.ts forks it and
// sends its setup. After it: host/connector. It tells its port, and ends with its parent.

import { readFileSync } from "node:fs";
import { Connector } from "../../host/connector/connector.ts";
import { Core, connectorSizes } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import type { Address } from "../../host/net/transport.ts";
import { systemWorld } from "../../host/net/world.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { type Friend, openRules, type Pair } from "./open-rules.ts";

export type ConnectorSetup = {
  address: Address;
  privateKey: Uint8Array;
  publicKey: Uint8Array;
  admitted: readonly Friend[];
  pairs: readonly Pair[];
};

const HOPS = 16;

async function run({ address, admitted, pairs, ...keys }: ConnectorSetup): Promise<void> {
  const connector = new Connector({
    core: new Core(openV8(readFileSync(CORE_WASM))),
    world: systemWorld,
    sizes: connectorSizes(HOPS, HOPS),
    rules: openRules(admitted, pairs, HOPS),
    ...keys,
  });
  const listener = await connector.start(address);
  process.send?.(listener.address.port);
}

process.once("message", (setup) => void run(setup as ConnectorSetup));
process.once("disconnect", () => process.exit());
