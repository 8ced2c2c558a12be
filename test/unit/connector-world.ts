// SPDX-License-Identifier: Apache-2.0
// For the tests of the Connector: the real one, on a fake clock and fake connections, and STLinks that are
// the reference's layer 3 with every frame in the test's hands. Nothing waits for real time. A peer can
// stop reading, so that what the Connector hands over stays unsent.

import { Connector } from "../../host/connector/connector.ts";
import type { ConnectorEvent } from "../../host/connector/options.ts";
import type { AdmittedStlink, ConnectorRules } from "../../host/connector/settings.ts";
import { Core, connectorSizes } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import type { Accept, Connection, ConnectionEvents } from "../../host/net/transport.ts";
import type { World } from "../../host/net/world.ts";
import { Hop } from "../reference/hop.ts";
import type { HopFrame } from "../reference/hop-frames.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";

const random = seededRandom("connector world");
const NO_PSK = new Uint8Array(32);
export const CONNECTOR_SECRET = random(32);
const NOWHERE = { host: "connector", port: 1 };

/** A Connector only listens. */
function isNotNeeded(): never {
  throw new Error("a Connector dials nobody");
}

export type Person = AdmittedStlink & { secret: Uint8Array };

/** An STLink that may be admitted, and its secret. */
export function person(name: string, more: Partial<AdmittedStlink> = {}): Person {
  const secret = random(32);
  const rest = { tenant: "default", id: random(16), nextKey: null, psk: null };
  return { name, secret, key: publicKey(secret), ...rest, ...more };
}

export type Ticket = { codeId: Uint8Array; ticket: Uint8Array };

type Limits = ConnectorRules["limits"];
const LIMITS: Limits = {
  hops: 64,
  halfOpen: 16,
  halfOpenPerSource: 4,
  queueBytes: 1 << 20,
  rate: { bytesPerSecond: 1 << 30, packetsPerSecond: 1_000_000 },
};

/** Milliseconds since 1970 at which the world begins. */
export const WORLD_BEGAN_MS = 1_764_000_000_000;

/** Rules that admit these people, all of one tenant in one group. */
export function rulesFor(
  stlinks: readonly AdmittedStlink[],
  more: Partial<Omit<ConnectorRules, "limits">> & { limits?: Partial<Limits> } = {},
): ConnectorRules {
  const names = Map.groupBy(stlinks, ({ tenant }) => tenant).values();
  const groups = [...names].map((some) => some.map(({ name }) => name));
  return { stlinks, tenants: [], groups, ...more, limits: { ...LIMITS, ...more.limits } };
}

export class ConnectorWorld {
  readonly clock = new SimClock();
  readonly connector: Connector;
  readonly events: ConnectorEvent[] = [];
  /** What the Connector runs in. */
  readonly world: World;
  #accept: Accept = () => null;

  constructor(rules: ConnectorRules) {
    const world: World = {
      transport: {
        connect: isNotNeeded,
        lookup: isNotNeeded,
        bindDatagrams: isNotNeeded,
        dialDatagrams: isNotNeeded,
        listen: async (address, accept) => {
          this.#accept = accept;
          const close = () => {
            this.#accept = () => null;
          };
          return { address, close };
        },
      },
      clock: {
        now: () => Math.floor(this.clock.nowMs),
        after: (ms, then) => {
          const timer = this.clock.after(ms, then);
          return () => this.clock.cancel(timer);
        },
        soon: (then) => void this.clock.after(0, then),
      },
      entropy: random,
    };
    this.world = world;
    this.connector = new Connector({
      core: new Core(openCore()),
      world,
      sizes: connectorSizes(rules.limits.hops, rules.limits.halfOpen),
      privateKey: CONNECTOR_SECRET,
      publicKey: publicKey(CONNECTOR_SECRET),
      rules,
      onEvent: (event) => this.hear(event),
      wallMs: () => WORLD_BEGAN_MS + this.clock.nowMs,
    });
  }

  protected hear(event: ConnectorEvent): void {
    this.events.push(event);
  }

