// SPDX-License-Identifier: Apache-2.0
// Mappings: where an STLink sends what it receives. A stream that a peer offers becomes one connection to
// the Mapping's target; CONNECTED or a reset with the target's reason goes back. Before it: agent.ts's
// offers. After it: pump.ts. DESIGN section 4, step 5; the pairing is checked here too (section 5).
// Invariant: what is dialled is an address that was looked at, never a name again.

import { Reason } from "../core/abi.gen.ts";
import { StreamFlag, type StreamView } from "../core/core.ts";
import type { Address, Connection, ConnectionEvents, Ending } from "../net/transport.ts";
import type { Seldom } from "../service/seldom.ts";
import { refusedHint, resolveTarget } from "./addresses.ts";
import type { Agent, StreamOwner } from "./agent.ts";
import { KIND_BYTES } from "./opening.ts";
import { Pump } from "./pump.ts";
import type { Traffic } from "./traffic.ts";

/** What its owner may change while streams come. */
export type Mapping = {
  name: string;
  /** 16 bytes. */
  id: Uint8Array;
  /** The host may be a name; it is resolved at each dial. */
  target: Address;
  /** The links whose peers may use it. */
  links: readonly number[];
  /** How long a stream is held without its peer (rule S4). */
  holdMs: number;
  traffic: Traffic;
  /** Hears why targets can't be reached. */
  seldom: Seldom;
};

/** How long a target may take to answer: less than the opener's 10 s (rule D10), so that it hears why. */
const TARGET_MS = 8000;

/** Serves the Mappings that `all` gives to the peers that may use them. */
export function serveMappings(agent: Agent, all: () => readonly Mapping[]): void {
  agent.onOffer(KIND_BYTES, (stream, info) => {
    const mapping = all().find((one) => isFor(one, info));
    return mapping === undefined ? null : new TargetDial(agent, stream, mapping);
  });
}

function isFor(mapping: Mapping, { link, mappingId }: StreamView): boolean {
  return Buffer.compare(mapping.id, mappingId) === 0 && mapping.links.includes(link);
}

const REASONS: Readonly<Record<Ending, number>> = {
  Refused: Reason.TargetRefused,
  Unreachable: Reason.TargetUnreachable,
  TimedOut: Reason.TargetTimedOut,
  Reset: Reason.TargetRefused,
  Failed: Reason.TargetUnreachable,
};

/** A stream whose target is being dialled; afterwards its pump, to which everything is passed on. */
class TargetDial implements StreamOwner {
  readonly #agent: Agent;
  readonly #stream: number;
  readonly #mapping: Mapping;
  readonly #endMs: number;
  #cancelTimer = (): void => {};
  /** Addresses of the target that have not been tried. */
  #hosts: string[] = [];
  #connection: Connection | null = null;
  #pump: Pump | null = null;
  #isOver = false;

  constructor(agent: Agent, stream: number, mapping: Mapping) {
    this.#agent = agent;
    this.#stream = stream;
    this.#mapping = mapping;
    this.#endMs = agent.world.clock.now() + TARGET_MS;
    agent.core.streamHold(stream, mapping.holdMs);
    this.#wait(mapping.target.host, 1);
    this.#resolve();
  }

  /** The opener may give up before the target answers. */
  news(): void {
    if (this.#pump !== null || this.#isOver) return;
    if (!(this.#agent.core.streamFlags(this.#stream) & StreamFlag.Closed)) return;
    this.#finish();
  }

  async #resolve(): Promise<void> {
    const { transport } = this.#agent.world;
    const target = await resolveTarget(this.#mapping.target.host, (h) => transport.lookup(h));
    if (this.#isOver) return;
    if ("refusal" in target) return this.#fail("Unreachable", target.refusal);
    this.#hosts = [...target.hosts];
    this.#dial();
  }

  #dial(): void {
    const [host = "", ...others] = this.#hosts;
    this.#hosts = others;
    this.#wait(host, others.length + 1);
    const { port } = this.#mapping.target;
    const events: ConnectionEvents = {
      landing: this.#agent.core.streamLanding(),
      opened: () => this.#opened(connection),
      data: (bytes) => this.#pump?.data(bytes),
      drained: () => this.#pump?.drained(),
      ended: () => this.#pump?.ended(),
      closed: (why) => this.#closed(connection, host, why),
    };
    const connection = this.#agent.world.transport.connect({ host, port }, events);
    this.#connection = connection;
  }

  /** The host has its share of the time that is left. */
  #wait(host: string, shares: number): void {
    const { clock } = this.#agent.world;
    const ms = Math.max(0, this.#endMs - clock.now()) / shares;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(ms, () => this.#late(host));
  }

  #late(host: string): void {
    if (this.#connection === null)
      return this.#fail("TimedOut", `${host}: its name takes too long`);
    const { port } = this.#mapping.target;
    const connection = this.#connection;
    this.#connection = null;
    connection.reset();
    if (this.#hosts.length > 0) return this.#dial();
    this.#fail(
      "TimedOut",
      `${host} port ${port}: TimedOut. Does a firewall drop what is sent there?`,
    );
  }

  #opened(connection: Connection): void {
    this.news();
    if (this.#isOver) return;
    this.#cancelTimer();
    this.#pump = new Pump(this.#agent, this.#stream, connection, this.#mapping.traffic);
    this.#agent.core.streamConnected(this.#stream);
    this.#agent.attach(this.#stream, this.#pump);
  }

  #closed(connection: Connection, host: string, why: Ending | null): void {
    if (connection !== this.#connection) return;
    if (this.#pump !== null) return this.#pump.closed(why);
    if (this.#isOver) return;
    if (this.#hosts.length > 0) return this.#dial();
    const ending = why ?? "Reset";
    const what = `${host} port ${this.#mapping.target.port}: ${ending}.`;
    this.#fail(ending, ending === "Refused" ? `${what} ${refusedHint(host)}` : what);
  }

  #fail(why: Ending, text: string): void {
    if (this.#pump !== null || this.#isOver) return;
    const { name, traffic, seldom } = this.#mapping;
    traffic.fail(text);
    seldom.warn(text, () => `the Mapping "${name}" could not connect: ${text}`);
    this.#agent.core.streamReset(this.#stream, REASONS[why]);
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#connection?.reset();
    this.#agent.release(this.#stream);
  }
}
