// SPDX-License-Identifier: Apache-2.0
// Codes and keys in the database: a code is used and its STLink there, or neither; a key has one STLink, or is spent
// for ever; pre-shared keys are made once and kept until a key is replaced; configurations come of all that. No
// secret is in a list, an export or the audit log.

import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { madeCode } from "../../host/commander/domain/code.ts";
import type { Authority } from "../../host/commander/domain/configuration.ts";
import {
  activate,
  approve,
  confirm,
  heard,
  revoke,
  revokeCode,
  rotate,
} from "../../host/commander/store/activations.ts";
import { auditRows, verifyAudit } from "../../host/commander/store/audit.ts";
import { insertCode, listCodes, readCode, readCodePsk } from "../../host/commander/store/codes.ts";
import { configurationBytes } from "../../host/commander/store/configurations.ts";
import type { Database } from "../../host/commander/store/database.ts";
import { listObjects } from "../../host/commander/store/listing.ts";
import { readVersion } from "../../host/commander/store/site.ts";
import { allAway, keyPlace, noteFacts, readStlink } from "../../host/commander/store/stlinks.ts";
import { deleteObject } from "../../host/commander/store/writing.ts";
import { decodeConfiguration } from "../reference/configuration.ts";
import { GOOD_BINDING, GOOD_MAPPING, idOf, keyOf } from "./commander-objects.ts";
import {
  ANNA,
  BEN,
  changed,
  made,
  openStore,
  placeFor,
  refusalOf,
  removeStores,
} from "./commander-stores.ts";

afterEach(removeStores);

const RULES = { uses: 1, expiry: "1d", sources: [], approval: false };
const SECRET_HASH = "5e".repeat(32);
const AUTHORITY: Authority = {
  commanderId: idOf(99),
  commanderKey: keyOf(99),
  recoveryKey: keyOf(98),
  connectors: [{ key: keyOf(97), address: "hall.test:443" }],
};

function hashes(codeId: string) {
  return { codeId, secretHash: SECRET_HASH, ticketHash: "71".repeat(32) };
}

const CODE = "c1".repeat(8);

/** A Profile 48 with Tag 1, Mapping 16 and Binding 17, and a code of it. */
function filled(rules: Partial<typeof RULES> = {}, file = placeFor()): Database {
  const db = openStore(file);
  made(db, "tag", 1, { name: "hall" });
  made(db, "route", 16, { ...GOOD_MAPPING, tags: [] });
  made(db, "route", 17, { ...GOOD_BINDING, mapping: idOf(16) });
  made(db, "template", 32, { name: "desks", routes: [idOf(17)] });
  made(db, "profile", 48, { name: "factory", routes: [idOf(16)], tags: [idOf(1)] });
  give(db, CODE, { profileId: idOf(48), stlinkId: null }, rules);
  return db;
}

type Target = { profileId: string | null; stlinkId: string | null };

function give(
  db: Database,
  codeId: string,
  target: Target,
  rules: Partial<typeof RULES> = {},
): void {
  changed(db, (change) => {
    const code = madeCode(hashes(codeId), target, { ...RULES, ...rules }, change.by.atMs);
    insertCode(change, code, new Uint8Array(32).fill(0xcc));
  });
}

function show(db: Database, key: string, newId: number, codeId = CODE, by = ANNA) {
  return changed(
    db,
    (change) => activate(change, { codeId, secretHash: SECRET_HASH, key }, idOf(newId)),
    by,
  );
}

const factsAt = (db: Database, number: number) => readStlink(db, idOf(number))?.facts;

/** Random bytes that are never the same twice. */
function random(): (length: number) => Uint8Array {
  let count = 0;
  return (length) => new Uint8Array(length).fill(++count);
}