  static async start(rules: ConnectorRules): Promise<ConnectorWorld> {
    const world = new ConnectorWorld(rules);
    await world.connector.start(NOWHERE);
    return world;
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const untilMs = this.clock.nowMs + ms;
    while (this.clock.step(untilMs));
  }

  /** Lets time pass, and promises resolve, until `isOver`; throws when it is not in time. */
  async runUntil(isOver: () => boolean, mostMs: number): Promise<void> {
    const untilMs = this.clock.nowMs + mostMs;
    while (!isOver()) {
      if (this.clock.nowMs >= untilMs) throw new Error(`not over after ${mostMs} ms`);
      this.run(10);
      await Promise.resolve();
    }
  }

  /** Who takes connections now. */
  get accept(): Accept {
    return this.#accept;
  }

  /** A connection from a host on which nothing was sent yet. */
  connect(host: string): Line {
    const line = new Line(this.clock, host);
    line.events = this.#accept(line);
    if (line.events === null) line.isClosed = true;
    return line;
  }

  /** An STLink that has made its hop, as far as the Connector lets it. */
  dial(who: Person, host = "192.0.2.1", secret = who.secret): Stlink {
    const stlink = new Stlink(this, who, host, secret);
    this.run(50);
    return stlink;
  }

  /** One that shows a ticket: codeId (8 bytes) and ticket (32). */
  dialWith(who: Person, ticket: Ticket, host = "192.0.2.1"): Stlink {
    const stlink = new Stlink(this, who, host, who.secret);
    stlink.ticket = ticket;
    this.run(50);
    return stlink;
  }

  /** One that takes packets of at most so many bytes. */
  dialSmall(who: Person, maxPacket: number): Stlink {
    const stlink = new Stlink(this, who, "192.0.2.1", who.secret);
    stlink.maxPacket = maxPacket;
    this.run(50);
    return stlink;
  }

  /** One that has finished its handshake and says nothing then. */
  dialMute(who: Person): Stlink {
    const stlink = new Stlink(this, who, "192.0.2.1", who.secret);
    stlink.isGreeted = true;
    this.run(50);
    return stlink;
  }

  refused(name: string): number {
    return (this.connector.counters.refused as Record<string, number>)[name] ?? 0;
  }

  hopsRefused(name: string): number {
    return this.connector.counters.hopsRefused[name] ?? 0;
  }

  place(who: Person) {
    const found = [...this.connector.places].find(
      ({ name, tenancy }) => name === who.name && tenancy.name === who.tenant,
    );
    if (found === undefined) throw new Error(`${who.name} has no place`);
    return found;
  }
}

/** The Connector's side of a connection; what it writes is heard by `onBytes`, unless nobody reads. */
export class Line implements Connection {
  readonly remoteHost: string;
  events: ConnectionEvents | null = null;
  onBytes: (bytes: Uint8Array) => void = () => {};
  isClosed = false;
  isRead = true;
  unsentBytes = 0;
  /** How often the Connector stopped reading, and since when it does not read; null: it reads. */
  pauses = 0;
  pausedAtMs: number | null = null;
  longestPauseMs = 0;
  readonly #clock: SimClock;
  #waiting: Uint8Array[] = [];

  constructor(clock: SimClock, remoteHost: string) {
    this.#clock = clock;
    this.remoteHost = remoteHost;
  }

  /** Bytes for the Connector. They wait while it does not read. */
  give(bytes: Uint8Array): void {
    if (this.isClosed) return;
    if (this.pausedAtMs !== null) this.#waiting.push(bytes);
    else this.events?.data(bytes);
  }

  /** Bytes that wait because the Connector does not read. */
  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  write(bytes: Uint8Array): number {
    const taken = new Uint8Array(bytes);
    if (this.isRead) this.#clock.after(0, () => this.onBytes(taken));
    else this.unsentBytes += bytes.length;
    return this.unsentBytes;
  }

  pause(): void {
    this.pauses += 1;
    this.pausedAtMs = this.#clock.nowMs;
  }

