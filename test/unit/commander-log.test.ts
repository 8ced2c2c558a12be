// SPDX-License-Identifier: Apache-2.0
// What a person hears of the Commander: each thing once, when it begins. PROTOCOL 10.4 to 10.6; rule T11.

import { beforeEach, expect, test } from "vitest";
import { Reason, Status } from "../../host/core/abi.gen.ts";
import type { ControlView } from "../../host/core/core.ts";
import { CommanderLog } from "../../host/stlink/commander-log.ts";

const CALM: ControlView = {
  phase: 2,
  refused: 0,
  leaseExpired: false,
  byRecoveryKey: false,
  peerKeyChanged: false,
};

let lines: (Record<string, unknown> & { level: string; text: string })[];
let told: CommanderLog;

beforeEach(() => {
  lines = [];
  const at = (level: string) => (fields: object, text: string) => {
    lines.push({ ...fields, level, text });
  };
  told = new CommanderLog({
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  });
});

function hear(view: Partial<ControlView>): void {
  told.hear(
    { ...CALM, ...view },
    () => ({ publicKey: "ab12", fingerprint: "ABCD EFGH" }),
    () => ["1a2b3c4d"],
  );
}

test("a lease that has half its time left is told once, and again after it was renewed", () => {
  for (const leftMs of [100, 51, 49, 10, 100, 49]) told.hearLease(leftMs, 100);
  expect(lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
  told.hearLease(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  expect(lines).toHaveLength(2);
});

test("the end of the lease, and that it is renewed, are told once each", () => {
  for (const leaseExpired of [false, true, true, false, false]) hear({ leaseExpired });
  expect(lines).toMatchObject([
    { level: "error", text: expect.stringMatching(/lease has expired: nobody is served/) },
    { level: "info", text: expect.stringMatching(/renewed/) },
  ]);
});

test("the recovery key, and peers whose keys have changed, are told once, with what to do", () => {
  for (let i = 0; i < 2; i++) hear({ byRecoveryKey: true, peerKeyChanged: true });
  expect(lines).toMatchObject([
    { level: "warn", text: expect.stringMatching(/recovery key/) },
    { peers: ["1a2b3c4d"], text: expect.stringMatching(/sealed stlink confirm PEER/) },
  ]);
});

test("a refusal is told with its advice, and approval is waited for with key and fingerprint", () => {
  hear({ refused: Reason.WaitApproval });
  hear({ refused: Reason.CodeUsed });
  expect(lines).toMatchObject([
    { publicKey: "ab12", fingerprint: "ABCD EFGH", text: expect.stringMatching(/^waiting for/) },
    { reason: "CodeUsed", advice: expect.stringMatching(/get a new code/) },
  ]);
});

test("why a configuration was not taken stays to be seen; one that came twice does not", () => {
  told.hearDrop(Status.BadTag);
  told.hearDrop(Status.OldConfig);
  expect(told.lastError).toBeNull();
  told.hearDrop(Status.BadConfig);
  expect(told.lastError).toMatch(/^a configuration was not taken \(BadConfig\): /);
});
