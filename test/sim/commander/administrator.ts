// SPDX-License-Identifier: Apache-2.0
// What people do at the simulated Commander, through its registry: found the site, invite, pair, withdraw, revoke,
// approve, back up and restore. Before it: the plays. After it: host/commander/registry.ts. Whoever gets no answer,
// because the Commander dies, does it again when it is there; so each of these may be done twice.

import { copyFileSync, rmSync } from "node:fs";
import { blake2s } from "@noble/hashes/blake2.js";
import { COMMANDER_KEY, hopPskName } from "../../../host/commander/control/secrets.ts";
import { type CodeUse, madeCode } from "../../../host/commander/domain/code.ts";
import { documentSchema } from "../../../host/commander/domain/document.ts";
import type { Kind } from "../../../host/commander/domain/kinds.ts";
import { codeRulesSchema } from "../../../host/commander/domain/profile.ts";
import type { Version } from "../../../host/commander/domain/version.ts";
import { Registry } from "../../../host/commander/registry.ts";
import { approve, revoke, revokeCode } from "../../../host/commander/store/activations.ts";
import { backUp, restore } from "../../../host/commander/store/backup.ts";
import type { Change } from "../../../host/commander/store/change.ts";
import { codeAt, insertCode } from "../../../host/commander/store/codes.ts";
import type { Database } from "../../../host/commander/store/database.ts";
import { applyDocument, exportDocument } from "../../../host/commander/store/document.ts";
import type { FieldsOf } from "../../../host/commander/store/kinds.ts";
import { readObject } from "../../../host/commander/store/objects.ts";
import { psksOf } from "../../../host/commander/store/psks.ts";
import {
  readAuthority,
  readVersion,
  writeAuthority,
  writeSecret,
} from "../../../host/commander/store/site.ts";
import { readStlink, stlinkAt } from "../../../host/commander/store/stlinks.ts";
import { createObject, updateObject } from "../../../host/commander/store/writing.ts";
import type { AdmittedStlink } from "../../../host/connector/settings.ts";
import { formatAddress } from "../../../host/service/fields.ts";
import { hex } from "../../../host/service/hex.ts";
import { deriveFromSecret, encodeCode, toBase32 } from "../../reference/activation.ts";
import { fromHex } from "../../reference/bytes.ts";
import type { SimConnector } from "./connector.ts";
import type { Pair, Seat, Site } from "./site.ts";

const ANNA = "anna";
const PROFILE_ID = "f0".repeat(16);

/** What a code says of who may use it; what is left out is as it is for people. */
export type CodeRules = {
  uses?: number;
  expiry?: string;
  sources?: string[];
  approval?: boolean;
};

/** A code as a person has it. */
export type ShownCode = { text: string; codeId: string; uses: number };

export class Administrator {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  /** Who the Commander is, and its Connectors; a Profile for all STLinks. */
  found(db: Database, lease: string): void {
    const { commanderKeys, recovery, commanderId, connectors, wallMs } = this.#site;
    new Registry(db, () => wallMs).change(ANNA, (change) => {
      writeSecret(change, COMMANDER_KEY, commanderKeys.privateKey);
      for (const { keys, commanderPsk } of connectors) {
        writeSecret(change, hopPskName(hex(keys.publicKey)), commanderPsk);
      }
      writeAuthority(change, {
        commanderId: hex(commanderId),
        commanderKey: hex(commanderKeys.publicKey),
        recoveryKey: hex(recovery.publicKey),
        connectors: connectors.map(({ keys, address }) => {
          return { key: hex(keys.publicKey), address: formatAddress(address) };
        }),
      });
      createObject(change, "profile", PROFILE_ID, { name: "cameras", lease });
    });
  }

  /** Does it, as often as it takes to be answered. */
  async change<Value>(act: (change: Change) => Value): Promise<Value> {
    const { commander, ledger } = this.#site;
    for (;;) {
      await this.#site.until("the Commander is up", () => commander.isUp);
      const { life } = commander;
      if (life === null) continue;
      const value = life.registry.change(ANNA, act);
      // Where it has died of this, nobody knows what became of it.
      if (commander.life !== life) continue;
      ledger.answered(life.db);
      return value;
    }
  }

