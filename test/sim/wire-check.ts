// SPDX-License-Identifier: Apache-2.0
// The checker on the wire: it sees every packet that a core sent, opens layer 2 with the keys of the
// keyring, and holds what it has seen for the whole run. Invariants: under one key a counter seals
// one packet, ever; a record's number seals one record, ever, whatever sessions and hops carry it
// (rule D6); an ephemeral key serves one handshake. Before it: SimConnector.onPacket.

import { hash } from "node:crypto";
import type { SeenPacket } from "../../host/net/sim/connector.ts";
import type { SimStlink } from "../../host/net/sim/stlink.ts";
import { SimFailure } from "./failure.ts";
import {
  currentPeerIndex,
  currentSession,
  findPlaces,
  type HeldSession,
  openPacket,
  placesKnown,
} from "./keyring.ts";
import { describePacket, FRAME, framesOf, PACKET, u16At, u32At, u64At } from "./packets.ts";

/** One direction of one session. */
type Direction = { key: Uint8Array; counters: Map<number, string>; helloMine: string };
type Session = { send: Direction; recv: Direction; mine: string };

const NO_LINK_ID = "0".repeat(16);

export class WireCheck {
  packets = 0;
  /** STREAM frames that carried a record which had been on the wire before. */
  resentRecords = 0;
  /** Data packets, by the frame that came last in each. */
  readonly kinds: Record<string, number> = {};
  /** Gets a line for each packet, if set. */
  trace: ((line: string) => void) | null = null;
  readonly #directions = new Map<string, Direction>();
  readonly #sessions = new Map<string, Session[]>();
  readonly #held = new Map<string, number>();
  readonly #records = new Map<string, string>();
  readonly #ephemerals = new Map<string, string>();
  /** The peer's linkId that a side has named last, by its own; and what each has stated last. */
  readonly #peers = new Map<string, string>();
  readonly #stated = new Map<string, string>();
  readonly #stlinks: Map<string, SimStlink>;

  constructor(stlinks: Map<string, SimStlink>) {
    this.#stlinks = stlinks;
  }

  /** Sessions that were made so far. */
  get sessionCount(): number {
    return this.#directions.size / 2;
  }

  /** Notes the sessions that an STLink has made since the last call. */
  capture(stlink: SimStlink): void {
    if (!placesKnown() || !stlink.isUp) return;
    for (let link = 0; link < stlink.linkCount; link++) {
      const index = currentPeerIndex(stlink, link);
      const name = `${stlink.name}.${link}.${stlink.life}`;
      if (index === 0 || this.#held.get(name) === index) continue;
      this.#held.set(name, index);
      this.#add(stlink.name, stlink.peerOf(link), currentSession(stlink, link));
    }
  }

  #add(from: string, to: string, held: HeldSession): void {
    const name = `${from}>${to}:${held.peerIndex}`;
    const session: Session = {
      send: this.#direction(held.sendKey),
      recv: this.#direction(held.recvKey),
      mine: held.mine,
    };
    this.#sessions.set(name, [session, ...(this.#sessions.get(name) ?? [])]);
  }

