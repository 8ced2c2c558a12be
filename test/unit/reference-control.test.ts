// SPDX-License-Identifier: Apache-2.0
// Activation code, derived values, configuration and control messages of the reference, and that
// the committed vectors are what it makes. PROTOCOL.md section 10.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  decodeCode,
  deriveFromSecret,
  encodeCode,
  fromBase32,
  toBase32,
} from "../reference/activation.ts";
import { fromHex, toHex, utf8 } from "../reference/bytes.ts";
import {
  configurationHash,
  decodeConfiguration,
  encodeConfiguration,
  isNewer,
} from "../reference/configuration.ts";
import { type ControlMessage, ControlReader, encodeControl } from "../reference/control.ts";
import { seededRandom } from "../reference/random.ts";
import { statusOf } from "../reference/status.ts";

const file = new URL("../vectors/control.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"));
const random = seededRandom("control test");

describe("vectors", () => {
  it("are what the reference makes", () => {
    const script = fileURLToPath(new URL("../../scripts/make-vectors.ts", import.meta.url));
    const said = execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect(said).not.toContain("stale");
  });
});

describe("activation code", () => {
  const bytes = fromHex(vectors.activation.bytes);

  it("is the bytes and the text of the vector", () => {
    const code = decodeCode(fromBase32(vectors.activation.text));
    expect(code.addresses).toEqual(vectors.activation.addresses);
    expect(toHex(encodeCode(code))).toBe(vectors.activation.bytes);
    expect(bytes.length).toBe(134 + code.addresses.reduce((sum, one) => sum + 1 + one.length, 0));
  });

  it("gives codeId, ticket and psk", () => {
    const derived = deriveFromSecret(fromHex(vectors.activation.secret));
    expect(toHex(derived.codeId)).toBe(vectors.activation.derived.codeId);
    expect(toHex(derived.ticket)).toBe(vectors.activation.derived.ticket);
    expect(toHex(derived.psk)).toBe(vectors.activation.derived.psk);
  });

  it("is refused when any byte is changed, cut or added", () => {
    for (let at = 0; at < bytes.length; at++) {
      const wrong = bytes.slice();
      wrong[at] = (wrong[at] as number) ^ 0x10;
      expect(statusOf(() => decodeCode(wrong))).toBe("BadCode");
      expect(statusOf(() => decodeCode(bytes.slice(0, at)))).toBe("BadCode");
    }
    expect(statusOf(() => fromBase32("A1"))).toBe("BadCode");
    expect(statusOf(() => fromBase32("AB"))).toBe("BadCode");
  });

  it("goes through base32 at every length", () => {
    for (let length = 0; length < 12; length++) {
      const some = random(length);
      expect(toHex(fromBase32(toBase32(some).toLowerCase()))).toBe(toHex(some));
    }
    expect(toBase32(utf8("foobar"))).toBe("MZXW6YTBOI");
  });
});

describe("configuration", () => {
  const bytes = fromHex(vectors.configuration.bytes);
  const config = decodeConfiguration(bytes);

  it("is the bytes and the hash of the vector", () => {
    expect(toHex(encodeConfiguration(config))).toBe(vectors.configuration.bytes);
    expect(toHex(configurationHash(bytes))).toBe(vectors.configuration.hash);
    expect([config.epoch, config.serial]).toEqual([3, 42n]);
  });

  it("is refused when it does not add up", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(statusOf(() => decodeConfiguration(bytes.slice(0, length)))).toBe("BadConfig");
    }
    const refused = (change: Partial<typeof config>) =>
      statusOf(() => decodeConfiguration(encodeConfiguration({ ...config, ...change })));
    const { peers, routes } = config;
    const [peer, route] = [peers[0] as (typeof peers)[0], routes[0] as (typeof routes)[0]];
    expect(refused({ peers: [peer, peer] })).toBe("BadConfig");
    expect(refused({ peers: [{ ...peer, key: new Uint8Array(32).fill(0xff) }] })).toBe("BadConfig");
    expect(refused({ peers: [] })).toBe("BadConfig");
    expect(refused({ routes: [{ ...route, kind: 3 }] })).toBe("BadConfig");
    expect(refused({ routes: [{ ...route, flags: 2 }] })).toBe("BadConfig");
    expect(refused({ routes: [{ ...route, mappingId: random(16) }] })).toBe("BadConfig");
    expect(refused({ routes: [], peers: [] })).toBeUndefined();
  });

  it("is newer by epoch, then by serial", () => {
    const stored = { epoch: 3, serial: 42n };
    expect(isNewer({ epoch: 3, serial: 42n }, stored)).toBe(false);
    expect(isNewer({ epoch: 3, serial: 43n }, stored)).toBe(true);
    expect(isNewer({ epoch: 4, serial: 0n }, stored)).toBe(true);
    expect(isNewer({ epoch: 2, serial: 99n }, stored)).toBe(false);
  });
});

describe("control messages", () => {
  const messages: ControlMessage[] = [
    { type: "STATE", epoch: 1, serial: 2n, hash: random(32) },
    { type: "ACTIVATE", secret: random(16), platform: utf8("posix") },
    { type: "CONFIRM", epoch: 1, serial: 2n, hash: random(32) },
    { type: "ROTATE", key: random(32) },
    { type: "REPORT", epoch: 1, serial: 2n, hash: random(32), state: 2, leaseLeft: 3 },
    {
      type: "ABOUT",
      sessions: 2,
      streams: 9,
      coreHash: random(32),
      text: utf8("posix\0\0camera 1"),
    },
    { type: "CURRENT", epoch: 1, serial: 2n },
    { type: "CONFIG", configuration: random(1000) },
    { type: "REFUSED", reason: 64 },
    { type: "ROTATED", key: random(32) },
    { type: "INSTALL", current: random(32), recovery: random(32), epoch: 2 },
    { type: "RENEW" },
  ];
  const bytes = Buffer.concat(messages.map(encodeControl));

  it("come out of the stream whatever its pieces", () => {
    for (const length of [bytes.length, 13, 1]) {
      const reader = new ControlReader();
      const got: ControlMessage[] = [];
      for (let at = 0; at < bytes.length; at += length) {
        got.push(...reader.take(bytes.subarray(at, at + length)));
      }
      expect(got).toEqual(messages);
    }
  });

  it("are skipped when unknown or of a wrong length", () => {
    const take = (...bytes: number[]) => new ControlReader().take(Uint8Array.from(bytes));
    expect(take(0x60, 2, 0, 0, 1, 2, 0x73, 1, 0, 0, 9)).toEqual([{ type: "REFUSED", reason: 9 }]);
    expect(take(0x73, 2, 0, 0, 1, 2, 0x73, 1, 0, 0, 9)).toEqual([{ type: "REFUSED", reason: 9 }]);
    expect(take(0x73, 0, 0, 0, 0x73, 1, 0, 0, 9)).toEqual([{ type: "REFUSED", reason: 9 }]);
  });
});