function configured(db: Database, number: number, bytes = random()) {
  return decodeConfiguration(configurationBytes(db, AUTHORITY, idOf(number), bytes));
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

describe("activation", () => {
  it("uses the code and makes the STLink in one, with its Profile and Tags", () => {
    const db = filled();
    expect(show(db, keyOf(1), 7)).toEqual({ answer: "admit", stlinkId: idOf(7) });
    expect(readStlink(db, idOf(7))).toMatchObject({
      ...{ name: "factory-00000000", profile: idOf(48), tags: [idOf(1)] },
      facts: { key: keyOf(1), keyEpoch: 1, codeId: CODE, confirmed: null },
    });
    expect(readCode(db, CODE)?.uses).toMatchObject([
      { key: keyOf(1), stlinkId: idOf(7), atMs: ANNA.atMs },
    ]);
    expect(listObjects(db, { kind: "stlink", facet: "away", limit: 5 }).items).toHaveLength(1);
  });

  it("is answered the same again, and makes nothing more", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const head = auditRows(db, { limit: 1 });
    expect(show(db, keyOf(1), 8)).toEqual({ answer: "again", stlinkId: idOf(7) });
    expect(readStlink(db, idOf(8))).toBeNull();
    expect(auditRows(db, { limit: 1 })).toEqual(head);
  });

  it("of another key is refused, and the log has an alarm", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    expect(show(db, keyOf(2), 8)).toMatchObject({ answer: "refused", reason: "CodeUsed" });
    const [row] = auditRows(db, { limit: 1 });
    expect(row).toMatchObject({
      what: "alarm",
      id: CODE,
      after: { reason: "CodeUsed", key: keyOf(2) },
    });
    expect(keyPlace(db, keyOf(2))).toBeNull();
  });

  it("is over when the first configuration is confirmed", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const confirmed = { epoch: 1, serial: "9", hash: "00".repeat(32) };
    changed(db, (change) => confirm(change, idOf(7), confirmed), BEN);
    expect(readCode(db, CODE)?.uses[0]?.confirmedAtMs).toBe(BEN.atMs);
    expect(factsAt(db, 7)).toMatchObject({ confirmed, lastSeenMs: BEN.atMs });
    expect(show(db, keyOf(1), 8)).toMatchObject({ reason: "CodeUsed", isAlarm: false });
    const head = auditRows(db, { limit: 1 });
    changed(db, (change) => confirm(change, idOf(7), { ...confirmed, serial: "10" }));
    expect(factsAt(db, 7)?.confirmed?.serial).toBe("10");
    expect(auditRows(db, { limit: 1 })).toEqual(head);
  });

  it("makes as many as the code has uses", () => {
    const db = filled({ uses: 2 });
    expect(show(db, keyOf(1), 0x11_000000).answer).toBe("admit");
    // Ids begin with random bytes; these begin alike, and so would the names.
    expect(refusalOf(() => show(db, keyOf(2), 8))[0]).toMatchObject({ code: "Taken" });
    expect(readCode(db, CODE)?.uses).toHaveLength(1);
  });

  it("of a revoked code, or a code that nobody has, is refused", () => {
    const db = filled();
    changed(db, (change) => revokeCode(change, CODE));
    expect(show(db, keyOf(1), 7)).toMatchObject({ reason: "Revoked" });
    expect(show(db, keyOf(1), 7, "c9".repeat(8))).toMatchObject({ reason: "CodeUnknown" });
    expect(
      refusalOf(() => changed(db, (change) => revokeCode(change, "c9".repeat(8))))[0]?.code,
    ).toBe("NotFound");
  });
});

describe("approval", () => {
  it("is waited for; then the key is its key", () => {
    const db = filled({ approval: true });
    expect(show(db, keyOf(1), 7)).toEqual({ answer: "wait", stlinkId: idOf(7) });
    expect(listObjects(db, { kind: "stlink", facet: "waiting", limit: 5 }).items).toHaveLength(1);
    expect(show(db, keyOf(1), 8)).toMatchObject({ reason: "WaitApproval" });
    expect(
      refusalOf(() => changed(db, (change) => approve(change, idOf(7), keyOf(2))))[0]?.code,
    ).toBe("NotNow");
    changed(db, (change) => approve(change, idOf(7), keyOf(1)));
    expect(factsAt(db, 7)).toMatchObject({ key: keyOf(1), waiting: null });
    expect(show(db, keyOf(1), 8)).toEqual({ answer: "again", stlinkId: idOf(7) });
    expect(
      refusalOf(() => changed(db, (change) => approve(change, idOf(7), keyOf(1))))[0]?.sentence,
    ).toMatch(/waits for no approval/);
  });
});

