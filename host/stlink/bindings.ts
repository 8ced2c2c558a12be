// SPDX-License-Identifier: Apache-2.0
// Bindings: where an STLink listens. Each connection that is accepted becomes one stream to a peer that
// holds the Mapping. Before it: an application. After it: opening.ts, candidates.ts. DESIGN section 4,
// step 1.

import type { Address, Listener } from "../net/transport.ts";
import type { Seldom } from "../service/seldom.ts";
import type { Access } from "./access.ts";
import type { Agent } from "./agent.ts";
import type { Candidates } from "./candidates.ts";
import { Opening } from "./opening.ts";
import type { Traffic } from "./traffic.ts";

/** What its owner may change while connections come. */
export type Binding = {
  name: string;
  /** 16 bytes each. */
  id: Uint8Array;
  mappingId: Uint8Array;
  /** Links to the peers that hold the Mapping. */
  candidates: Candidates;
  /** How long a stream is held without its peer (rule S4). */
  holdMs: number;
  traffic: Traffic;
  access: Access;
  /** Hears why connections fail. */
  seldom: Seldom;
  /** The name of a link's peer. */
  peerName(link: number): string;
};

/** Listens for a Binding's applications. Rejects with the system's error (EADDRINUSE, ...). */
export function listenBinding(agent: Agent, binding: Binding, address: Address): Promise<Listener> {
  return agent.world.transport.listen(address, (connection) => {
    if (!isAdmitted(binding, connection.remoteHost)) return null;
    const opening = new Opening(agent, binding, connection);
    if (opening.hasFailed) return null;
    binding.access.admit(opening);
    return opening;
  });
}

/** Asked before anything is opened to a peer: who is refused costs no stream. */
function isAdmitted({ access, traffic, seldom, name }: Binding, host: string): boolean {
  const refusal = access.refusalOf(host, access.admitted);
  if (refusal === null) return true;
  access.count(refusal);
  traffic.lastError = access.refusalText(refusal, "connection", host);
  seldom.warn(refusal, () => `the Binding "${name}": ${traffic.lastError}`);
  return false;
}
