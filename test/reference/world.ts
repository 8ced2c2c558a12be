// SPDX-License-Identifier: Apache-2.0
// A small world for tests: one Connector, two STLinks A and B that may talk, a wire between them
// and a fake clock. Used by test/unit/reference-*.test.ts; everything follows from the seed.
// Invariant: A's id is the lower one, so A opens even stream numbers (S3).

import { type SealAudit, watchSeals } from "./aead.ts";
import { equal, toHex } from "./bytes.ts";
import { Connector, type ConnectorOptions } from "./connector.ts";
import type { LinkPeer } from "./link.ts";
import { publicKey } from "./noise.ts";
import { Peer, type PeerOptions } from "./peer.ts";
import { type Random, seededRandom } from "./random.ts";
import { REASON } from "./status.ts";
import type { Stream } from "./stream.ts";
import { type Cut, Wire } from "./wire.ts";

export const ID_A = new Uint8Array(16).fill(0x0a);
export const ID_B = new Uint8Array(16).fill(0x0b);
export const BINDING_ID = new Uint8Array(16).fill(0x11);
export const MAPPING_ID = new Uint8Array(16).fill(0x22);

export const REQUEST = { kind: 1, bindingId: BINDING_ID, mappingId: MAPPING_ID };

export interface WorldOptions {
  seed: string;
  cut?: Cut;
  latencyMs?: number;
  connector?: Partial<ConnectorOptions>;
  peer?: Partial<PeerOptions>;
}

export class World {
  readonly random: Random;
  readonly wire: Wire;
  readonly connector: Connector;
  readonly secrets: { a: Uint8Array; b: Uint8Array; connector: Uint8Array };
  readonly psk: { link: Uint8Array; hop: Uint8Array; name: Uint8Array };
  /** Packets between the STLinks so far, and which of them vanish. */
  packets = 0;
  lose: (n: number, from: Uint8Array, packet: Uint8Array) => boolean = () => false;
  a: Peer;
  b: Peer;
  private readonly options: WorldOptions;

  constructor(options: WorldOptions) {
    const random = seededRandom(options.seed);
    this.options = options;
    this.random = random;
    this.secrets = { a: random(32), b: random(32), connector: random(32) };
    this.psk = { link: random(32), hop: random(32), name: random(8) };
    this.wire = new Wire({
      random,
      cut: options.cut ?? "whole",
      latencyMs: options.latencyMs ?? 1,
    });
    this.connector = new Connector({ ...this.connectorOptions(), ...options.connector }, 0);
    this.a = this.makePeer("a");
    this.b = this.makePeer("b");
  }

  /** Joins both STLinks to the Connector and waits until they are welcome. */
  start(): void {
    this.dial(this.a);
    this.dial(this.b);
    if (!this.wire.run(() => this.a.welcomed && this.b.welcomed, 5000)) throw new Error("no hop");
  }

  dial(peer: Peer): void {
    peer.tick(this.wire.now);
    peer.connect();
    this.wire.join(peer, this.connector.accept());
  }

  /** Cuts a peer's connection; the Connector notices at once. */
  hangUp(peer: Peer): void {
    this.wire.cutOff(peer);
    peer.disconnect();
    const box = this.connector.mailbox(peer === this.a ? ID_A : ID_B);
    box.port?.leave();
  }

  /** Replaces an STLink by one that has lost everything but its keys. */
  restart(name: "a" | "b"): Peer {
    this.hangUp(this[name]);
    this[name] = this.makePeer(name);
    this.dial(this[name]);
    return this[name];
  }

  private makePeer(name: "a" | "b"): Peer {
    const other = name === "a" ? "b" : "a";
    const peer: LinkPeer = {
      id: name === "a" ? ID_B : ID_A,
      key: publicKey(this.secrets[other]),
      pskName: this.psk.name,
      psk: this.psk.link,
    };
    const options: PeerOptions = {
      id: name === "a" ? ID_A : ID_B,
      staticSecret: this.secrets[name],
      connectorKey: publicKey(this.secrets.connector),
      hopPsk: this.psk.hop,
      random: this.random,
      peers: [peer],
      ...this.options.peer,
    };
    return new Peer(options, this.wire.now);
  }

