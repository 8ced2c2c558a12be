// SPDX-License-Identifier: Apache-2.0
// What a Commander may not say to a desk, and what is too much: each ends its stream with BadRecord, or has no
// effect, and the version in force stays; the next stream is served. PROTOCOL 9.1.

import { afterEach, describe, expect, it } from "vitest";
import { type DeskMessage, deskId, encodeDesk } from "../../host/connector/desk/messages.ts";
import { guestIdOf } from "../../host/connector/tickets.ts";
import { Reason } from "../../host/core/abi.gen.ts";
import { publicKey } from "../reference/noise.ts";
import { CONNECTOR_SECRET, person } from "./connector-world.ts";
import {
  change,
  commit,
  customer,
  DeskWorld,
  endWorlds,
  LIST,
  member,
  pair,
} from "./desk-world.ts";

afterEach(endWorlds);

const operator = person("commander");
const [office, camera] = [person("office"), person("camera")];
const codeId = new Uint8Array(8).fill(3);
const ticketHash = new Uint8Array(32).fill(4);
const TICKET = { type: "TICKET", codeId, ticketHash, expiresAtMs: 1, usesLeft: 1 } as const;

async function withOffice() {
  const world = await DeskWorld.open(operator);
  const commander = world.commander(operator);
  commander.say(LIST, member(office), commit(1));
  return { world, commander };
}

/** The stream ended with BadRecord, the version in force is the one before, and a new stream is served. */
async function expectBad(...bytes: Uint8Array[]): Promise<void> {
  const { world, commander } = await withOffice();
  commander.sayBytes(Buffer.concat(bytes));
  world.settle();
  expect(commander.endReason).toBe(Reason.BadRecord);
  expect(world.told("stream reset")).toHaveLength(1);
  commander.open();
  world.settle();
  expect(commander.heard.at(-1)).toEqual({ type: "NAMED" });
  expect([commander.holds, world.dial(office).isUp]).toEqual(["1.1", true]);
}

function wire(...messages: DeskMessage[]): Uint8Array {
  return Buffer.concat(messages.map(encodeDesk));
}

const BEYOND_CANON = new Uint8Array(32).fill(0xff);
const DESK_ID = deskId(publicKey(CONNECTOR_SECRET));
const TWIN = { ...person("twin"), key: camera.key };

/** Each stands between LIST and COMMIT. */
const NOT_ALLOWED: [what: string, ...messages: DeskMessage[]][] = [
  ["a pair of a stranger", member(camera), pair(camera, person("stranger"))],
  ["a pair of one", member(camera), pair(camera, camera)],
  [
    "a pair of one who is removed",
    member(camera),
    member(office),
    pair(camera, office),
    {
      ...{ type: "REMOVE", id: camera.id },
    },
    pair(camera, office),
  ],
  ["a member under the Commander's id", member({ ...camera, id: operator.id })],
  ["a member under the desk's id", member({ ...camera, id: DESK_ID })],
  ["a member under a guest's id", member({ ...camera, id: guestIdOf(codeId) })],
  ["a member under nobody's id", member({ ...camera, id: new Uint8Array(16) })],
  ["a key that is not canonical", member({ ...camera, key: BEYOND_CANON })],
  ["a next key that is not canonical", member({ ...camera, nextKey: BEYOND_CANON })],
  ["two members under one key", member(camera), member(TWIN)],
  ["a next key that is another's key", member(camera), member(office, { nextKey: camera.key })],
  [
    "somebody who waits with a code that is not there",
    { type: "WAITING", codeId, key: camera.key },
  ],
  ["a ticket's source that is no network", { ...TICKET, sources: ["10.0.0.0/33"] }],
  ["a Customer under the operator's id", customer({ ...camera, id: operator.id })],
  ["two Customers under one key", customer(camera), customer(TWIN)],
  ["a LIST in a LIST", LIST],
  ["a CHANGE in a LIST", change(1)],
  ["what is the Connector's to say", { type: "HOLDS", epoch: 1, serial: 5n }],
];

