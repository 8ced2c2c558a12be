// SPDX-License-Identifier: Apache-2.0
// One Connector and two STLinks A and B, each a core or the reference, on the reference's wire with a
// fake clock. For tests of core against reference; everything follows from the seed.
// Invariants: A's id is the lower one; no key of the reference seals twice under one counter, and a
// record number of a stream always carries the same sealed bytes (D6).

import { createHash } from "node:crypto";
import { Core, type Sizes } from "../../host/core/core.ts";
import type { EngineName } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { watchSeals } from "../reference/aead.ts";
import { equal, toHex } from "../reference/bytes.ts";
import { Connector, type ConnectorOptions } from "../reference/connector.ts";
import type { Link, LinkPeer } from "../reference/link.ts";
import { decodeLinkFrames } from "../reference/link-frames.ts";
import { publicKey } from "../reference/noise.ts";
import type { PeerOptions } from "../reference/peer.ts";
import { type Random, seededRandom } from "../reference/random.ts";
import { ProtocolError, REASON } from "../reference/status.ts";
import { type Cut, Wire } from "../reference/wire.ts";
import { BINDING_ID, ID_A, ID_B, MAPPING_ID, nonceWatch } from "../reference/world.ts";
import { CoreStlink, type End, type Pipe, TEST_SIZES } from "./core-ends.ts";
import { CoreConnector, TEST_CONNECTOR_SIZES } from "./core-relay.ts";
import { ReferenceStlink } from "./reference-ends.ts";

export type Kind = "core" | "reference";

export interface CoreWorldOptions {
  seed: string;
  a: Kind;
  b: Kind;
  relay?: Kind;
  engine?: EngineName;
  sizes?: Sizes;
  cut?: Cut;
  latencyMs?: number;
  /** The clock's first value; the core's has 32 bits. */
  now?: number;
  /** Options of the ends that are the reference. */
  peer?: Partial<PeerOptions>;
  connector?: Partial<ConnectorOptions>;
  /** Without a pre-shared key for the link, or for the hops. */
  noPsk?: boolean;
}

export class CoreWorld {
  readonly options: CoreWorldOptions;
  readonly random: Random;
  readonly wire: Wire;
  readonly secrets: { a: Uint8Array; b: Uint8Array; connector: Uint8Array };
  readonly psk: { link: Uint8Array; hop: Uint8Array; name: Uint8Array };
  readonly relay: Connector | CoreConnector;
  /** Packets between the STLinks so far, and which of them vanish. */
  packets = 0;
  lose: (n: number, from: Uint8Array, packet: Uint8Array) => boolean = () => false;
  a: End;
  b: End;

  constructor(options: CoreWorldOptions) {
    watchSeals(nonceWatch());
    const { seed, now = 0, cut = "whole", latencyMs = 1 } = options;
    const random = seededRandom(seed);
    this.options = options;
    this.random = random;
    this.secrets = { a: random(32), b: random(32), connector: random(32) };
    this.psk = options.noPsk
      ? { link: new Uint8Array(32), hop: new Uint8Array(32), name: new Uint8Array(8) }
      : { link: random(32), hop: random(32), name: random(8) };
    this.wire = new Wire({ random, cut, latencyMs, now });
    this.relay = this.newRelay();
    this.a = this.newEnd("a");
    this.b = this.newEnd("b");
  }

  /** Joins both STLinks to the Connector and waits until they are welcome. */
  start(): this {
    this.dial(this.a);
    this.dial(this.b);
    if (!this.wire.run(() => this.a.welcomed && this.b.welcomed, 5000)) throw new Error("no hop");
    return this;
  }

  dial(end: End): void {
    end.tick(this.wire.now);
    // Where no hop was left nobody has told the Connector the time.
    if (this.relay instanceof Connector) this.relay.now = this.wire.now;
    else this.relay.core.tick(this.wire.now | 0);
    end.connect();
    this.wire.join(end, this.relay.accept());
  }

  /** Cuts an STLink's connection; the Connector notices at once. */
  hangUp(end: End): void {
    this.wire.cutOff(end);
    end.disconnect();
    if (this.relay instanceof Connector) this.relay.mailbox(end.id).port?.leave();
    else for (const port of this.relay.ports) if (port.id && equal(port.id, end.id)) port.leave();
  }

  /** Replaces an STLink by one that has lost everything but its keys. */
  restart(name: "a" | "b"): End {
    this.hangUp(this[name]);
    this[name] = this.newEnd(name);
    this.dial(this[name]);
    return this[name];
  }

  /** The reference's Connector of this world, to reach into its queues. */
  get connector(): Connector {
    if (!(this.relay instanceof Connector)) throw new Error("the Connector is a core");
    return this.relay;
  }

  /** Puts a packet into the queue of `to`, as from `from`. */
  inject(to: Uint8Array, from: Uint8Array, packet: Uint8Array, packetClass = 0): void {
    const since = this.wire.now;
    this.connector.mailbox(to).queue.push({ from, class: packetClass, packet, since });
  }

  private get sizes(): Sizes {
    return this.options.sizes ?? TEST_SIZES;
  }

  private newRelay(): Connector | CoreConnector {
    const { relay, connector } = this.options;
    const ids = [
      [publicKey(this.secrets.a), ID_A],
      [publicKey(this.secrets.b), ID_B],
    ] as const;
    const idOf = (key: Uint8Array) => ids.find(([known]) => equal(known, key))?.[1];
    const options = {
      staticSecret: this.secrets.connector,
      random: this.random,
      pskFor: (key: Uint8Array) => (idOf(key) ? this.psk.hop : undefined),
      admit: (key: Uint8Array) => idOf(key) ?? REASON.NotAdmitted,
      lose: (from: Uint8Array, _to: Uint8Array, packet: Uint8Array) =>
        this.lose(this.packets++, from, packet),
    };
    const { now } = this.wire;
    if (relay !== "core")
      return new Connector({ ...options, paired: () => true, ...connector }, now);
    const engine = openTestEngine(this.options.engine, TEST_CONNECTOR_SIZES);
    return new CoreConnector({ ...options, engine, sizes: TEST_CONNECTOR_SIZES }, now);
  }

