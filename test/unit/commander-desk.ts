// SPDX-License-Identifier: Apache-2.0
// A Connector with a desk as small as it can be (PROTOCOL 9, 9.1), in the test's hands: the simulated relay, and an
// STLink beside it that takes a Commander's admission. Before it: commander-site.ts. After it: the tests of the
// Commander's control, which hold back its answers, count what it was told, and have it lie.
// Invariant: whom it admits is what was committed last, and nothing else.

import { createHash } from "node:crypto";
import { Talk } from "../../host/commander/control/talk.ts";
import {
  type DeskMessage,
  DeskReader,
  deskId,
  deskPskName,
  encodeDesk,
} from "../../host/connector/desk/messages.ts";
import { Core, DESKTOP_SIZES, DEVICE_SIZES, type Sizes } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import type { SimClock } from "../../host/net/sim/clock.ts";
import { type Admission, type Directory, SimConnector } from "../../host/net/sim/connector.ts";
import type { SimNetwork } from "../../host/net/sim/network.ts";
import type { Prng } from "../../host/net/sim/prng.ts";
import type { World } from "../../host/net/world.ts";
import { hex } from "../../host/service/hex.ts";
import type { KeyPair } from "../../host/service/key-file.ts";
import { Agent } from "../../host/stlink/agent.ts";

const NOT_ADMITTED = 50;
const CODE_USED = 64;
const CODE_EXPIRED = 65;
const CODE_UNKNOWN = 66;
const TURN_MS = 60_000;
const NONE = { epoch: 0, serial: 0n };
const RELAY_SIZES: Sizes = {
  ...DEVICE_SIZES,
  hops: 64,
  links: 0,
  streams: 0,
  handshakes: 16,
  channels: 64,
  maxPacketBytes: 16_000,
  recvBlocks: 0,
  sendBlocks: 0,
  hopBuffers: 128,
  hopCreditBytes: 64_000,
  hopBufferBytes: 16_640,
  configBytes: 0,
};
const DESK_SIZES: Sizes = {
  ...DESKTOP_SIZES,
  links: 4,
  streams: 8,
  recvBlocks: 512,
  sendBlocks: 64,
};

type MemberEntry = Extract<DeskMessage, { type: "MEMBER" }>;
type TicketEntry = Extract<DeskMessage, { type: "TICKET" }>;

/** What a Commander has had it hold. */
class Held {
  version: { epoch: number; serial: bigint } = NONE;
  readonly members = new Map<string, MemberEntry>();
  readonly pairs = new Set<string>();
  readonly tickets = new Map<string, TicketEntry>();
  /** `codeId key`. */
  readonly waiting = new Set<string>();
  readonly customers = new Map<string, Extract<DeskMessage, { type: "CUSTOMER" }>>();

  copy(): Held {
    const held = new Held();
    held.version = this.version;
    for (const [id, one] of this.members) held.members.set(id, one);
    for (const pair of this.pairs) held.pairs.add(pair);
    for (const [id, one] of this.tickets) held.tickets.set(id, one);
    for (const one of this.waiting) held.waiting.add(one);
    for (const [id, one] of this.customers) held.customers.set(id, one);
    return held;
  }

