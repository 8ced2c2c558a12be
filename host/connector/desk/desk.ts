// SPDX-License-Identifier: Apache-2.0
// The desk: an STLink of the Connector's own, whose hop never leaves the process, so that Commanders speak to
// it as STLinks speak to each other, in three layers (PROTOCOL 9.1). Before it: service.ts. After it:
// conversation.ts, one for each Commander's stream. Invariant: one conversation for each Commander.

import { Reason } from "../../core/abi.gen.ts";
import { Core, DEVICE_SIZES, type Sizes } from "../../core/core.ts";
import { openCore } from "../../core/core-file.ts";
import { dialPair } from "../../net/pair.ts";
import type { World } from "../../net/world.ts";
import { hex } from "../../service/hex.ts";
import type { Log } from "../../service/log.ts";
import { Agent } from "../../stlink/agent.ts";
import type { Admissions } from "../admissions/admissions.ts";
import type { Connector } from "../connector.ts";
import type { ConnectorEvent } from "../options.ts";
import type { Place } from "../place.ts";
import { noChange } from "../roster.ts";
import type { Tenancy } from "../tenancy.ts";
import { type Commit, Conversation } from "./conversation.ts";
import { deskId, deskPskName } from "./messages.ts";

export type DeskOptions = {
  connector: Connector;
  world: World;
  log: Log;
  /** The Connector's, 32 bytes each. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
};

/** The operator's Commander and each Customer's, and one that takes another's place. */
const LINKS = 257;
const SIZES: Sizes = {
  ...DEVICE_SIZES,
  links: LINKS,
  streams: 2 * LINKS,
  handshakes: 16,
  maxPacketBytes: 16_384,
  maxRecordBytes: 8192,
  windowBytes: 65_536,
  blockBytes: 1024,
  recvBlocks: 2048,
  sendBlocks: 2048,
  channels: LINKS + 1,
  replayBits: 1024,
  pendingOpens: 8,
  hopBuffers: 4,
  hopBufferBytes: 65_536,
  hopCreditBytes: 262_144,
  configBytes: 0,
};
const KIND_CONTROL = 3;
const REDIAL_MOST_MS = 1000;
const MOVED_MS = 10_000;
/** What the desk sends is answers, to who may be slow: nobody else's rate is touched. */
const RATE = { bytesPerSecond: 2 ** 40, packetsPerSecond: 2 ** 30 };
/** Of the time, a COMMIT's share is at most one in so many. */
const COMMIT_SHARE = 3;
/** What logs and limits know it by. */
const HOST = "desk";

/** A Commander's link, with the key and PSK that it was made with. */
type Link = { link: number; text: string; tenancy: Tenancy };

export class Desk {
  readonly #options: DeskOptions;
  readonly #id: Uint8Array;
  readonly #agent: Agent;
  #admissions: Admissions | null = null;
  /** By the Commander's id. */
  readonly #links = new Map<string, Link>();
  readonly #conversations = new Map<string, Conversation>();
  #restUntilMs = 0;
  #cancelMoved = (): void => {};

  constructor(options: DeskOptions) {
    const { connector, world, privateKey, publicKey } = options;
    this.#options = options;
    this.#id = deskId(publicKey);
    const transport: World["transport"] = {
      ...world.transport,
      connect: (_, events) => dialPair(world.clock, HOST, events, (end) => connector.take(end)),
    };
    const keys = { privateKey, publicKey, id: this.#id };
    this.#agent = new Agent({
      ...keys,
      core: new Core(openCore()),
      world: { clock: world.clock, entropy: (len) => world.entropy(len), transport },
      sizes: SIZES,
      redialMostMs: REDIAL_MOST_MS,
    });
    this.#agent.onOffer(KIND_CONTROL, (stream, { link }) => this.#take(stream, link));
    connector.change((roster, nowMs) => {
      const names = { name: HOST, tenant: HOST };
      const desk = { ...names, id: this.#id, key: publicKey, nextKey: null, psk: null };
      roster.openDesk(desk, RATE, nowMs);
      return noChange();
    });
  }

  /** Hexadecimal. */
  get id(): string {
    return hex(this.#id);
  }

  /** Lets Commanders in, once what is on disk is in force. */
  start(admissions: Admissions): void {
    const { publicKey: key, log } = this.#options;
    this.#admissions = admissions;
    this.sync();
    const connector = { address: { host: HOST, port: 1 }, key };
    this.#agent.keepConnector(connector, 0, (event) => {
      if (event.kind === "down") log.warn({ reason: event.why }, "the desk has no hop");
    });
    this.#movedLater();
  }

  stop(): void {
    this.#cancelMoved();
    this.#agent.stop();
  }

  /** Knows the Commanders that there are now, under the keys that they have now. */
  sync(): void {
    const there = new Set<string>();
    for (const tenancy of this.#options.connector.tenancies) {
      const { commander } = tenancy;
      if (commander === null) continue;
      there.add(commander.id);
      this.#know(commander, tenancy);
    }
    for (const id of [...this.#links.keys()]) if (!there.has(id)) this.#forget(id);
  }

  /** What the Connector tells of goes to the Commander whose tenant it is. */
  hear(event: ConnectorEvent): void {
    if (event.kind === "up") {
      this.#admissions?.noteUp(event.place);
      this.#of(event.place.tenancy)?.tell(event.place, 0);
    } else if (event.kind === "down") {
      this.#of(event.place.tenancy)?.tell(event.place, reasonOf(event.why));
    } else if (event.kind === "turned") {
      const { tenancies, codeId, key, reason, host } = event;
      for (const one of tenancies) this.#of(one)?.turned(codeId, key, Reason[reason], host);
    }
  }

  #of({ commander }: Tenancy): Conversation | undefined {
    return commander === null ? undefined : this.#conversations.get(commander.id);
  }

  #know({ id, idBytes, key, psk }: Place, tenancy: Tenancy): void {
    const text = `${key} ${psk === null ? "" : hex(psk)}`;
    const known = this.#links.get(id);
    if (known?.text === text) return;
    if (known !== undefined) this.#forget(id);
    const peer = { id: idBytes, key: new Uint8Array(Buffer.from(key, "hex")) };
    const secret = psk === null ? {} : { psk, pskName: deskPskName(this.#id) };
    const link = this.#agent.addPeer({ ...peer, ...secret });
    this.#links.set(id, { link, text, tenancy });
  }

  /** Another key is another one: nothing of the old sessions is left. */
  #forget(id: string): void {
    const known = this.#links.get(id);
    this.#links.delete(id);
    if (known !== undefined) this.#agent.replacePeer(known.link, Reason.Revoked);
  }

  /** A Commander's stream: the newest counts. */
  #take(stream: number, link: number): Conversation | null {
    const [id, of] = [...this.#links].find(([, one]) => one.link === link) ?? [];
    if (id === undefined || of === undefined) return null;
    this.#agent.core.streamConnected(stream);
    this.#conversations.get(id)?.reset(Reason.Superseded);
    const conversation: Conversation = new Conversation({
      agent: this.#agent,
      stream,
      tenancy: of.tenancy,
      version: () => this.#admissionsOf().versionOf(id),
      commit: (commit) => this.#commit(id, commit),
      restMs: () => Math.max(this.#restUntilMs - this.#options.world.clock.now(), 0),
      onBad: (why) => this.#options.log.warn({ commander: id, why }, "a Commander's stream reset"),
      onOver: () => {
        if (this.#conversations.get(id) === conversation) this.#conversations.delete(id);
      },
    });
    this.#conversations.set(id, conversation);
    return conversation;
  }

  #commit(id: string, { base, messages, version }: Commit): void {
    const { clock } = this.#options.world;
    const beganMs = clock.now();
    try {
      this.#admissionsOf().commit(id, { base, messages }, version);
      this.sync();
    } finally {
      const endMs = clock.now();
      this.#restUntilMs = endMs + (COMMIT_SHARE - 1) * (endMs - beganMs);
    }
  }

  #admissionsOf(): Admissions {
    if (this.#admissions === null) throw new Error("a Commander was let in before its admissions");
    return this.#admissions;
  }

  #movedLater(): void {
    this.#cancelMoved = this.#options.world.clock.after(MOVED_MS, () => {
      for (const conversation of this.#conversations.values()) conversation.tellMoved();
      this.#movedLater();
    });
  }
}

/** 0 for what has no reason on the wire. */
function reasonOf(why: string): number {
  return (Reason as Readonly<Record<string, number>>)[why] ?? 0;
}
