// SPDX-License-Identifier: Apache-2.0
// What a person gives a new device beside its site: Wi-Fi and an activation code, as records. Beneath it:
// host/device/credentials.ts. firmware/ports/esp32/main/wifi.cpp and firmware/core/activation.cpp read them.

import { describe, expect, it } from "vitest";
import { codeRecord, wifiRecord } from "../../host/device/credentials.ts";

describe("the record of a Wi-Fi", () => {
  it("is name and password, each behind its length in bytes", () => {
    const record = Buffer.from(wifiRecord("hü", "12345678"));
    expect(record.toString("hex")).toBe("0368c3bc083132333435363738");
    expect(Buffer.from(wifiRecord("a", "")).toString("hex")).toBe("016100");
  });

  it.each([
    ["", "12345678", /name has 1 to 32 bytes/],
    ["a".repeat(33), "12345678", /name has 1 to 32 bytes/],
    ["a", "1234567", /8 to 64 bytes, or none where the network is open/],
    ["a", "1".repeat(65), /8 to 64 bytes/],
  ])("refuses %j with %j", (ssid, password, why) => {
    expect(() => wifiRecord(ssid, password)).toThrow(why);
  });
});

describe("the record of a code", () => {
  /** One of version 1: 01 00 01 00 ... */
  const LETTERS = "AEAAC".padEnd(216, "A");

  it("is what base32 says, with blanks, dashes and small letters", () => {
    const bytes = Buffer.from(codeRecord(LETTERS));
    expect(bytes.length).toBe(135);
    expect(bytes.subarray(0, 4).toString("hex")).toBe("01000100");
    const typed = `${LETTERS.slice(0, 20)} ${LETTERS.slice(20, 60)}-${LETTERS.slice(60)}\n`;
    expect(Buffer.from(codeRecord(typed.toLowerCase()))).toEqual(bytes);
  });

  it.each([
    ["nothing", ""],
    ["another alphabet", "1".repeat(216)],
    ["another version", "A".repeat(216)],
    ["a part of one", LETTERS.slice(0, 200)],
    ["more than the longest", LETTERS.padEnd(830, "A")],
  ])("refuses %s", (_, code) => {
    expect(() => codeRecord(code)).toThrow(/no activation code: copy it again, all of it/);
  });
});