  /** A message between LIST or CHANGE and COMMIT; throws what PROTOCOL 9.1 does not allow. */
  take(message: DeskMessage): void {
    const id = "id" in message ? hex(message.id) : "";
    const codeId = "codeId" in message && message.codeId !== null ? hex(message.codeId) : "";
    switch (message.type) {
      case "MEMBER":
        return void this.members.set(id, message);
      case "REMOVE":
        if (!this.members.delete(id)) throw new Error("REMOVE of who is no member");
        for (const pair of this.pairs) if (pair.includes(id)) this.pairs.delete(pair);
        return;
      case "PAIR":
        return void this.pairs.add(this.#pair(message.one, message.other));
      case "UNPAIR":
        return void this.pairs.delete(this.#pair(message.one, message.other));
      case "TICKET":
        return void this.tickets.set(codeId, message);
      case "WAITING":
        return void this.waiting.add(`${codeId} ${hex(message.key)}`);
      case "VOID":
        this.tickets.delete(codeId);
        for (const one of this.waiting) if (one.startsWith(codeId)) this.waiting.delete(one);
        return;
      case "CUSTOMER":
        return void this.customers.set(id, message);
      case "DISMISS":
        return void this.customers.delete(id);
      default:
        throw new Error(`${message.type} between LIST and COMMIT`);
    }
  }

  #pair(one: Uint8Array, other: Uint8Array): string {
    const [low, high] = [hex(one), hex(other)].sort();
    if (!this.members.has(low ?? "") || !this.members.has(high ?? "")) {
      throw new Error("a pair of who is no member");
    }
    return `${low} ${high}`;
  }
}

export type FakeDeskOptions = {
  /** `host:port`. */
  address: string;
  clock: SimClock;
  network: SimNetwork;
  prng: Prng;
  /** The desk's process. */
  world: World;
  keys: KeyPair;
  commander: { id: Uint8Array; key: Uint8Array; psk: Uint8Array };
  /** Milliseconds since 1970. */
  now(): number;
};

export class FakeDesk implements Directory {
  readonly id: Uint8Array;
  readonly address: string;
  readonly relay: SimConnector;
  readonly #o: FakeDeskOptions;
  #agent: Agent | null = null;
  #talk: Talk | null = null;
  #reader = new DeskReader();
  held = new Held();
  #coming: Held | null = null;
  /** What it was told, by type. */
  readonly told: string[] = [];
  /** Commits that wait until the test lets them pass; null: none waits. */
  heldBack: (() => void)[] | null = null;
  /** It takes nothing, and says so. */
  isFull = false;
  /** Keys that the Commander may have; the operator can move it to another (T8). */
  commanderKey: Uint8Array;
  readonly #turns = new Map<string, { key: string; untilMs: number }>();
  readonly #attempts = new Map<string, number>();
  /** Admissions by id: the relay compares them by identity. */
  readonly #admissions = new Map<string, Admission>();
  readonly #here = new Map<string, string>();
  /** Keys that show a ticket, by the name of their place. */
  readonly #guests = new Map<string, { codeId: Uint8Array; key: Uint8Array }>();

  constructor(options: FakeDeskOptions) {
    this.#o = options;
    this.id = deskId(options.keys.publicKey);
    this.commanderKey = options.commander.key;
    const { address, clock, network, prng, keys } = options;
    this.address = address;
    const name = address.replace(":", " ");
    this.relay = new SimConnector({
      ...{ name, clock, network, prng: prng.fork("relay"), core: new Core(openCore()) },
      ...{ sizes: RELAY_SIZES, identity: { secret: keys.privateKey, key: keys.publicKey } },
      directory: this,
      limits: { bytes: 1 << 22, packets: 1 << 14, maxPacketBytes: RELAY_SIZES.maxPacketBytes },
      ...{ queueBytes: 1 << 20, stepsPerMs: 1000, clockBaseMs: 0 },
    });
  }

