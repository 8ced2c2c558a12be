// SPDX-License-Identifier: Apache-2.0
// A Connector with room for a crowd, a process of its own. Before it: crowd.ts. After it: host/connector. It says its
// port, then the number of hops each second.

import { readFileSync } from "node:fs";
import { Connector } from "../../../host/connector/connector.ts";
import { Core, connectorSizes } from "../../../host/core/core.ts";
import { openV8 } from "../../../host/core/engine-v8.ts";
import { systemWorld } from "../../../host/net/world.ts";
import { openRules } from "../../e2e/open-rules.ts";
import type { Identity } from "./identities.ts";
import { runWorker } from "./worker.ts";

export type RelaySetup = {
  wasmPath: string;
  own: Identity;
  admitted: Omit<Identity, "privateKey">[];
  /** 0: any. */
  port: number;
};

/** Handshakes under way, as many as by default; the crowd comes from few source networks, so one may have all. */
const HALF_OPEN = 64;
/** Some come again before the Connector knows that they have gone. */
const SPARE_HOPS = 64;

runWorker<RelaySetup, number>(async ({ wasmPath, own, admitted, port }, tell) => {
  const friends = admitted.map(({ id, publicKey }) => ({ id, key: publicKey }));
  const hops = admitted.length + SPARE_HOPS;
  const rules = openRules(friends, [], hops);
  const connector = new Connector({
    core: new Core(openV8(readFileSync(wasmPath))),
    world: systemWorld,
    sizes: connectorSizes(hops, HALF_OPEN),
    privateKey: own.privateKey,
    publicKey: own.publicKey,
    rules: {
      ...rules,
      limits: { ...rules.limits, halfOpen: HALF_OPEN, halfOpenPerSource: HALF_OPEN },
    },
  });
  const listener = await connector.start({ host: "127.0.0.1", port });
  tell(listener.address.port);
});
