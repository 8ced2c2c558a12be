// SPDX-License-Identifier: Apache-2.0
// Mappings: where an STLink sends what it receives. A stream that a peer offers becomes one connection to
// the Mapping's target; CONNECTED or a reset with the target's reason goes back. Before it: agent.ts's
// offers. After it: pump.ts. DESIGN section 4, step 5; the pairing is checked here too (section 5).

import { Reason } from "../core/abi.gen.ts";
import { StreamFlag, type StreamView } from "../core/core.ts";
import type { Address, Connection, ConnectionEvents, Ending } from "../net/transport.ts";
import type { Agent, StreamOwner } from "./agent.ts";
import { Pump } from "./pump.ts";

export type Mapping = {
  /** 16 bytes. */
  id: Uint8Array;
  target: Address;
  /** The links whose peers may use it. */
  links: readonly number[];
};

/** How long a target may take to answer (rule D10 tries for 10 s in all). */
const TARGET_MS = 10_000;
const KIND_BYTES = 1;

/** Serves these Mappings to the peers that may use them. */
export function serveMappings(agent: Agent, mappings: readonly Mapping[]): void {
  agent.onOffer((stream, info) => {
    const mapping = mappings.find((one) => isFor(one, info));
    return mapping === undefined ? null : new TargetDial(agent, stream, mapping.target);
  });
}

function isFor(mapping: Mapping, { kind, link, mappingId }: StreamView): boolean {
  const isSame = Buffer.compare(mapping.id, mappingId) === 0;
  return isSame && kind === KIND_BYTES && mapping.links.includes(link);
}

const REASONS: Readonly<Record<Ending, number>> = {
  Refused: Reason.TargetRefused,
  Unreachable: Reason.TargetUnreachable,
  TimedOut: Reason.TargetTimedOut,
  Reset: Reason.TargetRefused,
  Failed: Reason.TargetUnreachable,
};

/** A stream whose target is being dialled; afterwards its pump, to which everything is passed on. */
class TargetDial implements ConnectionEvents, StreamOwner {
  readonly #agent: Agent;
  readonly #stream: number;
  readonly #connection: Connection;
  readonly #cancelTimer: () => void;
  #pump: Pump | null = null;
  #isOver = false;

  constructor(agent: Agent, stream: number, target: Address) {
    this.#agent = agent;
    this.#stream = stream;
    this.#connection = agent.world.transport.connect(target, this);
    this.#cancelTimer = agent.world.clock.after(TARGET_MS, () => this.#fail("TimedOut"));
  }

  opened(): void {
    this.news();
    if (this.#isOver) return;
    this.#cancelTimer();
    this.#pump = new Pump(this.#agent, this.#stream, this.#connection);
    this.#agent.core.streamConnected(this.#stream);
    this.#agent.attach(this.#stream, this.#pump);
  }

  data(bytes: Uint8Array): void {
    this.#pump?.data(bytes);
  }

  drained(): void {
    this.#pump?.drained();
  }

  ended(): void {
    this.#pump?.ended();
  }

  closed(why: Ending | null): void {
    if (this.#pump !== null) this.#pump.closed(why);
    else this.#fail(why ?? "Reset");
  }

  /** The opener may give up before the target answers. */
  news(): void {
    if (this.#pump !== null || this.#isOver) return;
    if (!(this.#agent.core.streamFlags(this.#stream) & StreamFlag.Closed)) return;
    this.#finish();
  }

  #fail(why: Ending): void {
    if (this.#pump !== null || this.#isOver) return;
    this.#agent.core.streamReset(this.#stream, REASONS[why]);
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#connection.reset();
    this.#agent.release(this.#stream);
  }
}
