// SPDX-License-Identifier: Apache-2.0
// The Connector of the demo, a process of its own: the only one with a port that STLinks dial. Before it:
// demo.ts forks it, and forks it again when it dies. After it: connector.ts. Tells its parent four times
// a second what it sees, which is all that it could tell anybody.

import { readFileSync } from "node:fs";
import { Connector } from "../connector/connector.ts";
import { openRules } from "../connector/open-rules.ts";
import { Core, connectorSizes } from "../core/core.ts";
import { openV8 } from "../core/engine-v8.ts";
import { systemWorld } from "../net/world.ts";
import { type ConnectorSetup, runChild, type Seen, type Tell } from "./demo-messages.ts";

const HOPS = 16;
const SEEN_MS = 250;
const RECENT_MOST = 3;

async function start(setup: ConnectorSetup, tell: Tell): Promise<() => void> {
  const recent: Seen["recent"] = [];
  const engine = openV8(readFileSync(setup.wasmPath));
  const connector = new Connector({
    core: new Core(engine),
    world: systemWorld,
    sizes: connectorSizes(HOPS, HOPS),
    privateKey: setup.privateKey,
    publicKey: setup.publicKey,
    rules: openRules(setup.admitted, setup.pairs, HOPS),
    onPacket(from, to, bytes, kind) {
      recent.push({ from, to, bytes, kind });
      if (recent.length > RECENT_MOST) recent.shift();
    },
  });
  const listener = await connector.start(setup.address);
  tell({ kind: "ready", port: listener.address.port, engine: engine.name });
  const timer = setInterval(() => tell({ kind: "seen", seen: look(connector, recent) }), SEEN_MS);
  return () => {
    clearInterval(timer);
    connector.stop();
  };
}

function look(connector: Connector, recent: Seen["recent"]): Seen {
  const places = [...connector.places].map(({ id, seat, queue, packetsIn, packetsOut }) => ({
    id,
    isHere: seat !== null,
    packetsIn,
    packetsOut,
    bytesIn: seat?.wire.bytesIn ?? 0,
    bytesOut: seat?.wire.bytesOut ?? 0,
    queuePackets: queue.heldPackets,
    queueBytes: queue.heldBytes,
  }));
  const { sizes, refused } = connector.counters;
  return { places, sizes, refused: { ...refused }, recent };
}

runChild(start);