  private newEnd(name: "a" | "b"): End {
    const other = name === "a" ? "b" : "a";
    const peer: LinkPeer = {
      id: name === "a" ? ID_B : ID_A,
      key: publicKey(this.secrets[other]),
      pskName: this.psk.name,
      psk: this.psk.link,
    };
    const base = {
      id: name === "a" ? ID_A : ID_B,
      staticSecret: this.secrets[name],
      connectorKey: publicKey(this.secrets.connector),
      hopPsk: this.psk.hop,
      random: this.random,
      peers: [peer],
    };
    if (this.options[name] === "core") {
      const engine = openTestEngine(this.options.engine, this.sizes);
      const clock = () => this.wire.now;
      return new CoreStlink({ ...base, engine, sizes: this.sizes, clock }, this.wire.now);
    }
    const end = new ReferenceStlink({ ...base, ...withSettings(this.options.peer) }, this.wire.now);
    watchRecords(end.peer.linkTo(peer.id));
    return end;
  }
}

// A core that has no configuration calls itself version 0.
function withSettings(options: Partial<PeerOptions> = {}): Partial<PeerOptions> {
  return { ...options, settings: { epoch: 0, serial: 0n, ...options.settings } };
}

/** An instance's engine with memory for `sizes`. */
export function openTestEngine(name: EngineName = "v8", sizes: Sizes = TEST_SIZES) {
  const engine = openEngine(name, { memoryBytes: Core.memoryBytes(sizes) });
  return engine;
}

/** An application at one end of a stream: writes what it has, reads what comes. */
export class App {
  readonly pipe: Pipe;
  readonly received: Uint8Array[] = [];
  private toSend: Uint8Array;
  private saidFin = false;

  constructor(pipe: Pipe, toSend: Uint8Array) {
    this.pipe = pipe;
    this.toSend = toSend;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.received);
  }

  /** Does what can be done now; FIN after the last byte. Returns whether the stream has ended. */
  step(): boolean {
    const { pipe } = this;
    const bytes = pipe.read();
    if (bytes.length > 0) this.received.push(bytes);
    if (pipe.ended) return true;
    if (!pipe.connected || this.saidFin) return false;
    this.toSend = this.toSend.subarray(pipe.write(this.toSend));
    if (this.toSend.length === 0) this.saidFin = pipe.fin();
    return false;
  }
}

/** Accepts the streams that are offered to `end` from now on; each sends `bytes`. */
export class Server {
  readonly apps: App[] = [];
  private readonly end: End;
  private readonly bytes: Uint8Array;
  private seen: number;

  constructor(end: End, bytes: Uint8Array) {
    this.end = end;
    this.bytes = bytes;
    this.seen = end.offered.length;
  }

  step(): void {
    for (const pipe of this.end.offered.slice(this.seen)) {
      pipe.accept();
      this.apps.push(new App(pipe, this.bytes));
    }
    this.seen = this.end.offered.length;
    for (const app of this.apps) app.step();
  }
}

export interface Exchanged {
  finished: boolean;
  client: App;
  server: Server;
}

export function openStream(world: CoreWorld, opener: "a" | "b" = "a", kind = 1): Pipe {
  return world[opener].open(opener === "a" ? ID_B : ID_A, kind, BINDING_ID, MAPPING_ID);
}

/** Sends `up` from the opener and `down` from the accepter on one stream. */
export function exchange(
  world: CoreWorld,
  up: Uint8Array,
  down: Uint8Array,
  opener: "a" | "b" = "a",
  limitMs = 120_000,
): Exchanged {
  const server = new Server(world[opener === "a" ? "b" : "a"], down);
  const client = new App(openStream(world, opener), up);
  const finished = world.wire.run(() => {
    server.step();
    return client.step() && server.apps.some((app) => app.pipe.ended);
  }, limitMs);
  client.step();
  server.step();
  return { finished, client, server };
}

/** What an exchange came to, to be compared with one value. */
export function outcome({ finished, client, server }: Exchanged) {
  const last = server.apps.at(-1);
  return {
    finished,
    reasons: [client.pipe.reason, last?.pipe.reason],
    up: digest(last?.bytes ?? new Uint8Array(0)),
    down: digest(client.bytes),
  };
}

/** Length and hash: what is long is compared by it, and shown by it. */
export function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`;
}

/** What it should have come to. */
export function whole(up: Uint8Array, down: Uint8Array) {
  return { finished: true, reasons: [0, 0], up: digest(up), down: digest(down) };
}

// Throws when a key of the reference seals two texts under one counter (D6).

// Throws when a peer sends another record under a number that it has used (D6): seen where the
// reference opens layer 2. A new linkId begins anew.
function watchRecords(link: Link): void {
  const receive = link.receive.bind(link);
  const seen = new Map<string, string>();
  let linkId = "";
  link.receive = (packet) => {
    const opened = receive(packet);
    if (!opened) return opened;
    try {
      for (const frame of decodeLinkFrames(opened.frames)) {
        if (frame.type === "HELLO") linkId = toHex(frame.myLinkId);
        if (frame.type !== "STREAM") continue;
        const name = `${linkId} ${frame.stream} ${frame.number}`;
        const hex = toHex(frame.record);
        if ((seen.get(name) ?? hex) !== hex) throw new Error("a record sealed twice");
        seen.set(name, hex);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
    return opened;
  };
}
