// SPDX-License-Identifier: Apache-2.0
// What a Connector has to hold, as the messages of PROTOCOL 9.1: members, pairs, tickets, who waits for approval,
// Customers; whole, or what differs. Before it: membership.ts and the store. After it: desk-client.ts. The version of
// an admission is the site's epoch and the number of its last audit entry: it rises with codes and Customers too,
// which no configuration depends on. Invariant: what is removed is told first (T10).

import { type DeskMessage, type DeskMessageOf, encodeDesk } from "../../connector/desk/messages.ts";
import { sizeBytes } from "../../service/fields.ts";
import { fromHex } from "../../service/hex.ts";
import { type Code, codeStateOf } from "../domain/code.ts";
import type { CustomerFields } from "../domain/customer.ts";
import type { Pair } from "../domain/deployment.ts";
import type { Id, Key } from "../domain/fields.ts";
import type { Version } from "../domain/version.ts";
import { auditHead } from "../store/audit.ts";
import { codesSince, readCode } from "../store/codes.ts";
import { customerPsk } from "../store/customers.ts";
import { readObjects } from "../store/objects.ts";
import { hopPsk } from "../store/psks.ts";
import { readVersion } from "../store/site.ts";
import { readStlink } from "../store/stlinks.ts";
import type { Differences } from "./differences.ts";
import type { Membership } from "./membership.ts";
import type { Office } from "./office.ts";
import { NO_PSK } from "./secrets.ts";

/** So long a code that has expired is refused as that; then as one that nobody knows. */
const REMEMBERED_MS = 7 * 86_400_000;
const USES_MOST = 0xffff;

/** A desk refuses a list with more than 4,096 (PROTOCOL 9.1): the oldest have to go. */
const TICKETS_MOST = 4000;

/** Which desk is told, and of which codes it was: the oldest first. */
export type Told = { connector: Key; tickets: Set<string> };

/** Bytes for a desk's stream, COMMIT included, and the version that they make. */
export type Push = { version: Version; bytes: Uint8Array };

export class Admission {
  readonly #office: Office;
  readonly #membership: Membership;

  constructor(office: Office, membership: Membership) {
    this.#office = office;
    this.#membership = membership;
  }

  /** The version of what there is now. */
  get version(): Version {
    const { db } = this.#office;
    return { epoch: readVersion(db).epoch, serial: BigInt(auditHead(db).n) };
  }

