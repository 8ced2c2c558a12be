// SPDX-License-Identifier: Apache-2.0
// The admission list of one tenant, as its Commander has made it: members, pairs, codes, who waits, Customers.
// Before it: the messages of a change, or the store's. After it: admissions.ts keeps the whole change, or
// undoes it. PROTOCOL 9.1; rules T2, T4. Invariants: pairs are of members; a key is one member's.

import { isNetwork } from "../../net/ip.ts";
import { isCanonical } from "../../service/fields.ts";
import { hex } from "../../service/hex.ts";
import { DeskError, type DeskMessageOf } from "../desk/messages.ts";
import { type Difference, Table } from "./table.ts";

export type Version = { epoch: number; serial: bigint };

/** Messages that a change is made of. */
export type ListMessage = DeskMessageOf<
  | ("MEMBER" | "PAIR" | "TICKET" | "WAITING" | "CUSTOMER")
  | ("REMOVE" | "UNPAIR" | "VOID" | "DISMISS")
>;
/** Those that add something, and stay as entries. */
export type Entry = DeskMessageOf<"MEMBER" | "PAIR" | "TICKET" | "WAITING" | "CUSTOMER">;

/** What a change has changed. */
export type ListChange = {
  members: Difference<DeskMessageOf<"MEMBER">>[];
  pairs: Difference<DeskMessageOf<"PAIR">>[];
  tickets: Difference<DeskMessageOf<"TICKET">>[];
  waiting: Difference<DeskMessageOf<"WAITING">>[];
  customers: Difference<DeskMessageOf<"CUSTOMER">>[];
};

/** More than this of a kind is refused: a Connector's memory is everybody's. */
const MOST = { members: 65_535, pairs: 262_140, tickets: 4096, waiting: 4096, customers: 255 };

export type ListOptions = {
  /** The Commander's id, hexadecimal. */
  commander: string;
  /** The desk's id. */
  desk: string;
  isOperator: boolean;
};

export class AdmissionList {
  version: Version = { epoch: 0, serial: 0n };
  readonly members = new Table<DeskMessageOf<"MEMBER">>(({ key, nextKey }) =>
    nextKey === null ? [hex(key)] : [hex(key), hex(nextKey)],
  );
  /** By both ids, the lower one first; marked by each. */
  readonly pairs = new Table<DeskMessageOf<"PAIR">>(({ one, other }) => [hex(one), hex(other)]);
  readonly tickets = new Table<DeskMessageOf<"TICKET">>();
  /** By codeId and key; marked by the codeId. */
  readonly waiting = new Table<DeskMessageOf<"WAITING">>(({ codeId }) => [hex(codeId)]);
  readonly customers = new Table<DeskMessageOf<"CUSTOMER">>(({ key }) => [hex(key)]);
  /** Members, by id, whose next key is in force, as the disk says. */
  readonly turned = new Set<string>();
  readonly #options: ListOptions;

  constructor(options: ListOptions) {
    this.#options = options;
  }

