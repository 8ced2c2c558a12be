// SPDX-License-Identifier: Apache-2.0
// One STLink of the demo, a process of its own: the end with the Binding (the core under V8) or the end
// with the Mapping (the core under wasm3). Before it: demo.ts forks it. After it: the agent, with one
// hop, one peer and one Route. It listens on loopback alone, and only as the Binding.

import { readFileSync } from "node:fs";
import { Core, DESKTOP_SIZES } from "../core/core.ts";
import type { CoreEngine } from "../core/engine.ts";
import { openV8 } from "../core/engine-v8.ts";
import { systemWorld } from "../net/world.ts";
import { Seldom } from "../service/seldom.ts";
import { Agent } from "../stlink/agent.ts";
import { listenBinding } from "../stlink/bindings.ts";
import { Candidates } from "../stlink/candidates.ts";
import type { HopEvent } from "../stlink/kept-connector.ts";
import { serveMappings } from "../stlink/mappings.ts";
import { reasonName } from "../stlink/reasons.ts";
import { Traffic } from "../stlink/traffic.ts";
import { runChild, type StlinkSetup, type Tell } from "./demo-messages.ts";

/** A demo's user kills the Connector and watches: no minute-long waits. */
const REDIAL_MOST_MS = 1000;

async function start(setup: StlinkSetup, tell: Tell): Promise<() => void> {
  const engine = await openEngine(setup);
  const agent = new Agent({
    core: new Core(engine),
    world: systemWorld,
    sizes: DESKTOP_SIZES,
    privateKey: setup.privateKey,
    publicKey: setup.publicKey,
    id: setup.id,
    redialMostMs: REDIAL_MOST_MS,
  });
  const link = agent.addPeer(setup.peer);
  const port = await serve(agent, setup, link);
  agent.keepConnector(setup.connector, 0, (event) => tell(describe(event)));
  tell({ kind: "ready", port, engine: engine.name });
  return () => agent.stop();
}

/** wasm3 is compiled when first needed; its module is only loaded where it is asked for. */
async function openEngine({ engine, wasmPath }: StlinkSetup): Promise<CoreEngine> {
  const wasm = readFileSync(wasmPath);
  if (engine === "v8") return openV8(wasm);
  const { openWasm3 } = await import("../core/engine-wasm3.ts");
  return openWasm3(wasm);
}

async function serve(agent: Agent, setup: StlinkSetup, link: number): Promise<number> {
  const { address, bindingId, mappingId } = setup;
  const seldom = new Seldom(agent.world.clock, () => {});
  const shared = { name: setup.role, holdMs: 120_000, traffic: new Traffic(), seldom };
  if (setup.role === "binding") {
    const candidates = new Candidates(agent);
    candidates.set([link]);
    const binding = { ...shared, id: bindingId, mappingId, candidates, peerName: () => "mapping" };
    const listener = await listenBinding(agent, binding, address);
    return listener.address.port;
  }
  const mapping = { ...shared, id: mappingId, target: address, links: [link] };
  serveMappings(agent, () => [mapping]);
  return address.port;
}

function describe(event: HopEvent): { kind: "hop"; isUp: boolean; text: string } {
  if (event.kind !== "down") return { kind: "hop", isUp: true, text: `hop ${event.kind}` };
  const why = event.reason === 0 ? event.why : reasonName(event.reason);
  return { kind: "hop", isUp: false, text: `hop down (${why}), redials in ${event.redialMs} ms` };
}

runChild(start);
