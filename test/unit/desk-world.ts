// SPDX-License-Identifier: Apache-2.0
// For the tests of a Connector's desk: the real Connector with its desk and its store, on a fake clock; and
// Commanders that are real cores, whose messages are the test's. Before it: connector-world.ts. After it:
// connector-desk*.test.ts, connector-tickets.test.ts. A world may be stopped, and another go on in its folder.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Commanders } from "../../host/connector/commanders.ts";
import {
  type DeskMessage,
  type DeskMessageOf,
  DeskReader,
  type DeskType,
  deskId,
  deskPskName,
  encodeDesk,
} from "../../host/connector/desk/messages.ts";
import type { ConnectorEvent } from "../../host/connector/options.ts";
import type { ConnectorRules, ConnectorSettings } from "../../host/connector/settings.ts";
import { Core, DEVICE_SIZES, StreamFlag } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { dialPair } from "../../host/net/pair.ts";
import type { World } from "../../host/net/world.ts";
import type { Log } from "../../host/service/log.ts";
import { Agent } from "../../host/stlink/agent.ts";
import type { HopEvent } from "../../host/stlink/kept-connector.ts";
import { publicKey } from "../reference/noise.ts";
import { CONNECTOR_SECRET, ConnectorWorld, type Person, rulesFor } from "./connector-world.ts";

const NONE = new Uint8Array(16);
const NO_PSK = new Uint8Array(32);
const SIZES = {
  ...DEVICE_SIZES,
  ...{ streams: 8, handshakes: 4, maxPacketBytes: 16_384, maxRecordBytes: 8192 },
  ...{ windowBytes: 65_536, blockBytes: 1024, recvBlocks: 512, sendBlocks: 512, configBytes: 0 },
  ...{ hopBufferBytes: 65_536, hopCreditBytes: 131_072 },
};
const SETTLE_MS = 400;

const folders: string[] = [];
const worlds = new Set<DeskWorld>();

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sealed-desk-"));
  folders.push(folder);
  return folder;
}