  /** All there is, for this Connector; `tickets` takes the codes that it is told of. */
  list(connector: Key, tickets: Set<string>): Push {
    return this.#push(() => {
      const { members } = this.#membership;
      return [
        { type: "LIST" },
        ...[...members.keys()].flatMap((id) => this.#member(id, connector)),
        ...[...this.#membership.pairs()].map(pairMessage),
        ...this.#newestCodes().flatMap((code) => this.#codeMessages(code, tickets)),
        ...readObjects(this.#office.db, "customer").map((one) => this.#customer(one)),
      ];
    });
  }

  /** What differs from the version that this Connector holds. */
  change(from: Version, differences: Differences, told: Told): Push {
    return this.#push(() => [
      { type: "CHANGE", ...from },
      ...this.#removals(differences, told),
      ...this.#additions(differences, told),
    ]);
  }

  /** Those that are open before those that were used or have expired. */
  #newestCodes(): Code[] {
    const { nowMs } = this.#office.registry;
    const codes = codesSince(this.#office.db, nowMs - REMEMBERED_MS).reverse();
    const isOpen = (code: Code) => codeStateOf(code, nowMs) === "open";
    const sorted = [...codes.filter(isOpen), ...codes.filter((code) => !isOpen(code))];
    return sorted.slice(0, TICKETS_MOST).reverse();
  }

  /** In one transaction: pre-shared keys of new hops are made on the way. */
  #push(messages: () => DeskMessage[]): Push {
    return this.#office.db.transaction(() => {
      const { version } = this;
      const all: DeskMessage[] = [...messages(), { type: "COMMIT", ...version }];
      return { version, bytes: Buffer.concat(all.map(encodeDesk)) };
    });
  }

  #removals(
    { members, pairs, codes, voided, customers }: Differences,
    { tickets }: Told,
  ): DeskMessage[] {
    const known = this.#membership.members;
    const closed = [...new Set([...codes, ...voided])].filter(
      (codeId) => voided.has(codeId) || this.#openCode(codeId) === null,
    );
    for (const codeId of closed) tickets.delete(codeId);
    const crowd = [...tickets].slice(0, Math.max(0, tickets.size + codes.size - TICKETS_MOST));
    for (const codeId of crowd) tickets.delete(codeId);
    return [
      ...[...members].filter((id) => !known.has(id)).map(removeMessage),
      ...[...pairs]
        .filter(({ low, high }) => known.has(low) && known.has(high))
        .filter((pair) => !this.#membership.isPair(pair))
        .map(unpairMessage),
      ...[...closed, ...crowd].map(voidMessage),
      ...[...customers]
        .filter((id) => this.#customerOf(id) === null)
        .map((id) => ({ type: "DISMISS", id: fromHex(id) }) as const),
    ];
  }

  #additions(differences: Differences, { connector, tickets }: Told): DeskMessage[] {
    const { members, pairs, codes, voided, customers } = differences;
    return [
      ...[...members].flatMap((id) => this.#member(id, connector)),
      ...[...pairs].filter((pair) => this.#membership.isPair(pair)).map(pairMessage),
      ...[...new Set([...codes, ...voided])].flatMap((codeId) => {
        const code = this.#openCode(codeId);
        return code === null ? [] : this.#codeMessages(code, tickets);
      }),
      ...[...customers].flatMap((id) => {
        const customer = this.#customerOf(id);
        return customer === null ? [] : [this.#customer(customer)];
      }),
    ];
  }

  #member(id: Id, connector: Key): DeskMessageOf<"MEMBER">[] {
    const member = this.#membership.members.get(id);
    if (member === undefined) return [];
    const { db, random } = this.#office;
    const { key, nextKey, codeId } = member;
    return [
      {
        type: "MEMBER",
        id: fromHex(id),
        key: fromHex(key),
        nextKey: nextKey === null ? null : fromHex(nextKey),
        psk: hopPsk(db, id, connector, random),
        codeId: codeId === null ? null : fromHex(codeId),
      },
    ];
  }

  /** null: it was revoked, or is not there. */
  #openCode(codeId: string): Code | null {
    const code = readCode(this.#office.db, codeId);
    return code === null || code.revokedAtMs !== null ? null : code;
  }

  #codeMessages(code: Code, tickets: Set<string>): DeskMessage[] {
    tickets.add(code.codeId);
    const { codeId, ticketHash, expiresAtMs, rules, uses } = code;
    const left = Math.min(USES_MOST, Math.max(0, rules.uses - uses.length));
    const ticket = { codeId: fromHex(codeId), ticketHash: fromHex(ticketHash) };
    const waiting = uses.filter(({ isApproved }) => !isApproved);
    return [
      { type: "TICKET", ...ticket, expiresAtMs, usesLeft: left, sources: rules.sources },
      ...waiting
        .filter(({ key, stlinkId }) => this.#isWaiting(stlinkId, codeId, key))
        .map(
          ({ key }) => ({ type: "WAITING", codeId: fromHex(codeId), key: fromHex(key) }) as const,
        ),
    ];
  }

  #isWaiting(id: Id, codeId: string, key: Key): boolean {
    const waiting = readStlink(this.#office.db, id)?.facts.waiting ?? null;
    return waiting?.codeId === codeId && waiting.key === key;
  }

  #customerOf(commanderId: Id): Customer | null {
    const all = readObjects(this.#office.db, "customer");
    return all.find(({ fields }) => fields.commander.id === commanderId) ?? null;
  }

  #customer({ id, fields }: Customer): DeskMessageOf<"CUSTOMER"> {
    const { commander, rate, stlinks = 0, suspended: isSuspended, name } = fields;
    return {
      type: "CUSTOMER",
      id: fromHex(commander.id),
      key: fromHex(commander.key),
      psk: customerPsk(this.#office.db, id) ?? NO_PSK,
      ...{ stlinks, bytesPerSecond: rate === undefined ? 0 : sizeBytes(rate), isSuspended, name },
    };
  }
}

type Customer = { id: Id; fields: CustomerFields };

function pairMessage({ low, high }: Pair): DeskMessageOf<"PAIR"> {
  return { type: "PAIR", one: fromHex(low), other: fromHex(high) };
}

function unpairMessage({ low, high }: Pair): DeskMessageOf<"UNPAIR"> {
  return { type: "UNPAIR", one: fromHex(low), other: fromHex(high) };
}

function removeMessage(id: Id): DeskMessageOf<"REMOVE"> {
  return { type: "REMOVE", id: fromHex(id) };
}

function voidMessage(codeId: string): DeskMessageOf<"VOID"> {
  return { type: "VOID", codeId: fromHex(codeId) };
}
