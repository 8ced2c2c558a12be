// SPDX-License-Identifier: Apache-2.0
// Tickets at a Connector: who shows one is let in to the Commander alone, for a minute; everybody else hears
// why not, and the Commander too. PROTOCOL 9.1, 10.2; rules T6, T7.

import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { DeskMessageOf } from "../../host/connector/desk/messages.ts";
import { guestIdOf } from "../../host/connector/tickets.ts";
import { Reason } from "../../host/core/abi.gen.ts";
import { type Person, person, type Ticket, WORLD_BEGAN_MS } from "./connector-world.ts";
import {
  change,
  commit,
  customer,
  DeskWorld,
  endWorlds,
  LIST,
  member,
  type TestCommander,
} from "./desk-world.ts";

afterEach(endWorlds);

const HOUR_MS = 3_600_000;
const PACKET = 500;

/** What a code's secret gives its device: codeId and ticket. */
function code(byte: number): Ticket {
  return { codeId: new Uint8Array(8).fill(byte), ticket: new Uint8Array(32).fill(byte) };
}

function opened(
  { codeId, ticket }: Ticket,
  more: Partial<DeskMessageOf<"TICKET">> = {},
): DeskMessageOf<"TICKET"> {
  const ticketHash = new Uint8Array(createHash("blake2s256").update(ticket).digest());
  const expiresAtMs = WORLD_BEGAN_MS + HOUR_MS;
  return { type: "TICKET", codeId, ticketHash, expiresAtMs, usesLeft: 1, sources: [], ...more };
}

async function withCode(more: Partial<DeskMessageOf<"TICKET">> = {}) {
  const operator = person("commander");
  const world = await DeskWorld.open(operator);
  const commander = world.commander(operator);
  const ticket = code(1);
  commander.say(LIST, opened(ticket, more), commit(1));
  return { world, operator, commander, ticket };
}

/** What the Commander was told of tickets last. */
function lastTurned(commander: TestCommander) {
  return commander.all("TURNED").at(-1);
}

describe("a hop that shows a ticket", () => {
  it("is let in, and the Commander hears of its key and where it is", async () => {
    const { world, commander, ticket } = await withCode();
    const device = person("device");
    expect(world.dialWith(device, ticket, "198.51.100.7").isUp).toBe(true);
    world.settle();
    const { codeId } = ticket;
    const source = "198.51.100.7";
    expect(commander.heard.at(-1)).toEqual({ type: "SHOWN", codeId, key: device.key, source });
    commander.open();
    world.settle();
    expect(commander.all("SHOWN")).toHaveLength(2);
  });

  it("talks to the Commander alone", async () => {
    const { world, operator, commander, ticket } = await withCode();
    const office = person("office");
    commander.say(change(1), member(office), commit(2));
    world.dial(office);
    const hop = world.dialWith(person("device"), ticket);
    hop.send(office, PACKET);
    world.run(50);
    expect(hop.dropped).toEqual([Reason.NotPaired]);
    hop.send(operator, PACKET);
    world.run(50);
    expect(hop.dropped).toEqual([Reason.NotPaired]);
    const guest = { ...person(""), id: guestIdOf(ticket.codeId) };
    const other = world.dial(office);
    other.send(guest, PACKET);
    world.run(50);
    expect(other.dropped).toEqual([Reason.NotPaired]);
  });

  it("sends 8 KiB in a second", async () => {
    const { world, operator, ticket } = await withCode();
    const hop = world.dialWith(person("device"), ticket);
    hop.send(operator, 1000, 12);
    world.run(20);
    expect(world.refused("RateLimited")).toBeGreaterThanOrEqual(3);
    expect(world.refused("RateLimited")).toBeLessThanOrEqual(5);
  });

  it("goes after a minute, and may come again", async () => {
    const { world, ticket } = await withCode();
    const device = person("device");
    const hop = world.dialWith(device, ticket);
    world.run(58_000);
    hop.say({ type: "PING", token: 1 });
    world.run(500);
    expect(hop.isUp).toBe(true);
    world.run(3000);
    expect([hop.isUp, world.hopsRefused("TicketOver")]).toEqual([false, 1]);
    expect(world.dialWith(device, ticket).isUp).toBe(true);
  });

  it("is superseded by a newer one of the same key", async () => {
    const { world, ticket } = await withCode();
    const device = person("device");
    const [before, after] = [world.dialWith(device, ticket), world.dialWith(device, ticket)];
    expect([before.endReason, after.isUp]).toEqual([Reason.Superseded, true]);
  });

  it("is one of ten at once in a tenant", async () => {
    const { world, commander } = await withCode();
    const codes = Array.from({ length: 11 }, (_, i) => code(10 + i));
    commander.say(change(1), ...codes.map((one) => opened(one)), commit(2));
    const hops = codes.map((one, i) => world.dialWith(person("device"), one, `192.0.${i}.1`));
    expect(hops.filter(({ isUp }) => isUp)).toHaveLength(10);
    expect(hops.at(-1)?.endReason).toBe(Reason.NotAdmitted);
    world.settle();
    expect(lastTurned(commander)?.reason).toBe(Reason.NotAdmitted);
  });

  it("ends when its code is void", async () => {
    const { world, commander, ticket } = await withCode();
    const hop = world.dialWith(person("device"), ticket);
    commander.say(change(1), { type: "VOID", codeId: ticket.codeId }, commit(2));
    expect(hop.endReason).toBe(Reason.Revoked);
    expect(world.dialWith(person("device"), ticket).endReason).toBe(Reason.CodeUnknown);
  });
});

