// SPDX-License-Identifier: Apache-2.0
// A simulated Commander: an STLink whose host answers streams of kind 3 (PROTOCOL section 10) from its
// database, publishes to the Connector before it tells anybody, and deploys. Before it: a scenario that
// issues codes, pairs, revokes. After it: the devices. Test code: it is small, and it is honest unless a
// scenario gives its key to somebody else. Rules T3, T5 to T10.
// Invariant: a code is answered with CONFIG for one key, ever, whatever database is restored.

import { blake2s } from "@noble/hashes/blake2.js";
import { DEVICE_SIZES, type Sizes, StreamFlag } from "../../../host/core/core.ts";
import { deriveFromSecret, encodeCode, provisionalId } from "../../reference/activation.ts";
import { concat, toHex } from "../../reference/bytes.ts";
import { configurationHash } from "../../reference/configuration.ts";
import { type ControlMessage, ControlReader, encodeControl } from "../../reference/control.ts";
import {
  type Authority,
  type Code,
  configurationOf,
  type Database,
  type Pair,
  type Row,
  rowOf,
  sameBytes,
  versionText,
} from "./database.ts";
import { type Dialling, Member } from "./member.ts";
import type { KeyPair, Site } from "./site.ts";

const SIZES: Sizes = {
  ...DEVICE_SIZES,
  links: 8,
  streams: 16,
  handshakes: 4,
  recvBlocks: 160,
  sendBlocks: 160,
  channels: 9,
  pendingOpens: 4,
  configBytes: 0,
};

/** Reasons of PROTOCOL 13.2. */
const REVOKED = 10;
const CODE_USED = 64;
const CODE_EXPIRED = 65;
const CODE_UNKNOWN = 66;
const WAIT_APPROVAL = 67;

/** Who is on a link: an STLink, or one that activates with a code. */
type Party = { id: Uint8Array; code: Code | null; key: Uint8Array };
export type Report = Extract<ControlMessage, { type: "REPORT" }>;
export type About = Extract<ControlMessage, { type: "ABOUT" }>;
type Conversation = { party: Party; reader: ControlReader; out: Uint8Array };

export class Commander extends Member {
  readonly keys: KeyPair;
  readonly authority: Authority;
  db: Database;
  /** What it answers to STATE in place of CURRENT or CONFIG. */
  onState: ((row: Row) => ControlMessage[]) | null = null;
  /** Messages of the STLinks, by name. */
  readonly got: string[] = [];
  /** What they have reported, in order. */
  readonly reports: { name: string; report: Report }[] = [];
  /** What each STLink said of itself last, by name. */
  readonly abouts = new Map<string, About>();
  /** Codes wait for an administrator (rule T7). */
  asksForApproval = false;
  #parties = new Map<number, Party>();
  #conversations = new Map<number, Conversation>();

  constructor(site: Site, name: string, keys: KeyPair, recoveryKey: Uint8Array, db: Database) {
    super(site, name, SIZES);
    this.keys = keys;
    this.db = db;
    const { commanderId, connectorKeys } = site;
    const connectorKey = connectorKeys.key;
    const connectorAddress = "connector.test:443";
    const own = { commanderId, commanderKey: keys.key, recoveryKey };
    this.authority = { ...own, connectorKey, connectorAddress };
  }

  protected override begin(): void {
    this.core.setIdentity(this.keys.secret, this.keys.key, this.authority.commanderId);
    this.#parties.clear();
    this.#conversations.clear();
    for (const row of this.db.rows) this.#know(row);
  }

  protected override dialling(): Dialling {
    return { key: this.authority.connectorKey };
  }

  // What administrators do.