/** After each test. */
export function endWorlds(): void {
  for (const world of worlds) world.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

export type LogLine = { level: string; msg: string; fields: object };

export class DeskWorld extends ConnectorWorld {
  readonly folder: string;
  readonly lines: LogLine[] = [];
  readonly settings: ConnectorSettings;
  readonly commanders: Commanders;
  readonly #agents: TestCommander[] = [];

  /** A Connector of this operator's Commander. Throws what Commanders throws. */
  constructor(operator: Person, folder = newFolder(), rules: ConnectorRules = rulesFor([])) {
    super(rules);
    this.folder = folder;
    const keys = { privateKey: CONNECTOR_SECRET, publicKey: publicKey(CONNECTOR_SECRET) };
    const rest = { log: { level: "debug", file: null }, statusSocket: null } as const;
    const { connector, world } = this;
    const settings = { file: "", ...keys, listen: [], ...rules, ...rest, commander: operator };
    this.settings = { ...settings, stateFolder: folder };
    const about = { connector, settings: this.settings, commander: operator };
    this.commanders = new Commanders({ ...about, log: this.#log(), world });
    worlds.add(this);
  }

  static async open(operator: Person, folder?: string, rules?: ConnectorRules): Promise<DeskWorld> {
    const world = new DeskWorld(operator, folder, rules);
    await world.connector.start({ host: "connector", port: 1 });
    world.run(SETTLE_MS);
    return world;
  }

  protected override hear(event: ConnectorEvent): void {
    super.hear(event);
    // The first events come while there are no Commanders yet.
    this.commanders?.hear(event);
  }

  /** A Commander that has its hop, its session with the desk and an open stream. */
  commander(who: Person): TestCommander {
    const commander = new TestCommander(this, who);
    this.#agents.push(commander);
    this.run(SETTLE_MS);
    return commander;
  }

  settle(): void {
    this.run(SETTLE_MS);
  }

  told(text: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg.includes(text));
  }

  stop(): void {
    if (!worlds.delete(this)) return;
    for (const commander of this.#agents) commander.stop();
    this.commanders.stop();
    this.connector.stop();
  }

  #log(): Log {
    const at = (level: string) => (fields: object, msg: string) => {
      this.lines.push({ level, msg, fields });
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}

/** A Commander's own STLink, without anything behind it. */
export class TestCommander {
  readonly heard: DeskMessage[] = [];
  readonly hopEvents: HopEvent[] = [];
  /** While false nothing that the desk says is taken. */
  isReading = true;
  /** The reason with which its last stream ended; null: it is open, or ended in order. */
  endReason: number | null = null;
  readonly #agent: Agent;
  readonly #desk: number;
  readonly #world: DeskWorld;
  #stream = -1;
  #reader = new DeskReader();
  #unsent: Uint8Array = new Uint8Array(0);

  constructor(world: DeskWorld, who: Person, host = "192.0.2.9") {
    this.#world = world;
    const { clock } = world.world;
    const transport: World["transport"] = {
      ...world.world.transport,
      connect: (_, events) => dialPair(clock, host, events, (end) => world.accept(end)),
    };
    this.#agent = new Agent({
      core: new Core(openCore()),
      world: { ...world.world, transport },
      sizes: SIZES,
      ...{ privateKey: who.secret, publicKey: publicKey(who.secret), id: who.id },
    });
    const key = publicKey(CONNECTOR_SECRET);
    const psk = who.psk ?? NO_PSK;
    const address = { host: "connector", port: 1 };
    this.#agent.keepConnector({ address, key, psk }, 0, (event) => this.hopEvents.push(event));
    const id = deskId(key);
    const secret = who.psk === null ? {} : { psk, pskName: deskPskName(id) };
    this.#desk = this.#agent.addPeer({ id, key, ...secret });
    this.open();
  }

  /** Opens a stream to the desk, of kind 3 where it is right, beside those that there are. */
  open(kind = 3): void {
    this.endReason = null;
    this.#reader = new DeskReader();
    this.#unsent = new Uint8Array(0);
    const stream = this.#agent.core.streamOpen(this.#desk, kind, NONE, NONE);
    this.#stream = stream;
    this.#agent.attach(stream, { news: () => this.#news(stream) });
  }

  /** Says these, and lets time pass. */
  say(...messages: DeskMessage[]): void {
    this.sayBytes(Buffer.concat(messages.map(encodeDesk)));
    this.#world.settle();
  }

  sayBytes(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#write();
    this.#agent.wake();
  }

  /** Takes what the desk has said meanwhile. */
  readAgain(): void {
    this.isReading = true;
    this.#news(this.#stream);
    this.#agent.wake();
    this.#world.settle();
  }

  /** Bytes that the stream has not taken yet. */
  get unsentBytes(): number {
    return this.#unsent.length;
  }

  /** Ends its bytes. */
  finish(): void {
    this.#agent.core.streamFin(this.#stream);
    this.#agent.wake();
    this.#world.settle();
  }

  /** All that was heard of one type. */
  all<Type extends DeskType>(type: Type): DeskMessageOf<Type>[] {
    return this.heard.filter((message): message is DeskMessageOf<Type> => message.type === type);
  }

  /** `epoch.serial` of the last HOLDS; null: there was none. */
  get holds(): string | null {
    const last = this.all("HOLDS").at(-1);
    return last === undefined ? null : `${last.epoch}.${last.serial}`;
  }

  get isOpen(): boolean {
    return this.#stream >= 0;
  }

  stop(): void {
    this.#agent.stop();
  }

  #news(stream: number): void {
    const { core } = this.#agent;
    const flags = core.streamFlags(stream);
    if (flags < 0 || flags & StreamFlag.Closed) {
      const { reason } = core.streamInfo(stream);
      this.#agent.release(stream);
      if (stream !== this.#stream) return;
      this.endReason = reason === 0 ? null : reason;
      this.#stream = -1;
      return;
    }
    if (!this.isReading) return;
    for (let bytes = core.streamTake(stream); bytes.length > 0; bytes = core.streamTake(stream)) {
      if (stream === this.#stream) this.heard.push(...this.#reader.take(bytes));
    }
    this.#write();
  }

  #write(): void {
    while (this.#stream >= 0 && this.#unsent.length > 0) {
      const taken = this.#agent.core.streamPut(this.#stream, this.#unsent);
      if (taken <= 0) return;
      this.#unsent = this.#unsent.subarray(taken);
    }
  }
}

// Messages in few words.

export function member(
  who: Person,
  more: Partial<DeskMessageOf<"MEMBER">> = {},
): DeskMessageOf<"MEMBER"> {
  const { id, key, nextKey, psk } = who;
  return { type: "MEMBER", id, key, nextKey, psk: psk ?? NO_PSK, codeId: null, ...more };
}

export function pair(one: Person, other: Person): DeskMessage {
  return { type: "PAIR", one: one.id, other: other.id };
}

export function customer(
  who: Person,
  more: Partial<DeskMessageOf<"CUSTOMER">> = {},
): DeskMessageOf<"CUSTOMER"> {
  const { id, key, psk, name } = who;
  const limits = { stlinks: 0, bytesPerSecond: 0, isSuspended: false };
  return { type: "CUSTOMER", id, key, psk: psk ?? NO_PSK, ...limits, name, ...more };
}

export const LIST: DeskMessage = { type: "LIST" };

export function change(serial: number, epoch = 1): DeskMessage {
  return { type: "CHANGE", epoch, serial: BigInt(serial) };
}

export function commit(serial: number, epoch = 1): DeskMessage {
  return { type: "COMMIT", epoch, serial: BigInt(serial) };
}
