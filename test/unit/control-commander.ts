// SPDX-License-Identifier: Apache-2.0
// A Commander as small as it can be: an ordinary STLink whose host answers kind 3 streams with messages of
// the reference's encoders. Before it: control-world.ts. After it: the control* tests, which change what
// it answers. Nothing is persistent, and a wrong message of a device throws.
// Invariant: a device of the Commander has one record, whatever ids and keys it comes with.

import { blake2s } from "@noble/hashes/blake2.js";
import { StreamFlag } from "../../host/core/core.ts";
import { deriveFromSecret, encodeCode, provisionalId } from "../reference/activation.ts";
import { concat, equal, toHex } from "../reference/bytes.ts";
import {
  type Configuration,
  type ConfiguredPeer,
  type ConfiguredRoute,
  configurationHash,
  encodeConfiguration,
} from "../reference/configuration.ts";
import { type ControlMessage, ControlReader, encodeControl } from "../reference/control.ts";
import { type Device, type KeyPair, Member, type World } from "./control-world.ts";

export const ADDRESS = "connector.test:443";

/** What the Commander knows of a device. */
export type Entry = {
  id: Uint8Array;
  device: Device;
  config: Configuration;
  secret: Uint8Array;
  /** Static key that has used the code. */
  usedBy: Uint8Array | undefined;
  confirmed: string[];
  got: ControlMessage["type"][];
  /** What it reported last (10.1). */
  report: Report | undefined;
  /** What it said of itself last, and when it activated (10.1). */
  about: Extract<ControlMessage, { type: "ABOUT" }> | undefined;
  platform: Uint8Array | undefined;
};

export type Report = Extract<ControlMessage, { type: "REPORT" }>;

type Conversation = { entry: Entry; reader: ControlReader; stream: number; out: Uint8Array };

export class Commander extends Member {
  readonly id: Uint8Array;
  readonly recovery: KeyPair;
  readonly entries: Entry[] = [];
  /** Refuses activation with this reason. */
  refuses = 0;
  /** Says nothing at all. */
  silent = false;
  /** Another answer to STATE than CURRENT or CONFIG. */
  onState: ((entry: Entry) => ControlMessage[]) | undefined;
  readonly #conversations: Conversation[] = [];
  readonly #links = new Map<number, Entry>();

  constructor(world: World, keys: KeyPair, recovery: KeyPair, id: Uint8Array, name = "commander") {
    super(world, name, keys, world.newCommander(keys, id));
    this.id = id;
    this.recovery = recovery;
    this.onNews = (stream, flags) => this.#onNews(stream, flags);
    this.onIdle = () => this.#flush();
  }

  /** A record, a code for it, and what Connector and core have to know for its use. */
  issue(device: Device): { entry: Entry; code: Uint8Array } {
    const { world } = this;
    const secret = world.random(16);
    const { codeId, ticket, psk } = deriveFromSecret(secret);
    const entry: Entry = {
      id: world.random(16),
      device,
      config: {} as Configuration,
      secret,
      usedBy: undefined,
      confirmed: [],
      got: [],
      report: undefined,
      about: undefined,
      platform: undefined,
    };
    entry.config = this.configuration(entry.id, 1n);
    this.entries.push(entry);
    world.tickets.add(toHex(ticket));
    const provisional = provisionalId(codeId);
    const key = device.keys.publicKey;
    this.#know(entry, { id: provisional, key, psk, pskName: codeId });
    const code = encodeCode({
      connectorKey: world.relayKeys.publicKey,
      commanderId: this.id,
      commanderKey: this.keys.publicKey,
      recoveryHash: blake2s(this.recovery.publicKey),
      secret,
      addresses: [ADDRESS],
    });
    return { entry, code };
  }

  /** A device that is there already: known under its id and key. */
  knows(entry: Entry, key = entry.device.keys.publicKey, nextKey?: Uint8Array): void {
    if (!this.entries.includes(entry)) this.entries.push(entry);
    this.world.admit(nextKey ?? key, entry.id);
    this.#know(entry, { id: entry.id, key, ...(nextKey ? { nextKey } : {}) });
  }