describe("keys", () => {
  it("rotate: announced, heard, and the old one is spent; pairs keep their pre-shared keys", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    made(db, "stlink", 8, { name: "desk", templates: [idOf(32)] });
    give(db, "c2".repeat(8), { profileId: null, stlinkId: idOf(8) });
    show(db, keyOf(2), 9, "c2".repeat(8));
    const bytes = random();
    const psk = hex(configured(db, 7, bytes).peers[0]?.psk);
    expect(changed(db, (change) => rotate(change, idOf(7), keyOf(11))).answer).toBe("publish");
    expect(changed(db, (change) => rotate(change, idOf(7), keyOf(11))).answer).toBe("again");
    expect(changed(db, (change) => rotate(change, idOf(8), keyOf(11))).answer).toBe("none");
    expect(hex(configured(db, 8, bytes).peers.find(({ id }) => hex(id) === idOf(7))?.nextKey)).toBe(
      keyOf(11),
    );
    expect(changed(db, (change) => heard(change, idOf(7), keyOf(1)))).toBe(false);
    expect(changed(db, (change) => heard(change, idOf(7), keyOf(11)))).toBe(true);
    expect(factsAt(db, 7)).toMatchObject({ key: keyOf(11), nextKey: null, keyEpoch: 2 });
    expect(keyPlace(db, keyOf(1))).toEqual({ stlinkId: idOf(7), isSpent: true });
    expect(hex(configured(db, 7, bytes).peers[0]?.psk)).toBe(psk);
  });

  it("replace: the id, Routes and name stay; the old key is spent, pre-shared keys are new", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const bytes = random();
    const before = configured(db, 7, bytes);
    give(db, "c2".repeat(8), { profileId: null, stlinkId: idOf(7) });
    expect(show(db, keyOf(2), 9, "c2".repeat(8))).toEqual({ answer: "admit", stlinkId: idOf(7) });
    expect(readStlink(db, idOf(7))).toMatchObject({
      name: "factory-00000000",
      facts: { key: keyOf(2), keyEpoch: 2 },
    });
    expect(keyPlace(db, keyOf(1))?.isSpent).toBe(true);
    const after = configured(db, 7, bytes);
    expect(hex(after.peers[0]?.psk)).not.toBe(hex(before.peers[0]?.psk));
    expect(hex(after.connectors[0]?.psk)).not.toBe(hex(before.connectors[0]?.psk));
    give(db, "c3".repeat(8), { profileId: idOf(48), stlinkId: null });
    expect(show(db, keyOf(1), 10, "c3".repeat(8))).toMatchObject({
      reason: "Revoked",
      isAlarm: true,
    });
  });

  it("revoke: at once out of its peers' configurations, and never again", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    made(db, "stlink", 8, { name: "desk", templates: [idOf(32)] });
    give(db, "c2".repeat(8), { profileId: null, stlinkId: idOf(8) });
    show(db, keyOf(2), 9, "c2".repeat(8));
    expect(configured(db, 8).peers).toHaveLength(2);
    const { serial } = readVersion(db);
    expect(changed(db, (change) => revoke(change, idOf(7)))).toEqual([keyOf(1)]);
    expect(readVersion(db).serial).toBe(serial + 1n);
    expect(configured(db, 8).peers.map(({ id }) => hex(id))).toEqual([idOf(99)]);
    expect(changed(db, (change) => revoke(change, idOf(7)))).toEqual([]);
    give(db, "c3".repeat(8), { profileId: null, stlinkId: idOf(7) });
    expect(show(db, keyOf(3), 9, "c3".repeat(8))).toMatchObject({ reason: "Revoked" });
    changed(db, (change) => deleteObject(change, "stlink", idOf(7), 1));
    give(db, "c4".repeat(8), { profileId: idOf(48), stlinkId: null });
    expect(show(db, keyOf(1), 9, "c4".repeat(8))).toMatchObject({ reason: "Revoked" });
  });

  it("that are in force keep their STLink from being deleted", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const [problem] = refusalOf(() =>
      changed(db, (change) => deleteObject(change, "stlink", idOf(7), 1)),
    );
    expect(problem).toMatchObject({ code: "NotNow" });
    expect(problem?.sentence).toMatch(/is away: revoke it first/);
  });
});

