// SPDX-License-Identifier: Apache-2.0
// A Connector in a process of its own, so that a test can kill it. Before it: udp-tools.ts forks it and
// sends its setup. After it: host/connector. It tells its port, and ends with its parent.

import { readFileSync } from "node:fs";
import { Connector, type ConnectorOptions } from "../../host/connector/connector.ts";
import { Core, connectorSizes } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import type { Address } from "../../host/net/transport.ts";
import { systemWorld } from "../../host/net/world.ts";
import { CORE_WASM } from "../../scripts/run.ts";

export type ConnectorSetup = Pick<
  ConnectorOptions,
  "privateKey" | "publicKey" | "admitted" | "pairs"
> & { address: Address };

const HOPS = 16;
const QUEUE_BYTES = 4 << 20;

async function run({ address, ...setup }: ConnectorSetup): Promise<void> {
  const connector = new Connector({
    core: new Core(openV8(readFileSync(CORE_WASM))),
    world: systemWorld,
    sizes: connectorSizes(HOPS),
    queueBytes: QUEUE_BYTES,
    ...setup,
  });
  const listener = await connector.start(address);
  process.send?.(listener.address.port);
}

process.once("message", (setup) => void run(setup as ConnectorSetup));
process.once("disconnect", () => process.exit());