  private connectorOptions(): ConnectorOptions {
    const ids = [
      [publicKey(this.secrets.a), ID_A],
      [publicKey(this.secrets.b), ID_B],
    ] as const;
    const idOf = (key: Uint8Array) => ids.find(([known]) => equal(known, key))?.[1];
    return {
      staticSecret: this.secrets.connector,
      random: this.random,
      pskFor: (key) => (idOf(key) ? this.psk.hop : undefined),
      admit: (key) => idOf(key) ?? REASON.NotAdmitted,
      paired: () => true,
      lose: (from, _to, packet) => this.lose(this.packets++, from, packet),
    };
  }
}

/** Bytes that can be recognised: a count of four bytes over and over. */
export function pattern(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i >> 2) >> (8 * (i & 3))) ^ salt);
}

/** An application at one end of a stream: writes what it has, reads what comes. */
export class Application {
  readonly stream: Stream;
  received: Uint8Array[] = [];
  private readonly peer: Peer;
  private toSend: Uint8Array;
  private saidFin = false;

  constructor(peer: Peer, stream: Stream, toSend: Uint8Array) {
    this.peer = peer;
    this.stream = stream;
    this.toSend = toSend;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.received);
  }

  get done(): boolean {
    return this.stream.state === "ended";
  }

  /** Does what can be done now; FIN after the last byte. */
  step(): void {
    const bytes = this.peer.read(this.stream);
    if (bytes.length > 0) this.received.push(bytes);
    if (this.done || this.saidFin) return;
    this.toSend = this.toSend.subarray(this.peer.write(this.stream, this.toSend));
    if (this.toSend.length > 0) return;
    this.saidFin = true;
    this.peer.fin(this.stream);
  }
}

/** Answers each stream that is opened at `peer` from now on, as an application that sends `bytes`. */
export function serve(peer: Peer, bytes: Uint8Array): () => Application[] {
  const served: Application[] = [];
  let seen = peer.events.length;
  return () => {
    for (const event of peer.events.slice(seen)) {
      if (event.type !== "open") continue;
      peer.connected(event.stream);
      served.push(new Application(peer, event.stream, bytes));
    }
    seen = peer.events.length;
    for (const one of served) one.step();
    return served;
  };
}

/** What an `exchange` came to. */
export interface Outcome {
  finished: boolean;
  client: Application;
  served: Application[];
}

/** Sends `up` from the opener and `down` from the accepter on one stream. */
export function exchange(
  world: World,
  up: Uint8Array,
  down: Uint8Array,
  opener: "a" | "b" = "a",
  limitMs = 120_000,
): Outcome {
  const server = serve(opener === "a" ? world.b : world.a, down);
  const stream = world[opener].openStream(opener === "a" ? ID_B : ID_A, REQUEST);
  const client = new Application(world[opener], stream, up);
  let served: Application[] = [];
  const finished = world.wire.run(() => {
    client.step();
    served = server();
    return client.done && served.some((one) => one.done);
  }, limitMs);
  for (const one of [client, ...served]) one.step();
  return { finished, client, served };
}

/** A world with its hops up. Each is watched alone: the same seed makes the same keys. */
export function startWorld(options: WorldOptions): World {
  watchSeals(nonceWatch());
  const world = new World(options);
  world.start();
  return world;
}

/** Throws when a key seals two texts under one counter (D6). */
export function nonceWatch(): SealAudit {
  const sealed = new Map<string, string>();
  return (key, n, text) => {
    const name = `${toHex(key)} ${n}`;
    const hex = toHex(text);
    if ((sealed.get(name) ?? hex) !== hex) throw new Error("a nonce under two texts");
    sealed.set(name, hex);
  };
}