describe("a ticket is refused", () => {
  async function refusal(more: Partial<DeskMessageOf<"TICKET">>, shown = code(1)) {
    const { world, commander } = await withCode(more);
    const device = person("device");
    const hop = world.dialWith(device, shown);
    world.settle();
    return { world, commander, device, reason: hop.endReason };
  }

  it("with CodeUnknown for a codeId that nobody has, of which nobody hears", async () => {
    const { commander, reason } = await refusal({}, code(2));
    expect([reason, commander.all("TURNED")]).toEqual([Reason.CodeUnknown, []]);
  });

  it("with CodeUnknown for another ticket than the code's, of which the Commander hears", async () => {
    const guessed = { codeId: code(1).codeId, ticket: code(2).ticket };
    const { commander, device, reason } = await refusal({}, guessed);
    const { codeId } = guessed;
    const turned = { type: "TURNED", codeId, key: device.key, reason, source: "192.0.2.1" };
    expect([reason, lastTurned(commander)]).toEqual([Reason.CodeUnknown, turned]);
  });

  it("with CodeExpired once its time is over", async () => {
    const { commander, reason } = await refusal({ expiresAtMs: WORLD_BEGAN_MS });
    expect([reason, lastTurned(commander)?.reason]).toEqual([
      Reason.CodeExpired,
      Reason.CodeExpired,
    ]);
  });

  it("with WrongNetwork from a source that its code does not name", async () => {
    const sources = ["10.0.0.0/8", "2001:db8::/32"];
    const { world, commander, device, reason } = await refusal({ sources });
    expect([reason, lastTurned(commander)?.reason]).toEqual([
      Reason.WrongNetwork,
      Reason.WrongNetwork,
    ]);
    world.run(60_000);
    for (const host of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"]) {
      expect(world.dialWith(device, code(1), host).isUp).toBe(true);
    }
  });

  it("with CodeUsed when no use is left", async () => {
    const { commander, reason } = await refusal({ usesLeft: 0 });
    expect([reason, lastTurned(commander)?.reason]).toEqual([Reason.CodeUsed, Reason.CodeUsed]);
  });

  it("with CodeUsed while it is another key's turn, which then is over", async () => {
    const { world, commander, ticket } = await withCode();
    const [first, second] = [person("first"), person("second")];
    const hop = world.dialWith(first, ticket);
    expect(world.dialWith(second, ticket).endReason).toBe(Reason.CodeUsed);
    hop.line.events?.ended();
    expect(world.dialWith(second, ticket).endReason).toBe(Reason.CodeUsed);
    world.run(60_000);
    expect(world.dialWith(second, ticket).isUp).toBe(true);
    expect(world.dialWith(first, ticket).endReason).toBe(Reason.CodeUsed);
    world.settle();
    expect(commander.all("SHOWN").map(({ key }) => key)).toEqual([first.key, second.key]);
  });

  it("with NotAdmitted while another key is at it, where more uses are left", async () => {
    const { world, ticket } = await withCode({ usesLeft: 2 });
    const [first, second] = [person("first"), person("second")];
    const hop = world.dialWith(first, ticket);
    expect(world.dialWith(second, ticket).endReason).toBe(Reason.NotAdmitted);
    hop.line.events?.ended();
    expect(world.dialWith(second, ticket).isUp).toBe(true);
  });

  it("of a Customer that is suspended", async () => {
    const { world, commander } = await withCode();
    const boss = person("bakery");
    commander.say(change(1), customer(boss), commit(2));
    const other = world.commander(boss);
    other.say(LIST, opened(code(2)), commit(1));
    commander.say(change(2), customer(boss, { isSuspended: true }), commit(3));
    expect(world.dialWith(person("device"), code(2)).endReason).toBe(Reason.NotAdmitted);
  });
});

