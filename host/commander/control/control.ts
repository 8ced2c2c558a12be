// SPDX-License-Identifier: Apache-2.0
// The Commander's own STLink: every change of the database reaches the Connectors, then the STLinks that it concerns;
// whoever activates, rotates, confirms or reports is answered out of the database. Before it: `sealed up`, the API, by
// the registry alone. After it: station.ts and the parts beside this file. PROTOCOL 9.1, 10. Invariant: what a change
// touches is found when it is committed; nothing of it is lost by what happens later.

import type { DeskMessage } from "../../connector/desk/messages.ts";
import { hex } from "../../service/hex.ts";
import { keyPairOf } from "../../service/key-file.ts";
import type { Id, Key } from "../domain/fields.ts";
import type { News } from "../registry.ts";
import { type AuditEntry, auditHead } from "../store/audit.ts";
import { readCode } from "../store/codes.ts";
import { readSecret, readVersion } from "../store/site.ts";
import { Activation } from "./activation.ts";
import { Alarms } from "./alarms.ts";
import { Deployer, Rank } from "./deployer.ts";
import type { ConnectorLine } from "./desks.ts";
import { Differences } from "./differences.ts";
import { encodeRenew } from "./messages.ts";
import { provisionalId } from "./parties.ts";
import { Reception } from "./reception.ts";
import { Revocations } from "./revocations.ts";
import { Rotations } from "./rotations.ts";
import { COMMANDER_KEY } from "./secrets.ts";
import { authorityOf, Station, type StationOptions } from "./station.ts";

export type { ConnectorLine } from "./desks.ts";

export type CommanderControl = {
  /** An STLink that is here is told to make a new key (RENEW); false: it is away. */
  renew(id: Id): boolean;
  connectors(): readonly ConnectorLine[];
  /** How many STLinks hold a configuration that this database has not made (rule T9). */
  readonly newer: number;
  stop(): void;
};

const AGAIN_MS = 1000;
/** A device's handshake takes it seconds at most. */
const SHOWN_SILENT_MS = 5000;

/** Starts it: the site's authority and keys are in the database. Throws Error (no site), Refusal (Store...). */
export function startControl(options: StationOptions): CommanderControl {
  const control = new Control(options);
  control.start();
  return control;
}

type Changed = Extract<News, { kind: "changed" }>;

class Control implements CommanderControl {
  readonly #station: Station;
  readonly #deployer: Deployer;
  readonly #activation: Activation;
  readonly #rotations: Rotations;
  readonly #revocations: Revocations;
  readonly #reception: Reception;
  readonly #alarms: Alarms;
  #commanderKey: Key;
  #endNews = (): void => {};
  #cancelAgain: (() => void) | null = null;
  #hasGreeted = false;
  #isStopped = false;

  constructor(options: StationOptions) {
    const privateKey = commanderKeyOf(options);
    const station = new Station(options, privateKey, {
      message: (conversation, message) => this.#reception.hear(conversation, message),
      drained: () => this.#deployer.wake(),
      over: () => {},
      desk: (connector, message) => this.#hearDesk(connector, message),
      held: () => this.#held(),
    });
    const { office, parties, membership, presence, desks } = station;
    this.#station = station;
    this.#commanderKey = office.authority.commanderKey;
    this.#deployer = new Deployer(office, parties, desks);
    this.#activation = new Activation(office, parties, this.#deployer, presence);
    this.#rotations = new Rotations(office, parties, membership, this.#deployer, presence);
    this.#revocations = new Revocations(office, desks);
    this.#alarms = new Alarms(office);
    this.#reception = new Reception(office, {
      ...{ membership, presence, deployer: this.#deployer, activation: this.#activation },
      ...{ rotations: this.#rotations, revocations: this.#revocations },
    });
  }

  start(): void {
    this.#station.start();
    this.#endNews = this.#station.office.registry.on((news) => this.#hear(news));
  }

  get newer(): number {
    return this.#reception.newer;
  }

  renew(id: Id): boolean {
    const conversation = this.#station.parties.get(id)?.conversation ?? null;
    conversation?.send(encodeRenew());
    return conversation !== null;
  }

  connectors(): ConnectorLine[] {
    return this.#station.connectors();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#endNews();
    this.#cancelAgain?.();
    this.#deployer.stop();
    this.#rotations.stop();
    this.#revocations.stop();
    this.#station.stop();
  }

  // What desks tell.