  #direction(key: Uint8Array): Direction {
    const name = Buffer.from(key).toString("hex");
    const known = this.#directions.get(name);
    if (known !== undefined) return known;
    const direction: Direction = { key, counters: new Map(), helloMine: "" };
    this.#directions.set(name, direction);
    return direction;
  }

  /** Checks a packet that an honest core sent. Returns its frames, opened; null for a handshake's. */
  see(packet: SeenPacket): Uint8Array | null {
    this.packets++;
    const isData = packet.bytes[0] === PACKET.Data;
    const plain = isData ? this.#data(packet) : this.#handshake(packet);
    this.trace?.(`${packet.from} > ${packet.to} ${describePacket(packet.bytes, plain)}`);
    return plain;
  }

  /** Messages 1 and 2: `e` comes again in the same message only (rules H4, S6). */
  #handshake({ from, bytes }: SeenPacket): null {
    const at = bytes[0] === PACKET.Message1 ? 13 : bytes[0] === PACKET.Message2 ? 9 : -1;
    if (at < 0) return null;
    const once = Buffer.from(bytes.subarray(at, at + 32)).toString("hex");
    this.#once(this.#ephemerals, `e ${once}`, digest(bytes), `${from} used an ephemeral key twice`);
    return null;
  }

  #data(packet: SeenPacket): Uint8Array {
    const { from, to, bytes } = packet;
    const stlink = this.#stlinks.get(from);
    if (!placesKnown() && stlink !== undefined) {
      findPlaces(stlink, stlink.link(to), bytes);
      for (const other of this.#stlinks.values()) this.capture(other);
    }
    const name = `${from}>${to}:${u32At(bytes, 1)}`;
    const counter = u64At(bytes, 5);
    for (const session of this.#sessions.get(name) ?? []) {
      const plain = openPacket(session.send.key, bytes);
      if (plain === null) continue;
      const text = `${from} sealed two packets under one key and counter ${counter}`;
      const seen = session.send.counters.get(counter);
      const now = digest(bytes);
      if (seen !== undefined && seen !== now) throw new SimFailure(text);
      session.send.counters.set(counter, now);
      this.#frames(packet, session, plain);
      return plain;
    }
    throw new SimFailure(`${from} sent a packet to ${to} that no session of its own opens`);
  }

  #frames({ from, to }: SeenPacket, session: Session, plain: Uint8Array): void {
    // Without HELLO the sender has opened the peer's; with it, it may know the one before only.
    if (plain[0] !== FRAME.Hello) this.#peers.set(session.mine, session.recv.helloMine);
    let peer = this.#peerBefore(session, `${to}>${from}`);
    let last = "PAD";
    for (const { type, name, at, len } of framesOf(plain)) {
      last = name;
      if (name === "?")
        throw new SimFailure(`${from} sent a frame that is unknown or cut (${type})`);
      if (type === FRAME.Hello) {
        session.send.helloMine = linkId(plain, at + 1);
        this.#stated.set(`${from}>${to}`, session.send.helloMine);
        const yours = linkId(plain, at + 9);
        if (yours !== NO_LINK_ID) this.#peers.set(session.mine, yours);
        peer = this.#peerBefore(session, `${to}>${from}`);
      }
      if (type === FRAME.Stream)
        this.#record(from, session.mine, peer, plain.subarray(at, at + len));
      if (type === FRAME.Datagram)
        this.#datagram(from, session.mine, peer, plain.subarray(at, at + len));
      if (type === FRAME.Open) this.#opening(from, plain.subarray(at + 59, at + len));
      if (type === FRAME.Accept) this.#opening(from, plain.subarray(at + 15, at + len));
    }
    this.kinds[last] = (this.kinds[last] ?? 0) + 1;
  }

  /** The peer's linkId as this side knew it last: before the peer's HELLO its records are for that. */
  #peerBefore(session: Session, peersWay: string): string {
    return this.#peers.get(session.mine) ?? this.#stated.get(peersWay) ?? "";
  }

  #record(from: string, mine: string, peer: string, frame: Uint8Array): void {
    if (peer === "") {
      throw new SimFailure(`${from} sent a record to a peer whose linkId it doesn't know`);
    }
    const [stream, number] = [u32At(frame, 1), u64At(frame, 5)];
    const text = `${from} sealed two records under one key: stream ${stream}, number ${number}`;
    const name = `${mine}>${peer}:${stream}:${number}`;
    if (this.#records.has(name)) this.resentRecords++;
    this.#once(this.#records, name, digest(frame.subarray(13)), text);
  }

  /** A datagram's counter seals one datagram, and it goes out once (rule U2). */
  #datagram(from: string, mine: string, peer: string, frame: Uint8Array): void {
    const counter = u32At(frame, 7) + u16At(frame, 11) * 2 ** 32;
    const name = `${mine}>${peer}:${u32At(frame, 1)}:datagram ${counter}`;
    const text = `${from} sealed two datagrams under one counter: ${counter}`;
    this.#once(this.#records, name, digest(frame.subarray(13)), text);
  }

  #opening(from: string, message: Uint8Array): void {
    const once = Buffer.from(message.subarray(0, 32)).toString("hex");
    const text = `${from} used an ephemeral key of a connection twice`;
    this.#once(this.#ephemerals, `e ${once}`, digest(message), text);
  }

  #once(seen: Map<string, string>, name: string, value: string, text: string): void {
    const before = seen.get(name);
    if (before !== undefined && before !== value) throw new SimFailure(text);
    seen.set(name, value);
  }
}

function linkId(plain: Uint8Array, at: number): string {
  return Buffer.from(plain.subarray(at, at + 8)).toString("hex");
}

function digest(bytes: Uint8Array): string {
  return hash("sha1", bytes, "base64");
}