describe("two tenants that name one codeId", () => {
  it("do not take each other's tickets, and each hears of its own", async () => {
    const { world, commander, ticket } = await withCode();
    const boss = person("bakery");
    commander.say(change(1), customer(boss), commit(2));
    const other = world.commander(boss);
    const twin = { codeId: ticket.codeId, ticket: code(2).ticket };
    other.say(LIST, opened(twin), commit(1));
    const [one, two] = [person("one"), person("two")];
    expect(world.dialWith(one, ticket).isUp).toBe(true);
    expect(world.dialWith(two, twin).isUp).toBe(true);
    world.settle();
    expect(commander.all("SHOWN").map(({ key }) => key)).toEqual([one.key]);
    expect(other.all("SHOWN").map(({ key }) => key)).toEqual([two.key]);
  });
});

describe("a code that was used", () => {
  const hopPsk = new Uint8Array(32).fill(5);

  /** The device has shown its ticket, and the Commander has made it a member that has to confirm yet. */
  async function withUsed() {
    const all = await withCode();
    const device = person("device");
    const { commander, ticket } = all;
    const { codeId } = ticket;
    const admitted = member(device, { psk: hopPsk, codeId });
    commander.say(change(1), admitted, opened(ticket, { usesLeft: 0 }), commit(2));
    return { ...all, device, armed: { ...device, psk: hopPsk } };
  }

  it("lets the key that used it show it again, and no other", async () => {
    const { world, device, ticket } = await withUsed();
    const hops = [0, 1].map(() => world.dialWith(device, ticket));
    expect(hops.some(({ isUp }) => isUp)).toBe(true);
    expect(world.dialWith(person("other"), ticket).endReason).toBe(Reason.CodeUsed);
  });

  it("lets that key in with the hop's PSK or with zeros, one after the other, until it has confirmed", async () => {
    const { world, commander, device, armed, ticket } = await withUsed();
    const isUp = (who: Person) => world.dial(who).isUp;
    expect(isUp(armed)).toBe(true);
    expect([isUp(device), isUp(device)]).toEqual([false, true]);
    // It begins with the one that worked last.
    expect(isUp(device)).toBe(true);
    world.run(120_000);
    expect([isUp(armed), isUp(armed)]).toEqual([false, true]);
    const confirmed = member(device, { psk: hopPsk });
    commander.say(change(2), confirmed, { type: "VOID", codeId: ticket.codeId }, commit(3));
    world.run(120_000);
    expect([isUp(armed), isUp(device), isUp(device), isUp(armed)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it("cuts a hop that was made with zeros when it is confirmed", async () => {
    const { world, commander, device } = await withUsed();
    const hop = [0, 1].map(() => world.dial(device)).find(({ isUp }) => isUp);
    commander.say(change(2), member(device, { psk: hopPsk }), commit(3));
    expect(hop?.endReason).toBe(Reason.Revoked);
  });

  it("lets a key in that waits for approval, and nobody when that is void", async () => {
    const { world, commander, ticket } = await withCode({ usesLeft: 0 });
    const device = person("device");
    const { codeId } = ticket;
    commander.say(change(1), { type: "WAITING", codeId, key: device.key }, commit(2));
    expect(world.dialWith(device, ticket).isUp).toBe(true);
    commander.say(change(2), { type: "VOID", codeId }, opened(ticket, { usesLeft: 0 }), commit(3));
    expect(world.dialWith(device, ticket).endReason).toBe(Reason.CodeUsed);
  });

  it("is remembered over a restart", async () => {
    const { world, operator, armed, ticket } = await withUsed();
    world.stop();
    const again = await DeskWorld.open(operator, world.folder);
    expect(again.dial(armed).isUp).toBe(true);
    expect(again.dialWith(person("other"), ticket).endReason).toBe(Reason.CodeUsed);
  });
});