  #hearDesk(connector: Key, message: DeskMessage): void {
    if (message.type === "HERE") this.#rotations.here(hex(message.id), hex(message.key));
    if (message.type === "SHOWN") this.#shown(hex(message.codeId), hex(message.key));
    if (message.type === "TURNED") this.#alarms.turned(connector, message);
    if (message.type === "NAMED") this.#greet();
  }

  /** Who shows a code speaks at once, unless it has a session of the process before this one. */
  #shown(codeId: string, key: Key): void {
    if (!this.#activation.shown(codeId, key)) return;
    this.#station.greeter.greet([provisionalId(codeId)], SHOWN_SILENT_MS);
  }

  #held(): void {
    this.#revocations.held();
    this.#deployer.wake();
  }

  /** Once: those who are here do not know yet that this is a new process. */
  #greet(): void {
    if (this.#hasGreeted) return;
    this.#hasGreeted = true;
    const { membership, presence, greeter } = this.#station;
    greeter.greet([...membership.members.keys()].filter((id) => presence.isHere(id)));
  }

  // What changes.

  #hear(news: News): void {
    if (news.kind !== "changed") return;
    try {
      this.#apply(news);
    } catch (error) {
      // It is committed: whoever made the change has done his part.
      this.#station.office.log.error(
        { error: String(error) },
        "a change is looked at again in a second",
      );
      this.#cancelAgain ??= this.#station.office.world.clock.after(AGAIN_MS, () => this.#again());
    }
  }

  #apply({ entries, isDeploying }: Changed): void {
    const { membership, desks, office } = this.#station;
    const differences = differencesOf(entries);
    const holders = isDeploying ? membership.holders(entries) : new Set<Id>();
    for (const id of this.#confirmedBy(entries)) holders.add(id);
    const revoked = revokedBy(entries).map((id) => ({ id, peers: [...membership.peersOf(id)] }));
    const { members, pairs, concerned } = membership.update(holders);
    for (const id of members) differences.members.add(id);
    for (const pair of pairs) differences.addPair(pair);
    for (const id of members) this.#takeMember(id);
    const isAuthority = entries.some(isOfAuthority);
    if (isAuthority) this.#takeAuthority();
    const serial = auditHead(office.db).n;
    const wanted = isAuthority ? new Set(membership.members.keys()) : concerned;
    if (isDeploying) this.#deploy(wanted, new Set(revoked.flatMap(({ peers }) => peers)), serial);
    for (const { id, peers } of revoked) {
      this.#revocations.begin(id, serial, readVersion(office.db), peers);
    }
    desks.tell(differences);
    for (const id of members) this.#answer(id);
  }

  #deploy(concerned: ReadonlySet<Id>, first: ReadonlySet<Id>, serial: number): void {
    for (const id of concerned) {
      this.#deployer.concern(id, serial);
      this.#deployer.want(id, first.has(id) ? Rank.Revoked : Rank.Changed);
    }
    this.#deployer.wantAll();
  }

  #takeMember(id: Id): void {
    const member = this.#station.membership.members.get(id);
    if (member === undefined) this.#station.parties.forget(id);
    else this.#station.parties.know(id, member);
  }

  /** Who waited for this is answered, once the Connectors hold it. */
  #answer(id: Id): void {
    const member = this.#station.membership.members.get(id);
    if (member !== undefined) this.#activation.admitted(id, member.key);
  }

  #takeAuthority(): void {
    this.#station.setConnectors();
    const { commanderKey } = this.#station.office.authority;
    if (commanderKey === this.#commanderKey) return;
    this.#commanderKey = commanderKey;
    const text =
      "the Commander's key in the database is another one: restart the Commander to use it";
    this.#station.office.log.error({}, text);
  }

  /** STLinks of which a code says something else now: they have confirmed. */
  #confirmedBy(entries: readonly AuditEntry[]): Id[] {
    const { db } = this.#station.office;
    const confirmed = entries.filter(({ kind, what }) => kind === "code" && what === "confirm");
    return confirmed.flatMap(({ id }) => readCode(db, id)?.uses.map((use) => use.stlinkId) ?? []);
  }

  /** All of it anew. */
  #again(): void {
    this.#cancelAgain = null;
    const { membership, desks, office } = this.#station;
    const attempt = office.attempt("look at the whole site", () => {
      const { members } = membership.updateAll();
      for (const id of members) this.#takeMember(id);
      const serial = auditHead(office.db).n;
      this.#deploy(new Set(membership.members.keys()), new Set(), serial);
      desks.tellAll();
      for (const id of members) this.#answer(id);
    });
    if (attempt.ok) return;
    this.#cancelAgain = office.world.clock.after(AGAIN_MS, () => this.#again());
  }
}

/** Throws where the database has no key, or another one than the authority names. */
function commanderKeyOf({ registry }: StationOptions): Uint8Array {
  const { commanderKey } = authorityOf(registry);
  const privateKey = readSecret(registry.db, COMMANDER_KEY);
  if (privateKey === null) throw new Error("the database has no key of the Commander");
  if (hex(keyPairOf(privateKey).publicKey) === commanderKey) return privateKey;
  throw new Error("the Commander's key in the database is not the one that its authority names");
}

function isOfAuthority({ kind, what }: AuditEntry): boolean {
  return kind === "site" && what === "change";
}

function revokedBy(entries: readonly AuditEntry[]): Id[] {
  const revoked = entries.filter(({ kind, what }) => kind === "stlink" && what === "revoke");
  return revoked.map(({ id }) => id);
}

type Waiting = { waiting?: { key: Key; codeId: string } | null };
type OfCustomer = { commander?: { id: Id } };

/** Codes and Customers that these entries are about. */
function differencesOf(entries: readonly AuditEntry[]): Differences {
  const differences = new Differences();
  for (const { kind, what, id, before, after } of entries) {
    if (kind === "code" && what !== "alarm" && what !== "turned away") differences.codes.add(id);
    if (kind === "customer") {
      for (const fields of [before, after] as (OfCustomer | null)[]) {
        if (fields?.commander !== undefined) differences.customers.add(fields.commander.id);
      }
    }
    const waited = kind === "stlink" ? ((before as Waiting | null)?.waiting ?? null) : null;
    if (waited === null || what === "activate") continue;
    const waits = (after as Waiting | null)?.waiting ?? null;
    if (waits?.key !== waited.key) differences.voided.add(waited.codeId);
  }
  return differences;
}