  resume(): void {
    this.longestPauseMs = Math.max(
      this.longestPauseMs,
      this.#clock.nowMs - (this.pausedAtMs as number),
    );
    this.pausedAtMs = null;
    this.#clock.after(0, () => {
      while (this.pausedAtMs === null && this.#waiting.length > 0) {
        this.give(this.#waiting.shift() as Uint8Array);
      }
    });
  }

  end(): void {}

  /** The Connector closes; what it had written is still delivered. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#clock.after(0, () => this.events?.closed(null));
  }

  reset(): void {
    this.close();
    this.unsentBytes = 0;
  }
}

/** An STLink at the Connector, as the reference speaks layer 3. */
export class Stlink {
  readonly line: Line;
  readonly who: Person;
  /** Frames that came, and the packets among them. */
  readonly heard: HopFrame[] = [];
  readonly #hop: Hop;
  /** It has sent HOP_HELLO, or is not going to. */
  isGreeted = false;
  maxPacket = 65_000;
  ticket: Ticket | null = null;
  readonly #named: string[] = [];

  constructor(world: ConnectorWorld, who: Person, host: string, secret: Uint8Array) {
    this.who = who;
    this.line = world.connect(host);
    this.#hop = new Hop(
      {
        role: "stlink",
        staticSecret: secret,
        connectorKey: publicKey(CONNECTOR_SECRET),
        pskFor: () => who.psk ?? NO_PSK,
        random,
      },
      0,
    );
    this.line.onBytes = (bytes) => this.#take(bytes);
    this.#flush();
  }

  get isUp(): boolean {
    return this.heard.some(({ type }) => type === "WELCOME") && !this.line.isClosed;
  }

  /** The reason of the last REFUSED or CLOSE; null: there was none. */
  get endReason(): number | null {
    const last = this.heard.findLast(({ type }) => type === "REFUSED" || type === "CLOSE");
    return last?.type === "REFUSED" || last?.type === "CLOSE" ? last.reason : null;
  }

  /** The reasons of DROPPED that were heard. */
  get dropped(): number[] {
    return this.heard.flatMap((frame) => (frame.type === "DROPPED" ? [frame.reason] : []));
  }

  /** Bytes of the packets that came: of all, or of one sender. */
  bytesHeard(from?: Person): number {
    let sum = 0;
    for (const frame of this.heard) {
      if (frame.type !== "PACKET") continue;
      // Packets are full of their sender's first byte.
      if (from === undefined || frame.packet[0] === from.id[0]) sum += frame.packet.length;
    }
    return sum;
  }

  say(...frames: HopFrame[]): void {
    this.#hop.send(...frames);
    this.#flush();
  }

  /** Packets of so many bytes for somebody, each with a record of its own, all at once. */
  send(to: Person, bytes: number, times = 1, kind = 0): void {
    for (let i = 0; i < times; i++) this.#hop.send(...this.#framesFor(to, bytes, kind));
    this.#flush();
  }

  /** Begins a handshake inside the session. */
  rekey(): void {
    this.#hop.startRekey();
    this.#flush();
  }

  /** The Connector may send packets of so many bytes in all. */
  allow(total: number): void {
    this.say({ type: "CREDIT", total: BigInt(total) });
  }

  #framesFor(to: Person, bytes: number, kind: number): HopFrame[] {
    const packet = new Uint8Array(bytes).fill(this.who.id[0] as number);
    const id = Buffer.from(to.id).toString("hex");
    const known = this.#named.indexOf(id);
    if (known >= 0) return [{ type: "PACKET", class: kind, channel: known, packet }];
    const channel = this.#named.push(id) - 1;
    return [
      { type: "NAME", channel, id: to.id },
      { type: "PACKET", class: kind, channel, packet },
    ];
  }

  #take(bytes: Uint8Array): void {
    for (const frames of this.#hop.receive(bytes)) this.heard.push(...frames);
    if (this.#hop.established && !this.isGreeted) {
      this.isGreeted = true;
      const hello = { type: "HOP_HELLO", maxPacket: this.maxPacket, channels: 16 } as const;
      const shown = this.ticket === null ? [] : [{ type: "TICKET", ...this.ticket } as const];
      this.#hop.send(hello, ...shown);
    }
    this.#flush();
  }

  #flush(): void {
    const bytes = this.#hop.take();
    if (bytes.length > 0) this.line.give(bytes);
  }
}
