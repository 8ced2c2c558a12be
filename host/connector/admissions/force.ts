// SPDX-License-Identifier: Apache-2.0
// Puts what a change of an admission list has changed into force at a Connector, and nothing else: of ten
// thousand STLinks one costs what one costs. Before it: admissions.ts, which has it on disk. After it: the
// roster. PROTOCOL section 9, Removal (rule T10): who goes first, then who comes.

import { hex } from "../../service/hex.ts";
import type { DeskMessageOf } from "../desk/messages.ts";
import type { Place } from "../place.ts";
import type { Roster, RosterChange } from "../roster.ts";
import type { AdmittedStlink, Rate } from "../settings.ts";
import type { Tenancy } from "../tenancy.ts";
import type { ListChange } from "./list.ts";
import type { Difference } from "./table.ts";

/** Where a change is put into force. */
export type Force = {
  roster: Roster;
  nowMs: number;
  /** What is left to be done with hops and packets. */
  left: RosterChange;
  /** The Connector's most packets in a second of one sender; a Customer has no other limit of them. */
  rate: Rate;
};

export function enforce(force: Force, tenancy: Tenancy, change: ListChange): void {
  dismiss(force, change.customers);
  removeMembers(force, tenancy, change.members);
  unpair(force, tenancy, change.pairs);
  admitMembers(force, tenancy, change.members);
  pair(tenancy, change.pairs);
  openTickets(force, tenancy, change.tickets);
  wait(tenancy, change.waiting);
  nameCustomers(force, change.customers);
  tenancy.version += 1;
}

function dismiss({ roster, left }: Force, customers: ListChange["customers"]): void {
  for (const { name, now } of customers) {
    const tenancy = roster.tenancyOf(name);
    if (now === undefined && tenancy !== null) roster.dissolve(tenancy, left);
  }
}

function removeMembers(
  { roster, left }: Force,
  { places }: Tenancy,
  members: ListChange["members"],
): void {
  for (const { name, now } of members) {
    const place = places.get(name);
    if (now === undefined && place !== undefined) roster.remove(place, left);
  }
}

function admitMembers(
  { roster, left, nowMs }: Force,
  tenancy: Tenancy,
  members: ListChange["members"],
): void {
  for (const { name, now } of members) {
    if (now !== undefined) roster.admit(tenancy, stlinkOf(name, tenancy, now), nowMs, left);
  }
}

function stlinkOf(id: string, tenancy: Tenancy, member: DeskMessageOf<"MEMBER">): AdmittedStlink {
  const { key, nextKey, psk, codeId } = member;
  return {
    ...{ name: id, tenant: tenancy.name, id: member.id, key, nextKey, psk: pskOrNone(psk) },
    codeId: codeId === null ? null : hex(codeId),
  };
}

function unpair({ left }: Force, tenancy: Tenancy, pairs: ListChange["pairs"]): void {
  for (const { before, now } of pairs) {
    if (before === undefined || now !== undefined) continue;
    const [one, other] = placesOf(tenancy, before);
    if (one === undefined || other === undefined) continue;
    one.pairs?.delete(other.id);
    other.pairs?.delete(one.id);
    left.unpaired.add(one).add(other);
  }
}

function pair(tenancy: Tenancy, pairs: ListChange["pairs"]): void {
  for (const { now } of pairs) {
    if (now === undefined) continue;
    const [one, other] = placesOf(tenancy, now);
    if (one === undefined || other === undefined) continue;
    one.pairs = (one.pairs ?? new Set()).add(other.id);
    other.pairs = (other.pairs ?? new Set()).add(one.id);
  }
}

function placesOf(
  { places }: Tenancy,
  { one, other }: DeskMessageOf<"PAIR">,
): (Place | undefined)[] {
  return [places.get(hex(one)), places.get(hex(other))];
}

/** A code that is told of again keeps whose turn it is. Who shows one that is void goes. */
function openTickets({ left }: Force, { tickets }: Tenancy, changed: ListChange["tickets"]): void {
  for (const { name, now } of changed) {
    const known = tickets.get(name);
    if (now === undefined) {
      tickets.delete(name);
      if (known?.guest) left.removed.push(known.guest);
      continue;
    }
    const { codeId, ticketHash: hash, expiresAtMs, usesLeft, sources } = now;
    const kept = known ?? { waiting: new Set<string>(), turn: null, guest: null };
    tickets.set(name, { ...kept, codeId, hash, expiresAtMs, usesLeft, sources });
  }
}

function wait({ tickets }: Tenancy, waiting: ListChange["waiting"]): void {
  for (const { before, now } of waiting) {
    if (now !== undefined) tickets.get(hex(now.codeId))?.waiting.add(hex(now.key));
    else if (before !== undefined) tickets.get(hex(before.codeId))?.waiting.delete(hex(before.key));
  }
}

function nameCustomers(force: Force, customers: readonly Difference<DeskMessageOf<"CUSTOMER">>[]) {
  const { roster, nowMs, left, rate } = force;
  for (const { now } of customers) {
    if (now === undefined) continue;
    const { id, key, psk, bytesPerSecond, isSuspended, name } = now;
    const who = { name, tenant: name, id, key, nextKey: null, psk: pskOrNone(psk) };
    const limit = bytesPerSecond === 0 ? null : { ...rate, bytesPerSecond };
    const tenancy = roster.admitCommander(who, limit, nowMs, left);
    if (isSuspended && !tenancy.isSuspended) left.suspended.push(...tenancy.places.values());
    tenancy.isSuspended = isSuspended;
  }
}

function pskOrNone(psk: Uint8Array): Uint8Array | null {
  return psk.some((byte) => byte !== 0) ? psk : null;
}
