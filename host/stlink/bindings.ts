// SPDX-License-Identifier: Apache-2.0
// Bindings: where an STLink listens. Each connection that is accepted becomes one stream to the peer that
// holds the Mapping. Before it: an application. After it: pump.ts. DESIGN section 4, step 1.
// One candidate for each Binding so far; rule D10 (up to three, by load) is for the desktop.

import { CoreError } from "../core/core.ts";
import type { Address, Connection, Listener } from "../net/transport.ts";
import type { Agent } from "./agent.ts";
import { Pump } from "./pump.ts";
import type { Traffic } from "./traffic.ts";

export type Binding = {
  /** 16 bytes each. */
  id: Uint8Array;
  mappingId: Uint8Array;
  address: Address;
  /** The link to the peer that holds the Mapping. */
  link: number;
  traffic: Traffic;
};

const KIND_BYTES = 1;

/** Listens for a Binding's applications. Rejects with the system's error (EADDRINUSE, ...). */
export function listenBinding(agent: Agent, binding: Binding): Promise<Listener> {
  return agent.world.transport.listen(binding.address, (connection) =>
    open(agent, binding, connection),
  );
}

/** A stream for the connection; null (a reset) where every stream is in use. */
function open(agent: Agent, binding: Binding, connection: Connection): Pump | null {
  try {
    const { link, id, mappingId, traffic } = binding;
    const stream = agent.core.streamOpen(link, KIND_BYTES, id, mappingId);
    const pump = new Pump(agent, stream, connection, traffic);
    agent.attach(stream, pump);
    return pump;
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    binding.traffic.fail(error.code);
    return null;
  }
}
