// SPDX-License-Identifier: Apache-2.0
// The image of an ESP32's partition "identity", with a device's records in it as records.cpp of
// firmware/ports/esp32 keeps them, made by Espressif's own generator. Before it: the records of a new
// device. After it: flashing.ts. The generator reads a file that holds the private key: it is in a folder
// for this user alone, and gone afterwards.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { AppError } from "../service/app-error.ts";
import type { PythonTools } from "./python-tools.ts";
import type { DeviceRecordNumber } from "./store-image.ts";

const NAMESPACE = "sealed";
const FIRST_SEQUENCE = 1;
const HEAD_LEN = 8;
const GENERATOR_TIMEOUT_MS = 60_000;

/** The partition's bytes. Throws AppError(ToolMissing). */
export function nvsImage(
  tools: PythonTools,
  records: ReadonlyMap<DeviceRecordNumber, Uint8Array>,
  partitionBytes: number,
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "sealed-nvs-"));
  try {
    writeFileSync(join(folder, "records.csv"), recordsTable(records), { mode: 0o600 });
    const generate = ["-m", "esp_idf_nvs_partition_gen", "generate"];
    const args = [...generate, "records.csv", "image.bin", String(partitionBytes)];
    const options = { cwd: folder, encoding: "utf8", timeout: GENERATOR_TIMEOUT_MS } as const;
    const { status, stdout, stderr } = spawnSync(tools.tool("python"), args, options);
    if (status !== 0) {
      const said = `${stdout}${stderr}`.trim().split("\n").at(-1);
      throw new AppError("ToolMissing", `Espressif's NVS generator failed: ${said}`);
    }
    return readFileSync(join(folder, "image.bin"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The generator's input: one blob for each record, its first copy. */
export function recordsTable(records: ReadonlyMap<DeviceRecordNumber, Uint8Array>): string {
  const rows = [...records].map(
    ([number, record]) => `r${number}a,data,hex2bin,${recordValue(record).toString("hex")}`,
  );
  return ["key,type,encoding,value", `${NAMESPACE},namespace,,`, ...rows, ""].join("\n");
}

/** Sequence u32, CRC-32 of sequence and record u32, the record. */
export function recordValue(record: Uint8Array): Buffer {
  const value = Buffer.alloc(HEAD_LEN + record.length);
  value.writeUInt32LE(FIRST_SEQUENCE, 0);
  value.set(record, HEAD_LEN);
  value.writeUInt32LE(crc32(record, crc32(value.subarray(0, 4))), 4);
  return value;
}