  /** An STLink with a Template of its own, and no key yet. */
  async invite({ id, name, templateId }: Seat): Promise<void> {
    await this.change((change) => {
      ensure(change, "template", templateId, { name: `routes-${templateId}` });
      ensure(change, "stlink", id, { name, profile: PROFILE_ID, templates: [templateId] });
    });
  }

  /** An STLink that a code has made gets a Template of its own. */
  async adopt({ id, templateId }: Seat): Promise<void> {
    await this.change((change) => {
      ensure(change, "template", templateId, { name: `routes-${templateId}` });
      edit(change, "stlink", id, () => ({ templates: [templateId] }));
    });
  }

  /** A code for an STLink that was invited or is to be replaced; without one, for any. */
  code(stlinkId: string | null, rules: CodeRules = {}): Promise<ShownCode> {
    const secret = this.#site.prng.bytes(16).slice();
    const { codeId, ticket, psk } = deriveFromSecret(secret);
    const [secretHash, ticketHash] = [hex(blake2s(secret)), hex(blake2s(ticket))];
    const hashes = { codeId: hex(codeId), secretHash, ticketHash };
    const target = { profileId: PROFILE_ID, stlinkId };
    return this.change((change) => {
      const code = madeCode(hashes, target, codeRulesSchema.parse(rules), change.by.atMs);
      const isThere = change.db.get("SELECT 1 FROM codes WHERE code_id = ?", code.codeId);
      if (isThere === undefined) insertCode(change, code, psk);
      const text = textOf(change.db, secret);
      return { text, codeId: code.codeId, uses: code.rules.uses };
    });
  }

  revokeCode(codeId: string): Promise<void> {
    return this.change((change) => revokeCode(change, codeId));
  }

  /** The key that waits with this code is the one that the device shows. */
  async approve(codeId: string, key: string): Promise<void> {
    await this.change((change) => {
      const use = codeAt(change.db, codeId).uses.find((one) => one.key === key);
      if (use?.isApproved === false) approve(change, use.stlinkId, key);
    });
  }

  /** Who has used a code, as its database says; nobody while the Commander is away. */
  usesOf(codeId: string): readonly CodeUse[] {
    const { life } = this.#site.commander;
    return life === null ? [] : codeAt(life.db, codeId).uses;
  }

  /** The key that waits for approval with a code; null: none. */
  waitsWith(codeId: string): string | null {
    return this.usesOf(codeId).find(({ isApproved }) => !isApproved)?.key ?? null;
  }

  /** Both Routes of a pair, in no Template yet. */
  async route({ mappingId, bindingId, name, port, targetPort }: Pair): Promise<void> {
    const { host: targets } = this.#site.targets;
    const mapping = { name: `${name}-mapping`, address: targets, port: targetPort };
    await this.change((change) => {
      ensure(change, "route", mappingId, { type: "mapping", ...mapping });
      const binding = { name: `${name}-binding`, mapping: mappingId, port };
      ensure(change, "route", bindingId, { type: "binding", ...binding });
    });
  }

  /** Puts Routes into the Templates of their STLinks, or takes them out, all in one change. */
  async deploy(routes: readonly { seat: Seat; routeId: string; isIn: boolean }[]): Promise<void> {
    await this.change((change) => {
      for (const { seat, routeId, isIn } of routes) {
        edit(change, "template", seat.templateId, ({ routes: before }) => {
          const others = before.filter((id) => id !== routeId);
          return { routes: isIn ? [...others, routeId] : others };
        });
      }
    });
  }

  /** Something that concerns every STLink, and no connection: the version rises. */
  async touch(): Promise<void> {
    await this.change((change) => {
      change.deploy();
      edit(change, "profile", PROFILE_ID, ({ lease }) => ({ lease }));
    });
  }