describe("what a Commander may not say ends its stream:", () => {
  it.each(NOT_ALLOWED)("%s", (_, ...messages) => expectBad(wire(LIST, ...messages, commit(2))));

  it("COMMIT without LIST or CHANGE", () => expectBad(wire(commit(2))));
  it("a member outside of LIST and CHANGE", () => expectBad(wire(member(camera))));
  it("REMOVE behind COMMIT", () =>
    expectBad(wire(change(1), commit(1), { type: "REMOVE", id: office.id })));

  it.each([-1, 1])("a message that is longer than its type by %i", (by) => {
    const bytes = wire(member(camera));
    const wrong = Buffer.alloc(bytes.length + by);
    wrong.set(bytes.subarray(0, wrong.length));
    wrong.writeUInt16LE(wrong.length - 3, 1);
    return expectBad(wire(LIST), wrong, wire(commit(2)));
  });

  it("an end in the midst of a message", async () => {
    const { world, commander } = await withOffice();
    commander.sayBytes(wire(LIST, member(camera)).subarray(0, 50));
    commander.finish();
    expect(commander.endReason).toBe(Reason.BadRecord);
    commander.open();
    world.settle();
    expect(commander.holds).toBe("1.1");
  });
});

describe("what has come since LIST", () => {
  it("has not come when the stream ends in order before COMMIT", async () => {
    const { world, commander } = await withOffice();
    commander.say(LIST, member(camera));
    commander.finish();
    expect(commander.isOpen).toBe(false);
    commander.open();
    world.settle();
    expect([commander.endReason, commander.holds, world.dial(camera).endReason]).toEqual([
      null,
      "1.1",
      Reason.NotAdmitted,
    ]);
  });

  it("has not come when another stream begins", async () => {
    const { world, commander } = await withOffice();
    commander.say(LIST, member(camera));
    commander.open();
    world.settle();
    commander.say(change(1), commit(2));
    expect([commander.holds, world.dial(office).isUp]).toEqual(["1.2", true]);
  });

  it("may hold types that nobody knows", async () => {
    const { world, commander } = await withOffice();
    commander.sayBytes(wire(change(1)));
    commander.sayBytes(Uint8Array.of(0x95, 3, 0, 1, 2, 3));
    commander.sayBytes(wire(member(camera), commit(2)));
    world.settle();
    expect([commander.holds, world.dial(camera).isUp]).toEqual(["1.2", true]);
  });
});

describe("too much", () => {
  it("between LIST and COMMIT ends the stream", async () => {
    const { world, commander } = await withOffice();
    commander.sayBytes(wire(LIST));
    const row = Buffer.concat(new Array(1000).fill(encodeDesk(member(camera))));
    for (let i = 0; i < 200 && commander.isOpen; i++) {
      commander.sayBytes(row);
      while (commander.isOpen && commander.unsentBytes > 0) world.run(10);
    }
    expect(commander.endReason).toBe(Reason.BadRecord);
    expect(world.told("stream reset")[0]?.fields).toMatchObject({
      why: "more than 16777216 bytes before COMMIT",
    });
  });

  it("of a kind has no effect, and the log says of which", async () => {
    const { world, commander } = await withOffice();
    const codes = Array.from({ length: 4097 }, (_, i) => {
      const id = new Uint8Array(8).fill(1);
      new DataView(id.buffer).setUint32(0, i);
      return { ...TICKET, codeId: id, sources: [] };
    });
    commander.say(change(1), ...codes, commit(2));
    world.run(5000);
    expect(commander.holds).toBe("1.1");
    expect(world.told("more tickets than this Connector keeps")).toHaveLength(1);
  });

  it("of COMMITs is answered as fast as it is read, one HOLDS for each", async () => {
    const { world, commander } = await withOffice();
    commander.isReading = false;
    const rounds = 20_000;
    const one = wire(change(77), commit(78));
    commander.sayBytes(Buffer.concat(new Array(rounds).fill(one)));
    world.run(5000);
    // The desk reads no more than what it has room to answer.
    expect(commander.unsentBytes).toBeGreaterThan(0);
    commander.readAgain();
    for (let i = 0; i < 300 && commander.all("HOLDS").length < rounds + 2; i++) world.run(100);
    expect(commander.all("HOLDS")).toHaveLength(rounds + 2);
    expect(commander.holds).toBe("1.1");
  });
});

describe("a stream to the desk that is none of Commanders' control", () => {
  it("is refused", async () => {
    const { world, commander } = await withOffice();
    commander.open(1);
    world.settle();
    expect(commander.endReason).toBe(Reason.NoSuchMapping);
  });
});
