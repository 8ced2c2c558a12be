// SPDX-License-Identifier: Apache-2.0
// A device's flash with records in it, as firmware/core/flash_store.cpp writes it: what provisioning
// puts on a device before it starts for the first time. Before it: cli/device-provision.ts. After it: a
// file that the emulator, the native device or a flashing tool takes. The format:
// firmware/core/flash_store.h.

import { crc32 } from "node:zlib";

/** What is kept over restarts, by number: firmware/core/port.h. */
export const DeviceRecord = {
  Identity: 1,
  NextIdentity: 2,
  Configuration: 3,
  Code: 4,
  Lease: 5,
  Wifi: 6,
  LogLevel: 7,
} as const;
export type DeviceRecordNumber = (typeof DeviceRecord)[keyof typeof DeviceRecord];

/** The most bytes of a record. */
export const RECORD_MOST = 2048;

export type FlashShape = {
  /** What is erased at once, bytes. */
  sectorBytes: number;
  /** Sectors of the store: an even number. */
  sectorCount: number;
};

/** The flash of the native device. */
export const SMALL_FLASH: FlashShape = { sectorBytes: 4096, sectorCount: 16 };
/** What the emulator's machine uses of its data flash. */
export const LARGE_FLASH: FlashShape = { sectorBytes: 256 * 1024, sectorCount: 2 };

const MAGIC = "SLF1";
const HEADER_LEN = 16;
const ENTRY_LEN = 8;
const FIRST_SEQUENCE = 1;

/** All of the flash's bytes, with these records in its first bank, in their order. */
export function storeImage(
  { sectorBytes, sectorCount }: FlashShape,
  records: ReadonlyMap<DeviceRecordNumber, Uint8Array>,
): Uint8Array {
  const image = Buffer.alloc(sectorBytes * sectorCount, 0xff);
  const bank = image.subarray(0, image.length / 2);
  bank.write(MAGIC, "latin1");
  bank.writeUInt32LE(FIRST_SEQUENCE, 4);
  bank.writeUInt32LE(0, 8);
  bank.writeUInt32LE(crc32(bank.subarray(0, HEADER_LEN - 4)), HEADER_LEN - 4);
  let at = HEADER_LEN;
  for (const [number, bytes] of records) {
    const entry = entryOf(number, bytes);
    if (at + entry.length > bank.length) throw new RangeError("the records exceed the flash");
    bank.set(entry, at);
    at += entry.length;
  }
  return image;
}

function entryOf(number: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length > RECORD_MOST) {
    throw new RangeError(`record ${number} has ${bytes.length} bytes, of at most ${RECORD_MOST}`);
  }
  const padding = -bytes.length & 3;
  const entry = Buffer.alloc(ENTRY_LEN + bytes.length + padding, 0xff);
  entry.writeUInt8(number, 0);
  entry.writeUInt16LE(bytes.length, 2);
  entry.writeUInt8(checkOf(number, bytes.length), 1);
  entry.set(bytes, ENTRY_LEN);
  const whole = Buffer.concat([entry.subarray(0, 4), bytes]);
  entry.writeUInt32LE(crc32(whole), 4);
  return entry;
}

/** One byte over number and length, so that an entry whose data is damaged can be stepped over. */
function checkOf(number: number, length: number): number {
  const high = length >> 8;
  return ~(number ^ length ^ (high << 4) ^ (high >> 4)) & 0xff;
}