  start(): this {
    this.relay.start();
    const { keys, world, commander } = this.#o;
    const [host = "", port] = this.address.split(":");
    const agent = new Agent({
      ...{ core: new Core(openCore()), world, sizes: DESK_SIZES, ...keys, id: this.id },
    });
    const { id, psk } = commander;
    agent.addPeer({ id, key: this.commanderKey, psk, pskName: deskPskName(this.id) });
    agent.onOffer(3, (stream) => {
      agent.core.streamConnected(stream);
      this.#talk?.end(48);
      this.#reader = new DeskReader();
      this.#coming = null;
      const talk = new Talk(agent, stream, {
        bytes: (bytes) => this.#take(bytes),
        drained: () => {},
        over: () => {
          if (this.#talk === talk) this.#talk = null;
        },
      });
      this.#talk = talk;
      this.#begin();
      return talk;
    });
    const address = { host, port: Number(port) };
    agent.keepConnector({ address, key: keys.publicKey }, 0, () => {});
    this.#agent = agent;
    this.#look();
    return this;
  }

  /** The Connector's process dies; what it holds is on its disk. */
  crash(): void {
    this.relay.crash();
    this.#agent?.stop();
    this.#agent = null;
    this.#talk = null;
    this.#coming = null;
    this.#here.clear();
    this.#guests.clear();
  }

  /** Its disk is lost. */
  forget(): void {
    this.held = new Held();
  }

  stop(): void {
    if (this.#agent !== null) this.crash();
  }

  say(message: DeskMessage): void {
    this.#talk?.send(encodeDesk(message));
  }

  sayBytes(bytes: Uint8Array): void {
    this.#talk?.send(bytes);
  }

  #begin(): void {
    this.say({ type: "HOLDS", ...this.held.version });
    for (const [id, key] of this.#here) this.#sayHere(id, key);
    for (const guest of this.#guests.values()) this.#sayShown(guest);
    this.say({ type: "NAMED" });
  }

  #sayShown({ codeId, key }: { codeId: Uint8Array; key: Uint8Array }): void {
    this.say({ type: "SHOWN", codeId, key, source: "192.0.2.77" });
  }

  #sayHere(id: string, key: string): void {
    const source = "192.0.2.77";
    this.say({ type: "HERE", id: Buffer.from(id, "hex"), key: Buffer.from(key, "hex"), source });
  }

  /** Hops that have gone. */
  #look(): void {
    if (this.#agent === null) return;
    for (const id of this.#here.keys()) {
      if (this.relay.hasHop(id)) continue;
      this.#here.delete(id);
      this.say({ type: "GONE", id: Buffer.from(id, "hex"), reason: 0 });
    }
    for (const name of this.#guests.keys()) {
      if (!this.relay.hasHop(name)) this.#guests.delete(name);
    }
    this.#o.clock.after(50, () => this.#look());
  }

  #take(bytes: Uint8Array): void {
    for (const message of this.#reader.take(bytes)) {
      this.told.push(message.type);
      if (message.type === "LIST") this.#coming = new Held();
      else if (message.type === "CHANGE") {
        if (message.serial !== this.held.version.serial)
          throw new Error("CHANGE of another version");
        this.#coming = this.held.copy();
      } else if (this.#coming === null) throw new Error(`${message.type} outside of LIST`);
      else if (message.type === "COMMIT") this.#commit(this.#coming, message);
      else this.#coming.take(message);
    }
  }

  #commit(coming: Held, { epoch, serial }: { epoch: number; serial: bigint }): void {
    this.#coming = null;
    if (this.isFull) return this.say({ type: "HOLDS", ...this.held.version });
    coming.version = { epoch, serial };
    const put = (): void => {
      const before = this.held;
      this.held = coming;
      for (const [id, { key, nextKey }] of before.members) {
        const now = coming.members.get(id);
        const keys = [hex(key), ...(nextKey === null ? [] : [hex(nextKey)])];
        if (now !== undefined && keys.includes(hex(now.key))) continue;
        this.relay.purge(id);
        this.#admissions.delete(id);
      }
      this.say({ type: "HOLDS", epoch, serial });
    };
    if (this.heldBack === null) put();
    else this.heldBack.push(put);
  }

  /** What was held back takes effect. */
  letPass(): void {
    const waiting = this.heldBack ?? [];
    this.heldBack = null;
    for (const put of waiting) put();
  }

  // What the relay asks.

