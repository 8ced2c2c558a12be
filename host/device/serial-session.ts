// SPDX-License-Identifier: Apache-2.0
// The lines that put records on a device over its serial console (firmware/core/console.cpp,
// `provision`), for a terminal or a tool. Before it: cli/device-provision.ts. Each line but the last is
// answered with one; who waits for it sends no faster than the device reads. They hold the private key.

import { crc32 } from "node:zlib";
import { DeviceRecord, type DeviceRecordNumber } from "./store-image.ts";

const LINE_BYTES = 64;

/** As the console names them. */
const NAMES: Partial<Record<DeviceRecordNumber, string>> = {
  [DeviceRecord.Identity]: "identity",
  [DeviceRecord.Configuration]: "configuration",
  [DeviceRecord.Code]: "code",
  [DeviceRecord.Wifi]: "wifi",
};

export function provisionSession(records: ReadonlyMap<DeviceRecordNumber, Uint8Array>): string[] {
  const lines = [...records].flatMap(([number, bytes]) => recordLines(number, bytes));
  return [...lines, "restart"];
}

function recordLines(number: DeviceRecordNumber, bytes: Uint8Array): string[] {
  const name = NAMES[number];
  if (name === undefined) throw new RangeError(`the console takes no record ${number}`);
  const sum = crc32(bytes).toString(16).padStart(8, "0");
  const hex = Buffer.from(bytes).toString("hex");
  const parts = hex.match(new RegExp(`.{1,${2 * LINE_BYTES}}`, "g")) ?? [];
  return [`provision ${name} ${bytes.length} ${sum}`, ...parts];
}
