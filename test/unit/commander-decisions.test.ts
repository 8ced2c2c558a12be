// SPDX-License-Identifier: Apache-2.0
// What a Commander decides, as functions of what it knows: who activates with a code (T7), whose key changes
// (T3), who is revoked (T10), what a restored database may answer (T9), and the state that facts amount to.

import { describe, expect, it } from "vitest";
import {
  type Activation,
  admitted,
  approved,
  confirmedCode,
  decideActivation,
  type Known,
  usedCode,
  waiting,
} from "../../host/commander/domain/activation.ts";
import { type Code, codeStateOf, madeCode } from "../../host/commander/domain/code.ts";
import { restored } from "../../host/commander/domain/restore.ts";
import { revoked, revokedCode } from "../../host/commander/domain/revocation.ts";
import { decideRotation, heardUnder } from "../../host/commander/domain/rotation.ts";
import { keysOf, NO_FACTS, stateOf } from "../../host/commander/domain/stlink.ts";
import { compareVersions, nextVersion, versionText } from "../../host/commander/domain/version.ts";
import { factsOf, idOf, keyOf } from "./commander-objects.ts";

const DAY_MS = 86_400_000;
const NOW = 1_000_000;
const SECRET = "5e".repeat(32);
const RULES = { uses: 1, expiry: "1d", sources: [], approval: false };
const HASHES = { codeId: "c0".repeat(8), secretHash: SECRET, ticketHash: "71".repeat(32) };
const NEW = { profileId: idOf(48), stlinkId: null };
const CODE = madeCode(HASHES, NEW, RULES, NOW);
const [KEY, OTHER, THIRD] = [keyOf(1), keyOf(2), keyOf(3)];
const STLINK = idOf(7);

function decide(
  code: Code | null,
  more: Partial<Known> & { key?: string; nowMs?: number } = {},
): Activation {
  const { key = KEY, nowMs = NOW + 1, ...known } = more;
  const fresh = { isKeySpent: false, keyOwner: null, facts: NO_FACTS };
  return decideActivation({ secretHash: SECRET, key, nowMs }, { code, ...fresh, ...known });
}

function refused(reason: string, isAlarm: boolean): object {
  return { answer: "refused", reason, isAlarm };
}

const showing = (key: string, nowMs = NOW + 1) => ({ secretHash: SECRET, key, nowMs });

describe("a code", () => {
  it("is good for a day and one STLink where its Profile says nothing else", () => {
    expect(CODE).toMatchObject({ expiresAtMs: NOW + DAY_MS, rules: { uses: 1 }, uses: [] });
    expect(codeStateOf(CODE, NOW + DAY_MS)).toBe("open");
    expect(codeStateOf(CODE, NOW + DAY_MS + 1)).toBe("expired");
    expect(codeStateOf(usedCode(CODE, STLINK, showing(KEY)), NOW)).toBe("used");
    expect(codeStateOf(revokedCode(CODE, NOW), NOW)).toBe("revoked");
  });

  it("for an STLink that is there serves one, whatever the Profile says", () => {
    const code = madeCode(HASHES, { ...NEW, stlinkId: STLINK }, { ...RULES, uses: 9 }, NOW);
    expect(code.rules.uses).toBe(1);
  });

  it("holds no secret: what is given to it are hashes", () => {
    expect(Object.keys(CODE)).not.toContain("psk");
    expect(Object.keys(CODE)).not.toContain("secret");
  });
});

