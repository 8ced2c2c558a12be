// SPDX-License-Identifier: Apache-2.0
// A crowd of STLinks in one process, each an agent with a core and a hop of its own, which redial as every STLink
// does. Before it: crowd.ts. After it: host/stlink. It says how many hops are up whenever that is none or all.

import { readFileSync } from "node:fs";
import { Core, DEVICE_SIZES } from "../../../host/core/core.ts";
import { openV8 } from "../../../host/core/engine-v8.ts";
import { systemWorld } from "../../../host/net/world.ts";
import { Agent } from "../../../host/stlink/agent.ts";
import { type Identity, sourceOf } from "./identities.ts";
import type { IdleSetup } from "./idle-worker.ts";
import { runWorker } from "./worker.ts";

runWorker<IdleSetup, number>(({ wasmPath, relay, stlinks }, tell) => {
  const wasm = readFileSync(wasmPath);
  let upCount = 0;
  const count = (by: 1 | -1): void => {
    upCount += by;
    if (upCount === 0 || upCount === stlinks.length) tell(upCount);
  };
  for (const [i, stlink] of stlinks.entries()) {
    const agent = agentOf(wasm, stlink);
    const address = { host: "127.0.0.1", port: relay.port, localAddress: sourceOf(i) };
    let isUp = false;
    agent.keepConnector({ address, key: relay.publicKey }, 0, ({ kind }) => {
      if (kind === "up" && !isUp) count(1);
      if (kind === "down" && isUp) count(-1);
      if (kind === "up" || kind === "down") isUp = kind === "up";
    });
  }
});

function agentOf(wasm: Uint8Array, { id, privateKey, publicKey }: Identity): Agent {
  return new Agent({
    core: new Core(openV8(wasm)),
    world: systemWorld,
    sizes: { ...DEVICE_SIZES, configBytes: 0 },
    privateKey,
    publicKey,
    id,
  });
}