  /** A code for a new STLink of this name, or for the one that is to be replaced. */
  issue(name: string, lifeMs: number, replaced?: Row): { row: Code; text: Uint8Array } {
    const { site, authority } = this;
    const secret = this.prng.bytes(16).slice();
    const { codeId, ticket, psk } = deriveFromSecret(secret);
    const row: Code = {
      codeId,
      secretHash: blake2s(secret),
      ticketHash: blake2s(ticket),
      psk,
      expiresAtMs: site.clock.nowMs + lifeMs,
      name,
      id: replaced?.id ?? this.prng.bytes(16).slice(),
      usedBy: null,
    };
    this.db.codes.push(row);
    this.publish();
    const text = encodeCode({
      connectorKey: authority.connectorKey,
      commanderId: authority.commanderId,
      commanderKey: authority.commanderKey,
      recoveryHash: blake2s(authority.recoveryKey),
      secret,
      addresses: [authority.connectorAddress],
    });
    return { row, text };
  }

  row(name: string): Row {
    return this.db.rows.find((row) => row.name === name) ?? this.fail(`there is no ${name}`);
  }

  /** A Binding of one STLink to a Mapping of the other. */
  pair(from: string, to: string, more: Pick<Pair, "ports" | "isPinned"> = {}): void {
    const [bindingId, mappingId] = [this.prng.bytes(16).slice(), this.prng.bytes(16).slice()];
    const psk = this.prng.bytes(32).slice();
    const ids = { from: this.row(from).id, to: this.row(to).id };
    this.db.pairs.push({ ...more, ...ids, bindingId, mappingId, psk });
    this.deploy();
  }

  /** A new version for everybody: the Connector first, then who is connected (rule T10). */
  deploy(): void {
    this.db.serial++;
    this.publish(() => this.#tellAll());
  }

  /** Rule T10: Connector, then peers. The key is never admitted again. */
  revoke(name: string, then: () => void = () => {}): void {
    const row = this.row(name);
    this.db.rows.splice(this.db.rows.indexOf(row), 1);
    this.db.revokedKeys.push(toHex(row.key));
    this.db.serial++;
    this.publish(() => {
      this.#forget(row.id, null);
      then();
      this.#tellAll();
    });
  }

  /** Puts a backup in the database's place (rule T9): the epoch rises, open codes are void. */
  restore(backup: Database, newestEpoch: number): void {
    this.crash();
    this.db = structuredClone(backup);
    this.db.epoch = newestEpoch + 1;
    this.db.codes = this.db.codes.filter(({ usedBy }) => usedBy !== null);
    this.start();
    this.publish();
  }

  /** Tells the Connector, and goes on when it has confirmed. */
  publish(then: () => void = () => {}): void {
    const { life } = this;
    const db = structuredClone(this.db);
    this.site.publish(db, () => {
      if (!this.isUp || this.life !== life) return;
      then();
      this.wake();
    });
  }

  /** How an STLink stands, as it has told last. */
  lastReport(name: string): Report | undefined {
    return this.reports.findLast((one) => one.name === name)?.report;
  }

  /** A message over every open stream of an STLink; false: there is none. */
  tell(row: Row, message: ControlMessage): boolean {
    let isTold = false;
    for (const conversation of this.#conversations.values()) {
      if (conversation.party.code !== null || !sameBytes(conversation.party.id, row.id)) continue;
      conversation.out = concat(conversation.out, encodeControl(message));
      isTold = true;
    }
    this.wake();
    return isTold;
  }

  /** Begins a session with every STLink, as one with new keys does. */
  greetAll(): void {
    for (const link of this.#parties.keys()) this.core.linkConnect(link);
    this.wake();
  }

  // What the Connector tells.

  /** A code's ticket was shown with this key. */
  shown(codeId: Uint8Array, key: Uint8Array): void {
    const code = this.db.codes.find((one) => sameBytes(one.codeId, codeId));
    if (!this.isUp || code === undefined) return;
    const id = provisionalId(codeId);
    const known = [...this.#parties.values()].find((party) => sameBytes(party.id, id));
    if (known !== undefined && sameBytes(known.key, key)) return;
    // One link, one key: what another one had begun under this id ends.
    this.#forget(id, code);
    const link = this.core.linkAdd({ id, key, psk: code.psk, pskName: codeId });
    this.#parties.set(link, { id, code, key });
    this.wake();
  }

  /** A key has made a hop: the next key becomes the key, and the old one is nobody's (rule T3). */
  heard(key: Uint8Array): void {
    const row = this.db.rows.find(({ nextKey }) => nextKey !== null && sameBytes(nextKey, key));
    if (!this.isUp || row === undefined) return;
    row.key = key;
    row.nextKey = null;
    row.keyEpoch++;
    this.#know(row);
    this.deploy();
  }

  #know({ id, key, nextKey }: Row): void {
    const link = this.core.linkAdd({ id, key, ...(nextKey === null ? {} : { nextKey }) });
    this.#parties.set(link, { id, code: null, key });
  }

  #forget(id: Uint8Array, code: Code | null): void {
    for (const [link, party] of this.#parties) {
      if (!sameBytes(party.id, id) || party.code !== code) continue;
      this.core.linkRemove(link, REVOKED);
      this.#parties.delete(link);
      for (const [stream, { party: of }] of this.#conversations) {
        if (of === party) this.#conversations.delete(stream);
      }
    }
  }

  // The control streams.

  protected override onStream(stream: number): void {
    const flags = this.core.streamFlags(stream);
    if (flags < 0) return;
    if (flags & StreamFlag.Closed) {
      this.#conversations.delete(stream);
      this.core.streamRelease(stream);
      return;
    }
    if (flags & StreamFlag.Offered) this.#accept(stream);
    const conversation = this.#conversations.get(stream);
    if (conversation === undefined) return;
    for (let bytes = this.core.streamTake(stream); bytes.length > 0; ) {
      for (const message of conversation.reader.take(bytes)) this.#take(conversation, message);
      bytes = this.core.streamTake(stream);
    }
  }

  #accept(stream: number): void {
    const { link, kind } = this.core.streamInfo(stream);
    const party = this.#parties.get(link);
    if (kind !== 3 || party === undefined) this.fail("a stream that is no control stream");
    this.core.streamConnected(stream);
    const out = new Uint8Array(0);
    this.#conversations.set(stream, { party, reader: new ControlReader(), out });
  }