  pskOf(key: Uint8Array): Uint8Array | undefined {
    const text = hex(key);
    if (text === hex(this.commanderKey)) return this.#o.commander.psk;
    const member = this.#memberOf(text);
    if (member === undefined) return undefined;
    const tries = this.#attempts.get(text) ?? 0;
    this.#attempts.set(text, tries + 1);
    return member.codeId !== null && tries % 2 === 1 ? undefined : member.psk;
  }

  admit(key: Uint8Array, ticket: Uint8Array): Admission | number {
    const text = hex(key);
    if (text === hex(this.#o.keys.publicKey)) return this.#admission("desk", this.id, key);
    if (ticket.some((byte) => byte !== 0)) return this.#byTicket(key, ticket);
    if (text === hex(this.commanderKey)) {
      return this.#admission("commander", this.#o.commander.id, key);
    }
    const member = this.#memberOf(text);
    if (member === undefined) return NOT_ADMITTED;
    const id = hex(member.id);
    if (member.nextKey !== null && hex(member.nextKey) === text) {
      this.held.members.set(id, { ...member, key: member.nextKey, nextKey: null });
    }
    this.#here.set(id, text);
    this.#sayHere(id, text);
    return this.#admission(id, member.id, key);
  }

  byName(name: string): Admission | undefined {
    return this.#admissions.get(name);
  }

  receiver(id: Uint8Array, from: Admission): Admission | undefined {
    const to = hex(id);
    const isCommander = to === hex(this.#o.commander.id);
    if (isCommander) return this.#admissions.get("commander");
    if (from.name === "commander") {
      if (to === hex(this.id)) return this.#admissions.get("desk");
      return this.#admissions.get(to) ?? this.#admissions.get(`code ${to}`);
    }
    const pair = [from.name, to].sort().join(" ");
    return this.held.pairs.has(pair) ? this.#admissions.get(to) : undefined;
  }

  #memberOf(key: string): MemberEntry | undefined {
    return [...this.held.members.values()].find(
      (one) => hex(one.key) === key || (one.nextKey !== null && hex(one.nextKey) === key),
    );
  }

  #byTicket(key: Uint8Array, ticket: Uint8Array): Admission | number {
    const codeId = ticket.slice(0, 8);
    const refusal = this.#refusal(hex(codeId), hex(key), ticket.slice(8));
    const source = "192.0.2.77";
    if (refusal !== 0) {
      this.say({ type: "TURNED", codeId, key, reason: refusal, source });
      return refusal;
    }
    const id = Buffer.concat([codeId, Buffer.alloc(8)]);
    const name = `code ${hex(id)}`;
    this.#guests.set(name, { codeId, key: new Uint8Array(key) });
    this.#sayShown({ codeId, key });
    return this.#admission(name, id, key);
  }

  #refusal(codeId: string, key: string, ticket: Uint8Array): number {
    const entry = this.held.tickets.get(codeId);
    const hash = createHash("blake2s256").update(ticket).digest("hex");
    if (entry === undefined || hex(entry.ticketHash) !== hash) return CODE_UNKNOWN;
    if (this.#o.now() > entry.expiresAtMs) return CODE_EXPIRED;
    const member = this.#memberOf(key);
    const isOwn = member?.codeId != null && hex(member.codeId) === codeId;
    if (entry.usesLeft === 0 && !isOwn && !this.held.waiting.has(`${codeId} ${key}`)) {
      return CODE_USED;
    }
    const { nowMs } = this.#o.clock;
    const turn = this.#turns.get(codeId);
    if (turn !== undefined && nowMs < turn.untilMs && turn.key !== key) return CODE_USED;
    if (turn === undefined || nowMs >= turn.untilMs) {
      this.#turns.set(codeId, { key, untilMs: nowMs + TURN_MS });
    }
    return 0;
  }

  #admission(name: string, id: Uint8Array, key: Uint8Array): Admission {
    const known = this.#admissions.get(name) ?? { name, id, key };
    known.key = key;
    this.#admissions.set(name, known);
    return known;
  }
}
