// SPDX-License-Identifier: Apache-2.0
// The Commander's codec of the control stream against the reference's, whole and byte by byte; and what it reads past.
// PROTOCOL 10.1.

import { describe, expect, it } from "vitest";
import {
  ControlReader,
  encodeConfig,
  encodeCurrent,
  encodeInstall,
  encodeRefused,
  encodeRotated,
  type FromStlink,
} from "../../host/commander/control/messages.ts";
import { hex } from "../../host/service/hex.ts";
import {
  type ControlMessage,
  encodeControl,
  ControlReader as Reference,
} from "../reference/control.ts";

const key = new Uint8Array(32).fill(3);
const hash = new Uint8Array(32).fill(4);
const version = { epoch: 7, serial: 8n };
const platform = Buffer.from("a platform\u001b[2J");

const sent: ControlMessage[] = [
  { type: "STATE", ...version, hash },
  { type: "ACTIVATE", secret: key.slice(0, 16), platform },
  { type: "CONFIRM", ...version, hash },
  { type: "ROTATE", key },
  { type: "REPORT", ...version, hash, state: 0xce_04_00_02, leaseLeft: 2 },
];
const read: FromStlink[] = [
  { type: "STATE", version, hash: hex(hash) },
  {
    ...{ type: "ACTIVATE", secret: key.slice(0, 16), platform: "a platform [2J" },
    ...{ board: "", firmware: "" },
  },
  { type: "CONFIRM", version, hash: hex(hash) },
  { type: "ROTATE", key: hex(key) },
  {
    ...{ type: "REPORT", version, hash: hex(hash), phase: 2, isLeaseExpired: false },
    ...{ isByRecoveryKey: false, hasChangedPeer: true, status: -50, leaseLeftMs: 2048 },
  },
];

const stream = Buffer.concat(sent.map((one) => encodeControl(one)));
const message = (type: number, body: Uint8Array) => {
  const header = Buffer.alloc(4, type);
  header.writeUIntLE(body.length, 1, 3);
  return Buffer.concat([header, body]);
};

describe("reading", () => {
  it("gives what the reference has written, in whatever pieces", () => {
    expect(new ControlReader().take(stream)).toEqual(read);
    const reader = new ControlReader();
    const bytewise = [...stream].flatMap((byte) => reader.take(Uint8Array.of(byte)));
    expect(bytewise).toEqual(read);
  });

  it("reads past unknown types and wrong lengths, and holds no long message", () => {
    const reader = new ControlReader();
    const past = [
      message(0x10, new Uint8Array(40)),
      ...[0, 43, 45].map((length) => message(0x61, new Uint8Array(length))),
      message(0x62, new Uint8Array(81)),
      message(0x66, new Uint8Array(35)),
      message(0x61, new Uint8Array(1_000_000)),
    ];
    const got = [...past, stream].flatMap((bytes) => {
      const pieces = [bytes.subarray(0, 1000), bytes.subarray(1000)];
      return pieces.flatMap((piece) => reader.take(piece));
    });
    expect(got).toEqual(read);
    expect(reader.unknown).toBe(past.length);
  });

  it("reads what an STLink says about itself", () => {
    const text = Buffer.from("esp32\0eye\u00071\0v 1.2");
    const body = Buffer.concat([Uint8Array.of(2, 0, 5, 0), hash, text]);
    expect(new ControlReader().take(message(0x66, body))).toEqual([
      {
        ...{ type: "ABOUT", sessions: 2, streams: 5, core: hex(hash) },
        ...{ platform: "esp32", board: "eye 1", firmware: "v 1.2" },
      },
    ]);
  });
});

describe("writing", () => {
  it("makes what the reference reads", () => {
    const reference = new Reference();
    const configuration = new Uint8Array(70_000).fill(9);
    const bytes = Buffer.concat([
      ...[encodeCurrent(version), encodeConfig(configuration), encodeRefused(67)],
      ...[encodeRotated(key), encodeInstall(key, hash, 9)],
    ]);
    expect(reference.take(new Uint8Array(bytes))).toEqual([
      { type: "CURRENT", ...version },
      { type: "CONFIG", configuration },
      { type: "REFUSED", reason: 67 },
      { type: "ROTATED", key },
      { type: "INSTALL", current: key, recovery: hash, epoch: 9 },
    ]);
  });
});