describe("activation", () => {
  it("admits the first key, as a new STLink or as the one that the code is for", () => {
    expect(decide(CODE)).toEqual({ answer: "admit", stlinkId: null });
    expect(decide({ ...CODE, stlinkId: STLINK })).toEqual({ answer: "admit", stlinkId: STLINK });
  });

  it("does not know a code that is not there, or whose secret is another: that is an alarm", () => {
    expect(decide(null)).toEqual(refused("CodeUnknown", false));
    expect(decide({ ...CODE, secretHash: "00".repeat(32) })).toEqual(refused("CodeUnknown", true));
  });

  it("gives the same key the same answer until it has confirmed, or the code expires", () => {
    const used = usedCode(CODE, STLINK, showing(KEY));
    for (let again = 0; again < 3; again++) {
      expect(decide(used)).toEqual({ answer: "again", stlinkId: STLINK });
    }
    expect(decide(used, { nowMs: NOW + DAY_MS + 1 })).toEqual(refused("CodeExpired", false));
    const confirmed = confirmedCode(used, KEY, NOW + 2);
    expect(confirmed.uses[0]?.confirmedAtMs).toBe(NOW + 2);
    expect(decide(confirmed)).toEqual(refused("CodeUsed", false));
  });

  it("is confirmed once, by the key that used the code", () => {
    const confirmed = confirmedCode(usedCode(CODE, STLINK, showing(KEY)), KEY, NOW + 2);
    expect(confirmedCode(confirmed, KEY, NOW + 9)).toBe(confirmed);
    expect(confirmedCode(confirmed, OTHER, NOW + 9)).toBe(confirmed);
  });

  it("refuses every other key, with an alarm, before and after confirmation and expiry", () => {
    const used = usedCode(CODE, STLINK, showing(KEY));
    for (const code of [used, confirmedCode(used, KEY, NOW)]) {
      for (const nowMs of [NOW, NOW + 2 * DAY_MS]) {
        expect(decide(code, { key: OTHER, nowMs })).toEqual(refused("CodeUsed", true));
      }
    }
  });

  it("counts uses: each key one", () => {
    const two = { ...CODE, rules: { ...RULES, uses: 2 } };
    const once = usedCode(two, STLINK, showing(KEY));
    expect(decide(once, { key: OTHER })).toEqual({ answer: "admit", stlinkId: null });
    const twice = usedCode(once, idOf(8), showing(OTHER));
    expect(twice.uses.map(({ key, stlinkId, atMs }) => [key, stlinkId, atMs])).toEqual([
      [KEY, STLINK, NOW + 1],
      [OTHER, idOf(8), NOW + 1],
    ]);
    expect(decide(twice, { key: THIRD })).toEqual(refused("CodeUsed", true));
    expect(decide(twice, { key: OTHER })).toEqual({ answer: "again", stlinkId: idOf(8) });
  });

  it("refuses an expired code, and a revoked one also to who has used it", () => {
    expect(decide(CODE, { nowMs: CODE.expiresAtMs }).answer).toBe("admit");
    expect(decide(CODE, { nowMs: CODE.expiresAtMs + 1 })).toEqual(refused("CodeExpired", false));
    const used = usedCode(CODE, STLINK, showing(KEY));
    for (const code of [CODE, used]) {
      expect(decide(revokedCode(code, NOW))).toEqual(refused("Revoked", false));
    }
  });

  it("never admits a key again that was revoked, replaced or rotated away", () => {
    expect(decide(CODE, { isKeySpent: true })).toEqual(refused("Revoked", true));
  });

  it("refuses the key of another STLink, and takes that of the one that the code is for", () => {
    expect(decide(CODE, { keyOwner: idOf(8) })).toEqual(refused("CodeUsed", true));
    const bound = { ...CODE, stlinkId: STLINK };
    expect(decide(bound, { keyOwner: STLINK })).toMatchObject({ answer: "admit" });
    expect(decide(bound, { keyOwner: idOf(8) })).toEqual(refused("CodeUsed", true));
  });

  it.each([
    ["revoked", factsOf({ revokedAtMs: NOW })],
    ["deleted", null],
  ])("refuses an STLink that was %s, new or old code", (_, facts) => {
    expect(decide({ ...CODE, stlinkId: STLINK }, { facts })).toEqual(refused("Revoked", false));
    expect(decide(usedCode(CODE, STLINK, showing(KEY)), { facts })).toEqual(
      refused("Revoked", false),
    );
    expect(decide(CODE, { facts: null }).answer).toBe("admit");
  });
});