  /** What is applied from now on is all there is. */
  beginAll(): void {
    for (const table of this.#tables) table.beginAll();
  }

  /** What was not named since goes. */
  endAll(): void {
    for (const table of this.#tables) table.endAll();
  }

  /** Throws DeskError: a Commander may not say so. */
  apply(message: ListMessage): void {
    if (message.type === "MEMBER") return this.#admit(message);
    if (message.type === "PAIR") return this.#pair(message);
    if (message.type === "TICKET") return this.#open(message);
    if (message.type === "WAITING") {
      return this.waiting.set(hex(message.codeId) + hex(message.key), message);
    }
    if (message.type === "CUSTOMER") return this.#name(message);
    if (message.type === "REMOVE") return this.#remove(hex(message.id));
    if (message.type === "UNPAIR") return this.pairs.delete(pairName(message));
    if (message.type === "VOID") return this.#void(hex(message.codeId));
    this.#checkOperator();
    this.customers.delete(hex(message.id));
  }

  /** What has changed since `keep`. Throws DeskError where it does not add up. */
  changes(): ListChange {
    const change = {
      members: this.members.differences(),
      pairs: this.pairs.differences(),
      tickets: this.tickets.differences(),
      waiting: this.waiting.differences(),
      customers: this.customers.differences(),
    };
    for (const { now } of change.members) if (now !== undefined) this.#checkKeys(now);
    for (const { now } of change.pairs) if (now !== undefined) this.#checkPair(now);
    for (const { now } of change.waiting) {
      const isOpen = now === undefined || this.tickets.has(hex(now.codeId));
      if (!isOpen) throw new DeskError("somebody waits with a code that is not there");
    }
    for (const { now } of change.customers) if (now !== undefined) this.#checkCustomer(now);
    return change;
  }

  /** What there are too many of; null: there is room. */
  crowded(): string | null {
    const kinds = Object.keys(MOST) as (keyof typeof MOST)[];
    return kinds.find((kind) => this[kind].size > MOST[kind]) ?? null;
  }

  keep(): void {
    for (const table of this.#tables) table.keep();
  }

  undo(): void {
    for (const table of this.#tables) table.undo();
  }

  get #tables(): readonly Pick<Table<Entry>, "beginAll" | "endAll" | "keep" | "undo">[] {
    return [this.members, this.pairs, this.tickets, this.waiting, this.customers];
  }

  #admit(member: DeskMessageOf<"MEMBER">): void {
    const id = hex(member.id);
    this.#checkId(id);
    checkKey(member.key);
    if (member.nextKey !== null) checkKey(member.nextKey);
    if (GUEST.test(id)) throw new DeskError(`the id ${id} is of the form that guests have`);
    this.members.set(id, member);
  }

  #pair(pair: DeskMessageOf<"PAIR">): void {
    if (hex(pair.one) === hex(pair.other)) throw new DeskError("an STLink is no pair with itself");
    const isInOrder = hex(pair.one) < hex(pair.other);
    const ordered = isInOrder ? pair : { ...pair, one: pair.other, other: pair.one };
    this.pairs.set(pairName(pair), ordered);
  }

  #open(ticket: DeskMessageOf<"TICKET">): void {
    const wrong = ticket.sources.find((source) => !isNetwork(source));
    if (wrong !== undefined) throw new DeskError("a ticket's source is no network");
    this.tickets.set(hex(ticket.codeId), ticket);
  }

  #name(customer: DeskMessageOf<"CUSTOMER">): void {
    this.#checkOperator();
    this.#checkId(hex(customer.id));
    checkKey(customer.key);
    this.customers.set(hex(customer.id), customer);
  }

  #remove(id: string): void {
    this.members.delete(id);
    for (const name of this.pairs.marked(id)) this.pairs.delete(name);
  }

  #void(codeId: string): void {
    this.tickets.delete(codeId);
    for (const name of this.waiting.marked(codeId)) this.waiting.delete(name);
  }

  #checkOperator(): void {
    if (!this.#options.isOperator) throw new DeskError("a Customer's Commander names no Customers");
  }

  #checkId(id: string): void {
    const { commander, desk } = this.#options;
    if (id === commander || id === desk || /^0+$/.test(id)) {
      throw new DeskError(`the id ${id} is the Commander's, the desk's or nobody's`);
    }
  }

  #checkKeys({ key, nextKey }: DeskMessageOf<"MEMBER">): void {
    for (const one of nextKey === null ? [key] : [key, nextKey]) {
      const isTwice = this.members.marked(hex(one)).length > 1;
      if (isTwice) throw new DeskError(`the key ${hex(one)} is two members'`);
    }
  }

  #checkCustomer({ key }: DeskMessageOf<"CUSTOMER">): void {
    const isTwice = this.customers.marked(hex(key)).length > 1;
    if (isTwice) throw new DeskError(`the key ${hex(key)} is two Customers'`);
  }

  #checkPair({ one, other }: DeskMessageOf<"PAIR">): void {
    for (const id of [one, other]) {
      if (!this.members.has(hex(id))) throw new DeskError(`a pair of ${hex(id)}, who is no member`);
    }
  }
}

/** codeId and eight zeros. */
const GUEST = /0{16}$/;

function checkKey(key: Uint8Array): void {
  if (!isCanonical(key)) throw new DeskError("a key is not canonical");
}

function pairName({ one, other }: { one: Uint8Array; other: Uint8Array }): string {
  return [hex(one), hex(other)].sort().join("");
}