describe("an open code", () => {
  it("keeps its Profile from being deleted, until it is used or revoked", () => {
    const db = filled();
    const remove = () => changed(db, (change) => deleteObject(change, "profile", idOf(48), 1));
    expect(refusalOf(remove)[0]?.sentence).toContain(`it is used by Code "${CODE}"`);
    changed(db, (change) => revokeCode(change, CODE));
    remove();
    expect(readCode(db, CODE)).toMatchObject({ profileId: null });
  });

  it("of an STLink that is deleted admits nobody", () => {
    const db = filled();
    made(db, "stlink", 7, { name: "camera" });
    give(db, "c2".repeat(8), { profileId: null, stlinkId: idOf(7) });
    changed(db, (change) => deleteObject(change, "stlink", idOf(7), 1));
    expect(show(db, keyOf(1), 9, "c2".repeat(8))).toMatchObject({
      answer: "refused",
      reason: "Revoked",
    });
  });
});

describe("what is seen", () => {
  it("changes the state in lists, and is neither audited nor deployed", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const [head, version] = [auditRows(db, { limit: 1 }), readVersion(db)];
    noteFacts(db, idOf(7), { isConnected: true, lastSeenMs: 5 });
    const online = () =>
      listObjects(db, { kind: "stlink", facet: "online", limit: 5 }).items.length;
    expect(online()).toBe(1);
    allAway(db);
    expect([online(), factsAt(db, 7)?.isConnected, factsAt(db, 7)?.lastSeenMs]).toEqual([
      0,
      false,
      5,
    ]);
    expect([auditRows(db, { limit: 1 }), readVersion(db)]).toEqual([head, version]);
  });
});

describe("secrets", () => {
  it("are made once, and are in no list and no audit entry", () => {
    const db = filled();
    show(db, keyOf(1), 7);
    const bytes = random();
    const [first, again] = [configured(db, 7, bytes), configured(db, 7, bytes)];
    expect(again).toEqual(first);
    expect(hex(first.peers[0]?.psk)).not.toBe("00".repeat(32));
    const shown = JSON.stringify([
      listObjects(db, { kind: "stlink", limit: 100 }),
      listCodes(db, { limit: 100 }),
      auditRows(db, { limit: 1000 }),
    ]);
    for (const secret of [readCodePsk(db, CODE), first.peers[0]?.psk, first.connectors[0]?.psk]) {
      expect(secret).toHaveLength(32);
      expect(shown).not.toContain(hex(secret ?? undefined));
      expect(shown).not.toContain(Buffer.from(secret ?? []).toString("base64"));
      expect(shown).not.toContain(JSON.stringify(Object.values(secret ?? {})));
    }
    expect(JSON.stringify(auditRows(db, { limit: 1000 }))).not.toContain(SECRET_HASH);
    expect(verifyAudit(db)).toEqual([]);
    expect(readFileSync(db.file).length).toBeGreaterThan(0);
  });

  it("of codes are listed by Profile and STLink without them", () => {
    const db = filled();
    made(db, "stlink", 7, { name: "camera" });
    give(db, "c2".repeat(8), { profileId: idOf(48), stlinkId: idOf(7) });
    const ids = (filter: object) =>
      listCodes(db, { limit: 5, ...filter }).map(({ codeId }) => codeId);
    expect(ids({})).toEqual(["c2".repeat(8), CODE]);
    expect(ids({ profileId: idOf(48) })).toEqual(["c2".repeat(8), CODE]);
    expect(ids({ stlinkId: idOf(7) })).toEqual(["c2".repeat(8)]);
    const [newest] = listCodes(db, { limit: 1 });
    expect(ids({ beforeSeq: newest?.seq })).toEqual([CODE]);
  });
});