describe("approval", () => {
  const asked = { ...CODE, rules: { ...RULES, approval: true } };
  const used = usedCode(asked, STLINK, showing(KEY));
  const facts = waiting(null, asked, showing(KEY));
  const stlink = { name: "camera", facts };

  it("is waited for, and takes the code's use", () => {
    expect(decide(asked)).toEqual({ answer: "wait", stlinkId: null });
    expect(stateOf(facts)).toBe("waiting");
    expect(decide(used, { facts })).toEqual(refused("WaitApproval", false));
    expect(decide(used, { facts, key: OTHER })).toEqual(refused("CodeUsed", true));
  });

  it("of the key that waits gives it its answer", () => {
    const approval = approved(stlink, used, KEY, NOW + 2);
    if (!approval.ok) throw new Error("refused");
    expect(approval.change.facts).toMatchObject({ key: KEY, waiting: null, keyEpoch: 1 });
    expect(decide(approval.code)).toEqual({ answer: "again", stlinkId: STLINK });
  });

  it.each([
    ["of another key", approved(stlink, used, OTHER, NOW), /another key than the one you approved/],
    [
      "of nobody",
      approved({ ...stlink, facts: NO_FACTS }, used, KEY, NOW),
      /waits for no approval/,
    ],
    ["too late", approved(stlink, used, KEY, NOW + DAY_MS + 1), /has expired: give it a new one/],
    [
      "after the code was revoked",
      approved(stlink, revokedCode(used, NOW), KEY, NOW),
      /was revoked/,
    ],
    [
      "of who was revoked",
      approved({ ...stlink, facts: { ...facts, revokedAtMs: NOW } }, used, KEY, NOW),
      /is revoked/,
    ],
  ])("%s is refused", (_, approval, sentence) => {
    if (approval.ok) throw new Error("approved");
    expect(approval.problems[0]).toMatchObject({ code: "NotNow" });
    expect(approval.problems[0]?.sentence).toMatch(/^STLink "camera" /);
    expect(approval.problems[0]?.sentence).toMatch(sentence);
  });

  it("leaves the key in force of an STLink that is to be replaced until then", () => {
    const old = factsOf({ key: OTHER, keyEpoch: 1, isConnected: true });
    const both = waiting(old, asked, showing(KEY));
    expect([both.key, both.waiting?.key, stateOf(both)]).toEqual([OTHER, KEY, "online"]);
  });
});

describe("a key that is given by a code", () => {
  it("is the first: nothing is spent, the epoch begins", () => {
    const { facts, spent, arePsksVoid } = admitted(null, KEY, CODE);
    expect([facts.key, facts.keyEpoch, spent, arePsksVoid]).toEqual([KEY, 1, [], false]);
  });

  it("replaces: old and next key are spent, the epoch rises, nothing is confirmed", () => {
    const confirmed = { epoch: 1, serial: "1", hash: "" };
    const old = factsOf({ key: OTHER, nextKey: THIRD, keyEpoch: 4, confirmed, isConnected: true });
    const { facts, spent, arePsksVoid } = admitted(old, KEY, CODE);
    expect(facts).toMatchObject({ key: KEY, nextKey: null, keyEpoch: 5, confirmed: null });
    expect([spent, arePsksVoid, stateOf(facts)]).toEqual([[OTHER, THIRD], true, "away"]);
  });

  it("is not spent where it was the key already", () => {
    expect(admitted(factsOf({ key: KEY, keyEpoch: 1 }), KEY, CODE).spent).toEqual([]);
  });
});

describe("rotation", () => {
  const facts = factsOf({ key: KEY, keyEpoch: 1 });
  const next = { key: OTHER, isSpent: false, isOthers: false };

  it("publishes the next key, once", () => {
    const rotation = decideRotation(facts, next);
    if (rotation.answer !== "publish") throw new Error(rotation.answer);
    expect(rotation.facts).toEqual({ ...facts, nextKey: OTHER });
    expect(decideRotation(rotation.facts, next)).toEqual({ answer: "again" });
    expect(decideRotation(facts, { ...next, key: KEY })).toEqual({ answer: "again" });
  });

  it("takes another next key in the place of one that was never used, which is spent", () => {
    const rotation = decideRotation({ ...facts, nextKey: THIRD }, next);
    expect(rotation).toMatchObject({
      answer: "publish",
      spent: [THIRD],
      facts: { nextKey: OTHER },
    });
  });

  it("takes no key that is spent or another's, and none of who has no key or is revoked", () => {
    for (const [of, key] of [
      [facts, { ...next, isSpent: true }],
      [facts, { ...next, isOthers: true }],
      [NO_FACTS, next],
      [factsOf({ key: KEY, revokedAtMs: 1 }), next],
    ] as const) {
      expect(decideRotation(of, key)).toEqual({ answer: "none" });
    }
  });

  it("is done when the next key is heard: the old one is spent, the pre-shared keys stay", () => {
    const published = { ...facts, nextKey: OTHER };
    const change = heardUnder(published, OTHER);
    expect(change).toEqual({
      facts: { ...facts, key: OTHER, nextKey: null, keyEpoch: 2 },
      spent: [KEY],
      arePsksVoid: false,
    });
    expect(heardUnder(published, KEY)).toBeNull();
    expect(heardUnder(facts, OTHER)).toBeNull();
    expect(heardUnder({ ...published, revokedAtMs: 1 }, OTHER)).toBeNull();
  });
});