  #know(entry: Entry, peer: Parameters<Member["core"]["linkAdd"]>[0]): void {
    this.#links.set(this.core.linkAdd(peer), entry);
  }

  configuration(
    id: Uint8Array,
    serial: bigint,
    peers: ConfiguredPeer[] = [],
    routes: ConfiguredRoute[] = [],
    more: Partial<Configuration> = {},
  ): Configuration {
    return {
      epoch: 1,
      serial,
      id,
      leaseSeconds: 7 * 86_400,
      commanderKey: this.keys.publicKey,
      recoveryKey: this.recovery.publicKey,
      commanderId: this.id,
      connectors: [
        { key: this.world.relayKeys.publicKey, psk: new Uint8Array(32), address: ADDRESS },
      ],
      peers,
      routes,
      ...more,
    };
  }

  /** Gives a device its next configuration, and sends it where a stream is open. */
  deploy(entry: Entry, config: Configuration): void {
    entry.config = config;
    this.tell(entry, { type: "CONFIG", configuration: encodeConfiguration(config) });
  }

  /** Sends a message over the open streams of a device; false: there is none. */
  tell(entry: Entry, message: ControlMessage): boolean {
    return this.tellBytes(entry, encodeControl(message));
  }

  tellBytes(entry: Entry, bytes: Uint8Array): boolean {
    const open = this.#conversations.filter(
      ({ entry: of, stream }) => of === entry && !this.#isClosed(stream),
    );
    const last = open.at(-1);
    if (!last) return false;
    last.out = concat(last.out, bytes);
    return true;
  }

  #isClosed(stream: number): boolean {
    const flags = this.core.streamFlags(stream);
    return flags < 0 || (flags & StreamFlag.Closed) !== 0;
  }

  #onNews(stream: number, flags: number): void {
    if (flags & StreamFlag.Closed) {
      this.core.streamRelease(stream);
      const at = this.#conversations.findIndex((one) => one.stream === stream);
      if (at >= 0) this.#conversations.splice(at, 1);
      return;
    }
    const conversation = this.#conversation(stream);
    if (!conversation) return;
    for (let bytes = this.core.streamTake(stream); bytes.length > 0; ) {
      for (const message of conversation.reader.take(bytes)) this.#take(conversation, message);
      bytes = this.core.streamTake(stream);
    }
  }

  #conversation(stream: number): Conversation | undefined {
    const known = this.#conversations.find((one) => one.stream === stream);
    if (known) return known;
    const { link, kind } = this.core.streamInfo(stream);
    const entry = this.#links.get(link);
    if (kind !== 3 || !entry) throw new Error("an unknown stream");
    const out = new Uint8Array(0);
    const made = { entry, reader: new ControlReader(), stream, out };
    this.#conversations.push(made);
    return made;
  }

  #flush(): void {
    for (const one of this.#conversations) {
      while (one.out.length > 0) {
        const taken = this.core.streamPut(one.stream, one.out);
        if (taken <= 0) break;
        one.out = one.out.subarray(taken);
      }
    }
  }

  #take(conversation: Conversation, message: ControlMessage): void {
    const { entry } = conversation;
    entry.got.push(message.type);
    if (message.type === "REPORT") entry.report = message;
    if (message.type === "ABOUT") entry.about = message;
    if (message.type === "ACTIVATE") entry.platform = message.platform;
    if (this.silent) return;
    const answers = this.#answers(entry, message);
    conversation.out = concat(conversation.out, ...answers.map(encodeControl));
  }

  #answers(entry: Entry, message: ControlMessage): ControlMessage[] {
    if (message.type === "ACTIVATE") return [this.#activate(entry, message.secret)];
    if (message.type === "CONFIRM") this.#confirm(entry, message.hash);
    if (message.type === "STATE") return this.onState?.(entry) ?? [this.#state(entry, message)];
    if (message.type === "ROTATE") {
      this.knows(entry, entry.device.keys.publicKey, message.key);
      return [{ type: "ROTATED", key: message.key }];
    }
    return [];
  }

  #activate(entry: Entry, secret: Uint8Array): ControlMessage {
    const key = entry.device.keys.publicKey;
    if (!equal(secret, entry.secret)) throw new Error("another secret");
    if (this.refuses) return { type: "REFUSED", reason: this.refuses };
    if (entry.usedBy && !equal(entry.usedBy, key)) return { type: "REFUSED", reason: 64 };
    entry.usedBy = key;
    this.knows(entry);
    return { type: "CONFIG", configuration: encodeConfiguration(entry.config) };
  }

  #confirm(entry: Entry, hash: Uint8Array): void {
    entry.confirmed.push(toHex(hash));
  }

  #state(
    entry: Entry,
    { epoch, serial, hash }: { epoch: number; serial: bigint; hash: Uint8Array },
  ): ControlMessage {
    if (epoch === entry.config.epoch && serial === entry.config.serial) {
      this.#confirm(entry, hash);
      return { type: "CURRENT", epoch, serial };
    }
    return { type: "CONFIG", configuration: encodeConfiguration(entry.config) };
  }

  /** The hash that a device with the entry's configuration states. */
  hash(entry: Entry): string {
    return toHex(configurationHash(encodeConfiguration(entry.config)));
  }
}