  protected override serve(): boolean {
    let isBusy = false;
    for (const [stream, conversation] of this.#conversations) {
      while (conversation.out.length > 0) {
        const taken = this.core.streamPut(stream, conversation.out);
        if (taken <= 0) break;
        conversation.out = conversation.out.subarray(taken);
        isBusy = true;
      }
    }
    return isBusy;
  }

  #take(conversation: Conversation, message: ControlMessage): void {
    const { party } = conversation;
    const answer = (...messages: ControlMessage[]): void => {
      conversation.out = concat(conversation.out, ...messages.map(encodeControl));
      this.wake();
    };
    const row = rowOf(this.db, party.id);
    this.got.push(`${row?.name ?? party.code?.name} ${message.type}`);
    this.site.log(`commander got ${this.got.at(-1)}`);
    if (party.code !== null) this.#activate(party.code, party.key, message, answer);
    else if (row !== undefined) this.#serveRow(row, message, answer);
  }

  /** On the link of a code: ACTIVATE, and CONFIRM of what it was answered. */
  #activate(
    code: Code,
    key: Uint8Array,
    message: ControlMessage,
    answer: (...messages: ControlMessage[]) => void,
  ): void {
    const row = rowOf(this.db, code.id);
    if (message.type === "CONFIRM" && row !== undefined) this.#confirm(row, message);
    if (message.type !== "ACTIVATE") return;
    const refusal = this.#refusal(code, key, message.secret);
    if (refusal !== 0) return answer({ type: "REFUSED", reason: refusal });
    if (code.usedBy === null) this.#consume(code, key);
    this.publish(() => {
      const now = rowOf(this.db, code.id);
      if (now === undefined || !sameBytes(now.key, key)) return;
      this.site.codeAnswered(code.codeId, key);
      answer(this.#config(now));
    });
  }

  #refusal(code: Code, key: Uint8Array, secret: Uint8Array): number {
    if (!this.db.codes.includes(code) || !sameBytes(blake2s(secret), code.secretHash)) {
      return CODE_UNKNOWN;
    }
    if (code.usedBy !== null && !sameBytes(code.usedBy, key)) return CODE_USED;
    const row = rowOf(this.db, code.id);
    // The same key gets the same answer until it has confirmed, or the code expires (rule T7).
    if (code.usedBy !== null && row?.confirmed !== "") return CODE_USED;
    if (this.site.clock.nowMs > code.expiresAtMs) return CODE_EXPIRED;
    return this.asksForApproval ? WAIT_APPROVAL : 0;
  }

  /** One transaction: the code is used, the STLink is there, or has another key (rules T3, T7). */
  #consume(code: Code, key: Uint8Array): void {
    code.usedBy = key;
    const replaced = rowOf(this.db, code.id);
    const hopPsk = this.prng.bytes(32).slice();
    if (replaced === undefined) {
      const { id, name } = code;
      const fresh = { nextKey: null, keyEpoch: 1, leaseSeconds: this.site.leaseSeconds };
      this.db.rows.push({ name, id, key, hopPsk, confirmed: "", ...fresh });
    } else {
      this.db.revokedKeys.push(toHex(replaced.key));
      this.#forget(replaced.id, null);
      Object.assign(replaced, { key, nextKey: null, hopPsk, confirmed: "" });
      replaced.keyEpoch++;
      this.db.serial++;
      this.publish(() => this.#tellAll());
    }
    this.#know(rowOf(this.db, code.id) as Row);
  }

  #serveRow(
    row: Row,
    message: ControlMessage,
    answer: (...messages: ControlMessage[]) => void,
  ): void {
    if (message.type === "CONFIRM") this.#confirm(row, message);
    if (message.type === "STATE") answer(...(this.onState?.(row) ?? this.#state(row, message)));
    if (message.type === "REPORT") this.reports.push({ name: row.name, report: message });
    if (message.type === "ABOUT") this.abouts.set(row.name, message);
    if (message.type === "ROTATE") this.#rotate(row, message.key, answer);
  }

  #state(row: Row, message: ControlMessage & { type: "STATE" }): ControlMessage[] {
    // It speaks under its own id: what it was while it activated is forgotten (10.2).
    for (const code of this.db.codes) {
      if (sameBytes(code.id, row.id)) this.#forget(provisionalId(code.codeId), code);
    }
    this.#confirm(row, message);
    if (versionText(message) !== versionText(this.db)) return [this.#config(row)];
    return [{ type: "CURRENT", epoch: message.epoch, serial: message.serial }];
  }

  #confirm(row: Row, message: { epoch: number; serial: bigint; hash: Uint8Array }): void {
    const version = versionText(message);
    if (version !== versionText(this.db)) return;
    const hash = configurationHash(configurationOf(this.db, row, this.authority));
    if (!sameBytes(hash, message.hash)) this.fail(`${row.name} confirms ${version} as another one`);
    const isFirst = row.confirmed === "";
    row.confirmed = version;
    if (isFirst) this.publish();
  }

  /** Connector and peers know the key before ROTATED says so (10.4). */
  #rotate(row: Row, key: Uint8Array, answer: (...messages: ControlMessage[]) => void): void {
    const isNew = row.nextKey === null || !sameBytes(row.nextKey, key);
    if (isNew && !sameBytes(row.key, key)) {
      row.nextKey = key;
      this.#know(row);
      this.db.serial++;
    }
    this.publish(() => {
      if (isNew) this.#tellAll();
      answer({ type: "ROTATED", key });
    });
  }

  #config(row: Row): ControlMessage {
    const configuration = configurationOf(this.db, row, this.authority);
    this.site.issued(configuration);
    return { type: "CONFIG", configuration };
  }

  #tellAll(): void {
    for (const row of this.db.rows) this.tell(row, this.#config(row));
  }
}