describe("revocation", () => {
  it("takes every key, and spends it", () => {
    const waits = { key: THIRD, codeId: "", sinceMs: 1 };
    const facts = factsOf({ key: KEY, nextKey: OTHER, waiting: waits, isConnected: true });
    const change = revoked(facts, NOW);
    expect(change?.spent).toEqual([KEY, OTHER, THIRD]);
    expect(change?.arePsksVoid).toBe(true);
    expect(keysOf(change?.facts ?? facts)).toEqual([]);
    expect(stateOf(change?.facts ?? facts)).toBe("revoked");
  });

  it("is done once", () => {
    expect(revoked(factsOf({ revokedAtMs: 1 }), NOW)).toBeNull();
    const code = revokedCode(CODE, NOW);
    expect(revokedCode(code, NOW + 1)).toBe(code);
  });
});

describe("restore", () => {
  it("raises the epoch above the database's and above what anybody holds", () => {
    const { version } = restored({ epoch: 2, serial: 9n }, 5, [], NOW);
    expect(version).toEqual({ epoch: 6, serial: 10n });
    expect(restored({ epoch: 7, serial: 9n }, 5, [], NOW).version.epoch).toBe(8);
    expect(() => restored({ epoch: 0xffff_ffff, serial: 1n }, 0, [], NOW)).toThrow(RangeError);
  });

  it("voids what is left of codes, and answers again who has used one", () => {
    const wide = { ...CODE, rules: { ...RULES, uses: 3 } };
    const part = usedCode(wide, STLINK, showing(KEY));
    const used = usedCode(CODE, STLINK, showing(KEY));
    const { codes } = restored({ epoch: 1, serial: 1n }, 1, [CODE, wide, part, used], NOW);
    const [open, openWide, begun, done] = codes as [Code, Code, Code, Code];
    for (const code of [open, openWide]) expect(decide(code)).toEqual(refused("Revoked", false));
    for (const code of [begun, done]) {
      expect(decide(code)).toEqual({ answer: "again", stlinkId: STLINK });
      expect(decide(code, { key: OTHER })).toEqual(refused("CodeUsed", true));
    }
  });
});

describe("state", () => {
  it.each([
    ["invited", {}],
    ["waiting", { waiting: { key: KEY, codeId: "", sinceMs: 1 } }],
    ["away", { key: KEY }],
    ["online", { key: KEY, isConnected: true }],
    ["revoked", { key: KEY, isConnected: true, revokedAtMs: 1 }],
  ])("is %s by its facts", (state, facts) => {
    expect(stateOf(factsOf(facts))).toBe(state);
  });
});

describe("versions", () => {
  it("compare by epoch, then by serial, beyond what a number holds", () => {
    const big = 2n ** 60n;
    const rising = [
      { epoch: 1, serial: 1n },
      { epoch: 1, serial: big },
      nextVersion({ epoch: 1, serial: big }),
      { epoch: 2, serial: 0n },
    ];
    for (const [i, one] of rising.entries()) {
      for (const [j, other] of rising.entries()) {
        expect(Math.sign(compareVersions(one, other))).toBe(Math.sign(i - j));
      }
    }
    expect(versionText({ epoch: 2, serial: big })).toBe(`2.${big}`);
  });
});