  /** Configuration as code: all is as it was exported, but for the one Tag, which every Binding has. */
  async importTags(number: number): Promise<void> {
    const name = `tag-${number}`;
    await this.change((change) => {
      const document = documentSchema.parse(exportDocument(change.db));
      const tags = [{ name, description: "" }];
      const bindings = document.bindings.map((route) => ({ ...route, tags: [name] }));
      applyDocument(change, { ...document, tags, bindings }, () => this.#site.newId());
    });
  }

  async revoke(id: string): Promise<void> {
    await this.change((change) => {
      if (readStlink(change.db, id) !== null) revoke(change, id);
    });
  }

  /** A whole database, as it is now. */
  async backUp(): Promise<string> {
    const { commander, disk } = this.#site;
    await this.#site.until("the Commander is up", () => commander.isUp);
    const file = `${disk.folder("backup")}/backup`;
    if (commander.life !== null) backUp(commander.life.db, file);
    return file;
  }

  /** `sealed restore`, with the Commander stopped; `before`: what has become of the file that it replaces. */
  async restore(
    backup: string,
    newestEpoch: number | null,
    before: (file: string) => void = () => {},
  ): Promise<void> {
    const { commander, ledger, wallMs } = this.#site;
    await this.#site.until("the Commander is up", () => commander.isUp);
    await commander.withFile((file) => {
      before(file);
      const by = { who: ANNA, atMs: wallMs };
      restore(backup, file, { by, ...(newestEpoch === null ? {} : { newestEpoch }) });
      ledger.restored();
    });
  }

  /** Both Routes are in the Templates of STLinks that are not revoked. */
  isDeployed({ from, to, bindingId, mappingId }: Pair): boolean {
    const has = ({ id, templateId }: Seat, routeId: string): boolean =>
      readStlink(this.#db, id)?.facts.revokedAtMs === null &&
      readObject(this.#db, "template", templateId)?.fields.routes.includes(routeId) === true;
    return has(from, bindingId) && has(to, mappingId);
  }

  /** What no disk may do: it goes back to what it was. */
  async loseTo(backup: string): Promise<void> {
    await this.#site.commander.withFile((file) => {
      for (const log of ["", "-wal", "-shm"]) rmSync(`${file}${log}`, { force: true });
      copyFileSync(backup, file);
    });
  }

  /** The version of configurations that the database is at. */
  get version(): Version {
    return readVersion(this.#db);
  }

  /** What a thief finds in the Connector that he took: an STLink as it is admitted there. */
  accomplice({ id, name }: Seat, { keys }: SimConnector): AdmittedStlink {
    const { key, nextKey } = stlinkAt(this.#db, id).facts;
    const psk = psksOf(this.#db).hop(id, hex(keys.publicKey));
    const bytes = { id: fromHex(id), key: fromHex(key ?? ""), psk };
    return {
      ...bytes,
      name,
      tenant: "default",
      nextKey: nextKey === null ? null : fromHex(nextKey),
    };
  }

  get #db(): Database {
    const { life } = this.#site.commander;
    if (life === null) throw new Error("the Commander is away");
    return life.db;
  }
}

/** It is there, whoever has made it. */
function ensure(change: Change, kind: Kind, id: string, fields: object): void {
  if (readObject(change.db, kind, id) === null) createObject(change, kind, id, fields);
}

/** Some fields of an object that is there become others. */
function edit<K extends Kind>(
  change: Change,
  kind: K,
  id: string,
  to: (fields: FieldsOf[K]) => Partial<FieldsOf[K]>,
): void {
  const stored = readObject(change.db, kind, id);
  if (stored === null) return;
  updateObject(change, kind, id, stored.version, { ...stored.fields, ...to(stored.fields) });
}

function textOf(db: Database, secret: Uint8Array): string {
  const authority = readAuthority(db);
  const [first] = authority?.connectors ?? [];
  if (authority === null || first === undefined) throw new Error("the site is not founded");
  const bytes = encodeCode({
    connectorKey: fromHex(first.key),
    commanderId: fromHex(authority.commanderId),
    commanderKey: fromHex(authority.commanderKey),
    recoveryHash: blake2s(fromHex(authority.recoveryKey)),
    secret,
    addresses: [first.address],
  });
  return toBase32(bytes);
}
